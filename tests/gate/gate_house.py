"""A house around one gate: real stores, a real notary, and a room small enough to see through."""

# ruff: noqa: ARG002 - handlers and rules have the form of their protocols

import base64
import hashlib
import itertools
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.note import VerifierKey
from crypto.signing import PersonKey, sign_act
from policies.ruling import Facts, Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import Acting, Actor, Command, Commitment, Effects, Outcome, SignedAct
from sandbox.errors import Conflict, IllegalTransition, LedgerUnavailable, NotFound
from sandbox.gate import Gate
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.records.people import Hospital, Membership, Pseudonym
from sandbox.records.permits import Training
from sandbox.records.port import Ledgers, Tables
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import address_in_file
from sandbox.storage.rows import HOSPITAL_ROWS
from sandbox.storage.sqlite import SqliteLedgers

LEDGER = "ab" * 16
PREFIX = "anbiao.test"
POLICY = "sha256:" + "5" * 64
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Remark:
    """The one row that the small room keeps."""

    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("slot",),)

    id: str
    slot: str
    by: str
    index: int


def rows_of_hospital() -> tuple[type, ...]:
    return (*HOSPITAL_ROWS, Remark)


@dataclass(frozen=True, kw_only=True)
class Keep(Command):
    """Keep a remark, or go wrong in the way that `how` says, after having changed a row."""

    ACTION = Action.DATASET_RESUME

    slot: str
    how: str = "keep"
    salt: bytes = field(default=b"", compare=False)
    tags: tuple[str, ...] = ()
    due_at: datetime | None = None

    def objects(self) -> Mapping[str, str]:
        return {"dataset": self.slot}


@dataclass(frozen=True, kw_only=True)
class Vote(Command):
    ACTION = Action.RELEASE_VOTE

    release: str

    def objects(self) -> Mapping[str, str]:
        return {"release": self.release}


@dataclass(frozen=True, kw_only=True)
class Found(Command):
    ACTION = Action.LEDGER_OPEN

    member: str

    def objects(self) -> Mapping[str, str]:
        return {"member": self.member}


@dataclass(frozen=True, kw_only=True)
class Grant(Command):
    ACTION = Action.MEMBER_GRANT

    account: str
    member: str
    membership: str

    def objects(self) -> Mapping[str, str]:
        return {"member": self.member, "membership": self.membership}


@dataclass(frozen=True, kw_only=True)
class Revoke(Command):
    ACTION = Action.MEMBER_REVOKE

    membership: str

    def objects(self) -> Mapping[str, str]:
        return {"membership": self.membership}


class KeepHandler:
    def facts(self, tables: Tables, command: Keep, acting: Acting) -> Facts:
        if command.how == "no-facts":
            raise NotFound
        return {"grade": 3, "undecisive": "x", "how": command.how}

    def act(self, tables: Tables, command: Keep, acting: Acting) -> Outcome:
        row = Remark(f"{acting.index:032x}", command.slot, acting.pseudonym, acting.index)
        tables.of(Remark).insert(row)
        outcomes = {
            "keep": Outcome(
                objects={"remark": row.id},
                commitments=(Commitment("remark", bytes(32)),),
                reply={"remark": row.id, "index": acting.index},
            ),
            "wordy": Outcome(codes={"note": "two words"}),
            "huge": Outcome(counts={f"n{n}": n for n in range(9_000)}),
        }
        if command.how == "break":
            raise ZeroDivisionError("patient Zhang San")
        if command.how == "database":
            raise LedgerUnavailable
        if command.how not in outcomes:
            raise IllegalTransition
        return outcomes[command.how]


@dataclass(frozen=True, kw_only=True)
class Announce(Command):
    """On the platform: tell of a new hospital, whose ledger is then to be made."""

    ACTION = Action.HOSPITAL_OPEN

    hospital: str

    def objects(self) -> Mapping[str, str]:
        return {"hospital": self.hospital}


class AnnounceHandler:
    def facts(self, tables: Tables, command: Announce, acting: Acting) -> Facts:
        return {}

    def act(self, tables: Tables, command: Announce, acting: Acting) -> Outcome:
        tables.of(Hospital).insert(Hospital(command.hospital, "one", "steward", acting.now))
        return Outcome(effects=Effects(open_ledger=command.hospital))


