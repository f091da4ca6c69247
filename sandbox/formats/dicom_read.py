"""Reads a DICOM data set into elements, strictly, and with limits on everything.

- A value is a slice of the input; nothing is converted, so nothing can warn or log.
- Depth, number of elements and every length are bounded; what breaks a bound is refused with a
  code and never a word of the content.
- What follows the pixel data and is no element is trailing and left behind.

It doesn't know what an element means: `sandbox.deid.dicom` does.

Source: DICOM PS3.5 7.
"""

import struct
from dataclasses import dataclass

from sandbox.errors import Malformed
from sandbox.formats.dicom_tags import PIXEL_DATA
from sandbox.formats.dicom_words import LONG_VRS, SHORT_VRS, VRS, implicit_vr

MAX_DEPTH = 100
MAX_ELEMENTS = 2_000_000
UNDEFINED = 0xFFFFFFFF

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
_PIXEL_GROUP = 0x7FE00000
_HEADER = 8


class Element:
    """One element: tag, representation and value.

    `value` is octets, or the items of a sequence, or the raw fragments of encapsulated pixels
    (`fragments` is then true, and the octets run from the first item to the end mark).
    """

    __slots__ = ("fragments", "tag", "value", "vr")

    def __init__(self, tag: int, vr: str, value: "Value", *, fragments: bool = False) -> None:
        self.tag = tag
        self.vr = vr
        self.value = value
        self.fragments = fragments

    def octets(self) -> bytes:
        """The value's octets; none for a sequence."""
        value = self.value
        if type(value) is bytes:
            return value
        return b"" if isinstance(value, list) else bytes(value)


Dataset = list[Element]
Value = bytes | memoryview | list[Dataset]


@dataclass(frozen=True)
class Encoding:
    """How elements are written: with explicit representations or not, and in which byte order."""

    explicit: bool = True
    big: bool = False


def read_dataset(data: bytes, start: int, encoding: Encoding) -> tuple[Dataset, int]:
    """The elements of the data set at `start` and where it ends; what follows is trailing.

    Large values are views of `data`, not copies.

    Raises:
        Malformed: `truncated`, `bad-length`, `bad-element`, `too-deep` or `too-many-elements`.
    """
    return _Reader(data, encoding).top(start)


