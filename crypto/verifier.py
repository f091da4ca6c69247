"""Verify a provenance log, evidence pack, receipt, passport or package, alone and offline.

This file is the regulator's tool. It stands alone: the standard library, and `cryptography` for
signatures. It shares no code with the system that writes the logs, only the specification
(docs/spec/provenance-log.md, docs/spec/evidence-pack.md, docs/spec/passport.md) and the vectors.
It is one file on purpose, longer than the house allows elsewhere, so that it can be read in one
sitting, copied to another machine and run there.

    python verifier.py PATH --key VKEY [--key VKEY|FILE ...] [--since CHECKPOINT]

What it promises, given at least one pinned key of the log:
 1. every entry is canonical, schema-true, chained to the one before and in the signed tree;
 2. every tile says what the entries say; partial tiles are prefixes; no file is unexplained;
 3. every key the log names has a valid line in the checkpoint, and the pinned keys are among them;
 4. every signed act carries the signature of a person whose key a steward's signature enrolled;
 5. with decision tables (evidence packs): every verdict is what the table says of the facts;
 6. every release was asked for, screened, voted for by enough people of whom one is the
    hospital's and none is the requester or a labeller, before it was sealed;
 7. with `--since`: today's log continues the one whose checkpoint was kept.
What it does not know: whether what was committed to was true, or what an unpinned witness signed.

Exit codes: 0 sound, 1 broken (what and where), 2 cannot tell, 64 usage.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import io
import json
import re
import struct
import sys
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

SOUND, BROKEN, CANNOT_TELL, USAGE = 0, 1, 2, 64

TILE = 256
MAX_ENTRY = 65_535
MAX_FILE = 1 << 30
MAX_DEPTH = 32
SAFE_INT = 2**53 - 1
EMPTY_DIGEST = hashlib.sha256(b"").digest()
ED25519, ED25519_COSIGNATURE, MLDSA_COSIGNATURE = 0x01, 0x04, 0x06
DSSE_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:anbiao:release-passport:v1"
HEX32 = re.compile(r"[0-9a-f]{32}\Z")
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
DOMAIN = re.compile(r"(platform|hospital|project:[0-9a-f]{32})\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
SIGNED_ACTIONS = frozenset(
    {
        "approval.open",
        "approval.sign",
        "deposit.open",
        "ledger.open",
        "member.grant",
        "member.revoke",
        "release.vote",
    }
)


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


def _refuse_number(text: str) -> Any:
    raise ValueError(f"only whole numbers stand in the log: {len(text)} characters")


def _canonical(value: Any, depth: int = 0) -> str:
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > SAFE_INT:
            raise ValueError("number out of range")
        return str(value)
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(_canonical(v, depth + 1) for v in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return (
        "{"
        + ",".join(f"{_canonical(n, depth + 1)}:{_canonical(value[n], depth + 1)}" for n in names)
        + "}"
    )


def canonical(value: Any) -> bytes:
    """The one form in which a value is hashed and signed."""
    return _canonical(value).encode("utf-8")


def parse_canonical(data: bytes, where: str) -> Any:
    """The value, when `data` is its canonical form.

    Raises:
        Broken: it is not JSON or not canonical.
    """
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_no_doubles,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        again = canonical(value)
    except (ValueError, RecursionError) as error:
        raise Broken("not-canonical-json", where) from error
    if again != data:
        raise Broken("not-canonical-json", where)
    return value


# --- 2. the Merkle tree (RFC 6962 2.1, RFC 9162 2.1.3.2 and 2.1.4) --------------------------------


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf. Source: RFC 6962 2.1."""
    return sha256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node. Source: RFC 6962 2.1."""
    return sha256(b"\x01" + left + right)


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Roots of all full subtrees, level by level."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[0::2], below[1::2], strict=False)
        levels.append([node_hash(left, right) for left, right in pairs])
    return levels


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over all leaves. Source: RFC 6962 2.1."""
    if not leaves:
        return EMPTY_DIGEST
    levels, size, root = _levels(leaves), len(leaves), None
    for level, nodes in enumerate(levels):  # from the smallest subtree on the right to the left
        if size >> level & 1:
            last = nodes[(size >> level) - 1]
            root = last if root is None else node_hash(last, root)
    assert root is not None  # noqa: S101 - size > 0 has at least one bit
    return root


def root_by_path(index: int, size: int, leaf: bytes, path: Sequence[bytes], where: str) -> bytes:
    """The root that an inclusion proof leads to. Source: RFC 9162 2.1.3.2.

    Raises:
        Broken: the proof has the wrong length or the index lies outside.
    """
    if not 0 <= index < size:
        raise Broken("index-outside-tree", where)
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