class VoteHandler:
    def facts(self, tables: Tables, command: Vote, acting: Acting) -> Facts:
        return {}

    def act(self, tables: Tables, command: Vote, acting: Acting) -> Outcome:
        return Outcome()


class FoundHandler:
    def facts(self, tables: Tables, command: Found, acting: Acting) -> Facts:
        return {"founding": True}

    def act(self, tables: Tables, command: Found, acting: Acting) -> Outcome:
        key = command.signed.public_key if command.signed else None
        tables.of(Membership).insert(
            Membership(
                id=f"{0:032x}",
                account=acting.account,
                pseudonym=acting.pseudonym,
                organisation="hospital",
                role=Role.STEWARD,
                domain="hospital",
                signing_key=key,
                sealing_key=None,
                granted_index=acting.index,
                granted_at=acting.now,
                expires_at=None,
                revoked_at=None,
            )
        )
        return Outcome(effects=Effects(membership_changed=True))


class GrantHandler:
    def facts(self, tables: Tables, command: Grant, acting: Acting) -> Facts:
        return {"role": command.signed.terms["role"]} if command.signed else {}

    def act(self, tables: Tables, command: Grant, acting: Acting) -> Outcome:
        terms = command.signed.terms
        known = tables.of(Pseudonym).get(command.account)
        if known is None:
            tables.of(Pseudonym).insert(Pseudonym(command.account, command.member))
        elif known.pseudonym != command.member:
            raise Conflict("pseudonym-differs")
        expires = terms["expires_at"]
        tables.of(Membership).insert(
            Membership(
                id=command.membership,
                account=command.account,
                pseudonym=command.member,
                organisation=terms["organisation"],
                role=Role(terms["role"]),
                domain=terms["domain"],
                signing_key=base64.b64decode(terms["signing_key"]),
                sealing_key=None,
                granted_index=acting.index,
                granted_at=acting.now,
                expires_at=datetime.fromisoformat(expires) if expires else None,
                revoked_at=None,
            )
        )
        _train(tables, command, acting)
        return Outcome(effects=Effects(membership_changed=True))


def _train(tables: Tables, command: Grant, acting: Acting) -> None:
    """Whoever is granted a role here passed the course: training has its own tests."""
    far = acting.now.replace(year=acting.now.year + 10)
    row = Training(
        command.membership, "", command.account, command.member, "data-handling",
        acting.now, far, acting.index,
    )  # fmt: skip
    tables.of(Training).insert(row)


class RevokeHandler:
    def facts(self, tables: Tables, command: Revoke, acting: Acting) -> Facts:
        return {"self": False}

    def act(self, tables: Tables, command: Revoke, acting: Acting) -> Outcome:
        rows = tables.of(Membership)
        held = rows.require(command.membership)
        rows.replace(Membership(**{**held.__dict__, "revoked_at": acting.now}))
        return Outcome(effects=Effects(membership_changed=True))


HANDLERS = {
    Keep: KeepHandler(),
    Vote: VoteHandler(),
    Announce: AnnounceHandler(),
    Found: FoundHandler(),
    Grant: GrantHandler(),
    Revoke: RevokeHandler(),
}


class StewardsOnly:
    """A policy of two lines: stewards may do everything, labellers may keep remarks."""

    digest = POLICY

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        self.epochs.append(epoch)
        labels = Role.LABELLER in roles and action is Action.DATASET_RESUME
        allowed = Role.STEWARD in roles or labels
        decisive = {name: value for name, value in facts.items() if name != "undecisive"}
        return Ruling(allowed, "stewards-may" if allowed else "default-deny", POLICY, decisive)


class Clock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: int) -> None:
        self.now += timedelta(**span)


def ledgers_in(folder: Path) -> Ledgers:
    """Those of the server that the file `database` names, or files where there is none."""
    address = folder / "database"
    if address.exists():
        return PostgresLedgers(address_in_file(address), hospital_rows=rows_of_hospital())
    return SqliteLedgers(folder / "db", hospital_rows=rows_of_hospital())


