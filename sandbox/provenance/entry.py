"""One act as it stands in the log: its fields, how it is built, and the check of its form.

- An entry is canonical JSON of at most 65,535 bytes, the length that a tile bundle can frame.
- It holds codes, ids, digests, numbers and salted commitments. Every string in it is a word of
  a closed alphabet: there is no field in which a sentence or a name would fit.
- What is built here is checked here: a room that hands in content fails its own act, and not
  the reader of the log years later.
- `build` is the only writer; `read` the strict reader for those who have not verified it yet.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from crypto import canonical
from policies.ruling import Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import Outcome, SignedAct
from sandbox.errors import TooLarge, Unacceptable, VerificationFailed
from sandbox.provenance.spelling import WORD, is_plain
from sandbox.records.imprint import ROWS

MAX_ENTRY_BYTES: Final = 65_535
VERSION: Final = 1
_NOTHING: Final = Outcome()
CLOCK: Final = "system"

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_TIME_LENGTH = len("2026-01-01T00:00:00.000000")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ACTOR = re.compile(r"system|[0-9a-f]{32}")
_LEDGER = re.compile(r"platform|[0-9a-f]{32}")
_DOMAIN = re.compile(r"hospital|platform|project:[0-9a-f]{32}")
_WORD = re.compile(WORD)
# Terms of signed acts also hold public keys in base64 and may be empty.
_TERM = re.compile(r"[\x21-\x7e]{0,4096}")


@dataclass(frozen=True)
class Place:
    """Where an entry stands: its ledger, its index, the digest of the entry before, its time."""

    ledger: str
    index: int
    prev: bytes
    at: datetime


@dataclass(frozen=True)
class Doer:
    """Who acted, as the log names them, and by which memberships."""

    pseudonym: str
    organisation: str
    roles: Sequence[Role]
    granted_by: Sequence[int]
    domain: str


@dataclass(frozen=True)
class Deed:
    """What was asked for and what came of it; `refusal` is the code when nothing was done.

    `rows` is the commitment to the rows that were written. A refused act leaves one only when its
    actor got a pseudonym with it.
    """

    action: Action
    objects: Mapping[str, str]
    ruling: Ruling | None = None
    refusal: str | None = None
    outcome: Outcome = field(default_factory=Outcome)
    signed: SignedAct | None = None
    rows: bytes = b""


def time_text(at: datetime) -> str:
    """An aware UTC time as entries write it: microseconds and `Z`."""
    return f"{at.isoformat(timespec='microseconds')[:_TIME_LENGTH]}Z"


def time_of(octets: bytes) -> datetime:
    """When the act of an entry was done; of an entry that is ours, so its form is not checked."""
    return datetime.fromisoformat(str(json.loads(octets)["at"]))


def is_word(value: object) -> bool:
    """Whether an id, a code or a name may stand in an entry."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def is_domain(value: object) -> bool:
    """Whether `value` names a domain: hospital, platform, or one project."""
    return isinstance(value, str) and _DOMAIN.fullmatch(value) is not None


