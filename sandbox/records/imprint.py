"""What an act left in the rows, in a form that its entry can commit to.

- The gate makes one imprint per act: for each row that the act wrote, its key and a digest over
  the written form of its columns, in their order. The entry holds a salted commitment to it under
  the name `rows` (docs/spec/provenance-log.md, clause 8), so that whoever changes a row behind the
  gate changes something that the log speaks of.
- Octets: 32 of salt, then each row: shape (4), length of its key (2), key, digest (32), number of
  columns (1), and a check of each column (4). Digests prove; checks only tell which column it is.
- The salt stands beside the rows, not in the log: the log alone says nothing about a row, not even
  how many there were.
- An imprint holds digests of what the rows hold in the clear. Whatever must be erasable is
  ciphertext there, under a key that can be destroyed.
"""

import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.errors import VerificationFailed

ROWS: Final = "rows"
"""Name of the commitment to an imprint, in an entry's outcome."""

_SALT: Final = 32
_ROW = struct.Struct(">4sH")
_KEYED = struct.Struct(">32sB")
_CHECK: Final = 4

Stored = str | int | bool | bytes | None
Written = tuple[bytes, tuple[Stored, ...]]
"""A row as it was written: the shape of its type, and its columns, the key first."""


@dataclass(frozen=True)
class Trace:
    """What an imprint says of one row."""

    shape: bytes
    key: str
    digest: bytes
    checks: tuple[int, ...]


def shape_of(kind: str, names: Sequence[str]) -> bytes:
    """Four bytes that tell a row type and the columns it had, in their order."""
    return hashlib.sha256(",".join((kind, *names)).encode()).digest()[:4]


def imprint_of(written: Iterable[Written]) -> bytes:
    """The imprint of an act that wrote these rows; of a row written twice the last counts."""
    latest = {(shape, stored[0]): stored for shape, stored in written}
    if not latest:
        return b""
    parts = [os.urandom(_SALT)]
    for (shape, key), stored in latest.items():
        named = str(key).encode()
        digest, checks = traced(stored)
        count = len(stored)
        parts += (_ROW.pack(shape, len(named)), named, _KEYED.pack(digest, count), checks)
    return b"".join(parts)


def traced(stored: Sequence[Stored]) -> tuple[bytes, bytes]:
    """Digest of a row's written form, and the checks of its columns."""
    octets = [_octets(value) for value in stored]
    count = len(octets)
    lengths = struct.pack(f">{count}I", *map(len, octets))
    digest = hashlib.sha256(lengths + b"".join(octets)).digest()
    return digest, struct.pack(f">{count}I", *map(zlib.crc32, octets))


def unpack_checks(packed: bytes) -> tuple[int, ...]:
    """The checks that `traced` packed."""
    return struct.unpack(f">{len(packed) // _CHECK}I", packed)


def _octets(value: Stored) -> bytes:
    """A value in the form that is hashed; text never holds NUL, so that nothing else is like it."""
    if type(value) is str and value.isascii() and "\0" not in value:
        return value.encode()
    if value is None:
        return b"\0"
    if isinstance(value, bytes):
        return b"\0b" + value
    if isinstance(value, int):
        return b"\0i%d" % value  # SQLite keeps truth as 0 and 1
    text = value if isinstance(value, str) else ascii(value)
    octets = text.encode("utf-8", "surrogateescape")
    # Text with NUL, or of no type that a row has: put there by no row of ours.
    return b"\0?" + octets if "\0" in text or not isinstance(value, str) else octets


def committed(imprint: bytes) -> bytes:
    """The commitment to an imprint (clause 2.5): its salt is its beginning."""
    return hmac.digest(imprint[:_SALT], imprint[_SALT:], "sha256")


def read_imprint(octets: bytes) -> Iterator[Trace]:
    """What an imprint says, row by row; of one whose commitment holds it is never malformed.

    Raises:
        VerificationFailed: `imprint-malformed`.
    """
    at, size = _SALT, len(octets)
    try:
        while at < size:
            shape, length = _ROW.unpack_from(octets, at)
            at += _ROW.size
            key = octets[at : at + length].decode("utf-8", "surrogateescape")
            at += length
            digest, count = _KEYED.unpack_from(octets, at)
            at += _KEYED.size
            checks = struct.unpack_from(f">{count}I", octets, at)
            at += _CHECK * count
            yield Trace(shape, key, digest, checks)
    except struct.error as error:
        raise VerificationFailed("imprint-malformed", "an imprint has another form") from error
