"""What the platform's log proves of the policy: which one is in force, and by whose signatures.

Gate and worker rule by this and by nothing else; rows of the policy's versions only keep its text.
Rules of the walk, as docs/spec/provenance-log.md has them (3.7, 3.8, 4.6); the stand-alone
verifier holds the same ones by code of its own:

 1. The log comes first: every entry is hashed, and the root must be the one in a checkpoint that
    all pinned log keys signed. Only then is an entry looked at.
 2. Entry 0 founds the house: its account holds the first two roles. Any other role goes back to a
    grant that an operator signed, over the holder's enrolled key.
 3. An account has the one key that its own enrolment names.
 4. The first policy is adopted once. A later one comes into force by a proposal and an approval,
    signed by two policy admins under two keys, of whom the second is no appointee of the first.

A walk that failed stays failed. What is neither about people nor about the policy is hashed only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from crypto import signing, strict64
from crypto.checkpoint import Checkpoint, open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import Tree, leaf_hash
from crypto.note import VerifierKey
from policies.vocabulary import Action, Role
from sandbox.acts import PLATFORM
from sandbox.errors import VerificationFailed
from sandbox.provenance import entry as entries
from sandbox.records.port import LedgerStore

_CHUNK: Final = 1_024
_FOUNDED: Final = (Role.OPERATOR, Role.POLICY_ADMIN)
# `action` is the first member of a canonical entry: others need not be parsed.
_TOLD: Final = tuple(
    f'{{"action":"{word}'.encode()
    for word in ("account.enrol-key", "account.remove", "ledger.open", "member.", "policy.")
)
Entry = Mapping[str, Any]  # canonical JSON, its form checked


@dataclass(frozen=True)
class InForce:
    """A decision table that came into force: its digest, its version's id, and the entry."""

    table: str
    version: str
    index: int


@dataclass(frozen=True)
class _Seat:
    """A role on the platform; of the founder's two, no grant names the key."""

    holder: str
    role: Role
    key: bytes | None
    index: int
    behind: frozenset[str]  # everybody by whose grant, or a grant of whose, it came to be
    expires_at: datetime | None = None
    ended: bool = False


@dataclass
class _Staff:
    """Everybody who held a role on the platform, by the entries walked so far."""

    seats: dict[str, _Seat] = field(default_factory=dict)  # by membership
    people: dict[str, str] = field(default_factory=dict)  # pseudonym of each account with a key
    keys: dict[str, str] = field(default_factory=dict)  # digest of each pseudonym's key

    def seats_of(self, told: Entry) -> list[_Seat]:
        """The seats by which an entry's actor acted.

        Raises:
            VerificationFailed: `roles-not-granted`.
        """
        at = datetime.fromisoformat(told["at"])
        named = [
            seat
            for seat in self.seats.values()
            if seat.holder == told["actor"]
            and seat.index in told["granted_by"]
            and not seat.ended
            and (seat.expires_at is None or at < seat.expires_at)
        ]
        roles = sorted({str(seat.role) for seat in named})
        indices = sorted({seat.index for seat in named})
        if indices != told["granted_by"] or roles != told["roles"]:
            raise _refused("roles-not-granted", told)
        return named

    def end(self, told: Entry) -> None:
        """Take up a revocation, or the removal of an account."""
        gone = self.people.get(told["objects"].get("account", ""))
        for membership, seat in self.seats.items():
            if membership == told["objects"].get("membership") or seat.holder == gone:
                self.seats[membership] = replace(seat, ended=True)

    def enrol(self, told: Entry) -> None:
        """Take up the one key of an account."""
        key = told["outcome"].get("digests", {}).get("signing_key")
        if key is None:
            return  # by an older program: a key that no entry names counts for nothing
        actor, account = told["actor"], told["objects"].get("account", "")
        holders = {name for name, held in self.keys.items() if held == key}
        if self.keys.get(actor, key) != key or holders - {actor}:
            raise _refused("key-enrolled-twice", told)
        if self.people.setdefault(account, actor) != actor:
            raise _refused("key-enrolled-twice", told)
        self.keys[actor] = key

    def grant(self, told: Entry, by: Sequence[_Seat]) -> None:
        """Take up a role that an operator gave to the holder of an enrolled key."""
        objects, terms = told["objects"], told["signed"]["terms"]
        holder, key = self.people.get(objects.get("account", "")), _octets(terms, told)
        sound = (
            Role.OPERATOR in {seat.role for seat in by}
            and objects["membership"] not in self.seats
            and holder is not None
            and holder == objects.get("member")
            and self.keys.get(holder) == _digest(key)
            and terms["role"] in _FOUNDED
        )
        if not sound:
            raise _refused("grant-unsound", told)
        self.seats[objects["membership"]] = _Seat(
            holder=objects["member"],
            role=Role(terms["role"]),
            key=key,
            index=told["index"],
            behind=frozenset({told["actor"], *_behind(by)}),
            expires_at=_moment(terms["expires_at"], told),
        )