@dataclass(frozen=True)
class LogKey:
    """A verifier key: name, id, type and the key itself."""

    name: str
    key_id: bytes
    kind: int
    key: bytes

    def accepts(self, note: "Note", signature: bytes) -> bool:
        """Whether `signature` is this key's over `note`."""
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.key).verify(signature, note.body)
            elif self.kind == ED25519_COSIGNATURE:
                stamp = struct.unpack(">Q", signature[:8])[0]
                message = f"cosignature/v1\ntime {stamp}\n".encode() + note.body
                Ed25519PublicKey.from_public_bytes(self.key).verify(signature[8:], message)
            elif self.kind == MLDSA_COSIGNATURE:
                message = self._subtree_message(note, signature[:8])
                MLDSA44PublicKey.from_public_bytes(self.key).verify(signature[8:], message)
            else:
                return False
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
    if len(parts) != 3 or not parts[0] or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):  # noqa: PLR2004
        raise Broken("bad-verifier-key", where)
    name, key_id, blob = parts[0], bytes.fromhex(parts[1]), strict_b64(parts[2], where)
    if re.search(r"[\s+]", name) or not blob:
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
    if not re.fullmatch(r"0|[1-9]\d{0,15}", rows[1]):
        raise Broken("checkpoint-size-malformed", where)
    root = strict_b64(rows[2], where)
    if len(root) != len(EMPTY_DIGEST) or not rows[0]:
        raise Broken("checkpoint-malformed", where)
    lines = tuple(_signature_line(line, where) for line in tail[:-1].split("\n"))
    return Note((body + "\n").encode(), rows[0], int(rows[1]), root, lines)


def _signature_line(line: str, where: str) -> tuple[str, bytes, bytes]:
    match = re.fullmatch(r"— ([^ +]+) ([^ ]+)", line)
    if match is None:
        raise Broken("signature-line-malformed", where)
    blob = strict_b64(match[2], where)
    if len(blob) < 5:  # noqa: PLR2004 - 4 bytes of id and a signature
        raise Broken("signature-line-malformed", where)
    return match[1], blob[:4], blob[4:]


@dataclass(frozen=True)
class Pins:
    """The keys that the verifying person brought along."""

    keys: tuple[LogKey, ...]

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

    def names(self) -> frozenset[str] | None:
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

    def names(self) -> frozenset[str]:
        """All files, none reached through a link."""
        found = set()
        for path in self._root.rglob("*"):
            if path.is_symlink():
                raise Broken("link-in-folder", path.relative_to(self._root).as_posix())
            if path.is_file():
                found.add(path.relative_to(self._root).as_posix())
        return frozenset(found)

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = self._root / name
        if path.is_symlink() or not path.is_file():
            raise Broken("file-missing", name)
        if path.stat().st_size > MAX_FILE:
            raise Broken("file-too-large", name)
        return path.read_bytes()


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


class Web:
    """A log served over HTTPS (or plain HTTP on this machine), with a credential for entries."""

    def __init__(self, url: str, token: str | None) -> None:
        loopback = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url)
        if not url.startswith("https://") and loopback is None:
            raise CannotTell("only https is read from other machines")
        self._url = url.rstrip("/") + "/"
        self._token = token

    def names(self) -> None:
        """Nobody can list a web server."""
        return

    def read(self, name: str) -> bytes:
        """The file's bytes, by one request."""
        request = urllib.request.Request(self._url + name)  # noqa: S310 - scheme checked above
        if self._token and name.startswith("tile/entries/"):
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                data: bytes = answer.read(MAX_FILE + 1)
        except OSError as error:
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
    entries, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at) if at + 2 <= len(data) else (-1,)
        if length < 0 or at + 2 + length > len(data):
            raise Broken("bundle-malformed", where)
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return entries


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


