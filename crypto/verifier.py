"""Verify a provenance log, evidence pack, receipt, passport or package, alone and offline.

This file is the regulator's tool. It stands alone: the standard library, and `cryptography` for
signatures. It shares no code with the system that writes the logs, only the specification
(docs/spec/provenance-log.md, docs/spec/evidence.md, docs/spec/passport.md) and the vectors.
It is one file on purpose, longer than the house allows elsewhere, so that it can be read in one
sitting, copied to another machine and run there.

    python verifier.py PATH --key VKEY [--key VKEY|FILE ...] [--policy DIGEST] [--platform PATH]
        [--since CHECKPOINT] [--witnesses POLICY] [--compare OTHER [--evidence FILE]]

What it promises, given at least one pinned key of the log:
 1. every entry is canonical, schema-true, chained to the one before and in the signed tree;
 2. every tile says what the entries say; partial tiles are prefixes; no file is unexplained;
 3. every key the log names has a valid line in the checkpoint, and the pinned keys are among them;
 4. every role and every key of a person was granted by an entry that a steward signed, up to
    the steward who opened the ledger; every act that needs it carries its actor's signature;
 5. with decision tables (evidence packs): every verdict is what the table says of the facts;
 6. every release was asked for, screened, approved by enough people of whom one is the
    hospital's and none is the requester or a labeller, before it was sealed;
 7. with `--since`: today's log continues the one whose checkpoint was kept;
 8. with `--witnesses`: a quorum of them cosigned a head over all that releases rest on.
With `--compare` it says of two heads whether one history has both, and writes the proof if not.
What it does not know: whether what was committed to was true, who the steward of entry 0 is,
what an unpinned witness signed; and of a receipt, passport or package alone, which holds a few
entries of the log: what stands between them (a revoked key, a voter who labelled).

Exit codes: 0 sound, 1 broken (what and where), 2 cannot tell, 64 usage.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import http.client
import json
import operator
import os
import re
import stat
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, Protocol, overload

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

SOUND, BROKEN, CANNOT_TELL, USAGE = 0, 1, 2, 64

TILE = 256
MAX_ENTRY = 65_535
KEPT_BYTES = 2**24
MAX_FILE = 1 << 30
MAX_DEPTH = 32
MAX_LINES = 64
MAX_PATH = 63
SAFE_INT = 2**53 - 1
MAX_SIZE = 2**63 - 1
HASH = 32
EMPTY_DIGEST = hashlib.sha256(b"").digest()
ED25519, ED25519_COSIGNATURE, MLDSA_COSIGNATURE = 0x01, 0x04, 0x06
KEY_SIZES = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA_COSIGNATURE: 1312}
DSSE_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:anbiao:release-passport:v1"
UNWITNESSED = "unwitnessed"
SPLIT_VIEW = "anbiao-split-view"
TRAINERS = frozenset({"label-admin", "project-lead", "steward"})
PERMITTED = frozenset(
    {
        "agreement.read", "item.issue", "label.submit", "release.download", "release.inspect",
        "release.request", "release.screen", "release.seal", "release.vote", "review.open",
        "review.submit", "task.open", "task.reopen",
    }
)  # fmt: skip
SKEW = timedelta(minutes=1)
"""How far a ledger may lag or lead when the table in force changes. Source: clause 4.7."""
VOTING_ROLES = frozenset({"output-checker", "privacy-officer", "regulator", "steward"})

# Source: docs/spec/provenance-log.md, clauses 2.2, 2.8 and 3.3.
HEX32 = re.compile(r"[0-9a-f]{32}")
HEX64 = re.compile(r"[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LEDGER = re.compile(r"platform|[0-9a-f]{32}")
ACTOR = re.compile(r"system|[0-9a-f]{32}")
DOMAIN = re.compile(r"platform|hospital|project:[0-9a-f]{32}")
ACTION = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")
ROLE = re.compile(r"[a-z]+(-[a-z]+)*")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+>,()=-]{0,127}")
TERM = re.compile(r"[\x21-\x7e]{0,4096}")
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
SIGNED_OBJECTS = {
    "approval.open": {"dataset", "approval"},
    "approval.sign": {"dataset", "approval"},
    "deposit.open": {"dataset", "deposit"},
    "erasure.begin": {"dataset", "erasure"},
    "erasure.complete": {"dataset", "erasure"},
    "erasure.order": {"dataset", "erasure"},
    "hold.lift": {"dataset", "hold"},
    "hold.place": {"dataset", "hold"},
    "key.rotate": {"rotation"},
    "ledger.open": {"member"},
    "member.grant": {"member", "membership"},
    "member.revoke": {"membership"},
    "permit.issue": {"dataset", "project"},
    "permit.revoke": {"project"},
    "policy.approve": {"policy"},
    "policy.propose": {"policy"},
    "policy.reject": {"policy"},
    "release.vote": {"release"},
    "training.record": {"training"},
    "witness.require": set(),
}
SIGNED_TERMS = {
    "approval.open": {"session_key"},
    "approval.sign": {"batch", "verdict"},
    "deposit.open": {"manifest"},
    "erasure.begin": {"subjects"},
    "erasure.complete": {"epoch", "items", "project_items", "subjects"},
    "erasure.order": {"scope", "subject", "sealed", "ground"},
    "hold.lift": {"reason"},
    "hold.place": {"reason"},
    "key.rotate": {"from_epoch", "to_epoch", "through"},
    "ledger.open": {"organisation", "role", "signing_key", "sealing_key"},
    "member.grant": {
        "role", "domain", "organisation", "signing_key", "sealing_key", "expires_at",
    },
    "member.revoke": {"reason"},
    "permit.issue": {"valid_from", "valid_until"},
    "permit.revoke": {"reason"},
    "policy.approve": {"table"},
    "policy.propose": {"base", "diff", "table"},
    "policy.reject": {"reason"},
    "release.vote": {"package", "statement", "verdict"},
    "training.record": {"course", "members", "passed_at", "expires_at"},
    "witness.require": {"policy"},
}  # fmt: skip
PLATFORM_SIGNED = {
    name: (SIGNED_OBJECTS[name], SIGNED_TERMS[name])
    for name in ("policy.approve", "policy.propose", "policy.reject")
} | {"member.grant": ({"account", "membership"}, SIGNED_TERMS["member.grant"])}
"""What a signature in the platform's log is over. Source: clauses 3.7 and 4.6."""


class Broken(Exception):
    """Something is not as it must be: `code` says what, `where` says where."""

    def __init__(self, code: str, where: str) -> None:
        self.code = code
        self.where = where
        super().__init__(f"{code} at {where}")


class CannotTell(Exception):
    """Nothing is known to be wrong, and nothing is proved."""


# --- 1. canonical JSON (RFC 8785, restricted to what the log uses: no fractions) ------------------


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _refuse_number(_: str) -> NoReturn:
    raise ValueError("only whole numbers stand in the log")


def _canonical(value: Any, depth: int = 0) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > SAFE_INT:
            raise ValueError("number out of range")
        return str(value)
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
        return json.dumps(value, ensure_ascii=False)
    if depth >= MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, list):
        return "[" + ",".join(_canonical(v, depth + 1) for v in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{_canonical(n)}:{_canonical(value[n], depth + 1)}" for n in names) + "}"


def canonical(value: Any) -> bytes:
    """The one form in which a value is hashed and signed."""
    return _canonical(value).encode("utf-8")


def _whole_number(text: str) -> int:
    number = int(text)
    if abs(number) > SAFE_INT:
        raise ValueError("number out of range")
    return number


STRICT = json.JSONDecoder(
    object_pairs_hook=_no_doubles, parse_float=_refuse_number, parse_constant=_refuse_number
)
# Ten times as fast. It forgets doubled names, but what it writes again shows that they were there.
PLAIN = json.JSONDecoder(
    parse_int=_whole_number, parse_float=_refuse_number, parse_constant=_refuse_number
)
SORTED = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)


def _is_plain(data: bytes) -> bool:
    """Whether the compiled encoder writes the canonical form of what stands here.

    ASCII names sort alike in every encoding, and 32 brackets nest no deeper than 32.
    """
    return data.isascii() and data.count(b"{") + data.count(b"[") <= MAX_DEPTH


def parse_canonical(data: bytes, where: str) -> Any:
    """The value, when `data` is its canonical form.

    Raises:
        Broken: it is not JSON or not canonical.
    """
    try:
        text = data.decode("utf-8")
        plain = _is_plain(data)
        value = (PLAIN if plain else STRICT).decode(text)
        again = SORTED.encode(value) if plain else _canonical(value)
        same = again.encode("utf-8") == data
    except (ValueError, RecursionError) as error:
        raise Broken("not-canonical-json", where) from error
    if not same:
        raise Broken("not-canonical-json", where)
    return value


# --- 2. the Merkle tree (RFC 6962 2.1, RFC 9162 2.1.3.2 and 2.1.4) --------------------------------


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def digest_of(data: bytes) -> str:
    """`sha256:<hex>`."""
    return "sha256:" + sha256(data).hex()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf. Source: RFC 6962 2.1."""
    return sha256(b"\x00" + entry)


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Hashes of leaves; called in place, as a function's own frame costs as much as the hash."""
    hashed = hashlib.sha256
    return [hashed(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node. Source: RFC 6962 2.1."""
    return sha256(b"\x01" + left + right)


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Roots of all full subtrees: of 1 leaf, of 2, of 4 and so on, each from left to right."""
    levels = [list(leaves)]
    hashed = hashlib.sha256
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[0::2], below[1::2], strict=False)
        levels.append([hashed(b"\x01" + left + right).digest() for left, right in pairs])
    return levels


def root_at(levels: Sequence[Sequence[bytes]], size: int, root: bytes | None = None) -> bytes:
    """Root over the first `size` leaves, and `root` to the right. Source: RFC 6962 2.1."""
    for level, nodes in enumerate(levels):  # from the smallest subtree on the right to the left
        if size >> level & 1:
            last = nodes[(size >> level) - 1]
            root = last if root is None else node_hash(last, root)
    return EMPTY_DIGEST if root is None else root


def root_by_path(index: int, size: int, leaf: bytes, path: Sequence[bytes], where: str) -> bytes:
    """The root that an inclusion proof leads to. Source: RFC 9162 2.1.3.2.

    Raises:
        Broken: the proof has the wrong length or the index lies outside.
    """
    if not 0 <= index < size:
        raise Broken("index-outside-tree", where)
    if any(len(hash_) != HASH for hash_ in path):
        raise Broken("proof-malformed", where)
    position, last, node = index, size - 1, leaf
    for hash_ in path:
        if last == 0:
            raise Broken("proof-too-long", where)
        if position & 1 or position == last:
            node = node_hash(hash_, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, hash_)
        position >>= 1
        last >>= 1
    if last:
        raise Broken("proof-too-short", where)
    return node


# --- 3. signed notes, checkpoints and keys (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --


def strict_b64(text: str, where: str) -> bytes:
    """Bytes of standard base64 with padding, in its only spelling.

    Raises:
        Broken: it is spelt otherwise.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken("not-base64", where) from error
    if base64.b64encode(data).decode() != text:
        raise Broken("not-base64", where)
    return data


def _stamp(signature: bytes) -> int:
    return int(struct.unpack(">Q", signature[:8])[0])


def is_name(name: str) -> bool:
    """Whether it can name a key or a log. Source: C2SP signed-note."""
    return bool(name) and name.isprintable() and not re.search(r"[\s+]", name)


@dataclass(frozen=True)
class LogKey:
    """A verifier key: name, id, type and the key itself."""

    name: str
    key_id: bytes
    kind: int
    key: bytes

    @property
    def line(self) -> str:
        """As it is written in one line."""
        blob = base64.b64encode(bytes([self.kind]) + self.key).decode()
        return f"{self.name}+{self.key_id.hex()}+{blob}"

    def accepts(self, note: "Note", signature: bytes) -> bool:
        """Whether `signature` is this key's over `note`."""
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.key).verify(signature, note.body)
            elif _stamp(signature) > MAX_SIZE:
                return False
            elif self.kind == ED25519_COSIGNATURE:
                stamp = _stamp(signature)
                message = f"cosignature/v1\ntime {stamp}\n".encode() + note.body
                Ed25519PublicKey.from_public_bytes(self.key).verify(signature[8:], message)
            else:
                message = self._subtree_message(note, signature[:8])
                MLDSA44PublicKey.from_public_bytes(self.key).verify(signature[8:], message)
        except (InvalidSignature, ValueError, struct.error):
            return False
        return True

    def _subtree_message(self, note: "Note", stamp: bytes) -> bytes:
        """Source: C2SP tlog-cosignature, ML-DSA-44 over a subtree that starts at 0."""
        name, origin = self.name.encode(), note.origin.encode()
        return b"".join(
            (
                b"subtree/v1\n\x00",
                bytes([len(name)]) + name,
                stamp,
                bytes([len(origin)]) + origin,
                struct.pack(">QQ", 0, note.size),
                note.root,
            )
        )


def parse_key(line: str, where: str) -> LogKey:
    """A `NAME+hex(id)+b64(type || key)` line, its id recomputed.

    Raises:
        Broken: the line does not parse or the id is not that of name, type and key.
    """
    parts = line.split("+", 2)
    if len(parts) != 3 or not is_name(parts[0]) or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):  # noqa: PLR2004
        raise Broken("bad-verifier-key", where)
    name, key_id, blob = parts[0], bytes.fromhex(parts[1]), strict_b64(parts[2], where)
    if not blob or len(blob) - 1 != KEY_SIZES.get(blob[0]):
        raise Broken("bad-verifier-key", where)
    if sha256(name.encode() + b"\n" + blob)[:4] != key_id:
        raise Broken("verifier-key-id-mismatch", where)
    return LogKey(name, key_id, blob[0], blob[1:])


@dataclass(frozen=True)
class Note:
    """A checkpoint: its signed text taken apart, and its signature lines."""

    body: bytes
    origin: str
    size: int
    root: bytes
    lines: tuple[tuple[str, bytes, bytes], ...]  # name, key id, signature


def parse_note(data: bytes, where: str) -> Note:
    """A checkpoint note, strictly.

    Raises:
        Broken: not the one spelling of a checkpoint.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("note-not-utf8", where) from error
    if any(ord(c) < 0x20 and c != "\n" for c in text) or not text.endswith("\n"):  # noqa: PLR2004
        raise Broken("note-malformed", where)
    body, gap, tail = text.partition("\n\n")
    rows = body.split("\n")
    if not gap or not tail or len(rows) != 3:  # noqa: PLR2004 - origin, size, root
        raise Broken("note-malformed", where)
    if not SIZE.fullmatch(rows[1]) or int(rows[1]) > MAX_SIZE:
        raise Broken("checkpoint-size-malformed", where)
    size, root = int(rows[1]), strict_b64(rows[2], where)
    if len(root) != HASH or not is_name(rows[0]) or (size == 0 and root != EMPTY_DIGEST):
        raise Broken("checkpoint-malformed", where)
    signed = tail[:-1].split("\n")
    if len(signed) > MAX_LINES:
        raise Broken("note-malformed", where)
    lines = tuple(_signature_line(line, where) for line in signed)
    return Note((body + "\n").encode(), rows[0], size, root, lines)


def _signature_line(line: str, where: str) -> tuple[str, bytes, bytes]:
    match = re.fullmatch(r"— ([^ ]+) ([^ ]+)", line)
    if match is None or not is_name(match[1]):
        raise Broken("signature-line-malformed", where)
    blob = strict_b64(match[2], where)
    if len(blob) < 5:  # noqa: PLR2004 - 4 bytes of id and a signature
        raise Broken("signature-line-malformed", where)
    return match[1], blob[:4], blob[4:]


@dataclass(frozen=True)
class Quorum:
    """A tlog-policy file: witnesses, groups of them, and whose word is asked for (clause 9.4)."""

    logs: tuple[LogKey, ...]
    witnesses: Mapping[bytes, LogKey]
    groups: Mapping[bytes, tuple[int, tuple[bytes, ...]]]
    name: bytes
    digest: str

    def met_by(self, note: "Note") -> bool:
        """Whether a quorum cosigned; the note's lines were checked before (`check_note`).

        A line without a time claims nothing, and no log vouches for itself.
        """
        lines = {(name, key_id): signature for name, key_id, signature in note.lines}
        met = {
            name
            for name, key in self.witnesses.items()
            if key.name != note.origin
            and (line := lines.get((key.name, key.key_id))) is not None
            and _stamp(line) > 0
        }
        for name, (threshold, members) in self.groups.items():  # members stand before their group
            if len(met.intersection(members)) >= threshold:
                met.add(name)
        return self.name == b"none" or self.name in met


def parse_quorum(data: bytes, where: str) -> Quorum:
    """A tlog-policy file, strictly. Source: C2SP tlog-policy.

    Raises:
        Broken: it is none.
    """
    logs: list[LogKey] = []
    witnesses: dict[bytes, LogKey] = {}
    groups: dict[bytes, tuple[int, tuple[bytes, ...]]] = {}
    chosen: list[bytes] = []
    for spot, words in _policy_lines(data, where):
        taken = {b"none", *witnesses, *groups}
        match words:
            case [b"log", key] | [b"log", key, _]:
                logs.append(_policy_key(key, {ED25519, MLDSA_COSIGNATURE}, spot))
            case [b"witness", name, key] | [b"witness", name, key, _] if name not in taken:
                kinds = {ED25519_COSIGNATURE, MLDSA_COSIGNATURE}
                witnesses[name] = _policy_key(key, kinds, spot)
            case [b"group", name, count, *members] if name not in taken:
                groups[name] = (_threshold(count, members, taken, spot), tuple(members))
            case [b"quorum", name] if name in taken:
                chosen.append(name)
            case _:
                raise Broken("witness-policy-malformed", spot)
    if len(chosen) != 1:
        raise Broken("witness-policy-malformed", where)
    digest = _quorum_digest(witnesses, groups, chosen)
    return _whole(Quorum(tuple(logs), witnesses, groups, chosen[0], digest), where)


def _policy_lines(data: bytes, where: str) -> Iterator[tuple[str, list[bytes]]]:
    """Each line that says something: its place and its words."""
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data) or not data.endswith(b"\n"):
        raise Broken("witness-policy-malformed", where)
    for number, line in enumerate(data[:-1].split(b"\n"), start=1):
        text = re.sub(rb"[ \t]+", b" ", line).strip(b" ")
        if text and not text.startswith(b"#"):
            yield f"{where}, line {number}", text.split(b" ")


def _whole(policy: Quorum, where: str) -> Quorum:
    """Nobody stands in it twice, by key or as a member, and it is of a bearable size."""
    held = [key.key for key in (*policy.logs, *policy.witnesses.values())]
    used = [name for _, members in policy.groups.values() for name in members]
    most = max(len(policy.logs), len(policy.witnesses), len(policy.groups))
    doubled = len(set(held)) < len(held) or len(set(used)) < len(used)
    if doubled or most > MAX_LINES // 2:
        raise Broken("witness-policy-malformed", where)
    return policy


def _policy_key(word: bytes, kinds: set[int], where: str) -> LogKey:
    key = parse_key(word.decode("utf-8", "replace"), where)
    if key.kind not in kinds:
        raise Broken("witness-policy-malformed", where)
    return key


def _threshold(count: bytes, members: Sequence[bytes], taken: set[bytes], where: str) -> int:
    words = {b"all": len(members), b"any": 1}
    number = int(count) if re.fullmatch(rb"[1-9][0-9]{0,3}", count) else words.get(count, 0)
    if not 1 <= number <= len(members) or b"none" in members or not set(members) <= taken:
        raise Broken("witness-policy-malformed", where)
    return number


def _quorum_digest(
    witnesses: Mapping[bytes, LogKey],
    groups: Mapping[bytes, tuple[int, tuple[bytes, ...]]],
    chosen: Sequence[bytes],
) -> str:
    """The digest over what decides, as `witness.require` names it (clause 9.5)."""
    lines = [b"witness %s %s" % (name, key.line.encode()) for name, key in witnesses.items()]
    lines += [b"group %s %d %s" % (n, k, b" ".join(m)) for n, (k, m) in groups.items()]
    return digest_of(b"".join(line + b"\n" for line in (*lines, b"quorum " + chosen[0])))


@dataclass(frozen=True)
class Pins:
    """What the verifying person brought along.

    Keys, and if any: digests of decision tables, and the policy of witnesses.
    """

    keys: tuple[LogKey, ...]
    policies: frozenset[str] = frozenset()
    platform: str = ""  # where the platform's log is, if it is at hand
    in_force: tuple["InForce", ...] = ()  # what that log proves: table after table
    quorum: Quorum | None = None
    authorities: tuple[bytes, ...] = ()  # certificates of time-stamp authorities, DER

    def of(self, origin: str) -> tuple[LogKey, ...]:
        """Pinned keys of a log's own (name = origin)."""
        return tuple(key for key in self.keys if key.name == origin)


def check_note(note: Note, named: Sequence[LogKey], pins: Pins, where: str) -> int:
    """Check every signature line that can be checked; the number of lines that could not be.

    `named` are the keys that the log says are its own. A line under the log's own name must be
    by one of them or by a pinned key; a line under another name is a cosignature.

    Raises:
        Broken: a line is wrong, doubled, missing, or a pinned key is not among the log's keys.
        CannotTell: no pinned key speaks for this log.
    """
    pinned = pins.of(note.origin)
    if not pinned:
        raise CannotTell(f"signer not pinned: {note.origin}")
    own = {(key.name, key.key_id): key for key in (*named, *pinned)}
    if named and any(key not in named for key in pinned):
        raise Broken("pinned-key-not-named-by-log", where)
    known = own | {(key.name, key.key_id): key for key in pins.keys}
    present = {(name, key_id) for name, key_id, _ in note.lines}
    if len(present) != len(note.lines):
        raise Broken("signature-line-doubled", where)
    if missing := sorted(set(own) - present):
        raise Broken("signature-missing", f"{where} ({missing[0][0]})")
    return sum(not _line_known(note, line, known, named, where) for line in note.lines)


def _line_known(
    note: Note,
    line: tuple[str, bytes, bytes],
    known: Mapping[tuple[str, bytes], LogKey],
    named: Sequence[LogKey],
    where: str,
) -> bool:
    name, key_id, signature = line
    key = known.get((name, key_id))
    if key is not None:
        if not key.accepts(note, signature):
            raise Broken("signature-wrong", f"{where} ({name})")
        return True
    if name == note.origin:
        _refuse_unnamed(named, where)
    return False


def _refuse_unnamed(named: Sequence[LogKey], where: str) -> None:
    if named:
        raise Broken("signature-by-unnamed-key", where)
    raise CannotTell(f"a line under the log's own name is by a key that nobody named: {where}")