class Charter:
    """The verified past of the platform's ledger, as far as the policy rests on it.

    One thread at a time.
    """

    def __init__(self) -> None:
        self._tree = Tree()
        self._staff = _Staff()
        self._proposals: dict[str, Entry] = {}
        self._nonces: set[str] = set()
        self._in_force: InForce | None = None
        self._broken: VerificationFailed | None = None

    @property
    def size(self) -> int:
        """How many entries were verified."""
        return self._tree.size

    @property
    def in_force(self) -> InForce | None:
        """The policy in force at the end of what was verified; None before the first adoption."""
        return self._in_force

    def verify_log(self, store: LedgerStore, vkeys: Sequence[VerifierKey], checkpoint: str) -> None:
        """Verify the platform's log up to a signed checkpoint, from where it stood.

        Raises:
            VerificationFailed: `log-forked`, `log-incomplete`, `checkpoint-origin`, what the
                checkpoint's check says, and rules 2 to 4.
        """
        if self._broken is not None:
            raise VerificationFailed(self._broken.code, self._broken.message)
        try:
            head = open_checkpoint(checkpoint, vkeys)
        except VerificationError as error:
            raise VerificationFailed(error.code, "the checkpoint does not verify") from error
        if head.origin.rpartition("/")[2] != PLATFORM:
            raise VerificationFailed("checkpoint-origin", "the checkpoint is another ledger's")
        start = self.size
        try:
            self._walk(start, _read(store, start, head.size), head)
        except VerificationFailed as error:
            self._broken = error
            raise

    def _walk(self, start: int, fresh: Sequence[bytes], head: Checkpoint) -> None:
        self._tree.extend(map(leaf_hash, fresh))
        if self._tree.root(head.size) != head.root:
            raise VerificationFailed("log-forked", "entries are not those that were signed")
        for index, octets in enumerate(fresh, start):
            self._step(index, octets)

    def _step(self, index: int, octets: bytes) -> None:
        if index and not octets.startswith(_TOLD):
            return
        told = entries.read(octets)
        if (told["ledger"], told["index"]) != (PLATFORM, index):
            raise VerificationFailed("entry-out-of-place", f"entry {index} says it is another")
        if told["refusal"] is None:
            self._take(told)

    def _take(self, told: Entry) -> None:
        if told["index"] == 0 or told["action"] == Action.LEDGER_OPEN:
            self._found(told)
            return
        seats = self._staff.seats_of(told)
        if told["action"] == Action.ACCOUNT_ENROL_KEY:
            self._staff.enrol(told)
        elif told["action"] in (Action.MEMBER_REVOKE, Action.ACCOUNT_REMOVE):
            self._staff.end(told)
        elif told["action"] == Action.MEMBER_GRANT:
            self._check_signature(told, seats)
            self._staff.grant(told, seats)
        else:
            self._change(told, seats)

    def _found(self, told: Entry) -> None:
        account = told["objects"].get("account", "")
        named = told["outcome"].get("objects", {})
        sound = (
            (told["index"], told["action"]) == (0, Action.LEDGER_OPEN)
            and (told["roles"], told["granted_by"]) == ([*_FOUNDED], [])
            and account
        )
        if not sound:
            raise _refused("opening-unsound", told)
        self._staff.people[account] = told["actor"]
        for role in _FOUNDED:
            seat = _Seat(told["actor"], role, None, 0, frozenset())
            self._staff.seats[named.get(role, str(role))] = seat

    def _change(self, told: Entry, seats: Sequence[_Seat]) -> None:
        """Rule 4."""
        if Role.POLICY_ADMIN not in {seat.role for seat in seats}:
            raise _refused("policy-changed-by-no-admin", told)
        table = told["outcome"].get("digests", {}).get("policy", "")
        if told["action"] == Action.POLICY_ADOPT:
            if self._in_force is not None:
                raise _refused("policy-adopted-twice", told)
            self._put(table, told)
            return
        self._check_signature(told, seats)
        name = told["objects"].get("policy", "")
        if told["action"] == Action.POLICY_PROPOSE:
            if name in self._proposals or told["signed"]["terms"].get("table") != table:
                raise _refused("policy-of-another-table", told)
            self._proposals[name] = told
            return
        proposed = self._proposals.pop(name, None)
        if told["action"] == Action.POLICY_APPROVE:
            self._check_approval(told, proposed, table, _behind(seats))
            self._put(table, told)

    def _check_approval(
        self, told: Entry, proposed: Entry | None, table: str, behind: frozenset[str]
    ) -> None:
        if proposed is None:
            raise _refused("policy-not-proposed", told)
        terms, said = proposed["signed"]["terms"], told["signed"]["terms"]
        if not terms["table"] == said.get("table") == table:
            raise _refused("policy-of-another-table", told)
        if self._in_force is None or terms.get("base") != self._in_force.table:
            raise _refused("policy-overtaken", told)
        author = proposed["actor"]
        alone = told["actor"] == author or told["signed"]["key"] == proposed["signed"]["key"]
        if alone or author in behind:
            raise _refused("policy-approved-by-its-author", told)

    def _put(self, table: str, told: Entry) -> None:
        version = told["outcome"].get("objects", {}).get("version", "")
        self._in_force = InForce(table, version, told["index"])

    def _check_signature(self, told: Entry, seats: Sequence[_Seat]) -> None:
        signed = told.get("signed")
        if signed is None:
            raise _refused("signature-missing", told)
        key = _octets({"signing_key": signed["key"]}, told)
        vouched = all(seat.key in (None, key) for seat in seats)
        if self._staff.keys.get(told["actor"]) != _digest(key) or not vouched:
            raise _refused("signature-by-other-key", told)
        objects, terms, nonce = signed["objects"], signed["terms"], signed["nonce"]
        if not objects.items() <= told["objects"].items() or nonce in self._nonces:
            raise _refused("signature-of-other-act", told)
        self._nonces.add(nonce)
        try:
            signature = strict64.decode(signed["signature"])
            signing.verify_act(key, PLATFORM, told["action"], objects, terms, nonce, signature)
        except VerificationError as error:
            raise _refused(error.code, told) from error


def _read(store: LedgerStore, start: int, stop: int) -> list[bytes]:
    found: list[bytes] = []
    while start + len(found) < stop:
        part = store.entries(start + len(found), min(stop, start + len(found) + _CHUNK))
        if not part:
            raise VerificationFailed("log-incomplete", "entries under the checkpoint are missing")
        found += part
    return found


def _behind(seats: Sequence[_Seat]) -> frozenset[str]:
    return frozenset(name for seat in seats for name in seat.behind)


def _refused(code: str, told: Entry) -> VerificationFailed:
    return VerificationFailed(code, f"entry {told['index']} of the platform's log")


def _digest(key: bytes) -> str:
    return f"sha256:{sha256(key).hexdigest()}"


def _octets(terms: Mapping[str, str], told: Entry) -> bytes:
    try:
        return strict64.decode(terms.get("signing_key", ""))
    except VerificationError as error:
        raise _refused(error.code, told) from error


def _moment(text: str, told: Entry) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused("grant-unsound", told) from error
    if at.tzinfo is None:
        raise _refused("grant-unsound", told)
    return at
