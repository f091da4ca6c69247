"""The platform's log in small: a founder, people with keys, grants, and changes of the policy."""

import hashlib

from small_log import TABLE, Change, Entry, Person, SmallLog, b64, named

OTHER = "sha256:" + "1" * 64
THIRD = "sha256:" + "2" * 64
PROPOSAL = named("proposal")
FIRST = named("first version")
ON_PLATFORM = ("platform", "platform")


def lying(**members) -> Change:
    """Members of the entry as somebody with the log's key would write them."""
    return lambda entry: entry.update(members)


def signed_again(**terms) -> Change:
    def change(entry):
        entry["signed"]["terms"].update(terms)
        entry["signed"]["signature"] = ""

    return change


def ruled(rule: str, policy: str = TABLE.digest) -> dict[str, object]:
    return {"allowed": True, "rule": rule, "policy": policy}


class SmallPlatform(SmallLog):
    """Founded by `root`; every signed act is signed as the log asks for it."""

    def __init__(self, in_force: str = TABLE.digest) -> None:
        super().__init__(ledger="platform")
        self.in_force = in_force
        memberships = {role: named(f"root's {role}") for role in ("operator", "policy-admin")}
        founding = lying(
            roles=["operator", "policy-admin"],
            organisation="platform",
            ruling=ruled("ledger.open/operator", in_force),
        )
        self.act(
            "root", "ledger.open", {"founding": True}, change=_then(_unsigned, founding),
            outcome={"objects": memberships}, objects={"account": account("root")},
        )  # fmt: skip
        for role in memberships:
            self.person("root").grants.append((role, *ON_PLATFORM, 0))

    def act(  # noqa: PLR0917 - an act has that many words
        self, by, action, facts=None, terms=None, change=None, outcome=None, objects=None
    ) -> Entry:
        by_now = self.in_force

        def policy_and(entry):
            entry["ruling"]["policy"] = by_now
            if terms is None:
                _unsigned(entry)
            if change is not None:
                change(entry)

        return self.add(
            by, action, objects or {}, facts=facts, terms=terms, change=policy_and,
            outcome=outcome, domain="platform",
        )  # fmt: skip

    def enrol(self, name, change=None) -> Entry:
        outcome = {"digests": {"signing_key": key_digest(self.person(name))}}
        objects = {"account": account(name)}
        return self.act(
            name, "account.enrol-key", {"self": True}, change=change, outcome=outcome,
            objects=objects,
        )  # fmt: skip

    def grant(self, by, name, role="policy-admin", change=None, key_of="") -> Entry:
        who = self.person(name)
        terms = {
            "role": role,
            "domain": "platform",
            "organisation": "platform",
            "signing_key": b64(self.person(key_of or name).key.public_bytes),
            "sealing_key": "",
            "expires_at": "",
        }
        signed = {"account": account(name), "membership": named(f"{name}'s {role}")}

        def signs(entry):
            entry["signed"]["objects"] = dict(signed)
            entry["signed"]["signature"] = ""
            if change is not None:
                change(entry)

        facts = {"self": False, "role": role, "conflicting": False, "trained": True}
        entry = self.act(
            by, "member.grant", facts, terms, signs, {"codes": {"role": role}},
            signed | {"member": who.member},
        )  # fmt: skip
        who.grants.append((role, *ON_PLATFORM, entry["index"]))
        return entry

    def revoke(self, name, role="policy-admin") -> Entry:
        objects = {"membership": named(f"{name}'s {role}")}
        return self.act("root", "member.revoke", {"self": False}, objects=objects)

    def remove(self, name) -> Entry:
        return self.act("root", "account.remove", objects={"account": account(name)})

    def adopt(self, change=None) -> Entry:
        outcome = {"digests": {"policy": self.in_force}, "objects": {"version": FIRST}}
        return self.act("root", "policy.adopt", {"adopted": False}, outcome=outcome, change=change)

    def propose(self, by="second", change=None, name=PROPOSAL, table=OTHER) -> Entry:
        terms = {"base": self.in_force, "diff": OTHER, "table": table}
        return self.act(
            by, "policy.propose", {"floors_kept": True}, terms, change,
            {"digests": {"policy": table, "diff": OTHER, "proof": OTHER}}, {"policy": name},
        )  # fmt: skip

    def approve(self, by="root", change=None, name=PROPOSAL, table=OTHER) -> Entry:
        facts = {"stage": "PROPOSED", "author": False, "appointed": False, "floors_kept": True}
        entry = self.act(
            by, "policy.approve", facts, {"table": table}, change,
            {
                "digests": {"policy": table, "diff": OTHER, "proof": OTHER},
                "objects": {"version": name},
            },
            {"policy": name},
        )  # fmt: skip
        self.in_force = table
        return entry

    def sign_in(self, change=None) -> Entry:
        return self.act("second", "session.open", {"self": True}, change=change)


def admins(in_force: str = TABLE.digest) -> SmallPlatform:
    """The platform with its policy adopted, and two people who may change it."""
    log = SmallPlatform(in_force)
    log.enrol("root")
    log.adopt()
    log.enrol("second")
    log.grant("root", "second")
    return log


def account(name: str) -> str:
    return named(f"account of {name}")


def key_digest(person: Person) -> str:
    return f"sha256:{hashlib.sha256(person.key.public_bytes).hexdigest()}"


def _unsigned(entry: Entry) -> None:
    entry.pop("signed", None)


def _then(*changes: Change) -> Change:
    def change(entry):
        for each in changes:
            each(entry)

    return change