def parse_keys_file(data: bytes, origin: str | None, where: str) -> tuple[LogKey, ...]:
    """The keys a log names as its own, one a line.

    Raises:
        Broken: a line is wrong, doubled or of another log.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise Broken("bad-verifier-key", where) from error
    if not text.endswith("\n"):
        raise Broken("bad-verifier-key", where)
    keys = tuple(parse_key(line, where) for line in text[:-1].split("\n"))
    if len(set(keys)) != len(keys) or (origin and any(key.name != origin for key in keys)):
        raise Broken("bad-verifier-key", where)
    return keys


# --- 4. where files come from ---------------------------------------------------------------------


class Source(Protocol):
    """A set of files by relative name."""

    def names(self) -> Iterable[str] | None:
        """All names, or None where nobody can list them (a web server)."""
        ...

    def read(self, name: str) -> bytes:
        """The file's bytes.

        Raises:
            Broken: there is none.
        """
        ...


class Folder:
    """Files below a folder; links are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> Iterator[str]:
        """All files, none reached through a link."""
        for path in self._root.rglob("*"):
            name = path.relative_to(self._root).as_posix()
            if path.is_symlink():
                raise Broken("link-in-folder", name)
            if path.is_dir():
                continue
            if not path.is_file():
                raise Broken("unknown-file", name)
            yield name

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = f"{self._root}/{name}"
        try:
            found = os.lstat(path)
            if not stat.S_ISREG(found.st_mode):
                raise Broken("file-missing", name)
            if found.st_size > MAX_FILE:
                raise Broken("file-too-large", name)
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path object is slower
                return file.readall()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Broken("file-missing", name) from error


class Members:
    """Files held in memory: the members of an evidence pack below a prefix."""

    def __init__(self, files: Mapping[str, bytes], prefix: str = "") -> None:
        self._files = {n[len(prefix) :]: d for n, d in files.items() if n.startswith(prefix)}

    def names(self) -> frozenset[str]:
        """All members."""
        return frozenset(self._files)

    def read(self, name: str) -> bytes:
        """The member's bytes."""
        if name not in self._files:
            raise Broken("file-missing", name)
        return self._files[name]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The credential goes to the server that was named, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class Web:
    """A log served over HTTPS (or plain HTTP on this machine), with a credential for entries."""

    def __init__(self, url: str, token: str | None) -> None:
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError as error:
            raise CannotTell("there is no such address") from error
        here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if not parts.hostname or (parts.scheme != "https" and not here):
            raise CannotTell("only https is read from other machines")
        # What this machine serves is asked for directly, whatever proxy the environment names.
        proxies = [urllib.request.ProxyHandler({})] if here else []
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)
        self._url = url.rstrip("/") + "/"
        self._token = token

    def names(self) -> None:
        """Nobody can list a web server."""
        return

    def read(self, name: str) -> bytes:
        """The file's bytes; of a partial tile that is gone, the full one's first part."""
        stem, partial, width = name.partition(".p/")
        try:
            return self._fetch(name)
        except Broken:
            if not partial:
                raise
        # The log grew since the checkpoint was read. Source: C2SP tlog-tiles, partial tiles.
        whole = self._fetch(stem)
        if name.startswith("tile/entries/"):
            return join_bundle(split_bundle(whole, stem)[: int(width)])
        return whole[: int(width) * HASH]

    def _fetch(self, name: str) -> bytes:
        request = urllib.request.Request(self._url + name)  # noqa: S310 - scheme checked above
        if self._token and name.startswith("tile/entries/"):
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=30) as answer:
                data: bytes = answer.read(MAX_FILE + 1)
                if len(data) <= MAX_FILE and answer.length:
                    raise http.client.IncompleteRead(data, answer.length)
        except (OSError, OverflowError, http.client.HTTPException) as error:
            gone = isinstance(error, urllib.error.HTTPError) and error.code in {404, 410}
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            if gone:
                raise Broken("file-missing", name) from error
            raise CannotTell(f"could not be fetched: {name}") from error
        if len(data) > MAX_FILE:
            raise Broken("file-too-large", name)
        return data


# --- 5. tiles (C2SP tlog-tiles) -------------------------------------------------------------------


def tile_name(level: str, index: int, width: int = TILE) -> str:
    """`tile/L/N[.p/W]` with N in groups of three digits."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < TILE else ""
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def _spans(count: int) -> Iterator[tuple[int, int]]:
    """(index, width) of each tile over `count` hashes."""
    for index in range(-(-count // TILE)):
        yield index, min(TILE, count - index * TILE)


def split_bundle(data: bytes, where: str) -> list[bytes]:
    """Entries of a bundle, each behind its 16-bit length.

    Raises:
        Broken: a length runs over the end.
    """
    entries, at, end = [], 0, len(data)
    while at + 1 < end:
        start = at + 2
        at = start + (data[at] << 8 | data[at + 1])
        entries.append(data[start:at])
    if at != end:
        raise Broken("bundle-malformed", where)
    return entries


def join_bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of these entries."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def read_entries(source: Source, size: int) -> list[bytes]:
    """All `size` entries, from the bundles.

    Raises:
        Broken: a bundle is missing or holds another number of entries.
    """
    entries: list[bytes] = []
    for index, width in _spans(size):
        name = tile_name("entries", index, width)
        bundle = split_bundle(source.read(name), name)
        if len(bundle) != width:
            raise Broken("bundle-count-wrong", name)
        entries += bundle
    return entries


class Entries(Sequence[bytes]):
    """All entries of a log, read from their bundles when they are asked for.

    A log may be larger than memory: beyond the first few, bundles are read again, and are refused
    if they are not the ones that were checked.
    """

    def __init__(self, source: Source, room: int) -> None:
        self._source = source
        self._size = 0
        self._digests: list[bytes] = []
        self._kept: dict[int, list[bytes]] = {}
        self._room = room  # bytes of bundles that are kept
        self._last: tuple[int, list[bytes]] = (-1, [])

    def take(self, index: int, width: int) -> list[bytes]:
        """The next bundle, which has to hold `width` entries.

        Raises:
            Broken: it is missing or holds another number of entries.
        """
        name = tile_name("entries", index, width)
        data = self._source.read(name)
        bundle = split_bundle(data, name)
        if len(bundle) != width:
            raise Broken("bundle-count-wrong", name)
        if len(data) <= self._room:
            self._kept[index] = bundle
            self._room -= len(data)
        self._size += width
        return bundle

    def remember(self, leaves: bytes) -> None:
        """What the bundle taken last was: its leaf hashes, joined."""
        self._digests.append(sha256(leaves))

    def bundle(self, index: int) -> list[bytes]:
        """A bundle that was taken before.

        Raises:
            Broken: it changed since.
        """
        if index in self._kept:
            return self._kept[index]
        if self._last[0] != index:
            name = tile_name("entries", index, min(TILE, self._size - index * TILE))
            try:
                bundle = split_bundle(self._source.read(name), name)
            except Broken as error:
                raise Broken("file-changed-meanwhile", name) from error
            if sha256(b"".join(leaf_hashes(bundle))) != self._digests[index]:
                raise Broken("file-changed-meanwhile", name)
            self._last = index, bundle
        return self._last[1]

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(self._size))]
        place = range(self._size)[at]
        return self.bundle(place // TILE)[place % TILE]

    def __iter__(self) -> Iterator[bytes]:
        for index in range(len(self._digests)):
            yield from self.bundle(index)


class Leaves(Sequence[bytes]):
    """Leaf hashes of entries, made when they are asked for."""

    def __init__(self, raw: Sequence[bytes]) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return leaf_hashes(self._raw[at])
        return leaf_hash(self._raw[at])


class Subtrees:
    """Roots of the full subtrees of 256 entries and more; of smaller ones, only the leaves."""

    def __init__(self, raw: Sequence[bytes], tiles: Sequence[bytes]) -> None:
        self._leaves = Leaves(raw)
        self._upper = levels_of(tiles)

    def __len__(self) -> int:
        return len(self._upper) + 8

    def __getitem__(self, level: int) -> Sequence[bytes]:
        """Hashes of a level that tiles are made of: 0, 8, 16 and so on."""
        return self._upper[level - 8] if level else self._leaves

    def root(self, size: int) -> bytes:
        """Root over the first `size` leaves. Source: RFC 6962 2.1."""
        whole = size // TILE
        rest = self._leaves[whole * TILE : size]
        return root_at(self._upper, whole, root_at(levels_of(rest), len(rest)) if rest else None)

    def upper_tiles(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every hash tile above those of the leaves."""
        for level, hashes in enumerate(self._upper[::8], start=1):
            for index, width in _spans(len(hashes)):
                part = hashes[index * TILE : index * TILE + width]
                yield tile_name(str(level), index, width), b"".join(part)


def read_tree(source: Source, size: int, room: int = KEPT_BYTES) -> tuple[Entries, Subtrees]:
    """Entries and tree of a log's files, every tile as the entries demand.

    Raises:
        Broken: a tile or bundle is missing or differs.
    """
    raw, tiles = Entries(source, room), []
    for index, width in _spans(size):
        leaves = leaf_hashes(raw.take(index, width))
        tile = b"".join(leaves)
        _check_tile(source, tile_name("0", index, width), tile)
        raw.remember(tile)
        if width == TILE:
            tiles.append(levels_of(leaves)[-1][0])
    levels = Subtrees(raw, tiles)
    for name, content in levels.upper_tiles():
        _check_tile(source, name, content)
    return raw, levels


def _check_tile(source: Source, name: str, content: bytes) -> None:
    if source.read(name) != content:
        raise Broken("tile-differs", name)


def check_names(source: Source, raw: Sequence[bytes], levels: Subtrees) -> None:
    """Nothing lies there unexplained; tiles of earlier checkpoints are beginnings of today's.

    Raises:
        Broken: a file has no place in a log, or is no such beginning.
    """
    others = (name for name in source.names() or () if not _is_due(name, len(raw)))
    for name in sorted(others):
        if source.read(name) != _old_partial(name, raw, levels):
            raise Broken("partial-tile-differs", name)


def _is_due(name: str, size: int) -> bool:
    """Whether a log of this size has such a file."""
    match = TILE_NAME.fullmatch(name)
    if match is None:
        return name in {"checkpoint", "keys", "witnessed"}
    kind, index, width = match[1], int(re.sub("[x/]", "", match[2])), int(match[3] or TILE)
    count = size >> (0 if kind == "entries" else 8 * int(kind))
    due = index * TILE < count and width == min(TILE, count - index * TILE)
    return due and name == tile_name(kind, index, width)


TILE_NAME = re.compile(
    r"tile/(entries|[0-7])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
OLD_PARTIAL = re.compile(r"tile/(entries|[0-7])/((?:x[0-9]{3}/){0,5}[0-9]{3})\.p/([1-9][0-9]{0,2})")


def _old_partial(
    name: str, raw: Sequence[bytes], levels: "Subtrees | Sequence[Sequence[bytes]]"
) -> bytes:
    """What a partial tile of an earlier checkpoint has to hold.

    Raises:
        Broken: no checkpoint up to this one ever needed such a file.
    """
    match = OLD_PARTIAL.fullmatch(name)
    if match is None:
        raise Broken("unknown-file", name)
    kind, width = match[1], int(match[3])
    index = int(re.sub("[x/]", "", match[2]))
    level = 0 if kind == "entries" else int(kind) * 8
    start, nodes = index * TILE, levels[level] if level < len(levels) else []
    if name != tile_name(kind, index, width) or width >= TILE or start + width > len(nodes):
        raise Broken("unknown-file", name)
    if kind == "entries":
        return join_bundle(raw[start : start + width])
    return b"".join(nodes[start : start + width])


# --- 6. a whole log -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """A log whose files held: its checkpoint, exact entries and roots of subtrees."""

    note: Note
    raw: Sequence[bytes]
    levels: Subtrees
    cosignatures: int
    witnessed: Note | None = None  # its largest head that a quorum of pinned witnesses cosigned

    @property
    def ledger(self) -> str:
        """The ledger's id, the last part of the origin."""
        return ledger_of(self.note)

    def check_same(self, note: Note, where: str) -> None:
        """Another checkpoint of the log, its signatures checked before, is of this history.

        Raises:
            Broken: it is of another log, or its key holder signed two histories.
        """
        if note.origin != self.note.origin:
            raise Broken("checkpoint-of-another-log", where)
        if note.size > self.note.size or self.levels.root(note.size) != note.root:
            raise Broken("log-forked", where)


def check_pinned_policy(entry: Mapping[str, Any], pins: Pins, where: str) -> None:
    """The entry was ruled by a pinned decision table, where any is pinned (clause 7.7).

    Raises:
        Broken: it was ruled by another one.
    """
    ruling = entry["ruling"]
    if ruling is None:
        return
    if pins.policies and ruling["policy"] not in pins.policies:
        raise Broken("ruled-by-unpinned-policy", where)
    if pins.in_force and entry["ledger"] != "platform":
        check_in_force(ruling["policy"], entry["at"], pins.in_force, where)


def check_in_force(table: str, at: str, in_force: Sequence["InForce"], where: str) -> None:
    """A hospital's entry was ruled by a table that was in force at its time (clause 4.7).

    Raises:
        Broken: by one that never was, was no more, or was not yet.
    """
    early, late = moved(at, -SKEW, where), moved(at, SKEW, where)
    spans = zip(in_force, [*(each.at for each in in_force[1:]), ":"], strict=True)
    spans_of = [(each.at, end) for each, end in spans if each.table == table]
    if any(start <= late and early < end for start, end in spans_of):
        return
    if early < in_force[0].at:
        return  # before the first adoption the table that shipped ruled
    if not spans_of:
        raise Broken("ruled-by-table-never-in-force", where)
    after = any(end <= early for _, end in spans_of)
    raise Broken(
        "ruled-by-table-no-longer-in-force" if after else "ruled-by-table-too-early", where
    )


def moved(at: str, by: timedelta, where: str) -> str:
    """A time of the log, moved, in the same spelling.

    Raises:
        Broken: it is none.
    """
    try:
        return utc((datetime.fromisoformat(at) + by).isoformat(), where)
    except (ValueError, OverflowError) as error:
        raise Broken("time-malformed", where) from error


def ledger_of(note: Note) -> str:
    """The ledger's id, the last part of the origin."""
    return note.origin.rpartition("/")[2]


def verify_log(
    source: Source, pins: Pins, since: bytes | None = None, room: int = KEPT_BYTES
) -> Log:
    """A published log's files: signatures, tiles, tree; not yet what its entries say.

    Of the entries, as many as have `room` are kept; the others are read again.

    Raises:
        Broken: anything in it is not as it must be.
        CannotTell: no pinned key speaks for it.
    """
    # Before the checkpoint: a log that grows meanwhile has this one among its own all the same.
    beside = _read_if_there(source, "witnessed")
    note = parse_note(source.read("checkpoint"), "checkpoint")
    keys = parse_keys_file(source.read("keys"), note.origin, "keys")
    unknown = check_note(note, keys, pins, "checkpoint")
    raw, levels = read_tree(source, note.size, room)
    check_names(source, raw, levels)
    if levels.root(note.size) != note.root:
        raise Broken("root-differs-from-checkpoint", "checkpoint")
    log = Log(note, raw, levels, unknown)
    log = replace(log, witnessed=_witnessed_head(log, beside, keys, pins))
    if since is not None:
        check_since(log, since, keys, pins)
    return log


def _witnessed_head(
    log: Log, beside: bytes | None, keys: Sequence[LogKey], pins: Pins
) -> Note | None:
    """The largest head that the pinned quorum cosigned: the published one, or the file beside it.

    Raises:
        Broken: that file is no head of this history, or a line that can be checked is wrong.
    """
    heads = [log.note]
    if beside is not None:
        heads.append(parse_note(beside, "witnessed"))
        check_note(heads[1], keys, pins, "witnessed")
        log.check_same(heads[1], "witnessed")
    if pins.quorum is None:
        return None
    return next((note for note in heads if pins.quorum.met_by(note)), None)


def _read_if_there(source: Source, name: str) -> bytes | None:
    names = source.names()
    if names is not None and name not in names:
        return None
    try:
        return source.read(name)
    except Broken:
        return None


def check_since(log: Log, since: bytes, keys: Sequence[LogKey], pins: Pins) -> None:
    """Today's log continues the one that `since`, a kept checkpoint, speaks of.

    Raises:
        Broken: it is another log, a shorter one, or its beginning was rewritten.
    """
    old = parse_note(since, "kept checkpoint")
    if old.origin != log.note.origin:
        raise Broken("kept-checkpoint-of-another-log", "kept checkpoint")
    check_note(old, keys, pins, "kept checkpoint")
    if old.size > log.note.size:
        raise Broken("log-shrank", f"size {log.note.size} after {old.size}")
    if log.levels.root(old.size) != old.root:
        raise Broken("log-rewritten", f"below entry {old.size}")


Check = Callable[[Any], bool]


def _spelt(form: re.Pattern[str]) -> Check:
    match = form.fullmatch
    return lambda value: isinstance(value, str) and match(value) is not None


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    """Whether a member may be called so; a log uses few names, a million times."""
    return WORD.fullmatch(text) is not None


_is_word = _spelt(WORD)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _rising(member: Check) -> Check:
    return lambda value: (
        isinstance(value, list)
        and all(map(member, value))
        and all(value[i] < value[i + 1] for i in range(len(value) - 1))
    )


def _map_of(member: Check) -> Check:
    return lambda value: (
        isinstance(value, dict) and all(map(_is_name, value)) and all(map(member, value.values()))
    )


def _record(fields: Mapping[str, Check]) -> Check:
    return lambda value: (
        isinstance(value, dict)
        and value.keys() == fields.keys()
        and all(holds(value[name]) for name, holds in fields.items())
    )


def _is_fact(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_word, value))
    return value is None or isinstance(value, int) or value == "" or _is_word(value)


def _is_outcome(value: Any) -> bool:
    # Empty members are left out: one act has one form.
    return isinstance(value, dict) and all(
        part and name in OUTCOME and OUTCOME[name](part) for name, part in value.items()
    )


OUTCOME: Mapping[str, Check] = {
    "objects": _map_of(_is_word),
    "counts": _map_of(_is_count),
    "digests": _map_of(_spelt(DIGEST)),
    "commitments": _map_of(_spelt(HEX64)),
    "states": _map_of(_is_word),
    "codes": _map_of(_is_word),
    "parts": _record({"root": _spelt(HEX64), "count": _is_count}),
}
RULING = _record(
    {
        "allowed": lambda value: isinstance(value, bool),
        "rule": _is_word,
        "policy": _spelt(DIGEST),
    }
)
SIGNED = _record(
    {
        "key": _spelt(TERM),
        "signature": _spelt(TERM),
        "nonce": _spelt(HEX32),
        "objects": _map_of(_is_word),
        "terms": _map_of(_spelt(TERM)),
    }
)
ENTRY: Mapping[str, Check] = {
    "v": lambda value: type(value) is int and value == 1,
    "ledger": _spelt(LEDGER),
    "index": _is_count,
    "prev": _spelt(DIGEST),
    "at": _spelt(TIME),
    "clock": _is_word,
    "actor": _spelt(ACTOR),
    "organisation": _is_word,
    "roles": _rising(_spelt(ROLE)),
    "granted_by": _rising(_is_count),
    "domain": _spelt(DOMAIN),
    "action": _spelt(ACTION),
    "objects": _map_of(_is_word),
    "facts": _map_of(_is_fact),
    "ruling": lambda value: value is None or RULING(value),
    "refusal": lambda value: value is None or _is_word(value),
    "outcome": _is_outcome,
}
"""What each member of an entry must hold. Source: docs/spec/provenance-log.md, clause 2."""

Entry = Mapping[str, Any]


def check_schema(entry: Any, where: str) -> dict[str, Any]:
    """The entry, when it has the form of docs/spec/provenance-log.md.

    Raises:
        Broken: it has not.
    """
    if not isinstance(entry, dict) or entry.keys() - {"signed"} != ENTRY.keys():
        raise Broken("entry-fields-wrong", where)
    for name, holds in ENTRY.items():
        if not holds(entry[name]):
            raise Broken("entry-field-wrong", f"{where}, {name}")
    if entry["refusal"] is not None:
        # A first comer gets a pseudonym even when refused: that row, and nothing else.
        did = {name: sorted(part) for name, part in entry["outcome"].items()}
        if did not in ({}, {"commitments": ["rows"]}) or "signed" in entry:
            raise Broken("refused-act-did-something", where)
    elif not (entry["ruling"] and entry["ruling"]["allowed"]):
        raise Broken("act-done-without-permission", where)
    if "signed" in entry and not SIGNED(entry["signed"]):
        raise Broken("signed-act-malformed", where)
    return entry


def _list_of(member: str) -> str:
    return rf"\[(?:{member}(?:,{member})*+)?+\]"


def _object_of(member: str, empty: str = "?+") -> str:
    return rf'\{{(?:"{_NAME}":{member}(?:,"{_NAME}":{member})*+){empty}\}}'


def _outcome_of(members: Mapping[str, str]) -> str:
    """Some of these members in this order: a comma before each that doesn't follow the brace."""
    some = (
        rf'(?:(?<!\{{),"{name}":{form}|(?<=\{{)"{name}":{form})?+' for name, form in members.items()
    )
    return rf"\{{{''.join(some)}\}}"


def _plain_form(outcome: str, refusal: str, ruling: str) -> "re.Pattern[bytes]":
    return re.compile(
        (
            rf'\{{"action":"(?:{ACTION.pattern})","actor":"(?:{ACTOR.pattern})","at":"{TIME.pattern}"'
            rf',"clock":{_WORD},"domain":"(?:{DOMAIN.pattern})","facts":{_object_of(_FACT)}'
            rf',"granted_by":{_list_of(_COUNT)},"index":{_COUNT},"ledger":"(?:{LEDGER.pattern})"'
            rf',"objects":{_object_of(_WORD)},"organisation":{_WORD},"outcome":{outcome}'
            rf',"prev":"{DIGEST.pattern}","refusal":{refusal},"roles":{_list_of(_ROLE)}'
            rf',"ruling":{ruling},"v":1\}}'
        ).encode()
    )


# The form of an unsigned entry as one pattern: canonical but for names out of order or said twice,
# which is looked for separately. Possessive: nothing makes the matcher go back. Numbers of
# 16 digits and signed acts go the long way round; so does whatever is wrong, to be told by name.
_NAME = WORD.pattern + "+"
_WORD, _ROLE = f'"{_NAME}"', f'"{ROLE.pattern}"'
_COUNT = "(?:0|[1-9][0-9]{0,14}+)"
_FACT = f'(?:true|false|null|-?{_COUNT}|""|{_WORD}|{_list_of(_WORD)})'
_RULING_REST = rf',"policy":"{DIGEST.pattern}","rule":{_WORD}\}}'
_OUTCOME_FORM = _outcome_of(
    {
        "codes": _object_of(_WORD, ""),
        "commitments": _object_of(f'"{HEX64.pattern}"', ""),
        "counts": _object_of(_COUNT, ""),
        "digests": _object_of(f'"{DIGEST.pattern}"', ""),
        "objects": _object_of(_WORD, ""),
        "parts": rf'\{{"count":{_COUNT},"root":"{HEX64.pattern}"\}}',
        "states": _object_of(_WORD, ""),
    }
)
_ALLOWED, _RULED = r'\{"allowed":true', r'\{"allowed":(?:true|false)'
DONE_FORM = _plain_form(_OUTCOME_FORM, "null", _ALLOWED + _RULING_REST)
REFUSED_FORM = _plain_form(r"\{\}", _WORD, f"(?:null|{_RULED}{_RULING_REST})")
_READ = json.JSONDecoder().raw_decode


