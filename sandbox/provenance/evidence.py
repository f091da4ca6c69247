"""The evidence pack: one ZIP from which a regulator verifies a story offline.

- It is written in one way only (order, dates, no compression, no attributes), so that any
  changed bit is seen and two exports at one checkpoint are the same bytes.
- Everything comes from the published log as it stands under its checkpoint; only decision tables,
  passports, the summary and what opens a subject are handed in, and the tables must be all that
  the log names.

Source: docs/spec/evidence.md.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from crypto import canonical, tiles
from crypto.errors import VerificationError
from crypto.merkle import Tree, leaf_hash
from policies.vocabulary import Action
from sandbox.errors import NotFound, TooLarge, VerificationFailed
from sandbox.provenance.entry import time_text
from sandbox.provenance.publishing import CHECKPOINT, KEYS, WITNESSED, head_of
from sandbox.provenance.receipts import SignedHead, proof_text, receipt_document

PROVED: Final = frozenset({Action.APPROVAL_SIGN, Action.RELEASE_SEAL})
_VERSION: Final = 20
_UTF8_NAMES: Final = 0x800
_DATE: Final = 0x21  # 1980-01-01
_SHARED: Final = struct.Struct("<HHHHHIIIHH")  # what both kinds of header hold
_LOCAL_SIZE: Final = 4 + _SHARED.size
_MAX_MEMBERS: Final = 0xFFFE
_MAX_BYTES: Final = 0xFFFF_0000


@dataclass(frozen=True)
class Handout:
    """What a pack is about, the index of the act that handed it out, and when that was."""

    ledger: str
    about: Mapping[str, str]
    export: int
    created_at: datetime


@dataclass(frozen=True)
class Supplements:
    """What the log only names: decision tables by `sha256:<hex>`, passports by release id.

    `beside` are files by name: `summary.html`, `summary.pdf`, and `subject.json` of a subject.
    And what speaks of it from outside: time-stamped checkpoints, by size.
    """

    tables: Mapping[str, bytes]
    passports: Mapping[str, bytes]
    beside: Mapping[str, bytes]
    stamps: Mapping[int, bytes] = field(default_factory=dict)


def write_pack(sink: IO[bytes], handout: Handout, log: Path, supplements: Supplements) -> None:
    """Write one pack.

    Args:
        sink: where the ZIP goes; need not be seekable.
        handout: what it is about.
        log: the ledger's published folder, which must stand still meanwhile.
        supplements: what the log only names.

    Raises:
        NotFound: `policy-missing`: a decision table that the log names was not handed in;
            `log-missing`: nothing is published yet.
        TooLarge: `evidence-too-large`.
        VerificationFailed: `log-differs`: the published entries are not those of the checkpoint.
    """
    members = _log_members(log)
    head = _signed_head(members)
    octets = _entries_of(members, head.size)
    tree = Tree()
    tree.extend(map(leaf_hash, octets))
    if tree.root() != head_of(head.note).root:
        raise VerificationFailed("log-differs", "the published entries are not the signed ones")
    parsed = [json.loads(entry) for entry in octets]
    files = {f"log/{name}": content for name, content in members.items()}
    files |= _proofs(parsed, handout.export, tree, head)
    files |= _tables(parsed, supplements.tables)
    files |= _passports(parsed, supplements.passports)
    files |= supplements.beside
    files |= {
        f"stamps/{size}.json": stamp
        for size, stamp in supplements.stamps.items()
        if size <= head.size
    }
    files["manifest.json"] = _manifest(handout, files)
    _check_room(files)
    _write_zip(sink, files)


def receipts_in(log: Path, indices: Iterable[int]) -> list[dict[str, object]]:
    """Receipts of entries of a published log, which must stand still meanwhile.

    Raises:
        NotFound: `log-missing`: nothing is published yet.
        VerificationFailed: `log-differs`, or `tree-range`: an entry is not published yet.
    """
    members = _log_members(log)
    head = _signed_head(members)
    octets = _entries_of(members, head.size)
    tree = Tree()
    tree.extend(map(leaf_hash, octets))
    if tree.root() != head_of(head.note).root:
        raise VerificationFailed("log-differs", "the published entries are not the signed ones")
    try:
        proofs = {index: proof_text(tree, index, head) for index in indices}
    except VerificationError as error:
        raise VerificationFailed(error.code, "an entry is not published yet") from error
    return [receipt_document(octets[index], proofs[index]) for index in sorted(proofs)]


def _log_members(log: Path) -> dict[str, bytes]:
    """The checkpoints, the keys and exactly the tiles that the checkpoint needs."""
    try:
        members = {name: (log / name).read_bytes() for name in (CHECKPOINT, KEYS)}
        if (log / WITNESSED).is_file():  # the largest head that a quorum of witnesses cosigned
            members[WITNESSED] = (log / WITNESSED).read_bytes()
        size = head_of(members[CHECKPOINT].decode()).size
        for tile in tiles.tiles_between(0, size):
            members[tile.path] = (log / tile.path).read_bytes()
            if tile.level == 0:
                bundle = tiles.entries_path(tile.index, tile.width)
                members[bundle] = (log / bundle).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound("log-missing", "the published log is not complete") from error
    return members


def _signed_head(members: Mapping[str, bytes]) -> SignedHead:
    note = members[CHECKPOINT].decode()
    return SignedHead(note, head_of(note).size, members[KEYS])


def _entries_of(members: Mapping[str, bytes], size: int) -> list[bytes]:
    octets: list[bytes] = []
    try:
        for start in range(0, size, tiles.WIDTH):
            width = min(tiles.WIDTH, size - start)
            bundle = tiles.entries_path(start // tiles.WIDTH, width)
            octets += tiles.decode_bundle(members[bundle], width)
    except VerificationError as error:
        raise VerificationFailed("log-differs", "a published bundle is damaged") from error
    return octets


def _proofs(
    parsed: Iterable[Mapping[str, Any]], export: int, tree: Tree, head: SignedHead
) -> dict[str, bytes]:
    """Proofs of the export, and of all done acts on which a release rests."""
    return {
        f"proofs/{entry['index']}.tlog-proof": proof_text(tree, entry["index"], head).encode()
        for entry in parsed
        if entry["index"] == export or (entry["action"] in PROVED and entry["refusal"] is None)
    }


def _tables(parsed: Iterable[Mapping[str, Any]], tables: Mapping[str, bytes]) -> dict[str, bytes]:
    named = {entry["ruling"]["policy"] for entry in parsed if entry["ruling"] is not None}
    missing = named - tables.keys()
    if missing:
        raise NotFound("policy-missing", f"no decision table {min(missing)}")
    return {f"policy/{digest.removeprefix('sha256:')}.json": tables[digest] for digest in named}


def _passports(
    parsed: Iterable[Mapping[str, Any]], passports: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Passports of releases that are sealed in this very log: a row may be ahead of its entry."""
    sealed = {
        entry["objects"].get("release")
        for entry in parsed
        if entry["action"] == Action.RELEASE_SEAL and entry["refusal"] is None
    }
    return {
        f"packages/{release}/passport.json": passport
        for release, passport in passports.items()
        if release in sealed
    }