class House:
    """Gate, notary and publisher over one folder; parts may be handed in."""

    def __init__(self, folder: Path, ledgers=None, notary=None, publisher=None, handlers=None):
        self.folder = folder
        self.ledgers = ledgers or ledgers_in(folder)
        self.own_ledgers = ledgers is None
        self.clock = Clock()
        self.notary = notary or NotaryState(folder / "notary", PREFIX, self.clock)
        self.publisher = publisher or Publisher(folder / "log")
        self.policy = StewardsOnly()
        self.steward = Actor("steward")
        self.keys = {name: _key(name) for name in ("steward", "labeller", "stranger")}
        self.pseudonyms = {name: _hex(f"pseudonym of {name}") for name in self.keys}
        self._nonces = itertools.count()
        self.gate = Gate(
            self.ledgers,
            self.policy,
            handlers or HANDLERS,
            self.notary,
            self.publisher,
            self.clock,
            lambda: os.urandom(16).hex(),
        )
        self.store = self.ledgers.create(LEDGER)

    def close(self) -> None:
        self.gate.close()
        if isinstance(self.notary, NotaryState):
            self.notary.close()
        if self.own_ledgers:
            self.ledgers.close()

    def sign(self, who: str, action: Action, objects, terms, nonce: str | None = None) -> SignedAct:
        nonce = nonce or _hex(f"nonce {next(self._nonces)} {os.urandom(8).hex()}")
        key = self.keys[who]
        signature = sign_act(key, LEDGER, str(action), objects, terms, nonce)
        return SignedAct(key.public_bytes, signature, nonce, objects, terms)

    def founding(self) -> Found:
        member = self.pseudonyms["steward"]
        terms = {
            "organisation": "hospital",
            "role": "steward",
            "signing_key": self.b64("steward"),
            "sealing_key": "",
        }
        signed = self.sign("steward", Action.LEDGER_OPEN, {"member": member}, terms)
        return Found(ledger=LEDGER, member=member, signed=signed)

    def found(self):
        return self.gate.perform(self.steward, self.founding())

    def grant(
        self, who: str, role: str = "labeller", domain="hospital", expires_at="", by="steward"
    ):
        objects = {"member": self.pseudonyms[who], "membership": os.urandom(16).hex()}
        terms = {
            "role": role,
            "domain": domain,
            "organisation": "firm:one",
            "signing_key": self.b64(who),
            "sealing_key": "",
            "expires_at": expires_at,
        }
        signed = self.sign(by, Action.MEMBER_GRANT, objects, terms)
        self.gate.perform(Actor(by), Grant(ledger=LEDGER, account=who, signed=signed, **objects))
        return objects["membership"]

    def revoke(self, membership: str, by="steward"):
        objects = {"membership": membership}
        signed = self.sign(by, Action.MEMBER_REVOKE, objects, {"reason": "left"})
        return self.gate.perform(
            Actor(by), Revoke(ledger=LEDGER, membership=membership, signed=signed)
        )

    def keep(self, slot: str, who="steward", **more):
        return self.gate.perform(Actor(who), Keep(ledger=LEDGER, slot=slot, **more))

    def b64(self, who: str) -> str:
        return base64.b64encode(self.keys[who].public_bytes).decode()

    def entries(self) -> list[dict]:
        return [json.loads(entry) for entry in self.store.entries(0, self.store.size())]

    def remarks(self) -> list[str]:
        with self.store.snapshot() as tables:
            return sorted(row.slot for row in tables.of(Remark).find())

    def vkeys(self) -> list[VerifierKey]:
        return [VerifierKey.parse(key) for key in self.notary.keys(LEDGER)]


def together(calls) -> list:
    """Run calls in threads at once; what each returned or raised."""
    results: list = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(at: int) -> None:
        barrier.wait()
        try:
            results[at] = calls[at]()
        except Exception as error:  # noqa: BLE001 - handed to the test
            results[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _key(name: str) -> PersonKey:
    seed = hashlib.sha256(name.encode()).digest()
    return PersonKey(Ed25519PrivateKey.from_private_bytes(seed))