def _ascends(values: Sequence[Any]) -> bool:
    return all(map(operator.lt, values, values[1:]))


def _plain_entry(data: bytes) -> dict[str, Any] | None:
    """An unsigned entry that is sound by its form and the order of its names; None if in doubt."""
    if DONE_FORM.fullmatch(data) is None and REFUSED_FORM.fullmatch(data) is None:
        return None
    entry: dict[str, Any] = _READ(data.decode())[0]
    outcome = entry["outcome"]
    names = len(ENTRY) + len(outcome) + (3 if entry["ruling"] else 0)
    for part in (entry["facts"], entry["objects"], *outcome.values()):
        if len(part) > 1 and not _ascends(list(part)):
            return None
        names += len(part)
    # Every name ends in a quotation mark and a colon, and nothing else does: one said twice
    # is missing from what was read.
    if data.count(b'":') != names or not (
        _ascends(entry["roles"]) and _ascends(entry["granted_by"])
    ):
        return None
    return entry


def parse_entry(data: bytes, where: str) -> dict[str, Any]:
    """One entry: short enough, canonical, of the entry's form.

    Raises:
        Broken: it is not.
    """
    if len(data) > MAX_ENTRY:
        raise Broken("entry-too-long", where)
    return _plain_entry(data) or check_schema(parse_canonical(data, where), where)


def chained(raw: Sequence[bytes], ledger: str) -> Iterator[dict[str, Any]]:
    """All entries parsed, one by one: canonical, of this ledger, in order, chained, in time.

    Raises:
        Broken: one is not.
    """
    previous, last_at = EMPTY_DIGEST, ""
    for index, data in enumerate(raw):
        where = f"entry {index}"
        entry = parse_entry(data, where)
        if entry["ledger"] != ledger or entry["index"] != index:
            raise Broken("entry-out-of-place", where)
        if entry["prev"][7:] != previous.hex():
            raise Broken("chain-broken", where)
        at = entry["at"]
        # Of a second that was looked at, only the fraction is new: its form is checked already.
        if at < last_at or at[:19] != last_at[:19]:
            _check_time(at, last_at, where)
        previous, last_at = hashlib.sha256(data).digest(), at
        yield entry


def _check_time(at: str, last_at: str, where: str) -> None:
    try:
        moment = datetime.fromisoformat(at).isoformat(timespec="microseconds")
    except ValueError:
        moment = ""
    if at != moment.replace("+00:00", "Z"):
        raise Broken("time-malformed", where)
    if at < last_at:
        raise Broken("time-runs-backwards", where)


# --- 7. people: who held which role and key, at which entry ---------------------------------------


@dataclass
class Grant:
    """One role of one person in one domain, from the entry that granted it."""

    member: str
    role: str
    domain: str
    organisation: str
    signing_key: bytes
    index: int
    expires_at: str  # in the log's own spelling, so that strings compare as times do
    revoked: bool = False

    def counts(self, entry: Entry) -> bool:
        """Whether the role counts for an act: entries are taken in order, so `revoked` is then."""
        return (
            not self.revoked
            and self.domain in {"hospital", entry["domain"]}
            and (not self.expires_at or entry["at"] < self.expires_at)
        )


def utc(text: str, where: str) -> str:
    """An ISO time in the log's own spelling.

    Raises:
        Broken: it is none, or it does not say where on earth.
    """
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Broken("time-malformed", where) from error
    if datetime.fromisoformat(text).tzinfo is None:
        raise Broken("time-malformed", where)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def act_bytes(entry: Entry) -> bytes:
    """What a person signs. Source: docs/spec/provenance-log.md, clause 2.4."""
    signed = entry["signed"]
    return b"anbiao-act-v1\n" + canonical(
        {
            "action": entry["action"],
            "ledger": entry["ledger"],
            "nonce": signed["nonce"],
            "objects": signed["objects"],
            "terms": signed["terms"],
        }
    )


# Points of small order: under such a "key" one signature fits any message.
# Source: Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs (2020), section 2.
PRIME = 2**255 - 19
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER = frozenset({0, 1, PRIME - 1, ORDER_8, PRIME - ORDER_8})


def ed25519_holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the key is one that a person can have, and the signature is its own."""
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)
    if y >= PRIME or y in SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Vote:
    """One person's vote on a release, by the grants that stand behind its key."""

    index: int
    voter: str
    key: bytes
    organisations: frozenset[str]
    roles: frozenset[str]
    terms: Mapping[str, str]


@dataclass
class People:
    """Everybody a hospital's ledger ever enrolled; entry 0 names the first steward."""

    by_membership: dict[str, Grant] = field(default_factory=dict)
    by_index: dict[int, Grant] = field(default_factory=dict)
    by_member: dict[str, list[Grant]] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    training: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    # Claims of roles that held, and until when; good until somebody is granted or revoked one.
    _seen: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _trained: dict[tuple[str, ...], str] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Check one entry against all before it, and learn what it grants or revokes.

        Raises:
            Broken: a role, grant or signature does not hold.
        """
        index, where = entry["index"], f"entry {entry['index']}"
        if index == 0:
            _check_opening(entry, where)
        else:
            self._check_roles(entry, where)
        if "signed" in entry:
            self._check_signature(entry, where)
        elif entry["action"] in SIGNED_TERMS and entry["refusal"] is None:
            raise Broken("signature-of-person-missing", where)
        if entry["refusal"] is None:
            self._learn(entry, where)

    def vote(self, entry: Entry) -> Vote:
        """A done `release.vote`, taken before: by whose grants its key counts."""
        key = base64.b64decode(entry["signed"]["key"])
        held = [g for g in self.counting(entry) if g.signing_key == key]
        organisations = frozenset(g.organisation for g in held if g.role in VOTING_ROLES)
        roles = frozenset(g.role for g in held)
        terms = entry["signed"]["terms"]
        return Vote(entry["index"], entry["actor"], key, organisations, roles, terms)

    def counting(self, entry: Entry) -> list[Grant]:
        """Grants of the entry's actor that count for it."""
        return [g for g in self.by_member.get(entry["actor"], ()) if g.counts(entry)]

    def keys_of(self, members: set[str]) -> set[bytes]:
        """Every signing key that was ever granted to one of them."""
        return {g.signing_key for member in members for g in self.by_member.get(member, ())}

    def _check_roles(self, entry: Entry, where: str) -> None:
        claim = (
            entry["actor"], entry["domain"], entry["organisation"],
            tuple(entry["roles"]), tuple(entry["granted_by"]),
        )  # fmt: skip
        until = self._seen.get(claim)
        if until is None or entry["at"] >= until:
            grants = self._granted(entry, where)
            # No character of a time comes behind a tilde: what never ends is over then.
            self._seen[claim] = min((g.expires_at or "~" for g in grants), default="~")

    def _granted(self, entry: Entry, where: str) -> list[Grant]:
        held = [self.by_index.get(index) for index in entry["granted_by"]]
        grants = [g for g in held if g and g.member == entry["actor"] and g.counts(entry)]
        if len(grants) < len(held) or sorted({g.role for g in grants}) != entry["roles"]:
            raise Broken("role-not-granted", where)
        if entry["organisation"] not in ({g.organisation for g in grants} or {"none"}):
            raise Broken("organisation-not-granted", where)
        return grants

    def _check_signature(self, entry: Entry, where: str) -> None:
        signed, action = entry["signed"], entry["action"]
        if signed["objects"].items() - entry["objects"].items():
            raise Broken("signed-objects-differ", where)
        if signed["objects"].keys() != SIGNED_OBJECTS.get(
            action, signed["objects"].keys()
        ) or signed["terms"].keys() != SIGNED_TERMS.get(action, signed["terms"].keys()):
            raise Broken("signed-act-malformed", where)
        if signed["nonce"] in self.nonces:
            raise Broken("signed-act-replayed", where)
        self.nonces.add(signed["nonce"])
        key = strict_b64(signed["key"], where)
        if entry["index"] and key not in {g.signing_key for g in self.counting(entry)}:
            raise Broken("signed-by-unenrolled-key", where)
        if not ed25519_holds(key, strict_b64(signed["signature"], where), act_bytes(entry)):
            raise Broken("signature-of-person-wrong", where)

    def _learn(self, entry: Entry, where: str) -> None:
        action = entry["action"]
        if action == "training.record":
            self._learn_training(entry, where)
        if action not in {"ledger.open", "member.grant", "member.revoke"}:
            return
        if entry["index"] and (action == "ledger.open" or "steward" not in entry["roles"]):
            raise Broken("granted-by-no-steward", where)
        self._seen.clear()
        objects = entry["signed"]["objects"]
        # The first steward's membership has no id of its own: it is called as its member is.
        membership = objects["member" if action == "ledger.open" else "membership"]
        if action == "member.revoke":
            if membership not in self.by_membership:
                raise Broken("revoked-membership-unknown", where)
            self.by_membership[membership].revoked = True
            return
        if membership in self.by_membership:
            raise Broken("membership-granted-twice", where)
        grant = grant_of(entry, where)
        self.by_membership[membership] = self.by_index[entry["index"]] = grant
        self.by_member.setdefault(grant.member, []).append(grant)

    def _learn_training(self, entry: Entry, where: str) -> None:
        """Who passed a course from when until when: told of others, by roles that may (3.6)."""
        terms = entry["signed"]["terms"]
        members = terms["members"].split(",")
        if not all(map(HEX32.fullmatch, members)) or len(set(members)) != len(members):
            raise Broken("training-malformed", where)
        if entry["actor"] in members or not TRAINERS & set(entry["roles"]):
            raise Broken("training-told-by-nobody-entitled", where)
        span = utc(terms["passed_at"], where), utc(terms["expires_at"], where)
        self._trained.clear()
        for member in members:
            self.training.setdefault(member, []).append((terms["course"], *span))

    def check_training(self, entry: Entry, asked: Mapping[str, Sequence[str]]) -> None:
        """The actor passed what the roles that counted ask for (clause 3.6).

        Raises:
            Broken: a course is missing, was passed later, or has run out.
        """
        if asked.keys().isdisjoint(entry["roles"]):
            return
        claim = (entry["ruling"]["policy"], entry["actor"], *entry["roles"])
        if entry["at"] < self._trained.get(claim, ""):
            return
        told = self.training.get(entry["actor"], ())
        passed = {course for course, start, end in told if start <= entry["at"] < end}
        for role in entry["roles"]:
            if not passed.issuperset(asked.get(role, ())):
                raise Broken("role-untrained", f"entry {entry['index']}, {role}")
        # Until the first of what counts now is over, and as long as nobody passes anything new.
        ends = [end for _, start, end in told if start <= entry["at"] < end]
        self._trained[claim] = min(ends, default="")


def _check_opening(entry: Entry, where: str) -> None:
    """The ledger's first act: a steward names themselves, by a key of their own (clause 3.1)."""
    signed = entry.get("signed", {})
    terms, objects = signed.get("terms", {}), signed.get("objects", {})
    sound = (
        entry["action"] == "ledger.open"
        and entry["refusal"] is None
        and (entry["roles"], entry["granted_by"]) == (["steward"], [])
        and (entry["domain"], entry["organisation"]) == ("hospital", "hospital")
        and (terms.get("role"), terms.get("organisation")) == ("steward", "hospital")
        and terms.get("signing_key") == signed["key"]
        and objects.get("member") == entry["actor"]
    )
    if not sound:
        raise Broken("first-entry-names-no-steward", where)


def grant_of(entry: Entry, where: str) -> Grant:
    """The role that a founding or granting entry gives.

    Raises:
        Broken: a term is malformed.
    """
    terms, member = entry["signed"]["terms"], entry["signed"]["objects"]["member"]
    domain, expires_at = terms.get("domain", "hospital"), terms.get("expires_at", "")
    formed = (HEX32, member), (ROLE, terms["role"]), (DOMAIN, domain), (WORD, terms["organisation"])
    if not all(form.fullmatch(text) for form, text in formed):
        raise Broken("grant-terms-malformed", where)
    return Grant(
        member=member,
        role=terms["role"],
        domain=domain,
        organisation=terms["organisation"],
        signing_key=strict_b64(terms["signing_key"], where),
        index=entry["index"],
        expires_at=utc(expires_at, where) if expires_at else "",
    )


# --- 8. verdicts: what the decision table says of the recorded facts ------------------------------

Table = Mapping[str, Any]
Verdict = bool | None  # None: unknown, because a fact is missing or of another type


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _equal(fact: Any, value: Any) -> Verdict:
    alike = any(isinstance(fact, t) and isinstance(value, t) for t in (str, bool, list))
    return fact == value if alike or (_is_number(fact) and _is_number(value)) else None


def _among(fact: Any, value: Any) -> Verdict:
    return fact in value if isinstance(fact, str) and isinstance(value, list) else None


def _holding(fact: Any, value: Any) -> Verdict:
    return value in fact if isinstance(fact, list) and isinstance(value, str) else None


def _truth(fact: Any, _: Any) -> Verdict:
    return fact if isinstance(fact, bool) else None


def _ordered(compare: Callable[[int, int], bool]) -> Callable[[Any, Any], Verdict]:
    return lambda fact, value: (
        compare(fact, value) if _is_number(fact) and _is_number(value) else None
    )


def _not(judge: Callable[[Any, Any], Verdict]) -> Callable[[Any, Any], Verdict]:
    def negated(fact: Any, value: Any) -> Verdict:
        found = judge(fact, value)
        return None if found is None else not found

    return negated


OPERATORS: Mapping[str, Callable[[Any, Any], Verdict]] = {
    "eq": _equal,
    "ne": _not(_equal),
    "same": _equal,
    "differs": _not(_equal),
    "in": _among,
    "not-in": _not(_among),
    "contains": _holding,
    "lacks": _not(_holding),
    "true": _truth,
    "false": _not(_truth),
    "le": _ordered(lambda fact, bound: fact <= bound),
    "ge": _ordered(lambda fact, bound: fact >= bound),
    "lt": _ordered(lambda fact, bound: fact < bound),
    "gt": _ordered(lambda fact, bound: fact > bound),
}


def condition_holds(condition: Mapping[str, Any], facts: Mapping[str, Any], *, deny: bool) -> bool:
    """One test; an unknown one fails in a grant and holds in a denial (clause 4.3)."""
    fact, op = facts.get(condition["fact"]), str(condition["op"])
    if op in {"present", "absent"}:
        return (fact is None) == (op == "absent")
    value = facts.get(condition["other"]) if "other" in condition else condition.get("value")
    found = None if fact is None else OPERATORS[op](fact, value)
    return deny if found is None else found


def lies_in(domain: str, kind: str) -> bool:
    """Whether an act's domain is of a rule's kind; `hospital` is anywhere in its ledger."""
    if kind == "hospital":
        return domain != "platform"
    return domain.partition(":")[0] == kind


def verdict_of(table: Table, entry: Entry) -> tuple[bool, str]:
    """The table's verdict on an entry: a deny that matches first, else an allow, else deny."""
    found: dict[str, str] = {}
    for rule in table["rules"]:
        deny = rule["effect"] == "deny"
        if (
            rule["action"] == entry["action"]
            and rule["effect"] not in found
            and (rule["role"] == "*" or rule["role"] in entry["roles"])
            and lies_in(entry["domain"], rule["domain"])
            and all(condition_holds(c, entry["facts"], deny=deny) for c in rule["when"])
        ):
            found[rule["effect"]] = rule["id"]
    if "deny" in found:
        return False, found["deny"]
    return ("allow" in found), found.get("allow", "default-deny")


Known = dict[tuple[str, ...], tuple[bool, str]]
MOST_KNOWN = 8192


def check_verdict(entry: Entry, tables: Mapping[str, Table], known: Known | None = None) -> bool:
    """Rule again on an entry; whether there was anything to rule on.

    `known` keeps what the same tables said of the same facts before.

    Raises:
        Broken: its table is missing or the verdict is not what it says.
    """
    ruling, where = entry["ruling"], f"entry {entry['index']}"
    if ruling is None:
        return False
    policy = ruling["policy"]
    if policy not in tables:
        raise Broken("decision-table-missing", where)
    known = {} if known is None else known
    # `repr` tells a truth from a number, which compare as equal.
    key = (policy, entry["action"], entry["domain"], *entry["roles"], repr(entry["facts"]))
    found = known.get(key)
    if found is None:
        if len(known) >= MOST_KNOWN:
            known.clear()
        found = known[key] = verdict_of(tables[policy], entry)
    if found != (ruling["allowed"], ruling["rule"]):
        raise Broken("verdict-differs-from-table", where)
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_condition(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_text(value.get("fact")):
        return False
    op = value.get("op")
    if not isinstance(op, str):
        return False
    if op in {"present", "absent", "true", "false"}:
        operand = set()
    elif op in {"same", "differs"}:
        operand = {"other"}
    else:
        operand = {"value"}
    known = op in OPERATORS or op in {"present", "absent"}
    return known and value.keys() == {"fact", "op"} | operand and _is_text(value.get("other", "-"))


RULE = _record(
    {
        "id": _spelt(WORD),
        "role": _is_text,
        "domain": lambda value: value in ("platform", "hospital", "project"),
        "action": _spelt(ACTION),
        "effect": lambda value: value in ("allow", "deny"),
        "when": lambda value: isinstance(value, list) and all(map(_is_condition, value)),
        "source": _is_text,
    }
)
SHARE: dict[str, Check] = {
    "votes": _is_count,
    "roles": _texts,
    "hospital": lambda value: isinstance(value, bool),
    "refused": lambda value: isinstance(value, bool),
}
QUORUM = _record({**SHARE, "categories": _map_of(_record(SHARE))})
TABLE_1: dict[str, Check] = {
    "v": lambda value: type(value) is int and value == 1,
    "default": lambda value: value == "deny",
    "rules": lambda value: (
        isinstance(value, list)
        and all(map(RULE, value))
        and all(a["id"] < b["id"] for a, b in pairwise(value))
    ),
    "quorum": _map_of(QUORUM),
    "signed": _texts,
}
TRAINING_SINCE = 2  # the version of tables that first says which training a role asks for
TABLE_2: dict[str, Check] = {
    **TABLE_1,
    "v": lambda value: type(value) is int and value == TRAINING_SINCE,
    "training": _map_of(_texts),
}
TABLES = (_record(TABLE_1), _record(TABLE_2))


def parse_table(data: bytes, where: str) -> Table:
    """A decision table, its form checked whole: what it says must not depend on who reads it.

    Raises:
        Broken: it has another form.
    """
    table: Table = parse_canonical(data, where)
    if not any(holds(table) for holds in TABLES):
        raise Broken("decision-table-malformed", where)
    return table


# --- 9. releases: who asked, who voted, in which order --------------------------------------------


@dataclass
class Lineage:
    """What the entries seen so far say of releases, their data, and who labelled it."""

    requests: dict[str, Entry] = field(default_factory=dict)
    screens: dict[str, Entry] = field(default_factory=dict)
    votes: dict[str, list[Vote]] = field(default_factory=dict)
    sealed: dict[str, Entry] = field(default_factory=dict)
    labellers: dict[str, set[str]] = field(default_factory=dict)  # by project
    datasets: dict[str, str] = field(default_factory=dict)  # of each project
    gradings: dict[str, tuple[int, str]] = field(default_factory=dict)  # of each dataset
    signs: dict[str, list[Entry]] = field(default_factory=dict)  # an officer's, by dataset
    witness: str = UNWITNESSED  # the policy of witnesses that the hospital asks for
    asked: dict[str, str] = field(default_factory=dict)  # the same, as each release was requested

    def take(self, entry: Entry, people: People, quorum: Mapping[str, Any] | None = None) -> None:
        """Learn from one entry, and judge it when it seals a release.

        Raises:
            Broken: a release was sealed without what must come before.
        """
        if entry["refusal"] is not None:
            return
        action, objects = entry["action"], entry["objects"]
        release = objects.get("release", "")
        decides = entry["outcome"].get("codes", {}).get("verdict") == "decide"
        if action == "label.submit" or (action == "review.submit" and decides):
            for project in {objects.get("project", ""), entry["domain"].partition(":")[2]}:
                self.labellers.setdefault(project, set()).add(entry["actor"])
        elif action in {"dataset.create", "approval.sign", "project.create", "witness.require"}:
            self._begin(entry)
        elif action in {"release.request", "release.screen"}:
            self._advance(release, entry)
        elif action == "release.vote":
            self.votes.setdefault(release, []).append(people.vote(entry))
        elif action == "release.seal":
            self._seal(release, entry, people, quorum)

    def dataset_of(self, release: str) -> str:
        """The dataset from which a release was made, as far as these entries tell."""
        return self.datasets.get(self.requests[release]["objects"].get("project", ""), "")

    def _advance(self, release: str, entry: Entry) -> None:
        if entry["action"] == "release.screen":
            self.screens[release] = entry
            return
        self.requests[release], self.asked[release] = entry, self.witness

    def _require(self, entry: Entry) -> None:
        """From now on a steward asks for these witnesses, or for none (clause 9.5)."""
        where, policy = f"entry {entry['index']}", entry["signed"]["terms"]["policy"]
        if "steward" not in entry["roles"]:
            raise Broken("witnesses-asked-by-no-steward", where)
        if policy != "none" and not DIGEST.fullmatch(policy):
            raise Broken("witness-policy-malformed", where)
        self.witness = UNWITNESSED if policy == "none" else policy

    def _begin(self, entry: Entry) -> None:
        dataset, outcome = entry["objects"].get("dataset", ""), entry["outcome"]
        if entry["action"] == "witness.require":
            self._require(entry)
            return
        if entry["action"] == "project.create":
            self.datasets[entry["objects"].get("project", "")] = dataset
            return
        if entry["action"] == "approval.sign":
            self.signs.setdefault(dataset, []).append(entry)
            return
        grade = outcome.get("counts", {}).get("grade")
        category = outcome.get("codes", {}).get("category")
        if grade is None or category is None or dataset in self.gradings:
            raise Broken("dataset-grading-malformed", f"entry {entry['index']}")
        self.gradings[dataset] = (grade, category)

    def _seal(
        self, release: str, entry: Entry, people: People, quorum: Mapping[str, Any] | None
    ) -> None:
        where = f"entry {entry['index']}"
        votes = self.approvals(release, people, where)
        digests = entry["outcome"].get("digests", {})
        if digests.get("package") != package_of(self.screens[release], where)[0]:
            raise Broken("release-of-another-package", where)
        if release in self.sealed:
            raise Broken("release-sealed-twice", where)
        if entry["outcome"].get("codes", {}).get("witness", UNWITNESSED) != self.asked[release]:
            raise Broken("release-witness-differs", where)
        request = self.requests[release]
        recipient = entry["outcome"].get("objects", {}).get("recipient")
        if recipient is None or recipient != request["objects"].get("recipient"):
            raise Broken("release-to-another-recipient", where)
        said = entry["facts"].get("grade"), entry["facts"].get("category")
        grading = self.gradings.get(self.dataset_of(release), said if quorum is None else None)
        if grading is None or said not in {grading, (None, None)}:
            raise Broken("release-of-another-grade", where)
        check_quorum(votes, grading, quorum, where)
        # A passport brings no `project.create`: there the statement says which dataset it is.
        if dataset := self.dataset_of(release):
            self.check_approved(dataset, where)
        self.sealed[release] = entry

    def check_approved(self, dataset: str, where: str) -> None:
        """An officer signed for the de-identification of the data before.

        Raises:
            Broken: nobody did.
        """
        signs = self.signs.get(dataset, ())
        if not any(entry["signed"]["terms"]["verdict"] == "approve" for entry in signs):
            raise Broken("officer-approval-missing", where)

    def approvals(self, release: str, people: People, where: str) -> list[Vote]:
        """The votes by which a requested and screened package may leave.

        Raises:
            Broken: it was not screened after its last request, a vote is against it, doubled, or
                of the requester or a labeller; nobody says whose a vote is.
        """
        request, screen = self.requests.get(release), self.screens.get(release)
        if request is None or screen is None or screen["index"] < request["index"]:
            raise Broken("release-not-requested-or-screened", where)
        package, statement = package_of(screen, where)
        votes = [
            vote
            for vote in self.votes.get(release, [])
            if vote.index > screen["index"]
            and (vote.terms["package"], vote.terms["statement"]) == (package, statement)
        ]
        if any(vote.terms["verdict"] != "approve" for vote in votes):
            raise Broken("release-against-a-vote", where)
        project = request["objects"].get("project", "")
        barred = {request["actor"]} | self.labellers.get(project, set())
        keys = people.keys_of(barred)
        if any(vote.voter in barred or vote.key in keys for vote in votes):
            raise Broken("release-voted-by-requester-or-labeller", where)
        if any(len(vote.organisations) != 1 for vote in votes):
            raise Broken("release-vote-of-nobody", where)
        if not len({v.voter for v in votes}) == len({v.key for v in votes}) == len(votes):
            raise Broken("release-vote-doubled", where)
        return votes


def package_of(screen: Entry, where: str) -> tuple[str, str]:
    """Digests of the package and statement that a screening let through.

    Raises:
        Broken: it let none through.
    """
    digests = screen["outcome"].get("digests", {})
    if not {"package", "statement"} <= digests.keys():
        raise Broken("release-not-requested-or-screened", where)
    return digests["package"], digests["statement"]


def check_quorum(
    votes: Sequence[Vote],
    grading: tuple[Any, Any],
    quorum: Mapping[str, Any] | None,
    where: str,
) -> None:
    """The approving votes are enough for data of this grade and category; never under two.

    Raises:
        Broken: too few, none of the hospital's, a role is missing, or such data never leaves.
    """
    rule: Mapping[str, Any] = {"votes": 2, "roles": []}
    if quorum is not None:
        of_grade = quorum.get(str(grading[0]), {"categories": {}})
        rule = of_grade["categories"].get(grading[1], {"refused": True})
        if rule["refused"]:
            raise Broken("release-of-a-grade-that-never-leaves", where)
    if len(votes) < max(2, rule["votes"]):
        raise Broken("release-votes-short", where)
    if not any("hospital" in vote.organisations for vote in votes):
        raise Broken("release-without-hospital-vote", where)
    for role in rule["roles"]:
        if not any(role in vote.roles for vote in votes):
            raise Broken("release-votes-short", f"{where}, {role}")


@dataclass
class Permits:
    """The hospital's permit for each project: dataset, from when, until when (clause 4.5)."""

    windows: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)  # of each project
    declared: dict[str, tuple[str, str]] = field(default_factory=dict)  # purpose, end, by dataset
    asking: dict[tuple[str, str], bool] = field(default_factory=dict)  # by action and policy

    def take(self, entry: Entry, table: Table | None = None) -> None:
        """Learn from one entry, and compare with what it says of its project's permit.

        Raises:
            Broken: an act was done without the permit that it asks for, under one that no steward
                signed, or outside of its window.
        """
        if entry["refusal"] is not None:
            return
        action, objects, where = entry["action"], entry["objects"], f"entry {entry['index']}"
        project = objects.get("project", entry["domain"].partition(":")[2])
        self._check_declared(entry, objects.get("dataset") or self.datasets.get(project, ""), where)
        if action == "dataset.create":
            self._declare(entry, where)
        elif action == "project.create":
            self.datasets[objects["project"]] = objects.get("dataset", "")
        elif action in {"permit.issue", "permit.revoke"} and "steward" not in entry["roles"]:
            raise Broken("permit-of-no-steward", where)
        elif action == "permit.issue":
            signed = entry["signed"]
            span = (utc(signed["terms"][name], where) for name in ("valid_from", "valid_until"))
            about = signed["objects"]
            self.windows[about["project"]] = (about["dataset"], *span)
        elif action == "permit.revoke":
            self.windows.pop(entry["signed"]["objects"]["project"], None)
        elif "permit_valid" in entry["facts"] or self._asks(entry, table):
            self._check(entry, project, where)

    def _asks(self, entry: Entry, table: Table | None) -> bool:
        key = (entry["action"], "" if table is None else entry["ruling"]["policy"])
        if key not in self.asking:
            self.asking[key] = asks_for_permit(entry["action"], table)
        return self.asking[key]

    def _declare(self, entry: Entry, where: str) -> None:
        codes = entry["outcome"].get("codes", {})
        names = "contract_expires_at", "ethics_expires_at"
        if "purpose" in codes and all(name in codes for name in names):
            ends = min(utc(codes[name], where) for name in names)
            self.declared[entry["objects"]["dataset"]] = (codes["purpose"], ends)

    def _check_declared(self, entry: Entry, dataset: str, where: str) -> None:
        facts = entry["facts"]
        if dataset not in self.declared:
            return
        purpose, ends = self.declared[dataset]
        if "contract_valid" in facts and not (
            facts["contract_valid"] is True and entry["at"] < ends
        ):
            raise Broken("contract-not-valid", where)
        if facts.get("purpose", purpose) != purpose:
            raise Broken("purpose-not-declared", where)

    def _check(self, entry: Entry, project: str, where: str) -> None:
        dataset, start, end = self.windows.get(project, ("", "", ""))
        if entry["facts"].get("permit_valid") is not True:
            raise Broken("act-without-permit", where)
        fits = dataset and dataset == self.datasets.get(project, dataset)
        if not fits or not start <= entry["at"] < end:
            raise Broken("act-outside-permit", where)


