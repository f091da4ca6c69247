"""What a ledger proves about people: who held which role and which keys, at which entry.

The worker believes nothing else. Rules of the walk, in order of the entries:

 1. The log comes first: every entry is hashed, and the root must be the one in a checkpoint that
    all pinned log keys signed. Only then is an entry looked at.
 2. Entries are canonical, of their form, chained, in order and in time.
 3. Entry 0 opens the ledger, signed by a steward's key that is pinned here, out of band.
 4. A role or key counts from the entry that granted it, signed by a steward whose own role counts
    there, until it expires or a steward's signed entry revokes it.
 5. An act that needs a signature has one by a key of its actor that counts there; a nonce once.
 6. The roles an entry claims are those of the grants it names, all of them its actor's.

A walk that failed stays failed: what came before the fault is not worth less, but nobody can say
what came after. `verify_log` goes on from where it stood, so that each entry is looked at once.

It does not rule again (the verifier does), and knows nothing of what the acts are about.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from crypto import signing, strict64
from crypto.checkpoint import open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import Tree, leaf_hash
from crypto.note import VerifierKey
from policies.vocabulary import SIGNED_ACTIONS, Action, Role
from sandbox.acts import HOSPITAL_DOMAIN
from sandbox.errors import VerificationFailed
from sandbox.provenance import entry as entries
from sandbox.records.port import LedgerStore

_CHUNK: Final = 1_024
Entry = Mapping[str, Any]  # canonical JSON, its form checked


@dataclass(frozen=True)
class Holding:
    """One role of one pseudonym, with its keys, from the entry that granted it."""

    membership: str
    pseudonym: str
    organisation: str
    role: Role
    domain: str
    signing_key: bytes
    sealing_key: bytes | None
    granted_index: int
    expires_at: datetime | None
    revoked_index: int | None = None

    def counts(self, index: int, at: datetime) -> bool:
        """Whether it counts for the entry at `index`, whose time is `at`."""
        return (
            self.granted_index < index
            and (self.revoked_index is None or index <= self.revoked_index)
            and (self.expires_at is None or at < self.expires_at)
        )


class Trust:
    """The verified past of one ledger; one thread at a time.

    Args:
        ledger: id of the ledger.
        stewards: Ed25519 public keys that are pinned for this ledger.
    """

    def __init__(self, ledger: str, stewards: Collection[bytes]) -> None:
        self.ledger = ledger
        self._stewards = frozenset(stewards)
        self._tree = Tree()
        self._prev = sha256(b"").digest()
        self._times: list[datetime] = []  # of each walked entry
        self._holdings: dict[str, Holding] = {}  # by membership
        self._members: dict[str, list[str]] = {}  # pseudonym to memberships
        self._nonces: set[str] = set()
        self._store: LedgerStore | None = None  # where verified entries are read again
        self._broken: VerificationFailed | None = None

    @classmethod
    def walk(cls, ledger: str, octets: Iterable[bytes], stewards: Collection[bytes]) -> "Trust":
        """Walk entries that were proved to be the log by other means.

        Raises:
            VerificationFailed: rules 2 to 6; the code says which.
        """
        trust = cls(ledger, stewards)
        trust._take(list(octets))
        return trust

    @property
    def size(self) -> int:
        """How many entries were verified."""
        return len(self._times)

    def verify_log(self, store: LedgerStore, vkeys: Sequence[VerifierKey], checkpoint: str) -> None:
        """Verify the ledger up to a signed checkpoint; what was verified before is kept.

        Raises:
            VerificationFailed: `log-forked`, `log-shrank`, `log-incomplete`, `checkpoint-origin`,
                what the checkpoint's check says, and rules 2 to 6.
        """
        self._refuse_broken()
        try:
            head = open_checkpoint(checkpoint, vkeys, complete=True)
        except VerificationError as error:
            raise VerificationFailed(error.code, "the checkpoint does not verify") from error
        if head.origin.rpartition("/")[2] != self.ledger:
            raise VerificationFailed("checkpoint-origin", "the checkpoint is another ledger's")
        if head.size <= self.size:
            if self._tree.root(head.size) != head.root:
                raise self._break("log-forked", "two signed histories")
            if head.size < self.size:
                # Whoever signs less than was signed before was put back to an earlier state.
                raise VerificationFailed("log-shrank", "an earlier checkpoint than was seen")
            return
        fresh = self._read(store, head.size)
        self._tree.extend(map(leaf_hash, fresh))
        if self._tree.root() != head.root:
            raise self._break("log-forked", "entries are not those that were signed")
        self._store = store
        self._walk(fresh)

    def holder(self, pseudonym: str, at_index: int | None = None) -> list[Holding]:
        """What a pseudonym held at an entry of the verified log; at its end when absent.

        Raises:
            VerificationFailed: `entry-unverified`: the log was not verified that far.
        """
        index = self.size if at_index is None else at_index
        at = self._time_at(index)
        return [held for held in self._held_by(pseudonym) if held.counts(index, at)]

    def may(self, pseudonym: str, role: Role, at_index: int, domain: str = HOSPITAL_DOMAIN) -> bool:
        """Whether a pseudonym held `role`, for `domain` or the whole hospital, at an entry.

        Raises:
            VerificationFailed: `entry-unverified`.
        """
        held = self.holder(pseudonym, at_index)
        return any(h.role == role and h.domain in (domain, HOSPITAL_DOMAIN) for h in held)

    def entry(self, index: int) -> Entry:
        """A verified entry, read again from the store and compared with the tree.

        Raises:
            VerificationFailed: `entry-unverified`, `entry-altered`.
        """
        return self.span(index, index + 1)[0]

    def span(self, start: int, stop: int) -> list[Entry]:
        """Verified entries `start` <= index < `stop`, as `entry`.

        Raises:
            VerificationFailed: `entry-unverified`, `entry-altered`.
        """
        self._refuse_broken()
        if self._store is None or not 0 <= start <= stop <= self.size:
            raise VerificationFailed("entry-unverified", "the log is not verified that far")
        found = self._store.entries(start, stop)
        if [leaf_hash(o) for o in found] != [self._tree.leaf(i) for i in range(start, stop)]:
            raise VerificationFailed("entry-altered", "an entry changed after it was verified")
        return [entries.read(octets) for octets in found]

    def signed_act(self, index: int, action: Action, roles: Collection[Role]) -> Entry:
        """The entry at `index`: done, signed, by someone who held one of `roles` then.

        Raises:
            VerificationFailed: it is not in the log, not that act, or not so signed.
        """
        found = self.entry(index)
        if found["action"] != action or found["refusal"] is not None or "signed" not in found:
            raise VerificationFailed("entry-not-that-act", "the entry is not that signed act")
        if not any(self.may(found["actor"], role, index, found["domain"]) for role in roles):
            raise VerificationFailed("role-not-held", "who signed did not hold the role")
        return found

    def _time_at(self, index: int) -> datetime:
        self._refuse_broken()
        if not self._times or not 0 <= index <= self.size:
            raise VerificationFailed("entry-unverified", "the log is not verified that far")
        return self._times[min(index, self.size - 1)]

    def _read(self, store: LedgerStore, size: int) -> list[bytes]:
        fresh: list[bytes] = []
        while (start := self.size + len(fresh)) < size:
            part = store.entries(start, min(size, start + _CHUNK))
            if not part:
                raise VerificationFailed(
                    "log-incomplete", "entries under the checkpoint are missing"
                )
            fresh += part
        return fresh

    def _take(self, fresh: Sequence[bytes]) -> None:
        self._tree.extend(map(leaf_hash, fresh))
        self._walk(fresh)

    def _walk(self, fresh: Iterable[bytes]) -> None:
        try:
            for octets in fresh:
                self._step(octets)
        except VerificationFailed as error:
            self._broken = error
            raise

    def _step(self, octets: bytes) -> None:
        found = entries.read(octets)
        try:
            at = _time(found["at"])
        except ValueError as error:
            raise VerificationFailed("entry-form", f"entry {self.size} has no time") from error
        self._check_place(found, at)
        self._check_people(found, at)
        self._prev = sha256(octets).digest()
        self._times.append(at)

    def _check_place(self, found: Entry, at: datetime) -> None:
        if found["ledger"] != self.ledger or found["index"] != self.size:
            raise VerificationFailed("entry-out-of-place", f"entry {self.size} says it is another")
        if found["prev"] != f"sha256:{self._prev.hex()}":
            raise VerificationFailed("chain-broken", f"entry {self.size} does not follow")
        if self._times and at < self._times[-1]:
            raise VerificationFailed("time-runs-backwards", f"entry {self.size} is too early")

    def _check_people(self, found: Entry, at: datetime) -> None:
        if found["index"] == 0:
            self._open(found)
            return
        counting = self._counting(found, at)
        self._check_roles(found, counting)
        if found["refusal"] is None:
            self._check_signature(found, {h.signing_key for h in counting})
            self._change(found, {h.role for h in counting})

    def _counting(self, found: Entry, at: datetime) -> list[Holding]:
        """What the actor of an entry holds that counts for it."""
        domains = (HOSPITAL_DOMAIN, found["domain"])
        held = self._held_by(found["actor"])
        return [h for h in held if h.domain in domains and h.counts(found["index"], at)]

    def _held_by(self, pseudonym: str) -> list[Holding]:
        return [self._holdings[membership] for membership in self._members.get(pseudonym, ())]

    def _check_roles(self, found: Entry, counting: Sequence[Holding]) -> None:
        named = set(found["granted_by"])
        granted = [h for h in counting if h.granted_index in named]
        roles = sorted({str(h.role) for h in granted})
        if {h.granted_index for h in granted} != named or roles != found["roles"]:
            where = f"entry {found['index']}"
            raise VerificationFailed("roles-not-granted", f"{where} claims roles nobody granted")

    def _check_signature(self, found: Entry, keys: Collection[bytes]) -> None:
        where = f"entry {found['index']}"
        signed = found.get("signed")
        if signed is None:
            if found["action"] in SIGNED_ACTIONS:
                raise VerificationFailed("signature-missing", where)
            return
        key = _octets(signed["key"], where)
        if key not in keys:
            raise VerificationFailed("signature-by-other-key", where)
        try:
            signing.verify_act(
                key,
                found["ledger"],
                found["action"],
                signed["objects"],
                signed["terms"],
                signed["nonce"],
                _octets(signed["signature"], where),
            )
        except VerificationError as error:
            raise VerificationFailed(error.code, where) from error
        if signed["nonce"] in self._nonces:
            raise VerificationFailed("nonce-reused", where)
        self._nonces.add(signed["nonce"])

    def _open(self, found: Entry) -> None:
        """Rule 3: who opened the ledger is who must have, by a key that was pinned before."""
        self._check_signature(found, self._stewards)
        terms = found["signed"]["terms"] if "signed" in found else {}
        sound = (
            found["action"] == Action.LEDGER_OPEN
            and found["refusal"] is None
            and found["roles"] == [Role.STEWARD]
            and not found["granted_by"]
            and terms.get("role") == Role.STEWARD
            and terms.get("signing_key") == found["signed"]["key"]
            and found["signed"]["objects"].get("member") == found["actor"]
        )
        if not sound:
            raise VerificationFailed("opening-unsound", "entry 0 does not open the ledger")
        granted = {**terms, "domain": HOSPITAL_DOMAIN, "expires_at": ""}
        self._add(found, found["actor"], granted)

    def _change(self, found: Entry, roles: Collection[Role]) -> None:
        """Rule 4: take up a grant or a revocation."""
        if found["action"] not in (Action.MEMBER_GRANT, Action.MEMBER_REVOKE):
            if found["action"] == Action.LEDGER_OPEN:
                raise VerificationFailed("opening-unsound", "a ledger opens once")
            return
        if Role.STEWARD not in roles:
            raise VerificationFailed("grantor-no-steward", f"entry {found['index']}")
        signed = found["signed"]
        membership = signed["objects"].get("membership", "")
        if found["action"] == Action.MEMBER_GRANT:
            self._add(found, membership, signed["terms"])
        elif membership in self._holdings:
            held = self._holdings[membership]
            self._holdings[membership] = replace(
                held, revoked_index=min(held.revoked_index or found["index"], found["index"])
            )
        else:
            raise VerificationFailed("membership-unknown", f"entry {found['index']}")

    def _add(self, found: Entry, membership: str, terms: Mapping[str, str]) -> None:
        where = f"entry {found['index']}"
        member = found["signed"]["objects"].get("member", "")
        if not membership or not member or membership in self._holdings:
            raise VerificationFailed("membership-doubled", where)
        sealing = terms.get("sealing_key", "")
        try:
            holding = Holding(
                membership=membership,
                pseudonym=member,
                organisation=terms["organisation"],
                role=Role(terms["role"]),
                domain=terms["domain"],
                signing_key=_octets(terms["signing_key"], where),
                sealing_key=_octets(sealing, where) if sealing else None,
                granted_index=found["index"],
                expires_at=_time(terms["expires_at"]) if terms["expires_at"] else None,
            )
        except (KeyError, ValueError) as error:
            raise VerificationFailed("grant-malformed", where) from error
        self._holdings[membership] = holding
        self._members.setdefault(member, []).append(membership)

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            raise VerificationFailed(self._broken.code, self._broken.message)

    def _break(self, code: str, message: str) -> VerificationFailed:
        self._broken = VerificationFailed(code, message)
        return VerificationFailed(code, message)


def _octets(text: str, where: str) -> bytes:
    try:
        return strict64.decode(text)
    except VerificationError as error:
        raise VerificationFailed(error.code, where) from error


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)