def expected_tiles(entries: Sequence[bytes], leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Name and content of every tile that a log with these entries must have."""
    tiles: dict[str, bytes] = {}
    for index, width in _spans(len(entries)):
        part = entries[index * TILE : index * TILE + width]
        content = b"".join(struct.pack(">H", len(entry)) + entry for entry in part)
        tiles[tile_name("entries", index, width)] = content
    level, hashes = 0, list(leaves)
    while hashes:
        for index, width in _spans(len(hashes)):
            part = hashes[index * TILE : index * TILE + width]
            tiles[tile_name(str(level), index, width)] = b"".join(part)
        full = len(hashes) // TILE
        hashes = [root_of(hashes[i * TILE : (i + 1) * TILE]) for i in range(full)]
        level += 1
    return tiles


def check_tiles(source: Source, tiles: Mapping[str, bytes]) -> None:
    """Every tile as the entries demand; partial ones prefixes; nothing unexplained.

    Raises:
        Broken: a tile is missing, differs, or a file has no place in a log.
    """
    for name, content in tiles.items():
        if not name.startswith("tile/entries/") and source.read(name) != content:
            raise Broken("tile-differs", name)
    names = source.names()
    for name in sorted(names - {"checkpoint", "keys"} - set(tiles) if names else ()):
        _check_old_partial(source, tiles, name)


def _check_old_partial(source: Source, tiles: Mapping[str, bytes], name: str) -> None:
    stem, dot, width_text = name.rpartition(".p/")
    if not dot or not re.fullmatch(r"[1-9]\d{0,2}", width_text) or int(width_text) >= TILE:
        raise Broken("unknown-file", name)
    wholes = [n for n in tiles if n == stem or n.startswith(stem + ".p/")]
    if not wholes:
        raise Broken("unknown-file", name)
    whole, width = tiles[wholes[0]], int(width_text)
    if stem.startswith("tile/entries/"):
        bundle = split_bundle(whole, wholes[0])[:width]
        whole, width = whole[: sum(2 + len(e) for e in bundle)], len(bundle)
    else:
        whole, width = whole[: width * 32], len(whole[: width * 32]) // 32
    if width != int(width_text) or source.read(name) != whole:
        raise Broken("partial-tile-differs", name)


# --- 6. a whole log -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """A log that held: its checkpoint, exact entries, parsed entries and leaf hashes."""

    note: Note
    raw: tuple[bytes, ...]
    entries: tuple[dict[str, Any], ...]
    leaves: tuple[bytes, ...]
    cosignatures: int

    @property
    def ledger(self) -> str:
        """The ledger's id, the last part of the origin."""
        return self.note.origin.rpartition("/")[2]


def verify_log(source: Source, pins: Pins, since: bytes | None = None) -> Log:
    """A published log, whole.

    Raises:
        Broken: anything in it is not as it must be.
        CannotTell: no pinned key speaks for it.
    """
    note = parse_note(source.read("checkpoint"), "checkpoint")
    keys = parse_keys_file(source.read("keys"), note.origin, "keys")
    unknown = check_note(note, keys, pins, "checkpoint")
    raw = read_entries(source, note.size)
    leaves = [leaf_hash(entry) for entry in raw]
    check_tiles(source, expected_tiles(raw, leaves))
    if root_of(leaves) != note.root:
        raise Broken("root-differs-from-checkpoint", "checkpoint")
    entries = check_chain(raw, note.origin.rpartition("/")[2])
    if since is not None:
        check_since(note, leaves, since, keys, pins)
    return Log(note, tuple(raw), tuple(entries), tuple(leaves), unknown)


def check_since(
    note: Note, leaves: Sequence[bytes], since: bytes, keys: Sequence[LogKey], pins: Pins
) -> None:
    """Today's log continues the one that `since`, a kept checkpoint, speaks of.

    Raises:
        Broken: it is another log, a shorter one, or its beginning was rewritten.
    """
    old = parse_note(since, "kept checkpoint")
    if old.origin != note.origin:
        raise Broken("kept-checkpoint-of-another-log", "kept checkpoint")
    check_note(old, keys, pins, "kept checkpoint")
    if old.size > note.size:
        raise Broken("log-shrank", f"size {note.size} after {old.size}")
    if root_of(leaves[: old.size]) != old.root:
        raise Broken("log-rewritten", f"below entry {old.size}")


ENTRY_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "v": int,
    "ledger": str,
    "index": int,
    "prev": str,
    "at": str,
    "clock": str,
    "actor": str,
    "organisation": str,
    "roles": list,
    "granted_by": list,
    "domain": str,
    "action": str,
    "objects": dict,
    "facts": dict,
    "ruling": (dict, type(None)),
    "refusal": (str, type(None)),
    "outcome": dict,
}
OUTCOME_FIELDS = frozenset(
    {"objects", "counts", "digests", "commitments", "states", "codes", "parts"}
)
SIGNED_FIELDS = frozenset({"key", "signature", "nonce", "objects", "terms"})


def check_schema(entry: Any, where: str) -> dict[str, Any]:
    """The entry, when it has the form of docs/spec/provenance-log.md.

    Raises:
        Broken: it has not.
    """
    if not isinstance(entry, dict) or set(entry) - {"signed"} != set(ENTRY_FIELDS):
        raise Broken("entry-fields-wrong", where)
    for name, kind in ENTRY_FIELDS.items():
        if not isinstance(entry[name], kind) or (kind is int and isinstance(entry[name], bool)):
            raise Broken("entry-field-type-wrong", f"{where}, {name}")
    spelt = (("at", TIME), ("prev", DIGEST), ("domain", DOMAIN))
    if entry["v"] != 1 or not all(form.match(entry[name]) for name, form in spelt):
        raise Broken("entry-field-value-wrong", where)
    if set(entry["outcome"]) - OUTCOME_FIELDS or (entry["refusal"] and entry["outcome"]):
        raise Broken("entry-outcome-wrong", where)
    ruling = entry["ruling"]
    if ruling is not None and set(ruling) != {"allowed", "rule", "policy"}:
        raise Broken("entry-ruling-wrong", where)
    if entry["refusal"] is None and not (ruling and ruling["allowed"] is True):
        raise Broken("act-done-without-permission", where)
    return entry


def check_chain(raw: Sequence[bytes], ledger: str) -> list[dict[str, Any]]:
    """All entries parsed: canonical, of this ledger, in order, chained, in time.

    Raises:
        Broken: one is not.
    """
    entries: list[dict[str, Any]] = []
    previous, last_at = EMPTY_DIGEST, ""
    for index, data in enumerate(raw):
        where = f"entry {index}"
        if len(data) > MAX_ENTRY:
            raise Broken("entry-too-long", where)
        entry = check_schema(parse_canonical(data, where), where)
        if entry["ledger"] != ledger or entry["index"] != index:
            raise Broken("entry-out-of-place", where)
        if entry["prev"] != "sha256:" + previous.hex():
            raise Broken("chain-broken", where)
        if entry["at"] < last_at:
            raise Broken("time-runs-backwards", where)
        previous, last_at = sha256(data), entry["at"]
        entries.append(entry)
    return entries


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
    expires_at: str
    revoked: int | None = None

    def holds(self, index: int, at: str) -> bool:
        """Whether the role counts for an act at `index` and time `at`."""
        before_end = not self.expires_at or at < _utc(self.expires_at)
        return before_end and (self.revoked is None or index < self.revoked)