def asks_for_permit(action: str, table: Table | None) -> bool:
    """Whether a done act needs a permit: as its table says, else as clause 4.5 lists."""
    if table is None:
        return action in PERMITTED
    rules = (rule for rule in table["rules"] if rule["action"] == action)
    return any(test["fact"] == "permit_valid" for rule in rules for test in rule["when"])


@dataclass
class Staff:
    """Who holds the platform's roles, by which keys, and by whose grant (clause 3.7)."""

    grants: list[Grant] = field(default_factory=list)
    by_membership: dict[str, Grant] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)  # pseudonym of each account with a key
    keys: dict[str, str] = field(default_factory=dict)  # digest of each pseudonym's one key
    behind: dict[int, frozenset[str]] = field(default_factory=dict)  # who stands behind a grant
    nonces: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Check one entry against all before it, and learn what it grants, revokes or enrols.

        Raises:
            Broken: a role, grant, key or signature does not hold.
        """
        where = f"entry {entry['index']}"
        if entry["index"] == 0:
            self._found(entry, where)
        else:
            self._check_roles(entry, where)
        if "signed" in entry:
            self._check_signature(entry, where)
        elif entry["action"] in PLATFORM_SIGNED and entry["refusal"] is None:
            raise Broken("signature-of-person-missing", where)
        if entry["refusal"] is None:
            self._learn(entry, where)

    def appointers(self, entry: Entry) -> set[str]:
        """Everybody by whose grant, or a grant of whose, the roles of an entry came to be."""
        return {name for index in entry["granted_by"] for name in self.behind[index]}

    def _counting(self, entry: Entry) -> list[Grant]:
        return [g for g in self.grants if g.member == entry["actor"] and g.counts(entry)]

    def _found(self, entry: Entry, where: str) -> None:
        roles = ["operator", "policy-admin"]
        sound = (
            (entry["action"], entry["refusal"]) == ("ledger.open", None)
            and (entry["roles"], entry["granted_by"]) == (roles, [])
            and (entry["domain"], entry["organisation"]) == ("platform", "platform")
            and "account" in entry["objects"]
        )
        if not sound:
            raise Broken("first-entry-names-no-operator", where)
        self.people[entry["objects"]["account"]] = entry["actor"]
        self.behind[0] = frozenset()
        for role in roles:
            # No key yet: the founder enrols one by an entry of their own.
            grant = Grant(entry["actor"], role, "platform", "platform", b"", 0, "")
            self.grants.append(grant)
            self.by_membership[entry["outcome"].get("objects", {}).get(role, role)] = grant

    def _check_roles(self, entry: Entry, where: str) -> None:
        named = [g for g in self._counting(entry) if g.index in entry["granted_by"]]
        if sorted({g.index for g in named}) != entry["granted_by"]:
            raise Broken("role-not-granted", where)
        if sorted({g.role for g in named}) != entry["roles"]:
            raise Broken("role-not-granted", where)
        if entry["organisation"] not in ({g.organisation for g in named} or {"none"}):
            raise Broken("organisation-not-granted", where)

    def _check_signature(self, entry: Entry, where: str) -> None:
        signed, action = entry["signed"], entry["action"]
        names = PLATFORM_SIGNED.get(action, (signed["objects"].keys(), signed["terms"].keys()))
        if (signed["objects"].keys(), signed["terms"].keys()) != names:
            raise Broken("signed-act-malformed", where)
        if signed["objects"].items() - entry["objects"].items():
            raise Broken("signed-objects-differ", where)
        if signed["nonce"] in self.nonces:
            raise Broken("signed-act-replayed", where)
        self.nonces.add(signed["nonce"])
        key = strict_b64(signed["key"], where)
        vouched = all(g.signing_key in {b"", key} for g in self._counting(entry))
        if self.keys.get(entry["actor"]) != digest_of(key) or not vouched:
            raise Broken("signed-by-unenrolled-key", where)
        if not ed25519_holds(key, strict_b64(signed["signature"], where), act_bytes(entry)):
            raise Broken("signature-of-person-wrong", where)

    def _learn(self, entry: Entry, where: str) -> None:
        action, objects = entry["action"], entry["objects"]
        if action == "account.enrol-key":
            self._enrol(entry, where)
        elif action == "account.remove":
            gone = self.people.get(objects.get("account", ""))
            for grant in self.grants:
                grant.revoked = grant.revoked or grant.member == gone
        elif action == "member.grant":
            self._grant(entry, where)
        elif action == "member.revoke":
            ended = self.by_membership.get(objects.get("membership", ""))
            if ended is None:
                raise Broken("revoked-membership-unknown", where)
            ended.revoked = True
        elif action == "ledger.open" and entry["index"]:
            raise Broken("first-entry-names-no-operator", where)

    def _enrol(self, entry: Entry, where: str) -> None:
        key = entry["outcome"].get("digests", {}).get("signing_key")
        if key is None:
            return  # a key that no entry names counts for nothing
        account, actor = entry["objects"].get("account", ""), entry["actor"]
        # The same key once more is how an account tells of one that no entry named.
        holders = {name for name, held in self.keys.items() if held == key}
        if self.keys.get(actor, key) != key or holders - {actor}:
            raise Broken("key-enrolled-twice", where)
        if self.people.setdefault(account, actor) != actor:
            raise Broken("key-of-another-account", where)
        self.keys[actor] = key

    def _grant(self, entry: Entry, where: str) -> None:
        if "operator" not in entry["roles"]:
            raise Broken("granted-by-no-operator", where)
        objects, terms = entry["objects"], entry["signed"]["terms"]
        member, membership = objects.get("member", ""), objects["membership"]
        if membership in self.by_membership:
            raise Broken("membership-granted-twice", where)
        key = strict_b64(terms["signing_key"], where)
        holder = self.people.get(objects["account"])
        if member != holder or self.keys.get(member) != digest_of(key):
            raise Broken("grant-to-another-key", where)
        if terms["role"] not in {"operator", "policy-admin"} or terms["domain"] != "platform":
            raise Broken("grant-terms-malformed", where)
        ends = utc(terms["expires_at"], where) if terms["expires_at"] else ""
        grant = Grant(
            member, terms["role"], "platform", terms["organisation"], key, entry["index"], ends
        )
        self.grants.append(grant)
        self.by_membership[membership] = grant
        self.behind[entry["index"]] = frozenset({entry["actor"], *self.appointers(entry)})


@dataclass(frozen=True)
class InForce:
    """A decision table, and from when on it was in force: entry and time on the platform's log."""

    table: str
    index: int
    at: str


@dataclass
class Policies:
    """The platform's log: which decision tables came into force, and by whom (clause 4.6)."""

    in_force: list[InForce] = field(default_factory=list)
    proposals: dict[str, Entry] = field(default_factory=dict)
    staff: Staff = field(default_factory=Staff)

    def take(self, entry: Entry) -> None:
        """Learn from one entry of the platform's log, and check what it says of the policy.

        Raises:
            Broken: a policy came into force without a second person, or something was ruled by
                a table that is not in force.
        """
        where = f"entry {entry['index']}"
        self.staff.take(entry)
        self._check_ruled(entry["ruling"], where)
        action = entry["action"]
        if entry["refusal"] is not None or not action.startswith("policy."):
            return
        if "policy-admin" not in entry["roles"]:
            raise Broken("policy-changed-by-no-admin", where)
        table = entry["outcome"].get("digests", {}).get("policy", "")
        if action == "policy.adopt":
            self._adopt(table, entry, where)
        elif action == "policy.propose":
            self._propose(table, entry, where)
        elif action == "policy.approve":
            self._approve(table, entry, where)
        else:
            self.proposals.pop(entry["signed"]["objects"]["policy"], None)

    def _check_ruled(self, ruling: Mapping[str, Any] | None, where: str) -> None:
        # What came before the first adoption was ruled by the table that shipped.
        if not self.in_force or ruling is None or ruling["policy"] == self.in_force[-1].table:
            return
        once = ruling["policy"] in {each.table for each in self.in_force}
        raise Broken(
            "ruled-by-table-no-longer-in-force" if once else "ruled-by-table-never-in-force", where
        )

    def _adopt(self, table: str, entry: Entry, where: str) -> None:
        if self.in_force:
            raise Broken("policy-adopted-twice", where)
        if table != entry["ruling"]["policy"]:
            raise Broken("policy-of-another-table", where)
        self.in_force.append(InForce(table, entry["index"], entry["at"]))

    def _propose(self, table: str, entry: Entry, where: str) -> None:
        signed = entry["signed"]
        name, terms = signed["objects"]["policy"], signed["terms"]
        if name in self.proposals or terms["table"] != table:
            raise Broken("policy-of-another-table", where)
        if entry["outcome"].get("digests", {}).get("diff", "") != terms["diff"]:
            raise Broken("policy-of-another-difference", where)
        self.proposals[name] = entry

    def _approve(self, table: str, entry: Entry, where: str) -> None:
        proposed = self.proposals.pop(entry["signed"]["objects"]["policy"], None)
        if proposed is None:
            raise Broken("policy-not-proposed", where)
        terms = proposed["signed"]["terms"]
        if not terms["table"] == entry["signed"]["terms"]["table"] == table:
            raise Broken("policy-of-another-table", where)
        said, told = (each["outcome"].get("digests", {}) for each in (entry, proposed))
        if any(said.get(name) != told.get(name) for name in ("diff", "proof")):
            raise Broken("policy-of-another-difference", where)
        if not self.in_force or terms["base"] != self.in_force[-1].table:
            raise Broken("policy-overtaken", where)
        author = proposed["actor"]
        same_key = entry["signed"]["key"] == proposed["signed"]["key"]
        if entry["actor"] == author or same_key:
            raise Broken("policy-approved-by-its-author", where)
        if author in self.staff.appointers(entry):
            raise Broken("policy-approved-by-appointee-of-author", where)
        self.in_force.append(InForce(table, entry["index"], entry["at"]))


@dataclass
class Erasures:
    """What was ordered to be erased, is erased, and which key epoch ended with it.

    Source: docs/spec/erasure.md, section 4. Of single entries (`whole` is false) only what stands
    in them is checked, and not what other entries would have to say.
    """

    whole: bool = True
    orders: dict[str, Entry] = field(default_factory=dict)
    begun: dict[str, Entry] = field(default_factory=dict)
    complete: dict[str, Entry] = field(default_factory=dict)
    rotations: list[Entry] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)  # live ones, with their datasets
    gone: set[str] = field(default_factory=set)  # datasets and subjects whose keys are destroyed

    def take(self, entry: Entry) -> None:
        """Check one done act against what came before, and learn from it.

        Raises:
            Broken: by nobody entitled, out of order, under a hold, or about what is erased.
        """
        action, where = entry["action"], f"entry {entry['index']}"
        if entry["refusal"] is not None:
            return
        if action in ERASING:
            if ERASING[action] not in entry["roles"]:
                raise Broken("erasure-by-nobody-entitled", where)
            getattr(self, f"_{action.replace('.', '_')}")(entry, entry["signed"]["terms"], where)
        elif action in PROCESSING:
            named = {entry["objects"].get("dataset")}
            named.add(entry["outcome"].get("objects", {}).get("subject"))
            if named & self.gone:
                raise Broken("erased-and-processed", where)

    def final(self, erasure: str) -> Entry | None:
        """The rotation by which an erasure is final; None when it is not."""
        done = self.complete.get(erasure)
        if done is None:
            return None
        made = (r for r in self.rotations if r["index"] > done["index"])
        covering = (r for r in made if int(r["signed"]["terms"]["through"]) >= done["index"])
        return next(covering, None)

    def _erasure_order(self, entry: Entry, terms: Mapping[str, str], where: str) -> None:
        erasure = entry["objects"]["erasure"]
        named = bool(terms["subject"]) + bool(terms["sealed"])
        if terms["scope"] not in {"dataset", "subject"} or named != (terms["scope"] == "subject"):
            raise Broken("erasure-of-nobody-clear", where)
        if erasure in self.orders:
            raise Broken("erasure-ordered-twice", where)
        self._check_hold(entry, where)
        self.orders[erasure] = entry

    def _erasure_begin(self, entry: Entry, terms: Mapping[str, str], where: str) -> None:
        order = self._before(entry, self.orders, self.begun, where)
        subjects = terms["subjects"].split(",") if terms["subjects"] else []
        said = order["signed"]["terms"]
        if not all(map(HEX32.fullmatch, subjects)) or len(set(subjects)) != len(subjects):
            raise Broken("erasure-malformed", where)
        if bool(subjects) != (said["scope"] == "subject"):
            raise Broken("erasure-of-somebody-else", where)
        if said["subject"] and subjects != [said["subject"]]:
            raise Broken("erasure-of-somebody-else", where)
        self._check_hold(entry, where)
        self.begun[entry["objects"]["erasure"]] = entry

    def _erasure_complete(self, entry: Entry, terms: Mapping[str, str], where: str) -> None:
        begun = self._before(entry, self.begun, self.complete, where)
        subjects = begun["signed"]["terms"]["subjects"]
        counts = entry["outcome"].get("counts", {})
        if any(str(counts.get(name)) != said for name, said in terms.items()):
            raise Broken("erasure-counts-differ", where)
        if self.whole and terms["epoch"] != str(len(self.rotations) + 1):
            raise Broken("erasure-in-another-epoch", where)
        self.complete[entry["objects"]["erasure"]] = entry
        self.gone |= set(subjects.split(",")) if subjects else {entry["objects"]["dataset"]}

    def _key_rotate(self, entry: Entry, terms: Mapping[str, str], where: str) -> None:
        if not all(map(SIZE.fullmatch, terms.values())):
            raise Broken("rotation-malformed", where)
        former, new = int(terms["from_epoch"]), int(terms["to_epoch"])
        known = len(self.rotations) + 1 if self.whole else former
        if (former, new) != (known, former + 1) or int(terms["through"]) >= entry["index"]:
            raise Broken("rotation-out-of-order", where)
        self.rotations.append(entry)

    def _hold_place(self, entry: Entry, _: Mapping[str, str], where: str) -> None:
        hold = entry["objects"]["hold"]
        if hold in self.holds:
            raise Broken("hold-placed-twice", where)
        self.holds[hold] = entry["objects"]["dataset"]

    def _hold_lift(self, entry: Entry, _: Mapping[str, str], where: str) -> None:
        if self.holds.pop(entry["objects"]["hold"], None) != entry["objects"]["dataset"]:
            raise Broken("hold-unknown", where)

    def _check_hold(self, entry: Entry, where: str) -> None:
        if entry["objects"]["dataset"] in self.holds.values():
            raise Broken("erasure-under-hold", where)

    def _before(
        self, entry: Entry, former: Mapping[str, Entry], done: Mapping[str, Entry], where: str
    ) -> Entry:
        """The step that must come first, of the same dataset; each step is done once."""
        erasure = entry["objects"]["erasure"]
        before = former.get(erasure)
        if before is None or erasure in done:
            raise Broken("erasure-out-of-order", where)
        if before["objects"]["dataset"] != entry["objects"]["dataset"]:
            raise Broken("erasure-of-another-dataset", where)
        return before


ERASING = {
    "erasure.begin": "worker",
    "erasure.complete": "worker",
    "erasure.order": "steward",
    "hold.lift": "steward",
    "hold.place": "steward",
    "key.rotate": "worker",
}
PROCESSING = frozenset(
    {
        "approval.open", "approval.sample", "approval.sign", "deposit.complete", "deposit.open",
        "item.clean", "item.issue", "project.create", "release.seal",
    }
)  # fmt: skip


@dataclass
class Story:
    """What a log's entries tell: people, releases, and how many verdicts were ruled again."""

    people: People = field(default_factory=People)
    lineage: Lineage = field(default_factory=Lineage)
    permits: Permits = field(default_factory=Permits)
    policies: Policies = field(default_factory=Policies)
    erasures: Erasures = field(default_factory=Erasures)
    ruled: int = 0