class _Reader:
    """One pass over one data set; `count` bounds the elements of all depths together."""

    def __init__(self, data: bytes, encoding: Encoding) -> None:
        order = ">" if encoding.big else "<"
        self._data = data
        self._view = memoryview(data)
        self._encoding = encoding
        self._short_first = encoding.explicit
        self._explicit = struct.Struct(order + "HH2sH").unpack_from
        self._implicit = struct.Struct(order + "HHI").unpack_from
        self._long = struct.Struct(order + "I").unpack_from
        self._count = 0

    def top(self, position: int) -> tuple[Dataset, int]:
        """All elements at depth 0, and the position after the last of them."""
        found: Dataset = []
        end, last = len(self._data), 0
        while position < end:
            position, last = self._short_run(position, found, last)
            if position >= end:
                break
            try:
                element, after = self._element(position, end, 0)
            except Malformed:
                if last >= _PIXEL_GROUP or not any(self._view[position:]):
                    break
                raise
            if element.tag <= last and last >= _PIXEL_GROUP:
                break
            found.append(element)
            last = max(last, element.tag)
            position = after
        return found, position

    def _short_run(self, position: int, found: Dataset, last: int) -> tuple[int, int]:
        """Elements of short explicit length, as many as follow each other below the pixels.

        Nearly every element of nearly every file: this loop calls nothing of ours for one.
        """
        if not self._short_first:
            return position, last
        data, unpack, append = self._data, self._explicit, found.append
        end, most = len(data) - _HEADER, len(found) + MAX_ELEMENTS - self._count
        while position <= end and last < _PIXEL_GROUP and len(found) < most:
            group, number, code, length = unpack(data, position)
            vr = SHORT_VRS.get(code)
            start = position + _HEADER
            if vr is None or length > end - position:
                break
            position = start + length
            tag = group << 16 | number
            append(Element(tag, vr, data[start:position]))
            if tag > last:  # noqa: PLR1730 - a call for each element is what this loop is without
                last = tag
        self._count = MAX_ELEMENTS - (most - len(found))
        return position, last

    def _element(self, position: int, end: int, depth: int) -> tuple[Element, int]:
        """The element that starts at `position`, and where the next one starts."""
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise Malformed("too-many-elements")
        start = position + _HEADER
        if self._short_first and start <= end:
            # Nearly every element of nearly every file: this way spares it two calls.
            group, number, code, length = self._explicit(self._data, position)
            vr = SHORT_VRS.get(code)
            if vr is not None and start + length <= end:
                after = start + length
                # A short value is cheaper to copy than to view: it has 64 KiB at most.
                return Element(group << 16 | number, vr, self._data[start:after]), after
        return self._any_element(position, end, depth)

    def _any_element(self, position: int, end: int, depth: int) -> tuple[Element, int]:
        """The same for every form of element."""
        tag, vr, length, start = self._header(position, end)
        if length == UNDEFINED:
            return self._undefined(tag, vr, start, end, depth)
        after = start + length
        if after > end:
            raise Malformed("bad-length" if depth else "truncated")
        if vr == "SQ":
            items, _ = self._items(start, after, depth, delimited=False)
            return Element(tag, vr, items), after
        if vr == "UN" and self._encoding.explicit and not self._encoding.big:
            return self._untold(tag, start, after, depth), after
        return Element(tag, vr, self._view[start:after]), after

    def _untold(self, tag: int, start: int, end: int, depth: int) -> Element:
        """A standard element whose representation some system on the way didn't know.

        Source: DICOM PS3.5 6.2.2.
        """
        vr = implicit_vr(tag)
        if vr != "SQ" or start == end:
            return Element(tag, vr, self._view[start:end])
        items, _ = self._as_implicit(start, end, depth, delimited=False)
        return Element(tag, vr, items)

    def _as_implicit(
        self, start: int, end: int, depth: int, *, delimited: bool
    ) -> tuple[list[Dataset], int]:
        """The items of a sequence that is written without representations inside.

        Source: DICOM PS3.5 6.2.2 note 2.
        """
        inner = _Reader(self._data, Encoding(explicit=False))
        inner._count = self._count
        items, after = inner._items(start, end, depth, delimited=delimited)
        self._count = inner._count
        return items, after

    def _header(self, position: int, end: int) -> tuple[int, str, int, int]:
        """Tag, representation, length, and where the value starts."""
        start = position + _HEADER
        if start > end:
            raise Malformed("truncated")
        if not self._encoding.explicit:
            group, number, length = self._implicit(self._data, position)
            tag = group << 16 | number
            return tag, implicit_vr(tag), length, start
        group, number, code, length = self._explicit(self._data, position)
        vr = VRS.get(code)
        if vr is None:
            if group == ITEM >> 16:
                (length,) = self._long(self._data, position + 4)
                return group << 16 | number, "", length, start
            raise Malformed("bad-element")
        if vr in LONG_VRS:
            if start + 4 > end:
                raise Malformed("truncated")
            (length,) = self._long(self._data, start)
            start += 4
        return group << 16 | number, vr, length, start

    def _undefined(
        self, tag: int, vr: str, start: int, end: int, depth: int
    ) -> tuple[Element, int]:
        """An element without a length: a sequence, or encapsulated pixels."""
        if tag == PIXEL_DATA and vr in {"OB", "OW"}:
            after = self._fragments(start, end)
            return Element(tag, "OB", self._view[start:after], fragments=True), after
        if vr == "UN" and self._encoding.explicit:
            items, after = self._as_implicit(start, end, depth, delimited=True)
            return Element(tag, vr, items), after
        if vr not in {"SQ", "UN"}:
            raise Malformed("bad-length")
        items, after = self._items(start, end, depth, delimited=True)
        return Element(tag, "SQ" if vr == "SQ" else vr, items), after

    def _items(
        self, position: int, end: int, depth: int, *, delimited: bool
    ) -> tuple[list[Dataset], int]:
        """The items of a sequence, and where it ends."""
        if depth >= MAX_DEPTH:
            raise Malformed("too-deep")
        items: list[Dataset] = []
        while delimited or position < end:
            if position + _HEADER > end:
                raise Malformed("truncated" if delimited else "bad-length")
            group, number, length = self._implicit(self._data, position)
            tag = group << 16 | number
            position += _HEADER
            if tag == SEQUENCE_END and delimited:
                return items, position
            if tag != ITEM:
                raise Malformed("bad-element")
            item, position = self._item(position, length, end, depth + 1)
            items.append(item)
        return items, position

    def _item(self, position: int, length: int, end: int, depth: int) -> tuple[Dataset, int]:
        """One item of a sequence, and where the next one starts."""
        found: Dataset = []
        delimited = length == UNDEFINED
        if not delimited:
            if position + length > end:
                raise Malformed("bad-length")
            end = position + length
        while delimited or position < end:
            if delimited and self._implicit_tag(position, end) == ITEM_END:
                return found, position + _HEADER
            element, position = self._element(position, end, depth)
            found.append(element)
        return found, position

    def _implicit_tag(self, position: int, end: int) -> int:
        if position + _HEADER > end:
            raise Malformed("truncated")
        group, number, _ = self._implicit(self._data, position)
        return int(group << 16 | number)

    def _fragments(self, position: int, end: int) -> int:
        """Where encapsulated pixels end, just after their end mark.

        Source: DICOM PS3.5 A.4.
        """
        while True:
            if position + _HEADER > end:
                raise Malformed("truncated")
            group, number, length = self._implicit(self._data, position)
            tag = group << 16 | number
            position += _HEADER
            if tag == SEQUENCE_END:
                return position
            if tag != ITEM or length == UNDEFINED:
                raise Malformed("bad-element")
            position += length