def _utc(text: str) -> str:
    """An ISO time in the log's own spelling, so that strings compare as times do."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Broken("time-malformed", text[:40]) from error
    if moment.tzinfo is None:
        raise Broken("time-malformed", text[:40])
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def act_bytes(ledger: str, entry: Mapping[str, Any]) -> bytes:
    """What a person signs. Source: docs/spec/provenance-log.md, signed acts."""
    signed = entry["signed"]
    return b"anbiao-act-v1\n" + canonical(
        {
            "action": entry["action"],
            "ledger": ledger,
            "nonce": signed["nonce"],
            "objects": signed["objects"],
            "terms": signed["terms"],
        }
    )


def ed25519_holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is the key's."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass
class People:
    """Everybody a hospital's ledger ever enrolled; entry 0 names the first steward."""

    grants: dict[str, Grant] = field(default_factory=dict)
    by_index: dict[int, Grant] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)

    def keys_of(self, member: str, index: int, at: str) -> set[bytes]:
        """Signing keys that counted for `member` at an entry."""
        held = (g for g in self.grants.values() if g.member == member and g.holds(index, at))
        return {g.signing_key for g in held if g.signing_key}

    def take(self, entry: Mapping[str, Any]) -> None:
        """Check one entry against all before it, and learn what it grants or revokes.

        Raises:
            Broken: a role, grant or signature does not hold.
        """
        index, where = entry["index"], f"entry {entry['index']}"
        if index == 0:
            if entry["action"] != "ledger.open" or entry["refusal"] or "signed" not in entry:
                raise Broken("first-entry-names-no-steward", where)
        else:
            self._check_roles(entry, where)
        if "signed" in entry:
            self._check_signature(entry, where)
        elif entry["action"] in SIGNED_ACTIONS and entry["refusal"] is None:
            raise Broken("signature-of-person-missing", where)
        if entry["refusal"] is None:
            self._learn(entry, where)

    def _check_roles(self, entry: Mapping[str, Any], where: str) -> None:
        grants = [self.by_index.get(i) for i in entry["granted_by"]]
        index, at = entry["index"], entry["at"]
        if any(
            g is None
            or g.member != entry["actor"]
            or g.domain not in {"hospital", entry["domain"]}
            or not g.holds(index, at)
            for g in grants
        ):
            raise Broken("role-not-granted", where)
        held = [g for g in grants if g is not None]
        if sorted({g.role for g in held}) != entry["roles"]:
            raise Broken("role-not-granted", where)
        if held and entry["organisation"] not in {g.organisation for g in held}:
            raise Broken("organisation-not-granted", where)

    def _check_signature(self, entry: Mapping[str, Any], where: str) -> None:
        signed = entry["signed"]
        if not isinstance(signed, dict) or set(signed) != SIGNED_FIELDS:
            raise Broken("signed-act-malformed", where)
        if signed["objects"].items() - entry["objects"].items():
            raise Broken("signed-objects-differ", where)
        if signed["nonce"] in self.nonces:
            raise Broken("signed-act-replayed", where)
        self.nonces.add(signed["nonce"])
        key = strict_b64(signed["key"], where)
        if entry["index"] == 0:
            expected = {strict_b64(str(signed["terms"].get("signing_key")), where)}
        else:
            expected = self.keys_of(entry["actor"], entry["index"], entry["at"])
        if key not in expected:
            raise Broken("signed-by-unenrolled-key", where)
        signature = strict_b64(signed["signature"], where)
        if not ed25519_holds(key, signature, act_bytes(entry["ledger"], entry)):
            raise Broken("signature-of-person-wrong", where)

    def _learn(self, entry: Mapping[str, Any], where: str) -> None:
        if entry["action"] in {"ledger.open", "member.grant"}:
            grant = grant_of(entry, where)
            membership = entry["objects"].get("membership", f"founding-{entry['index']}")
            if membership in self.grants:
                raise Broken("membership-granted-twice", where)
            self.grants[membership] = self.by_index[entry["index"]] = grant
        elif entry["action"] == "member.revoke":
            revoked = self.grants.get(entry["objects"].get("membership", ""))
            if revoked is None:
                raise Broken("revoked-membership-unknown", where)
            revoked.revoked = entry["index"]


def grant_of(entry: Mapping[str, Any], where: str) -> Grant:
    """The role that a founding or granting entry gives.

    Raises:
        Broken: a term is missing.
    """
    terms = entry["signed"]["terms"]
    try:
        return Grant(
            member=entry["objects"]["member"],
            role=terms["role"],
            domain=terms.get("domain", "hospital"),
            organisation=terms["organisation"],
            signing_key=strict_b64(terms["signing_key"], where),
            index=entry["index"],
            expires_at=terms.get("expires_at", ""),
        )
    except KeyError as error:
        raise Broken("grant-terms-missing", where) from error


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


