"""What the platform's log says of the policy, and pinned decision tables (R11, R12)."""

import pytest
from small_hospital import hospital
from small_log import TABLE, SmallLog, named
from verdicts import SOUND, assert_broken, on_file, pins_of, story

from crypto import verifier
from crypto.verifier import Pins

OTHER = "sha256:" + "1" * 64
PROPOSAL = named("proposal")


def lying(**members):
    """Members of the entry as somebody with the log's key would write them."""
    return lambda entry: entry.update(members)


def signed_again(**terms):
    def change(entry):
        entry["signed"]["terms"].update(terms)
        entry["signed"]["signature"] = ""

    return change


class Platform(SmallLog):
    """The platform's log with two policy admins."""

    def __init__(self) -> None:
        super().__init__(ledger="platform")
        opened = {"allowed": True, "rule": "ledger.open/operator", "policy": TABLE.digest}
        founding = lying(roles=["operator", "policy-admin"], ruling=opened)
        self.act("root", "ledger.open", {"founding": True}, change=founding)
        for name in ("root", "second"):
            self.person(name).grants.append(("policy-admin", "platform", "platform", 0))
        self.adopt()

    def act(  # noqa: PLR0917 - an act has that many words
        self, by, action, facts=None, terms=None, change=None, outcome=None, objects=None
    ):
        return self.add(
            by, action, objects or {}, facts=facts, terms=terms, change=change, outcome=outcome,
            domain="platform",
        )  # fmt: skip

    def adopt(self, change=None):
        outcome = {"digests": {"policy": TABLE.digest}}
        return self.act("root", "policy.adopt", {"adopted": False}, outcome=outcome, change=change)

    def propose(self, by="root", change=None):
        terms = {"base": TABLE.digest, "diff": OTHER, "table": OTHER}
        return self.act(
            by, "policy.propose", {"floors_kept": True}, terms, change,
            {"digests": {"policy": OTHER}}, {"policy": PROPOSAL},
        )  # fmt: skip

    def approve(self, by="second", change=None):
        facts = {"stage": "PROPOSED", "author": False, "floors_kept": True}
        return self.act(
            by, "policy.approve", facts, {"table": OTHER}, change,
            {"digests": {"policy": OTHER}}, {"policy": PROPOSAL},
        )  # fmt: skip

    def sign_in(self, change=None):
        return self.act("second", "session.open", {"self": True}, change=change)


@pytest.mark.requirement("R11")
def test_a_change_by_two_people_is_sound():
    log = Platform()
    log.propose()
    log.approve()
    ruling = {"allowed": True, "rule": "session.open/self", "policy": OTHER}
    log.sign_in(lying(ruling=ruling))

    assert story(log)[0] == SOUND


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("tell", "code"),
    [
        (lambda log: (log.propose(), log.approve("root")), "policy-approved-by-its-author"),
        (lambda log: log.approve(), "policy-not-proposed"),
        (lambda log: (log.propose(), log.propose()), "policy-of-another-table"),
        (lambda log: (log.propose(), log.approve(), log.approve()), "policy-not-proposed"),
        (
            lambda log: (log.propose(change=signed_again(base=OTHER)), log.approve()),
            "policy-overtaken",
        ),
        (
            lambda log: (log.propose(), log.approve(change=signed_again(table=TABLE.digest))),
            "policy-of-another-table",
        ),
        (
            lambda log: (
                log.propose(),
                log.approve(change=lying(outcome={"digests": {"policy": TABLE.digest}})),
            ),
            "policy-of-another-table",
        ),
        (
            lambda log: (log.propose(), log.approve(change=lying(roles=["operator"]))),
            "policy-changed-by-no-admin",
        ),
        (
            lambda log: (log.propose(), log.approve(change=lambda e: e.pop("signed"))),
            "signature-of-person-missing",
        ),
        (
            lambda log: (
                log.propose(),
                log.approve(change=lambda e: e["signed"].update(nonce="0" * 32)),
            ),
            "signature-of-person-wrong",
        ),
        (lambda log: log.propose(change=signed_again(more="x")), "signed-act-malformed"),
        (lambda log: log.adopt(), "policy-adopted-twice"),
        (
            lambda log: log.sign_in(
                lying(ruling={"allowed": True, "rule": "session.open/self", "policy": OTHER})
            ),
            "ruled-by-table-never-in-force",
        ),
    ],
)
def test_a_policy_that_came_into_force_otherwise_is_named(tell, code):
    log = Platform()
    tell(log)

    assert_broken(story(log), code)


@pytest.mark.requirement("R11")
def test_two_accounts_of_one_key_are_one_person():
    log = Platform()
    log.person("second").key_name = "root"
    log.propose()
    log.approve()

    assert_broken(story(log), "policy-approved-by-its-author")


# --- pinned tables ----------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
def test_a_log_ruled_by_a_pinned_table_is_sound_and_by_another_broken():
    log = hospital()
    keys = pins_of(log).keys

    assert story(log, Pins(keys, frozenset({TABLE.digest, OTHER})))[0] == SOUND
    assert_broken(story(log, Pins(keys, frozenset({OTHER}))), "ruled-by-unpinned-policy")


@pytest.mark.requirement("R12")
def test_packs_and_receipts_are_held_to_the_pinned_table():
    log = hospital()
    other = Pins(pins_of(log).keys, frozenset({OTHER}))

    assert_broken(on_file(log.pack(), other), "ruled-by-unpinned-policy")
    assert_broken(on_file(log.receipt(3), other), "ruled-by-unpinned-policy")


def test_tables_are_pinned_by_digest_or_by_a_file_of_them(tmp_path):
    listed = tmp_path / "tables"
    listed.write_text(f"{OTHER}\n{TABLE.digest}\n")

    assert verifier.read_policies([OTHER]) == {OTHER}
    assert verifier.read_policies([str(listed)]) == {OTHER, TABLE.digest}


@pytest.mark.parametrize("text", ["", "sha256:12", "sha256:" + "g" * 64])
def test_what_is_no_digest_pins_nothing(tmp_path, text):
    listed = tmp_path / "tables"
    listed.write_text(text)

    code = verifier.main([str(tmp_path), "--key", "x+00000000+y", "--policy", str(listed)])

    assert code == verifier.USAGE
    with pytest.raises(ValueError, match="--policy"):
        verifier.read_policies([str(listed)])