def read_story(
    log: Log,
    pins: Pins,
    tables: Mapping[str, Table] | None = None,
    told: "Chronicle | None" = None,
) -> Story:
    """Check every entry of a log in turn; verdicts only where the tables are at hand.

    `told` learns from each entry that held. The platform's own ledger has no releases; its people
    and keys are those of clause 3.7.

    Raises:
        Broken: an entry, a role, a signature, a verdict or a release does not hold.
    """
    story, quorum, table, known = Story(), None, None, Known()
    ledger = log.ledger
    for entry in chained(log.raw, ledger):
        check_pinned_policy(entry, pins, f"entry {entry['index']}")
        if tables is not None:
            story.ruled += check_verdict(entry, tables, known)
            table = tables[entry["ruling"]["policy"]] if entry["ruling"] else {}
            quorum = table.get("quorum")
            story.people.check_training(entry, table.get("training", {}))
        if ledger != "platform":
            story.people.take(entry)
            story.lineage.take(entry, story.people, quorum)
            story.permits.take(entry, table)
            story.erasures.take(entry)
        else:
            story.policies.take(entry)
        if told is not None:
            told.take(entry)
    if pins.quorum is not None:
        check_witnessed(log, story.lineage)
    return story


def check_witnessed(log: Log, lineage: Lineage) -> None:
    """The pinned quorum vouches for a head over all that releases rest on (clause 9.7).

    Raises:
        Broken: a release left for which the hospital asked for witnesses, and they never saw it.
        CannotTell: no quorum vouches for any head yet.
    """
    seen = 0 if log.witnessed is None else log.witnessed.size
    for release, seal in lineage.sealed.items():
        last = max(vote.index for vote in lineage.votes[release])
        if lineage.asked[release] != UNWITNESSED and seen <= last:
            raise Broken("release-without-quorum", f"entry {seal['index']}")
    if log.witnessed is None:
        raise CannotTell("no quorum of the pinned witnesses vouches for this log yet")


# --- 10. proofs, receipts, passports, packages ----------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """A tlog-proof: index, path, checkpoint, and the keys that the log names as its own."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    keys: tuple[LogKey, ...]


def parse_proof(text: str, where: str) -> Proof:
    """A tlog-proof file, strictly. Its `extra` line carries the log's `keys` file.

    Raises:
        Broken: not the one spelling of a proof.
    """
    head, gap, note_text = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Broken("proof-malformed", where)
    note = parse_note(note_text.encode("utf-8"), where)
    keys: tuple[LogKey, ...] = ()
    if lines and lines[0].startswith("extra "):
        keys = parse_keys_file(strict_b64(lines.pop(0)[6:], where), note.origin, where)
    word, _, index = (lines.pop(0) if lines else "").partition(" ")
    if word != "index" or not SIZE.fullmatch(index) or len(lines) > MAX_PATH:
        raise Broken("proof-malformed", where)
    path = tuple(strict_b64(line, where) for line in lines)
    return Proof(int(index), path, note, keys)


def check_proof(text: str, entry: bytes, pins: Pins, where: str) -> Proof:
    """The proof, when it shows that exactly `entry` is in the log of a pinned key.

    Raises:
        Broken: it does not.
        CannotTell: no pinned key speaks for the log.
    """
    proof = parse_proof(text, where)
    check_note(proof.note, proof.keys, pins, where)
    root = root_by_path(proof.index, proof.note.size, leaf_hash(entry), proof.path, where)
    if not hmac.compare_digest(root, proof.note.root):
        raise Broken("entry-not-in-log", where)
    return proof


@dataclass(frozen=True)
class Attested:
    """An entry that was proved to be in the log, and the checkpoint under which it was."""

    entry: dict[str, Any]
    note: Note


def check_attested(record: Any, pins: Pins, where: str) -> Attested:
    """The entry of `{entry, proof}`, proved to be in the log at the index it names.

    Raises:
        Broken: form, proof, ledger or index are wrong.
        CannotTell: no pinned key speaks for the log.
    """
    if not isinstance(record, dict) or record.keys() != {"entry", "proof"}:
        raise Broken("receipt-malformed", where)
    if not all(isinstance(text, str) for text in record.values()):
        raise Broken("receipt-malformed", where)
    raw = record["entry"].encode("utf-8")
    entry = parse_entry(raw, where)
    proof = check_proof(record["proof"], raw, pins, where)
    if entry["index"] != proof.index or entry["ledger"] != ledger_of(proof.note):
        raise Broken("entry-out-of-place", where)
    check_pinned_policy(entry, pins, where)
    return Attested(entry, proof.note)


PART = _record(
    {
        "index": _is_count,
        "commitment": _spelt(HEX64),
        "path": lambda value: isinstance(value, list) and all(map(_spelt(HEX64), value)),
    }
)


def check_part(part: Any, entry: Entry, where: str) -> None:
    """A part of a bulk act: its Merkle path leads to the root in the entry.

    Raises:
        Broken: it does not.
    """
    whole = entry["outcome"].get("parts")
    if not PART(part) or whole is None:
        raise Broken("receipt-part-malformed", where)
    leaf = leaf_hash(bytes.fromhex(part["commitment"]))
    path = [bytes.fromhex(hash_) for hash_ in part["path"]]
    if root_by_path(part["index"], whole["count"], leaf, path, where).hex() != whole["root"]:
        raise Broken("receipt-part-not-in-act", where)


def verify_receipt(record: Any, pins: Pins) -> str:
    """A receipt; the sentence to print."""
    if not isinstance(record, dict):
        raise Broken("receipt-malformed", "receipt")
    bare = {name: value for name, value in record.items() if name != "part"}
    entry = check_attested(bare, pins, "receipt").entry
    part = ""
    if "part" in record:
        check_part(record["part"], entry, "receipt")
        part = f"part {record['part']['index']} of "
    done = "done" if entry["refusal"] is None else f"refused ({entry['refusal']})"
    return (
        f"receipt: {part}entry {entry['index']} of ledger {entry['ledger']}: "
        f"{entry['action']} {done}"
    )


