"""Writes elements as a DICOM file: empty preamble, a file meta group of our own, the data set.

Sequences and items get explicit lengths, so that equal elements always give equal bytes.

Source: DICOM PS3.5 7, PS3.10 7.1.
"""

import struct
from collections.abc import Iterable

from sandbox.formats.dicom_read import ITEM, UNDEFINED, Dataset, Element, Encoding
from sandbox.formats.dicom_words import LONG_VRS

IMPLEMENTATION_CLASS_UID = "2.25.189402770145917624630175391446237918342"
"""Names this program in (0002,0012) ImplementationClassUID."""

IMPLEMENTATION_VERSION = "ANBIAO_1"
_MAX_SHORT = 0xFFFF
_PREAMBLE = bytes(128) + b"DICM"

Octets = bytes | memoryview


def padded(value: str, vr: str) -> bytes:
    """ASCII text as a value of even length."""
    octets = value.encode("ascii")
    if len(octets) % 2:
        octets += b"\x00" if vr == "UI" else b" "
    return octets


def file_header(sop_class: str, sop_instance: str, syntax: str) -> bytes:
    """Preamble and file meta group; nothing of the source's own group enters.

    Source: DICOM PS3.10 Table 7.1-1.
    """
    group = Dataset(
        [
            Element(0x00020001, "OB", b"\x00\x01"),
            Element(0x00020002, "UI", padded(sop_class, "UI")),
            Element(0x00020003, "UI", padded(sop_instance, "UI")),
            Element(0x00020010, "UI", padded(syntax, "UI")),
            Element(0x00020012, "UI", padded(IMPLEMENTATION_CLASS_UID, "UI")),
            Element(0x00020013, "SH", padded(IMPLEMENTATION_VERSION, "SH")),
        ]
    )
    body = b"".join(encode_dataset(group, Encoding()))
    length = Element(0x00020000, "UL", struct.pack("<I", len(body)))
    return b"".join([_PREAMBLE, *encode_dataset([length], Encoding()), body])


def encode_dataset(elements: Iterable[Element], encoding: Encoding) -> list[Octets]:
    """The bytes of a data set in pieces, in the order given; large values are not copied."""
    return _Writer(encoding).dataset(elements)


def joined(pieces: Iterable[Octets]) -> list[Octets]:
    """The same bytes in as few pieces as can be had without copying a large value."""
    whole: list[Octets] = []
    small: list[Octets] = []
    for piece in pieces:
        if len(piece) <= _MAX_SHORT:
            small.append(piece)
        else:
            whole += (b"".join(small), piece)
            small = []
    return [*whole, b"".join(small)]


class _Writer:
    def __init__(self, encoding: Encoding) -> None:
        order = ">" if encoding.big else "<"
        self._explicit = encoding.explicit
        self._short = struct.Struct(order + "HH2sH").pack
        self._long = struct.Struct(order + "HH2sHI").pack
        self._plain = struct.Struct(order + "HHI").pack

    def dataset(self, elements: Iterable[Element]) -> list[Octets]:
        pieces: list[Octets] = []
        for element in elements:
            value = element.value
            if isinstance(value, list):
                body = self._items(value)
                pieces.append(self._header(element.tag, element.vr, sum(map(len, body))))
                pieces += body
            else:
                length = UNDEFINED if element.fragments else len(value)
                pieces += (self._header(element.tag, element.vr, length), value)
        return pieces

    def _items(self, items: list[Dataset]) -> list[Octets]:
        pieces: list[Octets] = []
        for item in items:
            body = self.dataset(item)
            pieces.append(self._plain(ITEM >> 16, ITEM & 0xFFFF, sum(map(len, body))))
            pieces += body
        return pieces

    def _header(self, tag: int, vr: str, length: int) -> bytes:
        group, number = tag >> 16, tag & 0xFFFF
        if not self._explicit:
            return self._plain(group, number, length)
        if vr in LONG_VRS:
            return self._long(group, number, vr.encode(), 0, length)
        if length > _MAX_SHORT:
            # PS3.5 6.2.2: what doesn't fit its short length is written as UN.
            return self._long(group, number, b"UN", 0, length)
        return self._short(group, number, vr.encode(), length)