def build(place: Place, doer: Doer, deed: Deed) -> bytes:
    """The exact bytes of the entry for one act.

    Raises:
        Unacceptable: `entry-form`: a room handed in what may not stand in the log.
        TooLarge: `entry-too-large`.
    """
    ruling = deed.ruling
    entry: dict[str, Any] = {  # JSON: its values are of several types
        "v": VERSION,
        "ledger": place.ledger,
        "index": place.index,
        "prev": f"sha256:{place.prev.hex()}",
        "at": time_text(place.at),
        "clock": CLOCK,
        "actor": doer.pseudonym,
        "organisation": doer.organisation,
        "roles": sorted(map(str, doer.roles)),
        "granted_by": sorted(doer.granted_by),
        "domain": doer.domain,
        "action": str(deed.action),
        "objects": dict(deed.objects),
        "facts": _facts(ruling),
        "ruling": ruling
        and {"allowed": ruling.allowed, "rule": ruling.rule, "policy": ruling.policy},
        "refusal": deed.refusal,
        "outcome": _outcome(_NOTHING if deed.refusal else deed.outcome, deed.rows),
    }
    if deed.signed is not None and not deed.refusal:
        entry["signed"] = _signed(deed.signed)
    octets = _spelled(entry)
    if octets is None or not _is_sound(entry, octets):
        wrong = fault_in(entry)
        if wrong or octets is None:
            raise Unacceptable("entry-form", f"{wrong or 'a value'} can't stand in an entry")
    if len(octets) > MAX_ENTRY_BYTES:
        raise TooLarge("entry-too-large", f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return octets


def read(octets: bytes) -> dict[str, Any]:
    """The entry, when bytes and form are as `build` makes them.

    Raises:
        VerificationFailed: `entry-too-large`, `not-canonical` or `entry-form`.
    """
    if len(octets) > MAX_ENTRY_BYTES:
        raise VerificationFailed("entry-too-large")
    try:
        entry = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise VerificationFailed("not-canonical") from error
    wrong = None if _is_sound(entry, octets) else fault_in(entry)
    if wrong:
        raise VerificationFailed("entry-form", f"{wrong} is not of the entry's form")
    # Doubled members, blanks and other spellings don't survive this.
    if _canonical(entry) != octets:
        raise VerificationFailed("not-canonical")
    return dict(entry)


def fault_in(entry: Any) -> str | None:  # JSON: checked here
    """The name of the first field that breaks the entry's form; None when it is sound."""
    if not isinstance(entry, dict):
        return "entry"
    if entry.keys() - {"signed"} != FIELDS.keys():
        return "field list"
    for name, holds in FIELDS.items():
        if not holds(entry[name]):
            return name
    if "signed" in entry and not _is_signed(entry["signed"], entry["objects"]):
        return "signed"
    return _contradiction(entry)


def _contradiction(entry: Mapping[str, Any]) -> str | None:
    """Fields that are sound one by one and not together."""
    if entry["refusal"] is not None:
        return "outcome" if _did_something(entry["outcome"]) or "signed" in entry else None
    ruling = entry["ruling"]
    return None if ruling is not None and ruling["allowed"] else "refusal"


def _did_something(outcome: Mapping[str, Any]) -> bool:
    """Whether a refused act did more than the gate does for whoever comes first (clause 2.7)."""
    return bool(outcome) and {
        name: part.keys() for name, part in outcome.items() if isinstance(part, dict)
    } != {"commitments": {ROWS}}


def _facts(ruling: Ruling | None) -> dict[str, object]:
    if ruling is None:
        return {}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in ruling.facts.items()
    }


def _outcome(outcome: Outcome, rows: bytes) -> dict[str, object]:
    commitments = {commitment.what: commitment.value.hex() for commitment in outcome.commitments}
    if len(commitments) != len(outcome.commitments) or ROWS in commitments:
        raise Unacceptable("entry-form", "a commitment's name stands twice")
    if rows:
        commitments[ROWS] = rows.hex()
    members: dict[str, object] = {
        "objects": dict(outcome.objects),
        "counts": dict(outcome.counts),
        "digests": dict(outcome.digests),
        "commitments": commitments,
        "states": {name: str(state) for name, state in outcome.states.items()},
        "codes": {name: str(code) for name, code in outcome.codes.items()},
    }
    if outcome.parts is not None:
        members["parts"] = {"root": outcome.parts[0], "count": outcome.parts[1]}
    return {name: value for name, value in members.items() if value}


def _signed(act: SignedAct) -> dict[str, object]:
    return {
        "key": base64.b64encode(act.public_key).decode(),
        "signature": base64.b64encode(act.signature).decode(),
        "nonce": act.nonce,
        "objects": dict(act.objects),
        "terms": dict(act.terms),
    }


def _is_sound(entry: Mapping[str, Any], octets: bytes) -> bool:
    """Whether the pattern for plain entries and the order of the lists say so at once."""
    return is_plain(octets) and _rises(entry["roles"]) and _rises(entry["granted_by"])


