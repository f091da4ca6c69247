"""Policy files: which logs one believes, and how many of which witnesses must have cosigned.

- A line `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|K MEMBER...`, and exactly
  one `quorum NAME|none`; `#` begins a comment. Names stand on an earlier line than their use.
- Each name is a member of one group at most, and no public key stands in two lines, so that
  nobody counts twice.
- A witness counts for a checkpoint by a line of its own name, type and key, with a time; and never
  for the log whose name it bears.
- `digest` names what decides: witnesses, groups and quorum. Addresses, comments and logs may
  change without changing it.

Source: C2SP tlog-policy.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from crypto.errors import VerificationError
from crypto.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    open_note,
)
from crypto.treehead import Checkpoint, parse

NONE: Final = "none"
MAX_BYTES: Final = 1 << 20
MAX_LINES: Final = 32
"""Most logs, most witnesses and most groups; with the log's own two lines they fit in one note."""
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BLANK = re.compile(r"[ \t]+")
_COUNT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_LOG_TYPES: Final = frozenset({ED25519, MLDSA44_COSIGNATURE})
_WITNESS_TYPES: Final = frozenset({ED25519_COSIGNATURE, MLDSA44_COSIGNATURE})


@dataclass(frozen=True)
class Party:
    """A log or a witness: its key, and where it is reached."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """At least `threshold` of `members` (witnesses or groups) must have witnessed."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class WitnessPolicy:
    """A policy file, read; `quorum` is None for `none`."""

    logs: tuple[Party, ...]
    witnesses: Mapping[str, Party]
    groups: Mapping[str, Group]
    quorum: str | None

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The witnesses' keys."""
        return tuple(party.key for party in self.witnesses.values())

    @property
    def normal(self) -> bytes:
        """What decides, in one spelling: no logs, no addresses, no comments."""
        lines = [f"witness {name} {party.key}" for name, party in self.witnesses.items()]
        lines += [
            f"group {name} {group.threshold} {' '.join(group.members)}"
            for name, group in self.groups.items()
        ]
        text = "".join(f"{line}\n" for line in [*lines, f"quorum {self.quorum or NONE}"])
        return text.encode("utf-8", "surrogateescape")

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of `normal`."""
        return f"sha256:{hashlib.sha256(self.normal).hexdigest()}"

    def met_by(self, cosigned: Collection[VerifierKey]) -> bool:
        """Whether these keys are a quorum."""
        return self.quorum is None or self._met(self.quorum, cosigned)

    def _met(self, name: str, cosigned: Collection[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in cosigned
        group = self.groups[name]
        return sum(self._met(member, cosigned) for member in group.members) >= group.threshold


def parse_policy(octets: bytes) -> WitnessPolicy:
    """Read a policy file, strictly.

    Raises:
        VerificationError: `policy-malformed`.
    """
    if len(octets) > MAX_BYTES or _FORBIDDEN.search(octets) or octets[-1:] != b"\n":
        raise VerificationError("policy-malformed")
    reader = _Reader()
    for number, line in enumerate(octets[:-1].split(b"\n"), start=1):
        # Names are opaque octets: what is no UTF-8 comes back as it was.
        text = line.decode("utf-8", "surrogateescape").strip(" \t")
        if text and not text.startswith("#"):
            try:
                reader.take(_BLANK.split(text))
            except VerificationError as error:
                raise VerificationError("policy-malformed", f"line {number}") from error
    return reader.read()


def cosigners_of(note: str | bytes, policy: WitnessPolicy) -> frozenset[VerifierKey]:
    """Whose cosignatures on a checkpoint count; a claim without time counts for nothing.

    Raises:
        VerificationError: `note-malformed`, `note-signature` for a wrong line of a known witness,
            `checkpoint-malformed`.
    """
    try:
        opened = open_note(note, policy.keys)
    except VerificationError as error:
        if error.code == "note-unsigned":
            return frozenset()
        raise
    head = parse(opened.text)
    return frozenset(
        line.key
        for line in opened.signatures
        if line.now is not None and line.key.name != head.origin
    )


def open_witnessed(note: str | bytes, policy: WitnessPolicy) -> Checkpoint | None:
    """The checkpoint, when a quorum cosigned it; its log's own lines are not looked at.

    Raises:
        VerificationError: as `cosigners_of`.
    """
    if not policy.met_by(cosigners_of(note, policy)):
        return None
    text = note if isinstance(note, str) else note.decode()
    return parse(text.partition("\n\n")[0] + "\n")


@dataclass
class _Reader:
    """What the lines so far said."""

    logs: list[Party] = field(default_factory=list)
    witnesses: dict[str, Party] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: list[str] = field(default_factory=list)
    _keys: set[bytes] = field(default_factory=set)
    _members: set[str] = field(default_factory=set)

    def take(self, words: list[str]) -> None:
        """Read one line.

        Raises:
            VerificationError: `policy-malformed`, `vkey-malformed`.
        """
        readers: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        reader = readers.get(words[0])
        if reader is None:
            raise VerificationError("policy-malformed")
        reader(words[1:])

    def read(self) -> WitnessPolicy:
        """The policy, when it is whole.

        Raises:
            VerificationError: `policy-malformed`.
        """
        most = max(len(self.logs), len(self.witnesses), len(self.groups))
        if len(self.quorum) != 1 or most > MAX_LINES:
            raise VerificationError("policy-malformed")
        quorum = None if self.quorum[0] == NONE else self.quorum[0]
        return WitnessPolicy(tuple(self.logs), self.witnesses, self.groups, quorum)

    def _log(self, words: list[str]) -> None:
        self.logs.append(self._party(words, _LOG_TYPES))

    def _witness(self, words: list[str]) -> None:
        name = self._fresh(words[:1])
        self.witnesses[name] = self._party(words[1:], _WITNESS_TYPES)

    def _party(self, words: list[str], types: Collection[int]) -> Party:
        if len(words) not in (1, 2):
            raise VerificationError("policy-malformed")
        key = VerifierKey.parse(words[0])
        # Two lines of one key, under whatever names, would count one holder twice.
        if key.algorithm not in types or key.public in self._keys:
            raise VerificationError("policy-malformed")
        self._keys.add(key.public)
        return Party(key, words[1] if len(words) == 2 else None)  # noqa: PLR2004 - key and address

    def _group(self, words: list[str]) -> None:
        name, members = self._fresh(words[:1]), words[2:]
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise VerificationError("policy-malformed")
            if member in self._members:
                raise VerificationError("policy-malformed", "a name counts in one group only")
            self._members.add(member)
        self.groups[name] = Group(_threshold(words[1:2], len(members)), tuple(members))

    def _quorum(self, words: list[str]) -> None:
        known = len(words) == 1 and (
            words[0] == NONE or words[0] in self.witnesses or words[0] in self.groups
        )
        if not known:
            raise VerificationError("policy-malformed")
        self.quorum += words

    def _fresh(self, words: list[str]) -> str:
        taken = {NONE, *self.witnesses, *self.groups}
        if not words or words[0] in taken:
            raise VerificationError("policy-malformed")
        return words[0]


def _threshold(words: list[str], members: int) -> int:
    word = words[0] if words else ""
    count = {"all": members, "any": 1}.get(word)
    if count is None:
        count = int(word) if _COUNT.fullmatch(word) else 0
    if not 1 <= count <= members:
        raise VerificationError("policy-malformed")
    return count