def verdict_of(table: Table, entry: Mapping[str, Any]) -> tuple[bool, str]:
    """The table's verdict on an entry: a deny that matches first, else an allow, else deny."""
    found: dict[str, str] = {}
    for rule in sorted(table["rules"], key=lambda r: r["id"]):
        deny = rule["effect"] == "deny"
        if (
            rule["effect"] not in found
            and rule["action"] == entry["action"]
            and (rule["role"] == "*" or rule["role"] in entry["roles"])
            and lies_in(entry["domain"], rule["domain"])
            and all(condition_holds(c, entry["facts"], deny=deny) for c in rule["when"])
        ):
            found[rule["effect"]] = rule["id"]
    if "deny" in found:
        return False, found["deny"]
    return ("allow" in found), found.get("allow", "default-deny")


def replay(entries: Iterable[Mapping[str, Any]], tables: Mapping[str, Table]) -> int:
    """Rule again on every entry; how many were ruled on.

    Raises:
        Broken: a table is missing or a verdict is not what it says.
    """
    count = 0
    for entry in entries:
        ruling, where = entry["ruling"], f"entry {entry['index']}"
        if ruling is None:
            continue
        if ruling["policy"] not in tables:
            raise Broken("decision-table-missing", where)
        try:
            verdict = verdict_of(tables[ruling["policy"]], entry)
        except (KeyError, TypeError) as error:
            raise Broken("decision-table-malformed", ruling["policy"]) from error
        if verdict != (ruling["allowed"], ruling["rule"]):
            raise Broken("verdict-differs-from-table", where)
        count += 1
    return count


# --- 9. releases: who asked, who voted, in which order --------------------------------------------


@dataclass
class Lineage:
    """What the entries seen so far say of releases and of who labelled in which project."""

    requests: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    screens: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    votes: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    labellers: dict[str, set[str]] = field(default_factory=dict)
    sealed: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def take(self, entry: Mapping[str, Any], quorum: Mapping[str, Any] | None = None) -> None:
        """Learn from one done entry, and judge it when it seals a release.

        Raises:
            Broken: a release was sealed without what must come before.
        """
        if entry["refusal"] is not None:
            return
        action, release = entry["action"], entry["objects"].get("release", "")
        if action == "label.submit":
            self.labellers.setdefault(entry["objects"].get("project", ""), set()).add(
                entry["actor"]
            )
        elif action == "release.request":
            self.requests[release] = entry
        elif action == "release.screen":
            self.screens[release] = entry
        elif action == "release.vote":
            self.votes.setdefault(release, []).append(entry)
        elif action == "release.seal":
            self._judge(release, entry, quorum)
            self.sealed[release] = entry

    def _judge(
        self, release: str, entry: Mapping[str, Any], quorum: Mapping[str, Any] | None
    ) -> None:
        where = f"entry {entry['index']}"
        request, screen = self.requests.get(release), self.screens.get(release)
        if request is None or screen is None:
            raise Broken("release-not-requested-or-screened", where)
        package = screen["outcome"].get("digests", {}).get("package")
        approving = [
            vote
            for vote in self.votes.get(release, [])
            if vote["index"] > screen["index"]
            and vote["signed"]["terms"].get("package") == package
            and vote["signed"]["terms"].get("verdict") == "approve"
        ]
        voters = {vote["actor"] for vote in approving}
        barred = {request["actor"]} | self.labellers.get(
            request["objects"].get("project", ""), set()
        )
        if package is None or entry["outcome"].get("digests", {}).get("package") != package:
            raise Broken("release-of-another-package", where)
        if voters & barred:
            raise Broken("release-voted-by-requester-or-labeller", where)
        check_quorum(approving, entry["facts"], quorum, where)


def check_quorum(
    votes: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    quorum: Mapping[str, Any] | None,
    where: str,
) -> None:
    """The approving votes are enough for data of this grade and category; never under two.

    Raises:
        Broken: too few, none of the hospital's, a role is missing, or such data never leaves.
    """
    rule: Mapping[str, Any] = (quorum or {}).get(str(facts.get("grade")), {})
    rule = rule.get("categories", {}).get(facts.get("category"), rule)
    if rule.get("refused") is True or (quorum and not rule):
        raise Broken("release-of-a-grade-that-never-leaves", where)
    if len({vote["actor"] for vote in votes}) < max(2, int(rule.get("votes", 2))):
        raise Broken("release-votes-short", where)
    if "hospital" not in {vote["organisation"] for vote in votes}:
        raise Broken("release-without-hospital-vote", where)
    for role in rule.get("roles", []):
        if not any(role in vote["roles"] for vote in votes):
            raise Broken("release-votes-short", f"{where}, {role}")


