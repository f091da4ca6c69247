"""Opens a DICOM file: preamble, file meta group, transfer syntax, and the data set behind them.

- Files without preamble or without file meta group are read too.
- A deflated data set is inflated within a limit.
- A preamble with a program or an archive in it is refused.

Source: DICOM PS3.10 7, PS3.5 10 and A.5.
"""

import struct
import zlib
from dataclasses import dataclass

from sandbox.errors import Malformed
from sandbox.formats import dicom_tags as tags
from sandbox.formats.dicom_dictionary import UIDS
from sandbox.formats.dicom_read import UNDEFINED, Dataset, Encoding, read_dataset
from sandbox.formats.dicom_words import DICTIONARY, VRS

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"

MAX_INFLATED = 1 << 29
"""Bytes that a deflated data set may have once inflated."""

_FREE_INFLATED = 1 << 24
_MAX_RATIO = 200
_PREAMBLE = 128
_START = 132
_HEAD = 8
_EXECUTABLES = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"dex\n",
    b"\x00asm",
)
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"%PDF")


@dataclass(frozen=True)
class DicomFile:
    """A file taken apart.

    Attributes:
        meta: text of the file meta group's elements by tag; only UIDs are in it.
        syntax: UID of the transfer syntax that `dataset` is now in: never the deflated one.
        encoding: how elements are written in that syntax.
        trailing: how many bytes followed the data set and were left behind.
        preamble: whether the file had a preamble that was not all zero.
    """

    meta: dict[int, str]
    syntax: str
    encoding: Encoding
    dataset: Dataset
    trailing: int
    preamble: bool


def looks_like_dicom(data: bytes) -> bool:
    """Whether the bytes are a DICOM file, with or without preamble."""
    return data[_PREAMBLE:_START] == b"DICM" or _is_bare(data)


def is_executable(data: bytes) -> bool:
    """Whether the bytes start as a program for some common system."""
    return data.startswith(_EXECUTABLES)


def open_dicom(data: bytes) -> DicomFile:
    """Take a file apart.

    Raises:
        Malformed: `not-dicom`, `preamble-executable`, `preamble-archive`, `syntax-unsupported`,
            `deflate-bomb`, and what `read_dataset` raises.
    """
    start = _check_preamble(data)
    meta, start = _read_meta(data, start)
    syntax = meta.get(tags.TRANSFER_SYNTAX_UID, "")
    preamble = start >= _START and any(data[:_PREAMBLE])
    if syntax == DEFLATED:
        data, start, syntax = _inflate(memoryview(data)[start:]), 0, EXPLICIT
    encoding, syntax = _encoding(data, start, syntax)
    dataset, end = read_dataset(data, start, encoding)
    return DicomFile(meta, syntax, encoding_of_syntax(syntax), dataset, len(data) - end, preamble)


def _check_preamble(data: bytes) -> int:
    """Where the file meta group starts."""
    if data[_PREAMBLE:_START] != b"DICM":
        if not looks_like_dicom(data):
            raise Malformed("not-dicom")
        return 0
    if is_executable(data):
        raise Malformed("preamble-executable")
    if data.startswith(_ARCHIVES):
        raise Malformed("preamble-archive")
    return _START


def _read_meta(data: bytes, start: int) -> tuple[dict[int, str], int]:
    """UIDs of the file meta group, and where the data set starts."""
    meta: dict[int, str] = {}
    while data[start : start + 2] == b"\x02\x00":
        length, value = _meta_value(data, start)
        if value + length > len(data):
            raise Malformed("truncated")
        if data[start + 4 : start + 6] == b"UI":
            tag = 0x00020000 | int.from_bytes(data[start + 2 : start + 4], "little")
            text = data[value : value + length].decode("ascii", "replace")
            meta[tag] = text.strip("\x00 ")
        start = value + length
    return meta, start


def _meta_value(data: bytes, start: int) -> tuple[int, int]:
    """Length of a file meta element's value, and where the value starts."""
    vr = VRS.get(data[start + 4 : start + 6])
    if vr is None:
        raise Malformed("bad-element")
    if vr in {"OB", "UN", "UT", "OW", "SQ"}:
        return int.from_bytes(data[start + 8 : start + 12], "little"), start + 12
    return int.from_bytes(data[start + 6 : start + 8], "little"), start + 8


def _encoding(data: bytes, start: int, syntax: str) -> tuple[Encoding, str]:
    """How the data set is written, and the syntax that says so."""
    found = _encoding_of(data[start : start + _HEAD], len(data) - start)
    if not syntax:
        if found is None:
            raise Malformed("not-dicom")
        return found, _syntax_of(found)
    known = UIDS.get(syntax)
    if known is None or known[1] != "Transfer Syntax" or "JPIP" in known[0] or "SMPTE" in known[0]:
        raise Malformed("syntax-unsupported")
    declared = encoding_of_syntax(syntax)
    # Some writers put one form into the file meta group and the other into the data set.
    differs = found is not None and found.explicit != declared.explicit and not declared.big
    return found if found and differs else declared, syntax


def encoding_of_syntax(syntax: str) -> Encoding:
    """How elements are written in a transfer syntax that is not deflated."""
    return Encoding(explicit=syntax != IMPLICIT, big=syntax == BIG_ENDIAN)


def _syntax_of(encoding: Encoding) -> str:
    if not encoding.explicit:
        return IMPLICIT
    return BIG_ENDIAN if encoding.big else EXPLICIT


def _is_bare(data: bytes) -> bool:
    """Whether a file without preamble is a data set.

    It has to start with a known element of group 0002 or 0008, so that text and tables, which
    may hold any word, are not taken for DICOM.
    """
    encoding = _encoding_of(data[:_HEAD], len(data))
    if encoding is None:
        return False
    group, number = struct.unpack_from(">HH" if encoding.big else "<HH", data)
    return group in {2, 8} and (not number or group << 16 | number in DICTIONARY)


def _encoding_of(head: bytes, size: int) -> Encoding | None:
    """How the element that `head` starts with is written; None if it is none."""
    if len(head) < _HEAD:
        return None
    if head[4:6] in VRS:
        # The first group of any data set is below 0100, whichever way round it is written.
        return Encoding(explicit=True, big=head[0] < head[1])
    length = int.from_bytes(head[4:8], "little")
    if length <= size or length == UNDEFINED:
        return Encoding(explicit=False)
    return None


def _inflate(body: memoryview) -> bytes:
    """Inflate a data set, within limits.

    Source: DICOM PS3.5 A.5.
    """
    limit = min(MAX_INFLATED, max(_FREE_INFLATED, len(body) * _MAX_RATIO))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise Malformed("bad-deflate") from None
    if len(inflated) > limit:
        raise Malformed("deflate-bomb")
    if not inflater.eof:
        raise Malformed("truncated")
    return inflated