def _manifest(handout: Handout, files: Mapping[str, bytes]) -> bytes:
    return canonical.encode(
        {
            "v": 2,
            "ledger": handout.ledger,
            "about": dict(handout.about),
            "export": handout.export,
            "created_at": time_text(handout.created_at),
            "files": {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                for name, content in files.items()
            },
        }
    )


def _write_zip(sink: IO[bytes], files: Mapping[str, bytes]) -> None:
    """A ZIP with every field fixed; Python's own writer chooses some by itself.

    Source: APPNOTE 6.3, clauses 4.3.7, 4.3.12, 4.3.16; docs/spec/evidence.md, clause 2.
    """
    directory, offset = bytearray(), 0
    for name in sorted(files):
        content, label = files[name], name.encode()
        size = len(content)
        shared = _SHARED.pack(
            _VERSION, _UTF8_NAMES, 0, 0, _DATE, zlib.crc32(content), size, size, len(label), 0
        )
        sink.write(b"PK\x03\x04" + shared + label)
        sink.write(content)
        directory += b"PK\x01\x02" + struct.pack("<H", _VERSION) + shared
        directory += struct.pack("<HHHII", 0, 0, 0, 0, offset) + label
        offset += _LOCAL_SIZE + len(label) + size
    sink.write(directory)
    count = len(files)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), offset, 0)
    sink.write(b"PK\x05\x06" + end)


def _check_room(files: Mapping[str, bytes]) -> None:
    # Beyond these a ZIP needs the 64-bit records, which the specification leaves out.
    whole = sum(len(name) * 2 + len(content) + 128 for name, content in files.items())
    if len(files) > _MAX_MEMBERS or whole > _MAX_BYTES:
        raise TooLarge("evidence-too-large", "one pack can't hold this log")