def check_people(entries: Sequence[Mapping[str, Any]], ledger: str) -> tuple[People, Lineage]:
    """Roles, signatures and release lineage over a hospital's whole ledger.

    Raises:
        Broken: one of them does not hold.
    """
    people, lineage = People(), Lineage()
    if ledger != "platform":
        for entry in entries:
            people.take(entry)
            lineage.take(entry)
    return people, lineage


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
    note = parse_note(note_text.encode("utf-8", "surrogatepass"), where)
    keys: tuple[LogKey, ...] = ()
    if lines and lines[0].startswith("extra "):
        keys = parse_keys_file(strict_b64(lines.pop(0)[6:], where), note.origin, where)
    match = re.fullmatch(r"index (0|[1-9]\d{0,15})", lines.pop(0) if lines else "")
    if match is None:
        raise Broken("proof-malformed", where)
    path = tuple(strict_b64(line, where) for line in lines)
    if any(len(hash_) != len(EMPTY_DIGEST) for hash_ in path):
        raise Broken("proof-malformed", where)
    return Proof(int(match[1]), path, note, keys)


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


def check_attested(record: Any, pins: Pins, where: str) -> dict[str, Any]:
    """The parsed entry of `{entry, proof}`, proved to be in the log at the index it names.

    Raises:
        Broken: form, proof, ledger or index are wrong.
    """
    if not isinstance(record, dict) or set(record) - {"part"} != {"entry", "proof"}:
        raise Broken("receipt-malformed", where)
    if not all(isinstance(record[name], str) for name in ("entry", "proof")):
        raise Broken("receipt-malformed", where)
    raw = record["entry"].encode("utf-8", "surrogatepass")
    entry = check_schema(parse_canonical(raw, where), where)
    proof = check_proof(record["proof"], raw, pins, where)
    if entry["index"] != proof.index or entry["ledger"] != proof.note.origin.rpartition("/")[2]:
        raise Broken("entry-out-of-place", where)
    if "part" in record:
        check_part(record["part"], entry, where)
    return entry


def check_part(part: Any, entry: Mapping[str, Any], where: str) -> None:
    """A part of a bulk act: its Merkle path leads to the root in the entry.

    Raises:
        Broken: it does not.
    """
    whole = entry["outcome"].get("parts")
    if not isinstance(part, dict) or set(part) != {"index", "commitment", "path"} or not whole:
        raise Broken("receipt-part-malformed", where)
    try:
        leaf = leaf_hash(bytes.fromhex(part["commitment"]))
        path = [bytes.fromhex(hash_) for hash_ in part["path"]]
        root = root_by_path(part["index"], whole["count"], leaf, path, where)
    except (TypeError, ValueError) as error:
        raise Broken("receipt-part-malformed", where) from error
    if root.hex() != whole["root"]:
        raise Broken("receipt-part-not-in-act", where)


def verify_receipt(data: bytes, pins: Pins) -> str:
    """A receipt; the sentence to print."""
    entry = check_attested(parse_canonical(data, "receipt"), pins, "receipt")
    done = "done" if entry["refusal"] is None else f"refused ({entry['refusal']})"
    return f"receipt: entry {entry['index']} of ledger {entry['ledger']}: {entry['action']} {done}"


@dataclass(frozen=True)
class Passport:
    """A passport that held: its statement and the entries it rests on."""

    statement: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...]


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
    if not isinstance(passport, dict) or set(passport) != {"envelope", "evidence"}:
        raise Broken("passport-malformed", where)
    entries = [
        check_attested(record, pins, f"{where}, evidence {number}")
        for number, record in enumerate(passport["evidence"])
    ]
    entries.sort(key=lambda entry: entry["index"])
    if not entries or len({entry["ledger"] for entry in entries}) != 1:
        raise Broken("passport-evidence-of-several-logs", where)
    if len({entry["index"] for entry in entries}) != len(entries):
        raise Broken("passport-evidence-doubled", where)
    people = People()
    for entry in entries:
        people.take(entry)
    statement, signers = check_envelope(passport["envelope"], where)
    _check_statement(statement, entries, signers, people, where)
    return Passport(statement, tuple(entries))


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
    signatures: dict[str, bytes] = {}
    for line in envelope["signatures"]:
        if (
            not isinstance(line, dict)
            or set(line) != {"keyid", "sig"}
            or line["keyid"] in signatures
        ):
            raise Broken("envelope-malformed", where)
        signatures[line["keyid"]] = strict_b64(line["sig"], where)
    if (
        not isinstance(statement, dict)
        or statement.get("_type") != "https://in-toto.io/Statement/v1"
        or statement.get("predicateType") != PREDICATE_TYPE
        or not isinstance(statement.get("predicate"), dict)
        or not isinstance(statement.get("subject"), list)
    ):
        raise Broken("statement-malformed", where)
    return statement, signatures