def _rises(values: Sequence[Any]) -> bool:
    return len(values) == 1 or all(values[at] < values[at + 1] for at in range(len(values) - 1))


def _spelled(entry: Mapping[str, Any]) -> bytes | None:
    """As `_canonical`; None for values that no entry can hold."""
    try:
        return _canonical(entry)
    except (TypeError, ValueError, RecursionError):
        return None


def _canonical(entry: Mapping[str, Any]) -> bytes:
    """RFC 8785 for values that passed `fault_in`.

    Those hold ASCII strings and integers below 2**53 only, for which the sorted and compact form
    of the C encoder is the canonical one, at a tenth of the time.
    """
    return _ENCODER.encode(entry).encode()


Check = Callable[[Any], bool]


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(words: Iterable[str]) -> Check:
    known = frozenset(map(str, words))
    return lambda value: isinstance(value, str) and value in known


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= canonical.MAX_INTEGER


def _ascending(member: Check) -> Check:
    """A list of `member`s in rising order without doubles."""

    def check(value: object) -> bool:
        if not isinstance(value, list) or not all(map(member, value)):
            return False
        return _rises(value)

    return check


def _map_of(member: Check) -> Check:
    def check(value: object) -> bool:
        if not isinstance(value, dict):
            return False
        # A loop: a generator costs more than what it checks, and every act passes here.
        for name, each in value.items():  # noqa: SIM110
            if not is_word(name) or not member(each):
                return False
        return True

    return check


def _is_fact(value: object) -> bool:
    if isinstance(value, list):
        return all(map(is_word, value))
    if isinstance(value, str):
        return not value or is_word(value)
    return value is None or (isinstance(value, int) and abs(value) <= canonical.MAX_INTEGER)


_is_digest = _matches(_DIGEST)


def _is_ruling(value: object) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, dict)
        and value.keys() == {"allowed", "rule", "policy"}
        and isinstance(value["allowed"], bool)
        and is_word(value["rule"])
        and _is_digest(value["policy"])
    )


def _is_parts(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"root", "count"}
        and _matches(_HEX64)(value["root"])
        and _is_count(value["count"])
    )


_OUTCOME: Final[Mapping[str, Check]] = {
    "objects": _map_of(is_word),
    "counts": _map_of(_is_count),
    "digests": _map_of(_matches(_DIGEST)),
    "commitments": _map_of(_matches(_HEX64)),
    "states": _map_of(is_word),
    "codes": _map_of(is_word),
    "parts": _is_parts,
}


def _is_outcome(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= _OUTCOME.keys()
        and all(part and _OUTCOME[name](part) for name, part in value.items())
    )


def _is_signed(value: object, objects: Mapping[str, str]) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"key", "signature", "nonce", "objects", "terms"}
        and _matches(_TERM)(value["key"])
        and _matches(_TERM)(value["signature"])
        and _matches(_HEX32)(value["nonce"])
        and _map_of(is_word)(value["objects"])
        and value["objects"].items() <= objects.items()
        and _map_of(_matches(_TERM))(value["terms"])
    )


FIELDS: Final[Mapping[str, Check]] = {
    "v": lambda value: type(value) is int and value == VERSION,
    "ledger": _matches(_LEDGER),
    "index": _is_count,
    "prev": _matches(_DIGEST),
    "at": _matches(_AT),
    "clock": lambda value: value == CLOCK,
    "actor": _matches(_ACTOR),
    "organisation": is_word,
    "roles": _ascending(_one_of(Role)),
    "granted_by": _ascending(_is_count),
    "domain": is_domain,
    "action": _one_of(Action),
    "objects": _map_of(is_word),
    "facts": _map_of(_is_fact),
    "ruling": _is_ruling,
    "refusal": lambda value: value is None or is_word(value),
    "outcome": _is_outcome,
}
"""What each field must hold; an entry has exactly these and, for signed acts, `signed`."""