@dataclass(frozen=True)
class Passport:
    """A passport that held: its statement and the entries it rests on."""

    statement: Mapping[str, Any]
    evidence: tuple[Attested, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, in order."""
        return tuple(attested.entry for attested in self.evidence)

    vouched: str = UNWITNESSED

    @property
    def sentence(self) -> str:
        """What can be said of it."""
        return f"release {self.statement['predicate']['release']}, {self.vouched}"

    def demand_witnesses(self, pins: Pins, where: str) -> None:
        """What left without witnesses is not sound to who pins a policy of them.

        Raises:
            Broken: the hospital asked for none.
        """
        if pins.quorum is not None and self.vouched == UNWITNESSED:
            raise Broken("release-unwitnessed", where)


def pae(payload_type: str, body: bytes) -> bytes:
    """What a DSSE signature covers. Source: DSSE protocol, PAE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def check_passport(data: bytes, pins: Pins, where: str = "passport") -> Passport:
    """A passport: every entry proved, every signature by someone those entries enrolled.

    Raises:
        Broken: an entry, a signature, the quorum or the statement does not hold.
        CannotTell: no pinned key speaks for the log.
    """
    passport = parse_canonical(data, where)
    if not isinstance(passport, dict) or passport.keys() != {"envelope", "evidence"}:
        raise Broken("passport-malformed", where)
    if not isinstance(passport["evidence"], list) or not passport["evidence"]:
        raise Broken("passport-malformed", where)
    evidence = [
        check_attested(record, pins, f"{where}, evidence {number}")
        for number, record in enumerate(passport["evidence"])
    ]
    _check_one_history(evidence, where)
    statement, signatures = check_envelope(passport["envelope"], where)
    people, lineage = People(), Lineage()
    for attested in evidence:
        people.take(attested.entry)
        lineage.take(attested.entry, people)
    votes = _check_statement(statement, lineage, people, where)
    lineage.check_approved(statement["predicate"]["dataset"], where)
    last = {**evidence[-1].entry, "domain": "hospital"}
    recipients = people.by_member.get(statement["predicate"]["recipient"], ())
    if not any(g.role == "recipient" and g.counts(last) for g in recipients):
        raise Broken("recipient-not-enrolled", where)
    grants = people.by_membership.values()
    workers = {g.signing_key for g in grants if g.role == "worker" and g.counts(last)}
    _check_signers(votes, signatures, workers, pae(DSSE_TYPE, canonical(statement)), where)
    asked = lineage.asked[statement["predicate"]["release"]]
    return Passport(statement, tuple(evidence), _vouched(asked, evidence, pins, where))


def _vouched(asked: str, evidence: Sequence[Attested], pins: Pins, where: str) -> str:
    """Who vouches for the heads under which a passport stands, in words (clause 9.7).

    Raises:
        Broken: the hospital asks for witnesses, and the pinned ones are no quorum here.
    """
    if asked == UNWITNESSED:
        return UNWITNESSED
    if pins.quorum is None:
        return f"witnesses {asked} not checked"
    if not all(pins.quorum.met_by(attested.note) for attested in evidence):
        raise Broken("release-without-quorum", where)
    return f"witnessed by {pins.quorum.digest}"


def _check_one_history(evidence: Sequence[Attested], where: str) -> None:
    """The entries are of one log, each there once, in order, under checkpoints that agree."""
    indices = [attested.entry["index"] for attested in evidence]
    if len({attested.note.origin for attested in evidence}) != 1:
        raise Broken("passport-evidence-of-several-logs", where)
    if any(former >= index for former, index in pairwise(indices)):
        raise Broken("passport-evidence-not-in-order", where)
    roots = {attested.note.size: attested.note.root for attested in evidence}
    if any(roots[attested.note.size] != attested.note.root for attested in evidence):
        raise Broken("log-forked", where)


def check_envelope(envelope: Any, where: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The statement, its form checked, and the envelope's signatures by key id (not yet judged).

    Raises:
        Broken: the envelope or the statement has another form.
    """
    if not isinstance(envelope, dict) or set(envelope) != {"payload", "payloadType", "signatures"}:
        raise Broken("envelope-malformed", where)
    if envelope["payloadType"] != DSSE_TYPE or not isinstance(envelope["payload"], str):
        raise Broken("envelope-malformed", where)
    body = strict_b64(envelope["payload"], where)
    statement = parse_canonical(body, f"{where}, statement")
    if not STATEMENT(statement):
        raise Broken("statement-malformed", where)
    lines = envelope["signatures"]
    if not isinstance(lines, list) or not all(map(ENVELOPE_LINE, lines)):
        raise Broken("envelope-malformed", where)
    signatures = {line["keyid"]: strict_b64(line["sig"], where) for line in lines}
    if len(signatures) != len(lines):
        raise Broken("envelope-malformed", where)
    return statement, signatures


PREDICATE = ("release", "project", "dataset", "ledger", "recipient", "package", "category")
ENVELOPE_LINE = _record({"keyid": _spelt(DIGEST), "sig": _spelt(TERM)})
SUBJECT = _record({"name": _is_text, "digest": _record({"sha256": _spelt(HEX64)})})
STATEMENT = _record(
    {
        "_type": lambda value: value == "https://in-toto.io/Statement/v1",
        "predicateType": lambda value: value == PREDICATE_TYPE,
        "subject": lambda value: isinstance(value, list) and all(map(SUBJECT, value)),
        "predicate": lambda value: (
            isinstance(value, dict) and all(map(_is_text, map(value.get, PREDICATE)))
        ),
    }
)


def _check_statement(
    statement: Mapping[str, Any], lineage: Lineage, people: People, where: str
) -> list[Vote]:
    """The votes for this statement. Numbered as in docs/spec/passport.md, section 3."""
    predicate = statement["predicate"]
    release = predicate["release"]
    # (1) requested and screened in this ledger, and approved by people without a part in it
    votes = lineage.approvals(release, people, where)
    request, screen = lineage.requests[release], lineage.screens[release]
    named = (
        request["ledger"],
        request["objects"].get("project"),
        request["objects"].get("recipient"),
    )
    if named != (predicate["ledger"], predicate["project"], predicate["recipient"]):
        raise Broken("statement-differs-from-log", where)
    if predicate.get("witness", UNWITNESSED) != lineage.asked[release]:
        raise Broken("release-witness-differs", where)
    # (2) the votes are on this statement and this package, and enough
    digest = digest_of(canonical(statement))
    if package_of(screen, where) != (predicate["package"], digest):
        raise Broken("release-of-another-package", where)
    grading = predicate.get("grade"), predicate["category"]
    asked = request["facts"].get("grade"), request["facts"].get("category")
    if asked not in {grading, (None, None)}:
        raise Broken("release-of-another-grade", where)
    check_quorum(votes, grading, None, where)
    return votes


def _check_signers(
    votes: Sequence[Vote],
    signatures: Mapping[str, bytes],
    workers: set[bytes],
    message: bytes,
    where: str,
) -> None:
    """(3) each voter and a worker signed the envelope; nobody else did."""
    voters = {vote.key for vote in votes}
    ids = {digest_of(key): key for key in voters | workers}
    for key_id, signature in signatures.items():
        if key_id not in ids or not ed25519_holds(ids[key_id], signature, message):
            raise Broken("envelope-signature-wrong", where)
    signed = {ids[key_id] for key_id in signatures}
    if not voters <= signed or not workers & signed:
        raise Broken("envelope-signature-missing", where)


def package_digest(files: Mapping[str, bytes]) -> str:
    """Digest over names, sizes and SHA-256 of a package's files."""
    rows = [
        {"name": name, "sha256": sha256(files[name]).hex(), "size": len(files[name])}
        for name in sorted(files)
    ]
    return digest_of(canonical({"files": rows}))


def _subjects_of(entry: Entry) -> set[str]:
    """Subjects whom an act names, in its objects, its outcome or what was signed."""
    named = {**entry["objects"], **entry["outcome"].get("objects", {})}
    signed = entry.get("signed", {}).get("terms", {}).get("subjects", "")
    of_objects = {value for name, value in named.items() if name.partition("-")[0] == "subject"}
    return of_objects | set(signed.split(","))


CERTIFICATE = _record(
    {
        "v": lambda value: type(value) is int and value == 1,
        "what": lambda value: value == "anbiao-erasure-certificate",
        "ledger": _spelt(HEX32),
        "dataset": _spelt(HEX32),
        "erasure": _spelt(HEX32),
        "evidence": lambda value: isinstance(value, list) and bool(value),
    }
)


def verify_certificate(record: Any, pins: Pins) -> str:
    """The certificate of an erasure: each step signed by who must, and all in the log.

    Raises:
        Broken: form, an entry, a signature, or the order of steps does not hold.
        CannotTell: no pinned key speaks for the log.
    """
    where = "certificate"
    if not CERTIFICATE(record):
        raise Broken("certificate-malformed", where)
    evidence = [
        check_attested(one, pins, f"{where}, evidence {number}")
        for number, one in enumerate(record["evidence"])
    ]
    _check_one_history(evidence, where)
    people, erasures = People(), Erasures(whole=False)
    for attested in evidence:
        people.take(attested.entry)
        erasures.take(attested.entry)
    erasure = record["erasure"]
    order, rotation = erasures.orders.get(erasure), erasures.final(erasure)
    if order is None or rotation is None:
        raise Broken("certificate-incomplete", where)
    if (order["ledger"], order["objects"]["dataset"]) != (record["ledger"], record["dataset"]):
        raise Broken("certificate-of-something-else", where)
    done, terms = erasures.complete[erasure], rotation["signed"]["terms"]
    left = done["outcome"]["counts"].get("releases_out", 0)
    return (
        f"erasure {erasure} of a {order['signed']['terms']['scope']} in dataset"
        f" {record['dataset']}: ordered in entry {order['index']}, complete in entry"
        f" {done['index']}, final in entry {rotation['index']}: key epoch {terms['from_epoch']}"
        f" destroyed; {left} releases had left before"
    )


def verify_package(source: Source, pins: Pins) -> str:
    """A package folder: the passport and exactly the files it names; the sentence to print."""
    names = frozenset(source.names() or ()) - {"passport.json"}
    passport = check_passport(source.read("passport.json"), pins)
    passport.demand_witnesses(pins, "passport")
    subjects = {s["name"]: s["digest"]["sha256"] for s in passport.statement["subject"]}
    for name in sorted(names ^ subjects.keys()):
        raise Broken("package-file-unknown" if name in names else "package-file-missing", name)
    files = {name: source.read(name) for name in sorted(names)}
    for name, data in files.items():
        if sha256(data).hex() != subjects[name]:
            raise Broken("package-file-differs", name)
    if package_digest(files) != passport.statement["predicate"]["package"]:
        raise Broken("release-of-another-package", "passport")
    return f"package of {len(files)} files: {passport.sentence}"


# --- 10a. time-stamps of checkpoints (RFC 3161, RFC 5652, RFC 5816; clause 10) --------------------

SEQUENCE, SET, INTEGER, OCTETS, OID, TIME_TAG = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910022f")
DIGEST_OIDS: Mapping[bytes, tuple[str, digests.HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): ("sha256", digests.SHA256()),
    bytes.fromhex("608648016503040202"): ("sha384", digests.SHA384()),
    bytes.fromhex("608648016503040203"): ("sha512", digests.SHA512()),
}
GENERAL_TIME = re.compile(r"([0-9]{14})(\.[0-9]{1,6})?Z")


@dataclass(frozen=True)
class Tlv:
    """One value in DER: its tag, its content, and all of its octets."""

    tag: int
    content: bytes
    whole: bytes


def der(data: bytes, where: str) -> list[Tlv]:
    """The values that `data` is made of, in the one spelling of DER.

    Raises:
        Broken: a length is cut, not the shortest, or indefinite; a tag is of the long form.
    """
    found, at = [], 0
    while at < len(data):
        start, head = at, data[at : at + 2]
        if len(head) < 2 or head[0] & 0x1F == 0x1F:  # noqa: PLR2004 - tag and length
            raise Broken("stamp-malformed", where)
        size, at = head[1], at + 2
        if size & 0x80:
            count = size & 0x7F
            octets = data[at : at + count]
            size, at = int.from_bytes(octets, "big"), at + count
            if not 1 <= count <= 4 or len(octets) < count or size < 0x80 or not octets[0]:  # noqa: PLR2004 - X.690 10.1
                raise Broken("stamp-malformed", where)
        if at + size > len(data):
            raise Broken("stamp-malformed", where)
        found.append(Tlv(head[0], data[at : at + size], data[start : at + size]))
        at += size
    return found


class Reader:
    """Values of one constructed value, taken one after the other."""

    def __init__(self, data: bytes, where: str) -> None:
        self._left = der(data, where)
        self._where = where

    def take(self, *tags: int) -> bytes:
        """The content of the next value, which has one of these tags."""
        if not self._left or self._left[0].tag not in tags:
            raise Broken("stamp-malformed", self._where)
        return self._left.pop(0).content

    def skip(self, *tags: int) -> Tlv | None:
        """The next value, if it has one of these tags."""
        return self._left.pop(0) if self._left and self._left[0].tag in tags else None

    def inside(self, tag: int) -> "Reader":
        """A reader of the next value's own values."""
        return Reader(self.take(tag), self._where)

    def end(self) -> None:
        """Nothing follows."""
        if self._left:
            raise Broken("stamp-malformed", self._where)


@dataclass(frozen=True)
class Stamp:
    """A checkpoint, and when an authority that is pinned saw it."""

    note: Note
    at: str


def check_stamp(data: bytes, pins: Pins, where: str, named: Sequence[LogKey] = ()) -> Stamp:
    """A time-stamped checkpoint: a note by a pinned key, a token by a pinned authority (10.2).

    `named` are the keys that the log says are its own, where these are at hand.

    Raises:
        Broken: it is not what it must be.
        CannotTell: no authority is pinned, or no key of the log.
    """
    record = parse_canonical(data, where)
    if not STAMP(record):
        raise Broken("stamp-malformed", where)
    text = record["checkpoint"].encode()
    note = parse_note(text, where)
    check_note(note, named, pins, where)
    if not pins.authorities:
        raise CannotTell("no time-stamp authority is pinned")
    token = strict_b64(record["token"], where)
    at = check_token(token, sha256(text), int(record["nonce"], 16), pins.authorities, where)
    return Stamp(note, at)


STAMP = _record(
    {
        "v": lambda value: type(value) is int and value == 1,
        "checkpoint": lambda value: isinstance(value, str),
        "nonce": _spelt(re.compile("[0-9a-f]{1,64}")),
        "token": lambda value: isinstance(value, str),
    }
)


def check_token(
    token: bytes, imprint: bytes, nonce: int, authorities: Sequence[bytes], where: str
) -> str:
    """When an authority stamped a digest, in the log's own spelling of times.

    Raises:
        Broken: the token is malformed, of another digest or nonce, or not by a pinned authority.
    """
    outer = Reader(token, where).inside(SEQUENCE)
    if outer.take(OID) != SIGNED_DATA:
        raise Broken("stamp-malformed", where)
    signed = outer.inside(0xA0).inside(SEQUENCE)
    signed.take(INTEGER), signed.take(SET)
    content = signed.inside(SEQUENCE)
    if content.take(OID) != TST_INFO:
        raise Broken("stamp-of-something-else", where)
    info = content.inside(0xA0).take(OCTETS)
    signers = signed.inside(SET)
    signer = signers.inside(SEQUENCE)
    for reader in (signers, signed, outer, content):
        reader.end()
    certificate = _check_signer(signer, info, authorities, where)
    at = _check_info(Reader(info, where).inside(SEQUENCE), imprint, nonce, where)
    _check_authority(certificate, at, where)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _check_signer(
    signer: Reader, info: bytes, authorities: Sequence[bytes], where: str
) -> x509.Certificate:
    """The pinned certificate whose key signed. Source: RFC 5652 5.3, 5.4; RFC 5816 2.2."""
    signer.take(INTEGER), signer.take(SEQUENCE, 0x80)
    name, algorithm = _digest(signer.inside(SEQUENCE), where)
    attributes = signer.skip(0xA0)
    signer.take(SEQUENCE)
    signature = signer.take(OCTETS)
    if attributes is None:
        raise Broken("stamp-malformed", where)
    said = _attributes(attributes.content, where)
    if said.get(CONTENT_TYPE) != bytes([OID, len(TST_INFO)]) + TST_INFO:
        raise Broken("stamp-malformed", where)
    if said.get(MESSAGE_DIGEST, b"")[2:] != hashlib.new(name, info).digest():
        raise Broken("stamp-altered", where)
    certificate = _named(said.get(SIGNING_CERTIFICATE, b""), authorities, where)
    message = bytes([SET]) + attributes.whole[1:]
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        else:
            raise Broken("stamp-key-unknown", where)
    except (InvalidSignature, ValueError) as error:
        raise Broken("stamp-signature-wrong", where) from error
    return certificate


def _digest(algorithm: Reader, where: str) -> tuple[str, digests.HashAlgorithm]:
    found = DIGEST_OIDS.get(algorithm.take(OID))
    if found is None:
        raise Broken("stamp-digest-unknown", where)
    return found


def _attributes(content: bytes, where: str) -> dict[bytes, bytes]:
    """Attributes by type; each has one value."""
    found: dict[bytes, bytes] = {}
    for item in der(content, where):
        attribute = Reader(item.content, where)
        kind, values = attribute.take(OID), der(attribute.take(SET), where)
        attribute.end()
        if item.tag != SEQUENCE or kind in found or len(values) != 1:
            raise Broken("stamp-malformed", where)
        found[kind] = values[0].whole
    return found


def _named(attribute: bytes, authorities: Sequence[bytes], where: str) -> x509.Certificate:
    """The pinned certificate that the signer's attribute names first."""
    if not attribute:
        raise Broken("stamp-names-no-certificate", where)
    first = Reader(attribute, where).inside(SEQUENCE).inside(SEQUENCE).inside(SEQUENCE)
    algorithm = first.skip(SEQUENCE)
    name = "sha256" if algorithm is None else _digest(Reader(algorithm.content, where), where)[0]
    wanted = first.take(OCTETS)
    for authority in authorities:
        if hashlib.new(name, authority).digest() == wanted:
            return x509.load_der_x509_certificate(authority)
    raise Broken("stamp-by-other-authority", where)


def _check_info(info: Reader, imprint: bytes, nonce: int, where: str) -> datetime:
    """What was stamped, and when. Source: RFC 3161 2.4.2."""
    if info.take(INTEGER) != b"\x01":
        raise Broken("stamp-malformed", where)
    info.take(OID)
    stamped = info.inside(SEQUENCE)
    name, _ = _digest(stamped.inside(SEQUENCE), where)
    if (name, stamped.take(OCTETS)) != ("sha256", imprint):
        raise Broken("stamp-of-another-checkpoint", where)
    info.take(INTEGER)
    form = GENERAL_TIME.fullmatch(info.take(TIME_TAG).decode("ascii", "replace"))
    info.skip(SEQUENCE), info.skip(0x01)
    said = info.skip(INTEGER)
    info.skip(0xA0), info.skip(0xA1)
    info.end()
    if said is None or int.from_bytes(said.content, "big", signed=True) != nonce:
        raise Broken("stamp-of-another-request", where)
    try:
        at = datetime.strptime(form[1] if form else "", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise Broken("time-malformed", where) from error
    fraction = (form[2] if form else None) or ".0"
    return at + timedelta(microseconds=int(fraction[1:].ljust(6, "0")))


def _check_authority(certificate: x509.Certificate, at: datetime, where: str) -> None:
    """For stamping and nothing else, and valid then. Source: RFC 3161 2.3."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise Broken("stamp-authority-unfit", where) from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Broken("stamp-authority-unfit", where)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise Broken("stamp-authority-expired", where)


def read_authorities(paths: Sequence[str]) -> tuple[bytes, ...]:
    """Pinned certificates of time-stamp authorities, each in a PEM file of its own or with others.

    Raises:
        ValueError: a file holds none.
        OSError: there is no such file.
    """
    return tuple(
        certificate.public_bytes(serialization.Encoding.DER)
        for path in paths
        for certificate in x509.load_pem_x509_certificates(Path(path).read_bytes())
    )


# --- 11. evidence packs ---------------------------------------------------------------------------


MEMBER = struct.Struct("<HHHHHIIIHH")  # what local and central headers share


def read_pack(data: bytes) -> dict[str, bytes]:
    """Members of an evidence pack; the archive must be the one spelling of its members.

    Read by hand, since there is one spelling: nothing is unpacked, and no size is believed.

    Raises:
        Broken: not written as docs/spec/evidence.md says.
    """
    files: dict[str, bytes] = {}
    at, last = 0, ""
    while data.startswith(b"PK\x03\x04", at) and at + 4 + MEMBER.size <= len(data):
        fields = MEMBER.unpack_from(data, at + 4)
        start = at + 4 + MEMBER.size + fields[8]
        label, content = data[at + 4 + MEMBER.size : start], data[start : start + fields[7]]
        name = label.decode("utf-8", "replace")
        if name <= last or _member(label, content) != fields:
            raise Broken("evidence-not-canonical", f"evidence pack, {name}")
        files[name], at, last = content, start + len(content), name
    if not files or data[at:] != _directory(files):
        raise Broken("evidence-not-canonical", "evidence pack")
    return files


def _member(label: bytes, content: bytes) -> tuple[int, ...]:
    """Header of a stored member. Source: APPNOTE 6.3 4.3.7; docs/spec/evidence.md, 2."""
    size = len(content)
    return 20, 0x800, 0, 0, 0x21, zlib.crc32(content), size, size, len(label), 0


def _directory(files: Mapping[str, bytes]) -> bytes:
    """What follows the members. Source: APPNOTE 6.3 4.3.12, 4.3.16."""
    directory, where = bytearray(), 0
    for name, content in files.items():
        label = name.encode("utf-8")
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + MEMBER.pack(*_member(label, content))
        directory += struct.pack("<HHHII", 0, 0, 0, 0, where) + label
        where += 4 + MEMBER.size + len(label) + len(content)
    counted = min(len(files), 0xFFFF), min(len(directory), 0xFFFFFFFF), min(where, 0xFFFFFFFF)
    end = struct.pack("<HHHHIIH", 0, 0, counted[0], *counted, 0)
    return bytes(directory) + b"PK\x05\x06" + end


@dataclass(frozen=True)
class Evidence:
    """An evidence pack that held."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    log: Log
    story: Story
    tables: Mapping[str, Table]
    passports: set[str]
    inquiry: "Inquiry"

    @property
    def sentence(self) -> str:
        """What can be said of it."""
        scope = self.inquiry.scope
        return (
            f"evidence of {scope.kind} {scope.words} in ledger {self.log.ledger}: "
            f"{len(self.log.raw)} entries, {self.story.ruled} verdicts ruled again by "
            f"{len(self.tables)} tables, {len(self.passports)} passports"
        )


def verify_evidence(data: bytes, pins: Pins, since: bytes | None = None) -> str:
    """An evidence pack: log, people, verdicts, proofs and passports; the sentence to print."""
    evidence = open_evidence(data, pins, since)
    words = _trust_words(evidence.log, pins)
    return f"{evidence.sentence}; {words}{_stamp_words(evidence.files, evidence.log, pins)}"


def open_evidence(
    data: bytes, pins: Pins, since: bytes | None = None, told: "Chronicle | None" = None
) -> Evidence:
    """An evidence pack whose log, people, verdicts, proofs and passports held.

    Raises:
        Broken: anything in it is not as it must be.
        CannotTell: no pinned key speaks for its log.
    """
    files, told = read_pack(data), told or Chronicle()
    manifest = parse_canonical(Members(files).read("manifest.json"), "manifest.json")
    scope = _check_manifest(manifest, files)
    log = verify_log(Members(files, "log/"), pins, since)
    tables = read_tables(files)
    story = read_story(log, pins, tables, told)
    if log.ledger != manifest["ledger"] or not told.knows(scope):
        raise Broken("evidence-of-another-dataset", "manifest.json")
    proved = _check_pack_proofs(files, log, pins)
    passports = _check_pack_passports(files, log, story.lineage, pins)
    grounds = Grounds(
        older=heads_in(files),
        since=-1 if since is None else parse_note(since, "kept checkpoint").size,
        passports=len(passports),
        tables=len(tables),
        salt=_salt_in(files, scope),
    )
    inquiry = Inquiry(log, story, told, scope, grounds)
    for index in sorted(inquiry.rests_on() - proved):
        raise Broken("proof-missing", f"proofs/{index}.tlog-proof")
    _check_complete(set(inquiry.releases()), passports)
    if "export" in manifest:
        _check_export(manifest, files, told, proved)
    return Evidence(manifest, files, log, story, tables, passports, inquiry)


def _salt_in(files: Mapping[str, bytes], scope: "Scope") -> bytes | None:
    """What opens the log's commitments to the pack's subject; None once that was erased.

    Raises:
        Broken: a pack about a subject says nothing of it, or another one does.
    """
    name = "subject.json"
    if (name in files) != (scope.kind == "subject"):
        raise Broken("file-missing" if scope.kind == "subject" else "unknown-file", name)
    if name not in files:
        return None
    said = parse_canonical(files[name], name)
    if not OPENING(said) or said["subject"] != scope.name:
        raise Broken("subject-opening-wrong", name)
    return None if said["salt"] is None else bytes.fromhex(said["salt"])


def _check_export(
    manifest: Mapping[str, Any], files: Mapping[str, bytes], told: "Chronicle", proved: set[int]
) -> None:
    """The act by which the pack was handed out stands in its log, and binds its summary.

    Raises:
        Broken: it is another one's, or the summary is not the one that was handed out.
    """
    index = manifest["export"]
    entry, where = told.exports.get(index), f"entry {index}"
    if entry is None:
        raise Broken("export-not-in-log", "manifest.json")
    if index not in proved:
        raise Broken("proof-missing", f"proofs/{index}.tlog-proof")
    outcome, about_what = entry["outcome"], manifest["about"]
    said = {**entry["objects"], **outcome.get("codes", {})}
    if {"kind": said.pop("about", ""), **said} != about_what:
        raise Broken("export-of-something-else", where)
    for kind in ("html", "pdf"):
        name = f"summary.{kind}"
        if digest_of(Members(files).read(name)) != outcome.get("digests", {}).get(kind):
            raise Broken("summary-differs-from-log", name)


def _stamp_words(files: Mapping[str, bytes], log: Log, pins: Pins) -> str:
    """When authorities saw the pack's log: at its last stamp by one that is pinned (10.3).

    Raises:
        Broken: a stamp does not hold, or is of another history.
    """
    names = sorted(name for name in files if name.startswith("stamps/"))
    if not names or not pins.authorities:
        return f"; {len(names)} time-stamps not checked" if names else ""
    stamps, named = [], parse_keys_file(files["log/keys"], log.note.origin, "log/keys")
    for name in names:
        stamp = check_stamp(files[name], pins, name, named)
        if name != f"stamps/{stamp.note.size}.json":
            raise Broken("unknown-file", name)
        log.check_same(stamp.note, name)
        stamps.append(stamp)
    last = max(stamps, key=lambda stamp: stamp.note.size)
    return f"; entries below {last.note.size} stamped at {last.at}"


def heads_in(files: Mapping[str, bytes]) -> list[int]:
    """Sizes of the signed heads under which a pack's proofs and passports stand."""
    notes = [
        parse_proof(data.decode("utf-8"), name).note
        for name, data in files.items()
        if name.startswith("proofs/")
    ]
    for name, data in files.items():
        if name.startswith("packages/"):
            records = parse_canonical(data, name)["evidence"]
            notes += [parse_proof(record["proof"], name).note for record in records]
    return sorted({note.size for note in notes})


def _check_complete(sealed: set[str], passports: set[str]) -> None:
    """Exactly the releases that the pack is about have a passport in it."""
    for release in sorted(sealed ^ passports):
        code = "passport-missing" if release in sealed else "unknown-file"
        raise Broken(code, f"packages/{release}/passport.json")


def _trust_words(log: Log, pins: Pins) -> str:
    """Who else saw the log, and whether its tables are those that were expected (7.3, 7.7)."""
    seen = f"{log.cosignatures} cosignatures not checked" if log.cosignatures else UNWITNESSED
    if log.witnessed is not None:
        seen = f"witnessed up to {log.witnessed.size}"
    words = f"{seen}; policy {'pinned' if pins.policies else 'unpinned'}"
    if pins.in_force:
        words += f", {len(pins.in_force)} in force by the platform's log"
    return words


MANIFEST_1 = _record(
    {
        "v": lambda value: type(value) is int and value == 1,
        "ledger": _spelt(HEX32),
        "dataset": _spelt(HEX32),
        "created_at": _spelt(TIME),
        "files": lambda value: isinstance(value, dict),
    }
)
ABOUT: Mapping[str, Check] = {
    "dataset": _record({"kind": _is_word, "dataset": _spelt(HEX32)}),
    "period": _record({"kind": _is_word, "from": _spelt(TIME), "until": _spelt(TIME)}),
    "project": _record({"kind": _is_word, "project": _spelt(HEX32)}),
    "subject": _record({"kind": _is_word, "subject": _spelt(HEX32)}),
}


def _is_about_something(value: Any) -> bool:
    kind = value.get("kind") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in ABOUT and ABOUT[kind](value)


SUMMARISED = 2  # the version of manifests that first says what else a pack can be about
MANIFEST_2 = _record(
    {
        "v": lambda value: type(value) is int and value == SUMMARISED,
        "ledger": _spelt(HEX32),
        "about": _is_about_something,
        "export": _is_count,
        "created_at": _spelt(TIME),
        "files": lambda value: isinstance(value, dict),
    }
)
OPENING = _record(
    {
        "v": lambda value: type(value) is int and value == 1,
        "subject": _spelt(HEX32),
        "salt": lambda value: value is None or _spelt(HEX64)(value),
    }
)
PACKED = ("log/", "proofs/", "policy/", "packages/", "stamps/")
BESIDE = frozenset({"subject.json", "summary.html", "summary.pdf"})


def _check_manifest(manifest: Any, files: Mapping[str, bytes]) -> "Scope":
    """The pack's files are those of its manifest; what it is about."""
    where, first = "manifest.json", MANIFEST_1(manifest)
    if not first and not MANIFEST_2(manifest):
        raise Broken("manifest-malformed", where)
    found = {
        name: {"sha256": sha256(data).hex(), "size": len(data)}
        for name, data in files.items()
        if name != where
    }
    for name in sorted(found.keys() | manifest["files"].keys()):
        if found.get(name) != manifest["files"].get(name):
            raise Broken("evidence-file-differs-from-manifest", name)
        if not name.startswith(PACKED) and (first or name not in BESIDE):
            raise Broken("unknown-file", name)
    if first:
        return Scope("dataset", manifest["dataset"])
    said = manifest["about"]
    if said["kind"] == "period":
        if not said["from"] < said["until"]:
            raise Broken("manifest-malformed", where)
        return Scope("period", start=said["from"], stop=said["until"])
    return Scope(said["kind"], said[said["kind"]])


def read_tables(files: Mapping[str, bytes]) -> dict[str, Table]:
    """Decision tables by digest; a table's file is named after its own SHA-256.

    Raises:
        Broken: a name is not that of the content.
    """
    tables: dict[str, Table] = {}
    for name, data in files.items():
        if name.startswith("policy/"):
            if name != f"policy/{sha256(data).hex()}.json":
                raise Broken("decision-table-misnamed", name)
            tables[digest_of(data)] = parse_table(data, name)
    return tables


def _check_pack_proofs(files: Mapping[str, bytes], log: Log, pins: Pins) -> set[int]:
    """The indices of the entries that are proved one by one."""
    proved: set[int] = set()
    for name, data in files.items():
        if not name.startswith("proofs/"):
            continue
        stem = name.removeprefix("proofs/").removesuffix(".tlog-proof")
        if name != f"proofs/{stem}.tlog-proof" or not SIZE.fullmatch(stem):
            raise Broken("unknown-file", name)
        if int(stem) >= len(log.raw):
            raise Broken("unknown-file", name)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Broken("proof-malformed", name) from error
        # In the log's own tree an entry stands once: there is no other index to say.
        log.check_same(check_proof(text, log.raw[int(stem)], pins, name).note, name)
        proved.add(int(stem))
    return proved


def _check_pack_passports(
    files: Mapping[str, bytes], log: Log, lineage: Lineage, pins: Pins
) -> set[str]:
    """The releases whose passports are here, each as its sealing entry names it."""
    releases = set()
    for name, data in files.items():
        if not name.startswith("packages/"):
            continue
        match = re.fullmatch(r"packages/([0-9a-f]{32})/passport\.json", name)
        if match is None or match[1] not in lineage.sealed:
            raise Broken("unknown-file", name)
        passport = check_passport(data, pins, name)
        if passport.statement["predicate"]["release"] != match[1]:
            raise Broken("passport-of-another-release", name)
        if lineage.sealed[match[1]]["outcome"]["digests"].get("passport") != digest_of(data):
            raise Broken("passport-differs-from-log", name)
        # Proved under a checkpoint of this very history, its entries are the log's own.
        for attested in passport.evidence:
            log.check_same(attested.note, name)
        releases.add(match[1])
    return releases


# --- 12. questions: what a regulator asks, answered from the entries alone ------------------------

YES, NO, LISTED = "yes", "no", "listed"
NOT_RECORDED, UNKNOWN = "not-recorded", "cannot-tell"
LOOKS: Mapping[str, str] = {
    "agreement.read": "figures",
    "approval.view": "sample",
    "evidence.export": "log",
    "log.read": "log",
    "release.download": "package",
    "release.inspect": "labels",
    "review.open": "item",
    "subject.report": "log",
    "task.open": "item",
    "task.reopen": "item",
}
"""Acts by which a person is let see something, and what."""
HANDLED = frozenset({"approval.sample", "item.clean", "item.issue", "release.screen"})
"""Acts by which a service handles data that no person sees by them."""
CLOSINGS = frozenset({"label.submit", "lease.close", "review.submit"})
DELETIONS = frozenset({"erase", "destroy", "delete"})
Texts = tuple[str, str]  # English, Chinese


@dataclass(frozen=True)
class Scope:
    """What questions are about: the whole ledger, or a part of it."""

    kind: str = "ledger"
    name: str = ""  # id of the dataset, project or subject
    start: str = ""  # of a period, in the log's own spelling
    stop: str = ""

    @property
    def words(self) -> str:
        """Which one, of its kind."""
        return f"{self.start}/{self.stop}" if self.kind == "period" else self.name

    def document(self) -> dict[str, str]:
        """It as JSON, as a pack's manifest says it."""
        if self.kind == "period":
            return {"kind": "period", "from": self.start, "until": self.stop}
        return {"kind": self.kind} | ({self.kind: self.name} if self.name else {})


@dataclass
class Look:
    """That somebody was let see something; what ends a lease tells how much was looked at."""

    index: int
    at: str
    actor: str
    organisation: str
    roles: Sequence[str]
    domain: str
    action: str
    what: str
    objects: Mapping[str, str]
    dataset: str
    project: str
    item: str
    purpose: str
    rule: str
    policy: str
    commitment: str
    frames: int
    closed: int = -1
    exact: bool = False
    shown: int = -1
    views: int = -1
    seconds: int = -1

    @property
    def counted(self) -> str:
        """How much of an item counts as seen: `exact`, or `all` where nobody counted."""
        if self.what != "item":
            return "one"
        return "exact" if self.exact else "all"

    def row(self) -> dict[str, Any]:
        """It as a member of a report."""
        told = {
            "index": self.index, "at": self.at, "actor": self.actor,
            "organisation": self.organisation, "roles": list(self.roles), "domain": self.domain,
            "action": self.action, "what": self.what, "objects": dict(sorted(self.objects.items())),
            "dataset": self.dataset, "project": self.project, "item": self.item,
            "purpose": self.purpose, "rule": self.rule, "policy": self.policy,
            "counted": self.counted,
        }  # fmt: skip
        numbers = {
            "closed": self.closed, "frames": self.frames if self.what == "item" else -1,
            "shown": self.shown, "views": self.views, "seconds": self.seconds,
        }  # fmt: skip
        return told | {name: number for name, number in numbers.items() if number >= 0}


@dataclass(frozen=True)
class Issue:
    """A project item: when it was issued, in what, and what the log commits to of it."""

    index: int
    dataset: str
    project: str
    commitment: str
    subject: str  # commitment that the subject's opening leads to, or empty


@dataclass
class Chronicle:
    """What entries tell of data and of who was let see it; entries are taken in order."""

    looks: list[Look] = field(default_factory=list)
    leases: dict[str, Look] = field(default_factory=dict)
    handled: list[tuple[int, str, Mapping[str, str]]] = field(default_factory=list)
    deposits: list[tuple[int, str, str]] = field(default_factory=list)  # index, actor, deposit
    cleaned: dict[str, tuple[int, str, bool]] = field(default_factory=dict)  # by item
    first_clean: dict[str, int] = field(default_factory=dict)  # by dataset
    subjects: dict[str, dict[str, str]] = field(default_factory=dict)  # subject: item: deposit
    openings: dict[str, str] = field(default_factory=dict)  # commitment by subject
    approved: dict[str, list[int]] = field(default_factory=dict)  # by dataset
    signs: list[tuple[int, str, str]] = field(default_factory=list)  # index, time, dataset
    issued: dict[str, Issue] = field(default_factory=dict)  # by project item
    labels: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    reviews: list[tuple[int, str, str, str]] = field(default_factory=list)
    datasets: set[str] = field(default_factory=set)
    projects: dict[str, str] = field(default_factory=dict)  # dataset of each
    exports: dict[int, Entry] = field(default_factory=dict)
    deletions: list[Entry] = field(default_factory=list)
    others: dict[str, list[int]] = field(
        default_factory=lambda: {"attestation": [], "budget": [], "quality": []}
    )
    refused_looks: list[int] = field(default_factory=list)
    size: int = 0

    def take(self, entry: Entry) -> None:
        """Learn from one entry."""
        self.size, action = entry["index"] + 1, entry["action"]
        if entry["refusal"] is not None:
            self.refused_looks += [entry["index"]] if action in LOOKS else []
            return
        if action in LOOKS:
            self._look(entry)
        if action in CLOSINGS:
            self._close(entry)
        if action in HANDLED:
            self.handled.append((entry["index"], action, entry["objects"]))
        self._sort(entry, *action.split(".", 1))
        if action in _LEARNT:
            _LEARNT[action](self, entry, entry["objects"], entry["outcome"])

    def _sort(self, entry: Entry, scope: str, verb: str) -> None:
        """Keep what answers questions of which this version knows no more than the name."""
        if verb in DELETIONS or scope == "erasure":
            self.deletions.append(entry)
        elif scope in self.others:
            self.others[scope].append(entry["index"])

    def _look(self, entry: Entry) -> None:
        objects, outcome = entry["objects"], entry["outcome"]
        named = {**objects, **outcome.get("objects", {})}
        domain = entry["domain"]
        project = named.get("project", domain.partition(":")[2])
        ruling, what = entry["ruling"], LOOKS[entry["action"]]
        commitments = outcome.get("commitments", {})
        look = Look(
            index=entry["index"],
            at=entry["at"],
            actor=entry["actor"],
            organisation=entry["organisation"],
            roles=entry["roles"],
            domain=domain,
            action=entry["action"],
            what=what,
            objects=named,
            dataset=named.get("dataset", self.projects.get(project, "")),
            project=project,
            item=named.get("item", ""),
            purpose=str(entry["facts"].get("declared_purpose", "")),
            rule=ruling["rule"],
            policy=ruling["policy"],
            commitment=commitments.get("item", ""),
            frames=outcome.get("counts", {}).get("frames", 0),
        )
        self.looks.append(look)
        if what == "item" and "lease" in named:
            self.leases[named["lease"]] = look

    def _close(self, entry: Entry) -> None:
        """What ends a lease narrows what counts as seen."""
        outcome = entry["outcome"]
        lease = {**outcome.get("objects", {}), **entry["objects"]}.get("lease", "")
        look = self.leases.pop(lease, None)
        if look is None:
            return
        counts = outcome.get("counts", {})
        look.closed = entry["index"]
        look.exact = "shown" in counts and outcome.get("codes", {}).get("counted") != "all"
        look.shown = counts.get("shown", -1) if look.exact else -1
        look.views = counts.get("views", -1) if look.exact else -1
        look.seconds = counts.get("seconds", -1)

    def _deposited(self, entry: Entry, objects: Mapping[str, str], _: Any) -> None:
        self.deposits.append((entry["index"], entry["actor"], objects.get("deposit", "")))

    def _cleaned(self, entry: Entry, objects: Mapping[str, str], outcome: Any) -> None:
        item, commitments = objects.get("item", ""), outcome.get("commitments", {})
        state = outcome.get("states", {}).get("item", "")
        sound = "master" in commitments and state in {"", "CLEANED"}
        dataset = objects.get("dataset", "")
        self.cleaned[item] = (entry["index"], dataset, sound)
        if sound:
            self.first_clean.setdefault(dataset, entry["index"])
        subject = outcome.get("objects", {}).get("subject")
        if subject:
            self.subjects.setdefault(subject, {})[item] = objects.get("deposit", "")
            if "subject" in commitments:
                self.openings[subject] = commitments["subject"]

    def _approve(self, entry: Entry, objects: Mapping[str, str], _: Any) -> None:
        if entry["signed"]["terms"]["verdict"] == "approve":
            self.approved.setdefault(objects["dataset"], []).append(entry["index"])
        self.signs.append((entry["index"], entry["at"], objects["dataset"]))

    def _create(self, _: Entry, objects: Mapping[str, str], __: Any) -> None:
        self.datasets.add(objects["dataset"])

    def _found(self, _: Entry, objects: Mapping[str, str], __: Any) -> None:
        self.projects[objects.get("project", "")] = objects.get("dataset", "")

    def _issue(self, entry: Entry, objects: Mapping[str, str], outcome: Any) -> None:
        commitments = outcome.get("commitments", {})
        if "project_item" in objects:
            self.issued[objects["project_item"]] = Issue(
                entry["index"],
                objects.get("dataset", ""),
                objects.get("project", ""),
                commitments.get("issued", ""),
                commitments.get("subject", ""),
            )

    def _label(self, entry: Entry, objects: Mapping[str, str], outcome: Any) -> None:
        named = outcome.get("objects", {})
        self.labels.append(
            (entry["index"], entry["actor"], objects.get("project", ""),
             named.get("item", ""), objects.get("label", "")),
        )  # fmt: skip

    def _review(self, entry: Entry, objects: Mapping[str, str], outcome: Any) -> None:
        item = outcome.get("objects", {}).get("item", "")
        self.reviews.append((entry["index"], entry["actor"], objects.get("project", ""), item))

    def _export(self, entry: Entry, _: Any, __: Any) -> None:
        self.exports[entry["index"]] = entry

    def knows(self, scope: Scope) -> bool:
        """Whether the log tells of what a pack says it is about."""
        known: Mapping[str, Any] = {
            "dataset": self.datasets, "project": self.projects, "subject": self.subjects,
        }  # fmt: skip
        return scope.kind not in known or scope.name in known[scope.kind]

    def items_of(self, subject: str, salt: bytes | None) -> tuple[set[str], set[str]]:
        """Items of a subject: as deposited, and as issued to projects by its opening.

        Raises:
            Broken: the opening is not the one that the log committed to.
        """
        deposited = set(self.subjects.get(subject, ()))
        if salt is None:
            return deposited, set()
        if self.openings.get(subject) != subject_commitment(salt, "subject", subject):
            raise Broken("subject-opening-wrong", subject)
        issued = {
            name
            for name, issue in self.issued.items()
            if issue.subject and issue.subject == subject_commitment(salt, "project_item", name)
        }
        return deposited, issued


_LEARNT: Mapping[str, Callable[[Chronicle, Entry, Mapping[str, str], Any], None]] = {
    "approval.sign": Chronicle._approve,  # noqa: SLF001 - its own table
    "dataset.create": Chronicle._create,  # noqa: SLF001
    "deposit.complete": Chronicle._deposited,  # noqa: SLF001
    "evidence.export": Chronicle._export,  # noqa: SLF001
    "item.clean": Chronicle._cleaned,  # noqa: SLF001
    "item.issue": Chronicle._issue,  # noqa: SLF001
    "label.submit": Chronicle._label,  # noqa: SLF001
    "project.create": Chronicle._found,  # noqa: SLF001
    "review.submit": Chronicle._review,  # noqa: SLF001
}


def subject_commitment(salt: bytes, kind: str, name: str) -> str:
    """What the log holds of whom something is about (docs/spec/evidence.md, clause 7)."""
    payload = canonical({"what": "subject-of", kind: name})
    return hmac.new(salt, payload, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Answer:
    """One question, what the entries say to it, and what that rests on."""

    name: str
    question: Texts
    verdict: str
    said: Texts
    entries: Sequence[int] = ()
    checks: Sequence[Texts] = ()
    rows: Sequence[Mapping[str, Any]] = ()

    def document(self) -> dict[str, Any]:
        """It as JSON."""
        return {
            "name": self.name,
            "question": _both(self.question),
            "verdict": self.verdict,
            "said": _both(self.said),
            "entries": list(self.entries),
            "checks": [_both(check) for check in self.checks],
            "rows": list(self.rows),
        }


def _both(texts: Texts) -> dict[str, str]:
    return {"en": texts[0], "zh": texts[1]}


@dataclass(frozen=True)
class Grounds:
    """What answers rest on beside the entries: what was compared, replayed and brought along."""

    older: Sequence[int] = ()  # sizes of earlier heads that came along and agree
    since: int = -1  # size of the kept checkpoint, if one was compared
    passports: int = -1  # passports that held; -1 where none could come along
    tables: int = 0  # decision tables by which verdicts were ruled again
    salt: bytes | None = None  # of the subject asked about


CLEAN_CHECKS: Sequence[Texts] = (
    ("order of entries: cleaned, approved, issued, shown", "条目顺序：脱敏、审批、下发、查看"),
    (
        "the commitment of what was shown is that of what was issued",
        "所查看内容的承诺值等于下发时的承诺值",
    ),
    ("the officer's signature and role", "审核员的签名与角色"),
)


@dataclass
class Inquiry:
    """Answers about one scope of a log that held."""

    log: Log
    story: Story
    told: Chronicle
    scope: Scope
    grounds: Grounds = field(default_factory=Grounds)
    items: tuple[set[str], set[str]] = field(init=False)  # a subject's: deposited, issued
    labelled: dict[str, int] = field(init=False)  # when the first of them was, by project

    def __post_init__(self) -> None:
        """Find what the subject asked about is in.

        Raises:
            Broken: its opening is not the one that the log committed to.
        """
        self.items, self.labelled = (set(), set()), {}
        if self.scope.kind == "subject":
            self.items = self.told.items_of(self.scope.name, self.grounds.salt)
        for index, _, project, item, _ in self.told.labels:
            if item in self.items[1]:
                self.labelled.setdefault(project, index)

    def answers(self) -> list[Answer]:
        """An answer to each question, in the order of the regulators' table."""
        return [
            self._deidentified(),
            self.who_saw(),
            self._left(),
            self._approved_by(),
            self._privacy_loss(),
            self._rewritten(),
            self._deleted(),
            self._quality(),
            self._software(),
        ]

    def about(self, scope: Scope) -> "Inquiry":
        """The same questions about something else; what opened one subject opens no other."""
        same = scope == self.scope
        grounds = self.grounds if same else replace(self.grounds, salt=None)
        return Inquiry(self.log, self.story, self.told, scope, grounds)

    def rests_on(self) -> set[int]:
        """The entries of which a pack holds proofs of their own: signed approvals, seals."""
        signs = {
            index
            for index, at, dataset in self.told.signs
            if (
                self.scope.start <= at < self.scope.stop
                if self.scope.kind == "period"
                else self._is_about(dataset)
            )
        }
        return signs | {entry["index"] for entry in self.releases().values()}

    # --- what belongs to the scope -------------------------------------------------------------

    def looks(self) -> list[Look]:
        """Whatever somebody was let see of what is asked about, in order."""
        return [look for look in self.told.looks if self._concerns(look)]

    def handled(self) -> list[int]:
        """Entries by which services handled it, seen by nobody."""
        deposited, issued = self.items
        found = []
        for index, _, objects in self.told.handled:
            item = objects.get("project_item", objects.get("item", ""))
            if self.scope.kind == "subject":
                if item in deposited or item in issued:
                    found.append(index)
            elif self._names(objects):
                found.append(index)
        return found

    def releases(self) -> dict[str, Entry]:
        """Releases that were sealed, by id."""
        return {
            release: entry
            for release, entry in self.story.lineage.sealed.items()
            if self._holds_release(release, entry["index"], entry["at"])
        }

    def _concerns(self, look: Look) -> bool:
        kind, name = self.scope.kind, self.scope.name
        if kind == "period":
            return self.scope.start <= look.at < self.scope.stop
        if kind == "ledger" or (look.what == "log" and not look.objects):
            return True  # asked about it all, or shown it all
        if kind == "subject":
            return self._is_of_subject(look)
        return name == (look.dataset if kind == "dataset" else look.project)

    def _is_of_subject(self, look: Look) -> bool:
        if look.what == "log":
            return look.objects.get("subject") == self.scope.name
        if look.what in {"item", "sample"}:
            return look.item in self.items[1] or look.item in self.items[0]
        return self._labelled_in(look.project, look.index)

    def _names(self, objects: Mapping[str, str]) -> bool:
        kind, name = self.scope.kind, self.scope.name
        project = objects.get("project", "")
        if kind == "dataset":
            return name == objects.get("dataset", self.told.projects.get(project, ""))
        return kind != "project" or project == name

    def _labelled_in(self, project: str, index: int) -> bool:
        """Whether an item of the subject was labelled in a project before an entry."""
        return self.labelled.get(project, index) < index

    def _holds_release(self, release: str, index: int, at: str) -> bool:
        project = str(self.story.lineage.requests[release]["objects"].get("project", ""))
        match self.scope.kind:
            case "dataset":
                return self.story.lineage.dataset_of(release) == self.scope.name
            case "project":
                return project == self.scope.name
            case "subject":
                return self._labelled_in(project, index)
            case "period":
                return self.scope.start <= at < self.scope.stop
        return True

    # --- the questions -------------------------------------------------------------------------

    def _deidentified(self) -> Answer:
        question = (
            "Was data de-identified before anyone saw it?",
            "数据在任何人看到之前是否已去标识？",
        )
        seen = [look for look in self.looks() if look.what == "item"]
        bad = [look.index for look in seen if not self._clean_before(look)]
        if bad:
            said = (
                (
                    f"{len(bad)} of {len(seen)} looks at items have no cleaned, approved and issued"
                    " item before them."
                ),
                f"{len(seen)} 次查看中有 {len(bad)} 次之前没有已脱敏、已审批、已下发的数据项。",
            )
            return Answer("deidentified", question, NO, said, bad)
        cleaned = sum(ok and self._is_about(d) for _, d, ok in self.told.cleaned.values())
        if not seen and not cleaned:
            return _not_recorded("deidentified", question)
        rests: set[int] = set()
        for look in seen:
            issue = self.told.issued[look.item]
            rests |= {issue.index, *self.told.approved.get(issue.dataset, [])[:1]}
        said = self._cleaned_words(len(seen), cleaned)
        return Answer("deidentified", question, YES, said, sorted(rests), CLEAN_CHECKS)

    def _cleaned_words(self, seen: int, cleaned: int) -> Texts:
        samples = sum(look.what == "sample" for look in self.looks())
        en = f"Nobody was shown an item; {cleaned} items were cleaned."
        zh = f"无人查看过数据项；已脱敏 {cleaned} 项。"
        if seen:
            en = (
                f"Each of {seen} looks was at an item issued before it, after an officer signed"
                f" for the de-identification; {cleaned} items were cleaned."
            )
            zh = (
                f"{seen} 次查看的数据项均在查看前下发，且下发前审核员已签名批准脱敏；"
                f"已脱敏 {cleaned} 项。"
            )
        return (
            (f"{en} The hospital's own officer looked at {samples} samples, before and after, to"
            " approve the de-identification."),
            f"{zh}数据提供方的脱敏审核员为审批查看了 {samples} 个抽样（原件与结果对照）。",
        )  # fmt: skip

    def _is_about(self, dataset: str) -> bool:
        match self.scope.kind:
            case "dataset":
                return dataset == self.scope.name
            case "project":
                return dataset == self.told.projects.get(self.scope.name)
            case "subject":
                return any(self.told.cleaned[item][1] == dataset for item in self.items[0])
        return True

    def _clean_before(self, look: Look) -> bool:
        issue = self.told.issued.get(look.item)
        if issue is None or issue.index > look.index or issue.project != look.project:
            return False
        if look.commitment and look.commitment != issue.commitment:
            return False
        # Of several items of a dataset the log does not tell which one was issued (ADR 6).
        signed = self.told.approved.get(issue.dataset, [issue.index])[0] < issue.index
        cleaned = self.told.first_clean.get(issue.dataset, issue.index) < issue.index
        return signed and cleaned

    def who_saw(self) -> Answer:
        """Whoever was let see something, when, for which purpose and by which rule."""
        looks, handled = self.looks(), self.handled()
        question = ("Who saw it, when, why, by which rule?", "谁、何时、为何、依据哪条规则看过？")
        people = {look.actor for look in looks}
        uncounted = sum(look.counted == "all" for look in looks)
        said = (
            (
                f"{len(people)} people were let see something {len(looks)} times; {uncounted} looks"
                f" count as all of the item seen; {len(self.told.refused_looks)} attempts in the"
                f" ledger were refused; services handled it {len(handled)} times, seen by nobody."
            ),
            (
                f"{len(people)} 人共 {len(looks)} 次获准查看，其中 {uncounted} 次按整项全部看过计；"
                f"账本中另有 {len(self.told.refused_looks)} 次查看被拒绝；"
                f"服务程序处理 {len(handled)} 次，"
                "无人看到。"
            ),
        )
        unlinked = self.unlinked()
        if unlinked:
            said = (
                said[0] + f" {unlinked} issued items tell nothing of whom they are about: looks at"
                " them are not in this answer.",
                said[1] + f"另有 {unlinked} 个下发项未记录所属主体，对其查看不在本答案内。",
            )
        ruled = (
            ("every verdict ruled again by its decision table", "每条裁决均按当时的决策表重新判定")
            if self.grounds.tables
            else ("verdicts not ruled again: no decision tables here", "无决策表，裁决未重新判定")
        )
        checks = (
            ("roles followed to the entries that granted them", "角色追溯至授予它的条目"),
            ruled,
            ("a lease that nobody closed counts as all seen", "无人关闭的租约按全部看过计"),
        )
        rows = [look.row() for look in looks]
        return Answer("who-saw", question, LISTED, said, [x.index for x in looks], checks, rows)

    def origins(self) -> list[tuple[int, str, str]]:
        """Where it came from: index, who handed it in, deposit; of a subject, its deposits."""
        deposits = set(self.told.subjects.get(self.scope.name, {}).values())
        return [one for one in self.told.deposits if one[2] in deposits]

    def unlinked(self) -> int:
        """Issued items that may be the subject's, and say nothing of whose they are."""
        if self.scope.kind != "subject":
            return 0
        datasets = {self.told.cleaned[item][1] for item in self.items[0]}
        return sum(
            issue.dataset in datasets and (not issue.subject or self.grounds.salt is None)
            for issue in self.told.issued.values()
        )

    def _left(self) -> Answer:
        question = ("Did anything else leave?", "是否还有其他内容离开？")
        releases = self.releases()
        fetched = [look for look in self.looks() if look.what == "package"]
        strange = [look.index for look in fetched if not self._is_sealed(look)]
        entries = sorted({e["index"] for e in releases.values()} | {x.index for x in fetched})
        count, times = len(releases), len(fetched)
        checks = (
            (
                f"the whole log, {self.log.note.size} entries, under one root",
                f"整个账本 {self.log.note.size} 条，同一树根",
            ),
            self._passport_check(),
            ("every download is of a sealed release", "每次下载都对应已封装的放行"),
            self._witness_check(),
        )
        if strange:
            said = (
                f"{len(strange)} downloads are of no sealed release.",
                f"{len(strange)} 次下载不对应任何已封装的放行。",
            )
            return Answer("left", question, YES, said, strange, checks)
        said = (
            (
                f"Releases sealed: {count}, fetched: {times}; the log names no other"
                " way out. That no second log was kept, only witnesses can say."
            ),
            (
                f"共封装放行 {count} 次，下载 {times} 次；账本中没有其他出域。"
                "是否另有一本账，只有见证方能证明。"
            ),
        )
        rows = [self._release_row(release, entry) for release, entry in releases.items()]
        return Answer("left", question, NO, said, entries, checks, rows)

    def _passport_check(self) -> Texts:
        count = self.grounds.passports
        if count < 0:
            return ("passports did not come along", "未随附出域凭证")
        return (f"{count} passports, one for each release", f"{count} 份出域凭证，与放行一一对应")

    def _is_sealed(self, look: Look) -> bool:
        sealed = self.story.lineage.sealed.get(look.objects.get("release", ""))
        return sealed is not None and sealed["index"] < look.index

    def _release_row(self, release: str, seal: Entry) -> dict[str, Any]:
        lineage = self.story.lineage
        request, digests = lineage.requests[release], seal["outcome"].get("digests", {})
        votes = [vote for vote in lineage.votes.get(release, ()) if vote.index < seal["index"]]
        fetched = [
            look.index
            for look in self.told.looks
            if look.what == "package" and look.objects.get("release") == release
        ]
        return {
            "release": release,
            "project": request["objects"].get("project", ""),
            "recipient": request["objects"].get("recipient", ""),
            "requested": request["index"],
            "requester": request["actor"],
            "sealed": seal["index"],
            "at": seal["at"],
            "package": digests.get("package", ""),
            "passport": digests.get("passport", ""),
            "downloads": fetched,
            "votes": [
                {
                    "index": vote.index,
                    "voter": vote.voter,
                    "roles": sorted(vote.roles),
                    "organisations": sorted(vote.organisations),
                    "verdict": vote.terms["verdict"],
                }
                for vote in votes
            ],
        }

    def _approved_by(self) -> Answer:
        question = (
            "Who approved? Did the requester approve their own request?",
            "谁批准的？申请人是否自己批准了自己的申请？",
        )
        rows = [self._release_row(release, seal) for release, seal in self.releases().items()]
        voters = {vote["voter"] for row in rows for vote in row["votes"]}
        own = [r["sealed"] for r in rows if r["requester"] in {v["voter"] for v in r["votes"]}]
        entries = sorted(
            {i for row in rows for i in (row["requested"], row["sealed"])}
            | {vote["index"] for row in rows for vote in row["votes"]}
        )
        checks = (
            ("each vote's signature, by an enrolled key", "每张投票的签名，密钥已登记"),
            (
                "requester, labellers and voters differ, by person and by key",
                "申请人、标注员与投票人不同（人与密钥）",
            ),
            ("enough votes, one of them the hospital's", "票数足够，且含数据提供方一票"),
        )
        said = (
            (
                f"Releases: {len(rows)}, approved by {len(voters)} people; no requester approved"
                " one of their own."
            ),
            f"共 {len(rows)} 次放行，由 {len(voters)} 人批准；没有申请人批准自己的申请。",
        )
        return Answer("approved", question, YES if own else NO, said, own or entries, checks, rows)

    def _privacy_loss(self) -> Answer:
        question = ("How much privacy loss so far?", "目前的隐私损失是多少？")
        found = self.told.others["budget"]
        if not found:
            return _not_recorded("privacy-loss", question)
        said = (
            f"{len(found)} entries tell of the budget; this verifier does not add them up.",
            f"有 {len(found)} 条隐私预算条目；本程序不做求和。",
        )
        return Answer("privacy-loss", question, UNKNOWN, said, found)

    def _rewritten(self) -> Answer:
        question = ("Was the log rewritten?", "日志是否被改写过？")
        chained = (
            "every entry chained to the one before and in the signed tree",
            "每条均与前一条相链并在已签名的树中",
        )
        compared = (
            "the other signed heads at hand are of this very history",
            "手头的其他签名检查点属于同一历史",
        )
        said, checks = self._compared(), (chained, compared, self._witness_check())
        if said is None:
            said = (
                (
                    "No earlier head is at hand to compare: keep this checkpoint, and bring it next"
                    " time by --since."
                ),
                "没有更早的检查点可供比对：请留存本检查点，下次用 --since 带上。",
            )
            return Answer("rewritten", question, UNKNOWN, said, (), checks[::2])
        return Answer("rewritten", question, NO, said, (), checks)

    def _compared(self) -> Texts | None:
        """What the log was compared with: a kept head, witnesses, or heads that came along."""
        size, since = self.log.note.size, self.grounds.since
        older = sorted({*self.grounds.older} - {size})
        if since >= 0:
            return (
                f"Today's log of {size} entries continues the kept checkpoint of {since} entries.",
                f"现有 {size} 条的账本延续了留存的 {since} 条的检查点。",
            )
        if self.log.witnessed is not None:
            seen = self.log.witnessed.size
            return (
                f"A quorum of the pinned witnesses cosigned the first {seen} entries as they are.",
                f"所固定的见证方达到法定数，已对前 {seen} 条联合签名。",
            )
        if older:
            return (
                (
                    f"Earlier signed heads that came along, and agree: {len(older)} (the oldest"
                    f" of {older[0]} entries). Bring a checkpoint of your own by --since."
                ),
                (
                    f"随附的 {len(older)} 个更早的签名检查点（最早为 {older[0]} 条）均与之相符。"
                    "请用 --since 带上自己留存的检查点。"
                ),
            )
        return None

    def _witness_check(self) -> Texts:
        """Who else saw the log, as far as it was checked."""
        if self.log.witnessed is None:
            return ("no witness was pinned, or none cosigned", "未固定见证方，或无见证方联合签名")
        size = self.log.witnessed.size
        return (
            f"cosigned by a quorum of pinned witnesses up to {size} entries",
            f"固定的见证方已联合签名至 {size} 条",
        )

    def _deleted(self) -> Answer:
        question = ("Was it deleted?", "数据是否已删除？")
        found = [entry for entry in self.told.deletions if self._erases(entry)]
        if not found:
            if self.told.deletions:
                said = ("No entry tells of it.", "没有任何条目记录此项删除。")
                return Answer("deleted", question, NO, said)
            return _not_recorded("deleted", question)
        done = [entry for entry in found if entry["action"] == "erasure.complete"]
        said = (
            (
                f"{len(found)} entries tell of it; erasures complete: {len(done)}. That later"
                " decryption fails is for the machine to show."
            ),
            (
                f"有 {len(found)} 条相关条目；已完成删除 {len(done)} 次。"
                "其后解密确实失败须在机器上验证。"
            ),
        )
        verdict = YES if done and self.scope.kind == "subject" else LISTED
        return Answer("deleted", question, verdict, said, [e["index"] for e in found])

    def _erases(self, entry: Entry) -> bool:
        """Whether an entry is about erasing what is asked about; of a subject, it or its all."""
        if self.scope.kind != "subject":
            return self._names(entry["objects"])
        erasure = entry["objects"].get("erasure", "")
        same = [e for e in self.told.deletions if e["objects"].get("erasure", "") == erasure]
        terms = [e["signed"]["terms"] for e in same if "signed" in e]
        subjects = {
            n for t in terms for k in ("subject", "subjects") for n in t.get(k, "").split(",")
        }
        whole = any(t.get("scope") == "dataset" for t in terms)
        return self.scope.name in subjects or (
            whole and self._is_about(entry["objects"].get("dataset", ""))
        )

    def _quality(self) -> Answer:
        question = ("Are labels of the stated quality?", "标签是否达到声明的质量？")
        if self.told.others["quality"]:
            said = ("Quality reports are recorded.", "已记录质量报告。")
            return Answer("quality", question, LISTED, said, self.told.others["quality"])
        labels = [x for x in self.told.labels if self._names({"project": x[2]})]
        reviewed = {x[3] for x in self.told.reviews}
        seen = sum(item in reviewed for _, _, _, item, _ in labels)
        return _not_recorded(
            "quality",
            question,
            (
                (
                    f" What is recorded: {len(labels)} saved labels, {seen} of them of items that"
                    " another person reviewed."
                ),
                f"已记录：保存标签 {len(labels)} 个，其中 {seen} 个所属数据项经他人审核。",
            ),
        )

    def _software(self) -> Answer:
        question = ("Is the running software the reviewed one?", "运行的软件是否为经审查的版本？")
        if not self.told.others["attestation"]:
            return _not_recorded("software", question)
        said = ("Measurements are recorded.", "已记录度量值。")
        return Answer("software", question, LISTED, said, self.told.others["attestation"])


def _not_recorded(name: str, question: Texts, more: Texts = ("", "")) -> Answer:
    said = ("Not recorded: this log holds no entry that tells.", "未记录：本账本没有相应条目。")
    return Answer(name, question, NOT_RECORDED, (said[0] + more[0], said[1] + more[1]))


def about(text: str) -> Scope:
    """What `--about` names: `ledger`, `dataset:ID`, `project:ID`, `subject:ID`, `period:A/B`.

    Raises:
        ValueError: it names nothing of the kind.
    """
    kind, _, name = text.partition(":")
    if text == "ledger":
        return Scope()
    if kind in {"dataset", "project", "subject"} and HEX32.fullmatch(name):
        return Scope(kind, name)
    start, _, stop = name.partition("/")
    try:
        span = utc(start, "--about"), utc(stop, "--about")
    except (Broken, ValueError):
        span = "", ""
    if kind != "period" or not span[0] < span[1]:
        raise ValueError(
            "--about is ledger, dataset:, project: or subject:ID, or period:FROM/UNTIL"
        )
    return Scope(kind, start=span[0], stop=span[1])


def spans(indices: Sequence[int]) -> str:
    """Indices in few characters: `3, 5-9`."""
    found: list[list[int]] = []
    for index in sorted(set(indices)):
        if found and index == found[-1][1] + 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


VERDICTS: Mapping[str, Texts] = {
    YES: ("yes", "是"),
    NO: ("no", "否"),
    LISTED: ("listed", "见列表"),
    NOT_RECORDED: ("not recorded", "未记录"),
    UNKNOWN: ("cannot tell", "无法判断"),
}


def told_answers(answers: Sequence[Answer], language: int) -> str:
    """Answers as text: 0 in English, 1 in Chinese."""
    lines: list[str] = []
    for number, answer in enumerate(answers, 1):
        lines += [
            f"{number}. {answer.question[language]}",
            f"   {VERDICTS[answer.verdict][language]} | {answer.said[language]}",
        ]
        if answer.entries:
            lines.append(f"   {('entries', '条目')[language]}: {spans(answer.entries)}")
        lines += [f"   {('check', '核查')[language]}: {c[language]}" for c in answer.checks]
        if answer.name == "who-saw":
            lines += _told_looks(answer.rows)
        elif answer.name == "left":
            lines += [
                f"     {row['at']} {row['release']} -> {row['recipient']}: "
                f"{spans([row['sealed'], *row['downloads']])}"
                for row in answer.rows
            ]
    return "\n".join(lines)


def _told_looks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each person, role, thing and rule."""
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        who = row["actor"], "+".join(row["roles"]), row["organisation"]
        alike.setdefault((*who, row["what"], row["purpose"], row["rule"]), []).append(row)
    return [
        f"     {who} {role} {firm}: {what} x{len(same)}, {same[0]['at']} .. {same[-1]['at']},"
        f" {purpose or '-'}, {rule}: {spans([row['index'] for row in same])}"
        for (who, role, firm, what, purpose, rule), same in alike.items()
    ]


# --- 13. two heads of one log, side by side -------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One of two heads: the note, the keys that its log names, where its tiles are if known."""

    raw: bytes
    note: Note
    keys: tuple[LogKey, ...]
    source: Source | None


def side_of(target: str, token: str | None) -> Side:
    """A head out of a note's file, a log's folder or its address.

    Raises:
        Broken: it is no checkpoint.
        CannotTell: there is no such thing.
    """
    path = Path(target)
    if re.match(r"https?://", target) or path.is_dir():
        source: Source = Folder(path) if path.is_dir() else Web(target, token)
        raw = source.read("checkpoint")
        note = parse_note(raw, target)
        return Side(raw, note, parse_keys_file(source.read("keys"), note.origin, target), source)
    if not path.is_file():
        raise CannotTell("there is no such file or folder")
    if path.stat().st_size > MAX_FILE:
        raise Broken("file-too-large", path.name)
    raw = path.read_bytes()
    return Side(raw, parse_note(raw, path.name), (), None)


def compare(first: str, second: str, pins: Pins, token: str | None, out: Path | None) -> str:
    """Whether two heads can be of one history; if not, the proof is written to a file.

    Raises:
        Broken: the log signed two histories.
        CannotTell: the heads are of two logs, no pinned key speaks for them, or the hashes that
            would tell are not at hand.
    """
    sides = [side_of(first, token), side_of(second, token)]
    small, large = sorted(sides, key=lambda side: (side.note.size, side.source is not None))
    if small.note.origin != large.note.origin:
        raise CannotTell("the two heads are of different logs")
    keys = large.keys or small.keys
    for side, name in zip(sides, (first, second), strict=True):
        check_note(side.note, side.keys or keys, pins, name)
    root, proof = _earlier(small.note, large)
    origin, sizes = small.note.origin, f"{small.note.size} and {large.note.size} entries"
    if root == small.note.root:
        return f"heads of {origin}: {sizes}, one history"
    data = canonical(
        {
            "v": 1,
            "kind": SPLIT_VIEW,
            "smaller": small.raw.decode("utf-8"),
            "larger": large.raw.decode("utf-8"),
            "keys": "".join(f"{key.line}\n" for key in keys or pins.of(origin)),
            "root": base64.b64encode(root).decode(),
            "proof": [base64.b64encode(node).decode() for node in proof],
        }
    )
    path = out or Path(f"split-view-{sha256(data).hex()[:16]}.json")
    path.write_bytes(data)
    raise Broken("log-forked", f"{origin}, {sizes}; the proof is in {path.name}")


def _earlier(small: Note, large: Side) -> tuple[bytes, list[bytes]]:
    """The root that the larger log had at the smaller size, and the proof of it."""
    if small.size in {0, large.note.size}:
        return (large.note.root if small.size else small.root), []
    if large.source is None:
        raise CannotTell("heads of two sizes: name the folder or address of the larger log")
    leaves: list[bytes] = []
    for index, width in _spans(large.note.size):
        data = large.source.read(tile_name("0", index, width))
        if len(data) != width * HASH:
            raise Broken("tile-differs", tile_name("0", index, width))
        leaves += [data[at : at + HASH] for at in range(0, len(data), HASH)]
    levels = levels_of(leaves)
    if root_at(levels, large.note.size) != large.note.root:
        raise Broken("root-differs-from-checkpoint", "hash tiles")
    proof = _consistency(levels, small.size, (0, large.note.size), whole=True)
    return root_at(levels, small.size), proof


def _consistency(
    levels: Sequence[Sequence[bytes]], old: int, span: tuple[int, int], *, whole: bool
) -> list[bytes]:
    """The consistency proof of the first `old` leaves of a span. Source: RFC 6962 2.1.2."""
    start, stop = span
    if old == stop - start:
        return [] if whole else [_span_root(levels, start, stop)]
    middle = start + (1 << ((stop - start - 1).bit_length() - 1))
    if start + old <= middle:
        left = _consistency(levels, old, (start, middle), whole=whole)
        return [*left, _span_root(levels, middle, stop)]
    right = _consistency(levels, old - (middle - start), (middle, stop), whole=False)
    return [*right, _span_root(levels, start, middle)]


def _span_root(levels: Sequence[Sequence[bytes]], start: int, stop: int) -> bytes:
    """The root over leaves that lie as RFC 6962 splits trees."""
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return levels[level][start >> level]
    middle = start + (1 << (size.bit_length() - 1))
    return node_hash(_span_root(levels, start, middle), _span_root(levels, middle, stop))


def roots_by_consistency(
    old: int, new: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency proof leads to; None when it has another form.

    Source: RFC 9162 2.1.4.2.
    """
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not path or any(len(node) != HASH for node in nodes):
        return None
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, node)
        place, last = place >> 1, last >> 1
    return None if last else (first, second)


EVIDENCE = _record(
    {
        "v": lambda value: type(value) is int and value == 1,
        "kind": lambda value: value == SPLIT_VIEW,
        "smaller": _is_text,
        "larger": _is_text,
        "keys": lambda value: isinstance(value, str),
        "root": _is_text,
        "proof": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    }
)


def show_split_view(record: Any, pins: Pins) -> NoReturn:
    """Check evidence that a log signed two histories (clause 9.6).

    Raises:
        Broken: it did; or a note in it is not sound.
        CannotTell: it shows no such thing, or no pinned key speaks for the log.
    """
    if not EVIDENCE(record):
        raise CannotTell("the file is no evidence of two histories")
    small, large = (parse_note(record[side].encode(), side) for side in ("smaller", "larger"))
    named = parse_keys_file(record["keys"].encode(), None, "keys") if record["keys"] else ()
    check_note(small, named, pins, "smaller")
    check_note(large, named, pins, "larger")
    root = strict_b64(record["root"], "root")
    proof = [strict_b64(node, "proof") for node in record["proof"]]
    if small.origin != large.origin or not _shows_two(small, large, root, proof):
        raise CannotTell("the file shows no two histories")
    raise Broken("log-forked", f"{small.origin}, {small.size} and {large.size} entries")


def _shows_two(small: Note, large: Note, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the larger tree had `root` at the smaller size, and the smaller one another."""
    if not 0 < small.size <= large.size or len(root) != HASH or root == small.root:
        return False
    if small.size == large.size:
        return not proof and root == large.root
    return roots_by_consistency(small.size, large.size, root, proof) == (root, large.root)


def run_compare(
    first: str, second: str, pins: Pins, token: str | None = None, out: Path | None = None
) -> int:
    """Compare two heads and print the verdict; the exit code."""
    code, said = judged(lambda: compare(first, second, pins, token, out))
    print(one_line(said), flush=True)
    return code


# --- 14. the program ------------------------------------------------------------------------------


def verify_log_folder(source: Source, pins: Pins, since: bytes | None) -> str:
    """A published log, with what its entries alone can tell; the sentence to print."""
    log = verify_log(source, pins, since)
    story = read_story(log, pins)
    return f"{log_sentence(log, story)}; {_trust_words(log, pins)}"


def log_sentence(log: Log, story: Story) -> str:
    """What can be said of a log."""
    return (
        f"log of ledger {log.ledger}: {len(log.raw)} entries, root {log.note.root.hex()}, "
        f"{len(story.lineage.sealed)} releases"
    )


@dataclass(frozen=True)
class Wish:
    """That questions are to be answered: about what, and how the answers are printed."""

    scope: Scope | None = None
    language: int = 0  # 0 English, 1 Chinese
    as_json: bool = False


def inquire(
    target: str,
    pins: Pins,
    since: bytes | None = None,
    token: str | None = None,
    scope: Scope | None = None,
) -> tuple[str, Inquiry]:
    """The sentence on a log or evidence pack, and what answers questions about it.

    Raises:
        Broken: it is not sound; then nothing is answered.
        CannotTell: nothing is proved, or it is no log.
    """
    told, path = Chronicle(), Path(target)
    kept = -1 if since is None else parse_note(since, "kept checkpoint").size
    if path.is_file() and path.stat().st_size <= MAX_FILE:
        data = path.read_bytes()
        if not data.startswith(b"PK"):
            raise CannotTell("questions are answered from a log or an evidence pack")
        evidence = open_evidence(data, pins, since, told)
        words = f"{evidence.sentence}; {_trust_words(evidence.log, pins)}"
        found = evidence.inquiry
        return words, found if scope is None else found.about(scope)
    web = re.match(r"https?://", target)
    if not web and not (path / "checkpoint").is_file():
        raise CannotTell("questions are answered from a log or an evidence pack")
    source: Source = Web(target, token) if web else Folder(path)
    log = verify_log(source, pins, since)
    story = read_story(log, pins, told=told)
    words = f"{log_sentence(log, story)}; {_trust_words(log, pins)}"
    return words, Inquiry(log, story, told, scope or Scope(), Grounds(since=kept))


def answered(
    target: str, pins: Pins, since: bytes | None, token: str | None, wish: Wish
) -> tuple[int, str]:
    """The exit code and what to print: the verdict, and if it is sound, the answers."""
    found: list[Inquiry] = []

    def verification() -> str:
        words, inquiry = inquire(target, pins, since, token, wish.scope)
        inquiry.answers()  # whatever is wrong with them belongs to the verdict
        found.append(inquiry)
        return words

    code, said = judged(verification)
    answers = found[0].answers() if found else []
    if not wish.as_json:
        return code, "\n".join([one_line(said), told_answers(answers, wish.language)]).rstrip("\n")
    document: dict[str, Any] = {"v": 1, "code": code, "verdict": one_line(said)}
    if found:
        log = found[0].log
        document |= {
            "log": {
                "origin": log.note.origin,
                "size": log.note.size,
                "root": log.note.root.hex(),
            },
            "about": found[0].scope.document(),
            "questions": [answer.document() for answer in answers],
        }
    return code, json.dumps(document, ensure_ascii=False, indent=1)


def verify(target: str, pins: Pins, since: bytes | None = None, token: str | None = None) -> str:
    """Whatever `target` is: a URL or folder of a log, a package folder, or one file.

    Raises:
        Broken: it is not sound.
        CannotTell: nothing speaks against it and nothing is proved.
    """
    if re.match(r"https?://", target):
        return verify_log_folder(Web(target, token), pins, since)
    path = Path(target)
    if path.is_dir():
        return _verify_folder(path, pins, since)
    if not path.is_file():
        raise CannotTell("there is no such file or folder")
    if path.stat().st_size > MAX_FILE:
        raise Broken("file-too-large", path.name)
    return _verify_file(path.read_bytes(), path.name, pins, since)


def _verify_folder(path: Path, pins: Pins, since: bytes | None) -> str:
    if (path / "checkpoint").exists():
        return verify_log_folder(Folder(path), pins, since)
    _refuse_since(since)
    if (path / "passport.json").exists():
        return verify_package(Folder(path), pins)
    raise CannotTell("the folder is neither a log nor a package")


def _verify_file(data: bytes, name: str, pins: Pins, since: bytes | None) -> str:
    if data.startswith(b"PK"):
        return verify_evidence(data, pins, since)
    _refuse_since(since)
    record = parse_canonical(data, name)
    if isinstance(record, dict) and "envelope" in record:
        passport = check_passport(data, pins)
        passport.demand_witnesses(pins, "passport")
        return f"passport: {passport.sentence}"
    if isinstance(record, dict) and record.get("kind") == SPLIT_VIEW:
        show_split_view(record, pins)
    if isinstance(record, dict) and "what" in record:
        return verify_certificate(record, pins)
    if isinstance(record, dict) and record.keys() == {"v", "checkpoint", "nonce", "token"}:
        stamp = check_stamp(data, pins, name)
        return f"{stamp.note.origin} had {stamp.note.size} entries at {stamp.at}"
    return verify_receipt(record, pins)


def _refuse_since(since: bytes | None) -> None:
    if since is not None:
        raise CannotTell("only a whole log or an evidence pack shows that it continues another")


def read_policies(values: Sequence[str]) -> frozenset[str]:
    """Pinned decision tables: digests, or files of them, one a line.

    Raises:
        ValueError: one is no digest.
        OSError: there is no such file.
    """
    found: list[str] = []
    for value in values:
        if DIGEST.fullmatch(value):
            found.append(value)
        else:
            found += Path(value).read_text("ascii").split()
    if not all(map(DIGEST.fullmatch, found)) or bool(found) != bool(values):
        raise ValueError("--policy is neither sha256:<64 hex digits> nor a file of them")
    return frozenset(found)


def read_pins(
    values: Sequence[str], policies: Sequence[str] = (), witnesses: str | None = None
) -> Pins:
    """What is pinned: vkeys, or files of them, one a line; decision tables; a witness policy.

    Raises:
        Broken: one is not a verifier key, or no policy of witnesses.
        ValueError: one is no digest.
        OSError: there is no such file.
    """
    keys: list[LogKey] = []
    for value in values:
        lines = [value]
        if not re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+\S+", value):
            lines = [line for line in Path(value).read_text("utf-8").splitlines() if line.strip()]
        keys += [parse_key(line, "--key") for line in lines]
    quorum = None
    if witnesses is not None:
        quorum = parse_quorum(Path(witnesses).read_bytes(), "--witnesses")
        keys += [*quorum.logs, *quorum.witnesses.values()]
    return Pins(tuple(dict.fromkeys(keys)), read_policies(policies), quorum=quorum)


def read_token(path: str | None) -> str | None:
    """The credential in a file.

    Raises:
        ValueError: it is none.
    """
    token = Path(path).read_text("ascii").strip() if path else None
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("the token is not one word")
    return token


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names; the exit code."""
    parser = argparse.ArgumentParser(
        prog="verifier",
        description="Verify a log, evidence pack, receipt, passport or package.",
        allow_abbrev=False,
    )
    parser.add_argument("path", help="log folder or URL, evidence pack, receipt, passport, package")
    parser.add_argument("--key", action="append", default=[], help="pinned vkey, or a file of them")
    parser.add_argument(
        "--policy", action="append", default=[], help="pinned decision table, sha256:<hex>"
    )
    parser.add_argument("--platform", default="", help="the platform's log: what was in force")
    parser.add_argument("--witnesses", help="pinned tlog-policy file: whose quorum is demanded")
    parser.add_argument("--compare", metavar="OTHER", help="another head of the same log")
    parser.add_argument("--evidence", help="with --compare: file for the proof of a split view")
    parser.add_argument(
        "--authority", action="append", default=[], help="pinned time-stamp authority, a PEM file"
    )
    parser.add_argument("--since", help="a checkpoint kept from last time")
    parser.add_argument("--token", help="file with the credential for the entries of a URL")
    _add_question_options(parser)
    try:
        options = parser.parse_args(arguments)
        pins = replace(
            read_pins(options.key, options.policy, options.witnesses),
            platform=options.platform,
            authorities=read_authorities(options.authority),
        )
        since = Path(options.since).read_bytes() if options.since else None
        token = read_token(options.token)
        wish = read_wish(options)
    except SystemExit as stop:
        return SOUND if stop.code == 0 else USAGE
    except (Broken, OSError, ValueError) as error:
        print(f"usage: {error}", file=sys.stderr)
        return USAGE
    if options.compare is not None:
        out = Path(options.evidence) if options.evidence else None
        return run_compare(options.path, options.compare, pins, token, out)
    return run(options.path, pins, since, token, wish)


def _add_question_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--questions", action="store_true", help="answer a regulator's questions from the entries"
    )
    parser.add_argument(
        "--about", help="with --questions: ledger, dataset:ID, project:ID, subject:ID, period:A/B"
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the answers")
    parser.add_argument("--json", action="store_true", help="answers as one JSON object")


def read_wish(options: argparse.Namespace) -> Wish | None:
    """Whether, about what and how questions are to be answered.

    Raises:
        ValueError: the options don't go together.
    """
    if not options.questions:
        if options.about or options.json or options.language != "en":
            raise ValueError("--about, --language and --json go with --questions")
        return None
    scope = about(options.about) if options.about else None
    return Wish(scope, ("en", "zh").index(options.language), options.json)


def one_line(said: str) -> str:
    """A sentence that may name files as it likes: one line, nothing that moves a cursor."""
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in said)


def run(
    target: str,
    pins: Pins,
    since: bytes | None = None,
    token: str | None = None,
    wish: Wish | None = None,
) -> int:
    """Verify and print the verdict; the exit code. Nothing is raised, whatever `target` holds."""
    believed = [pins]
    code, said = judged(lambda: _read_platform(believed, token))
    if code != SOUND:
        text = one_line(f"{said}, in the platform's log")
    elif wish is None:
        code, said = judged(lambda: verify(target, believed[-1], since, token))
        text = one_line(said)
    else:
        code, text = answered(target, believed[-1], since, token, wish)
    try:
        if text.isascii():
            print(text, flush=True)
        else:  # answers in Chinese, whatever this machine's locale says
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
            sys.stdout.buffer.flush()
    except OSError:
        # Nobody reads it any more; the exit code still tells, and closing must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _read_platform(believed: list[Pins], token: str | None) -> str:
    """Add pins that say which tables the platform's log puts in force, where it is at hand."""
    pins = believed[0]
    if pins.platform:
        web = re.match(r"https?://", pins.platform)
        log = verify_log(Web(pins.platform, token) if web else Folder(Path(pins.platform)), pins)
        if log.ledger != "platform":
            raise Broken("log-not-the-platforms", log.ledger)
        # No release stands there: witnesses of a hospital's log need not know the platform's.
        in_force = tuple(read_story(log, replace(pins, quorum=None)).policies.in_force)
        if not in_force:
            raise CannotTell("no policy was adopted")
        believed.append(replace(pins, in_force=in_force))
    return ""


def judged(verification: Callable[[], str]) -> tuple[int, str]:
    """The exit code and the sentence to print; whatever happens, nothing is raised."""
    try:
        return SOUND, f"SOUND {verification()}"
    except Broken as error:
        return BROKEN, f"BROKEN {error}"
    except CannotTell as error:
        return CANNOT_TELL, f"CANNOT TELL {error}"
    except (OSError, MemoryError, UnsupportedAlgorithm) as error:
        return CANNOT_TELL, f"CANNOT TELL this machine could not: {type(error).__name__}"
    except Exception as error:  # noqa: BLE001 - the edge of the program
        # A form that no check foresaw: never sound, and never a traceback.
        return BROKEN, f"BROKEN malformed: {type(error).__name__}"


if __name__ == "__main__":
    sys.exit(main())