def _check_statement(
    statement: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    signatures: Mapping[str, bytes],
    people: People,
    where: str,
) -> None:
    """Numbered as in docs/spec/passport.md, section 3."""
    predicate = statement["predicate"]
    release, package = predicate.get("release"), predicate.get("package")
    mine = [e for e in entries if e["objects"].get("release") == release and not e["refusal"]]
    by_action = {e["action"]: e for e in mine if e["action"] != "release.vote"}
    request, screen = by_action.get("release.request"), by_action.get("release.screen")
    # (1) requested and screened in this ledger, with the package that the statement names
    if request is None or screen is None or predicate.get("ledger") != request["ledger"]:
        raise Broken("release-not-requested-or-screened", where)
    if screen["outcome"].get("digests", {}).get("package") != package:
        raise Broken("release-of-another-package", where)
    # (2) the approving votes: this package, this statement, never the requester's
    digest = "sha256:" + sha256(canonical(statement)).hex()
    votes = [
        e
        for e in mine
        if e["action"] == "release.vote"
        and e["signed"]["terms"].get("verdict") == "approve"
        and e["signed"]["terms"].get("package") == package
        and e["signed"]["terms"].get("statement") == digest
    ]
    if request["actor"] in {vote["actor"] for vote in votes}:
        raise Broken("release-voted-by-requester-or-labeller", where)
    check_quorum(votes, screen["facts"], None, where)
    # (3) each voter and one worker signed the envelope; nobody else did
    _check_signers(votes, signatures, people, pae(DSSE_TYPE, canonical(statement)), where)


def _check_signers(
    votes: Sequence[Mapping[str, Any]],
    signatures: Mapping[str, bytes],
    people: People,
    message: bytes,
    where: str,
) -> None:
    voters = {strict_b64(vote["signed"]["key"], where) for vote in votes}
    workers = {g.signing_key for g in people.grants.values() if g.role == "worker"}
    ids = {"sha256:" + sha256(key).hex(): key for key in voters | workers}
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
    return "sha256:" + sha256(canonical({"files": rows})).hex()


def verify_package(source: Source, pins: Pins) -> str:
    """A package folder: the passport and exactly the files it names; the sentence to print."""
    passport = check_passport(source.read("passport.json"), pins)
    try:
        subjects = {s["name"]: s["digest"]["sha256"] for s in passport.statement["subject"]}
    except (KeyError, TypeError) as error:
        raise Broken("statement-malformed", "passport") from error
    names = (source.names() or frozenset()) - {"passport.json"}
    for name in sorted(names ^ set(subjects)):
        raise Broken("package-file-unknown" if name in names else "package-file-missing", name)
    files = {name: source.read(name) for name in names}
    for name, data in sorted(files.items()):
        if sha256(data).hex() != subjects[name]:
            raise Broken("package-file-differs", name)
    if package_digest(files) != passport.statement["predicate"].get("package"):
        raise Broken("release-of-another-package", "passport")
    return _passport_sentence(passport, f"package of {len(files)} files")


def _passport_sentence(passport: Passport, what: str) -> str:
    predicate = passport.statement["predicate"]
    return f"{what}: release {predicate['release']}, witnesses: {predicate.get('witness')}"


# --- 11. evidence packs ---------------------------------------------------------------------------


def read_pack(data: bytes) -> dict[str, bytes]:
    """Members of an evidence pack; the archive must be the one spelling of its members.

    Raises:
        Broken: not a ZIP, or not written as docs/spec/evidence-pack.md says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            if sum(info.file_size for info in pack.infolist()) > MAX_FILE:
                raise Broken("file-too-large", "evidence pack")
            files = {info.filename: pack.read(info) for info in pack.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Broken("evidence-not-a-zip", "evidence pack") from error
    if write_pack(files) != data:
        raise Broken("evidence-not-canonical", "evidence pack")
    return files


def write_pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of stored members in the order of their names, every field fixed.

    Source: APPNOTE 6.3 4.3; docs/spec/evidence-pack.md, clause 2.
    """
    body, directory = bytearray(), bytearray()
    for name in sorted(files):
        data, label = files[name], name.encode("utf-8")
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, 0x800, 0, 0, 0x21, zlib.crc32(data), len(data), len(data),
            len(label), 0,
        )  # fmt: skip
        where = len(body)
        body += b"PK\x03\x04" + fixed + label + data
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + fixed
        directory += struct.pack("<HHHII", 0, 0, 0, 0, where) + label
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory) + b"PK\x05\x06" + end


def verify_evidence(data: bytes, pins: Pins, since: bytes | None = None) -> str:
    """An evidence pack: log, people, verdicts, proofs and passports; the sentence to print."""
    files = read_pack(data)
    manifest = parse_canonical(Members(files).read("manifest.json"), "manifest.json")
    _check_manifest(manifest, files)
    log = verify_log(Members(files, "log/"), pins, since)
    if log.ledger != manifest["ledger"]:
        raise Broken("evidence-of-another-ledger", "manifest.json")
    tables = read_tables(files)
    ruled = replay(log.entries, tables)
    people, lineage = People(), Lineage()
    for entry in log.entries:
        people.take(entry)
        ruling = entry["ruling"]
        lineage.take(entry, tables[ruling["policy"]].get("quorum") if ruling else None)
    _check_pack_proofs(files, log, pins)
    passports = _check_pack_passports(files, log, lineage, pins)
    return (
        f"evidence of ledger {log.ledger}: {len(log.entries)} entries, {ruled} verdicts "
        f"replayed, {len(lineage.sealed)} releases, {passports} passports; "
        f"{_witness_words(log.cosignatures)}"
    )


def _witness_words(cosignatures: int) -> str:
    return f"{cosignatures} cosignatures not checked" if cosignatures else "unwitnessed"


def _check_manifest(manifest: Any, files: Mapping[str, bytes]) -> None:
    where = "manifest.json"
    names = {"v", "ledger", "dataset", "created_at", "files"}
    if not isinstance(manifest, dict) or set(manifest) != names or manifest["v"] != 1:
        raise Broken("manifest-malformed", where)
    found = {
        name: {"sha256": sha256(data).hex(), "size": len(data)}
        for name, data in files.items()
        if name != where
    }
    for name in sorted(set(found) | set(manifest["files"])):
        if found.get(name) != manifest["files"].get(name):
            raise Broken("evidence-file-differs-from-manifest", name)
        if not name.startswith(("log/", "proofs/", "policy/", "packages/")):
            raise Broken("unknown-file", name)


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
            tables["sha256:" + sha256(data).hex()] = parse_canonical(data, name)
    return tables


def _check_pack_proofs(files: Mapping[str, bytes], log: Log, pins: Pins) -> None:
    for name, data in files.items():
        if not name.startswith("proofs/"):
            continue
        match = re.fullmatch(r"proofs/(0|[1-9]\d{0,15})\.tlog-proof", name)
        if match is None or int(match[1]) >= len(log.raw):
            raise Broken("unknown-file", name)
        text = data.decode("utf-8", "replace")
        proof = check_proof(text, log.raw[int(match[1])], pins, name)
        if proof.index != int(match[1]):
            raise Broken("entry-out-of-place", name)


def _check_pack_passports(
    files: Mapping[str, bytes], log: Log, lineage: Lineage, pins: Pins
) -> int:
    count = 0
    for name, data in files.items():
        if not name.startswith("packages/"):
            continue
        match = re.fullmatch(r"packages/([0-9a-f]{32})/passport\.json", name)
        if match is None or match[1] not in lineage.sealed:
            raise Broken("unknown-file", name)
        passport = check_passport(data, pins, name)
        if passport.statement["predicate"].get("release") != match[1]:
            raise Broken("passport-of-another-release", name)
        for entry in passport.entries:
            if canonical(entry) != log.raw[entry["index"]]:
                raise Broken("passport-entry-differs-from-log", name)
        count += 1
    return count


# --- 12. the program ------------------------------------------------------------------------------


def verify_log_folder(source: Source, pins: Pins, since: bytes | None) -> str:
    """A published log, with what its entries alone can tell; the sentence to print."""
    log = verify_log(source, pins, since)
    _, lineage = check_people(log.entries, log.ledger)
    return (
        f"log of ledger {log.ledger}: {len(log.entries)} entries, root {log.note.root.hex()}, "
        f"{len(lineage.sealed)} releases; {_witness_words(log.cosignatures)}"
    )


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
    if (path / "passport.json").exists():
        return verify_package(Folder(path), pins)
    raise CannotTell("the folder is neither a log nor a package")


def _verify_file(data: bytes, name: str, pins: Pins, since: bytes | None) -> str:
    if data.startswith(b"PK"):
        return verify_evidence(data, pins, since)
    record = parse_canonical(data, name)
    if isinstance(record, dict) and "envelope" in record:
        return _passport_sentence(check_passport(data, pins), "passport")
    return verify_receipt(data, pins)


def read_pins(values: Sequence[str]) -> Pins:
    """Pinned keys: vkeys, or files of them, one a line.

    Raises:
        Broken: one is not a verifier key.
    """
    keys: list[LogKey] = []
    for value in values:
        lines = [value]
        if Path(value).is_file():
            lines = [line for line in Path(value).read_text("utf-8").splitlines() if line.strip()]
        keys += [parse_key(line, "--key") for line in lines]
    return Pins(tuple(dict.fromkeys(keys)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names; the exit code."""
    parser = argparse.ArgumentParser(
        prog="verifier", description="Verify a log, evidence pack, receipt, passport or package."
    )
    parser.add_argument("path", help="log folder or URL, evidence pack, receipt, passport, package")
    parser.add_argument("--key", action="append", default=[], help="pinned vkey, or a file of them")
    parser.add_argument("--since", help="a checkpoint kept from last time")
    parser.add_argument("--token", help="file with the credential for the entries of a URL")
    try:
        options = parser.parse_args(arguments)
        pins = read_pins(options.key)
        since = Path(options.since).read_bytes() if options.since else None
        token = Path(options.token).read_text("ascii").strip() if options.token else None
    except SystemExit as stop:
        return SOUND if stop.code == 0 else USAGE
    except (Broken, OSError, UnicodeDecodeError) as error:
        print(f"usage: {error}", file=sys.stderr)
        return USAGE
    return run(options.path, pins, since, token)


def run(target: str, pins: Pins, since: bytes | None = None, token: str | None = None) -> int:
    """Verify and print the verdict; the exit code."""
    try:
        print("SOUND", verify(target, pins, since, token))
    except Broken as error:
        print("BROKEN", error)
        return BROKEN
    except CannotTell as error:
        print("CANNOT TELL", error)
        return CANNOT_TELL
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        # A form that no check foresaw: never sound, and never a traceback.
        print("BROKEN", f"malformed ({type(error).__name__}) at {target}")
        return BROKEN
    return SOUND


if __name__ == "__main__":
    sys.exit(main())
