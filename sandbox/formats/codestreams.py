"""What compressed images carry beside pixels: comments, application segments, bytes at the end.

Cameras, converters and workstations write names there. The image is not decoded.

Source: DICOM PS3.5 A.4; ITU-T T.81 B.2 (JPEG, and JPEG-LS in the same form), ITU-T T.800 A.
"""

from collections.abc import Iterator

_ITEM_HEAD = 8
_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, b"\xff\xd9"
_SOC, _SOT = b"\xff\x4f", 0x90
_COMMENTS = frozenset({0xFE, 0x64, *range(0xE0, 0xF0)})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_MAX_SEGMENTS = 4096
_WINDOW = 1 << 16


def loose_octets(fragments: bytes | memoryview) -> bytes:
    """Everything in encapsulated pixels that is no pixel, joined by line feeds.

    Args:
        fragments: items from the offset table to the end mark, as in a file; little endian.
    """
    found: list[bytes] = []
    for number, fragment in enumerate(_items(memoryview(fragments))):
        if number == 0:
            found.append(
                bytes(fragment)
            )  # an offset table holds numbers, unless someone hides words
            continue
        found += _segments(fragment)
        found.append(_tail(fragment))
    return b"\n".join(piece for piece in found if piece.strip(b"\x00"))


def _items(fragments: memoryview) -> Iterator[memoryview]:
    at = 0
    while at + _ITEM_HEAD <= len(fragments):
        length = int.from_bytes(fragments[at + 4 : at + _ITEM_HEAD], "little")
        at += _ITEM_HEAD
        yield fragments[at : at + length]
        at += length


def _segments(fragment: memoryview) -> Iterator[bytes]:
    """Comment and application segments ahead of the coded pixels."""
    if fragment[:2] not in {_SOI, _SOC}:
        return
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(fragment) or fragment[at] != 0xFF:  # noqa: PLR2004 - every marker's first byte
            return
        marker = fragment[at + 1]
        if marker in {_SOS, _SOT}:
            return
        if marker in _ALONE:
            at += 2
            continue
        length = int.from_bytes(fragment[at + 2 : at + 4], "big")
        if marker in _COMMENTS:
            yield bytes(fragment[at + 4 : at + 2 + length])
        at += 2 + max(length, 2)


def _tail(fragment: memoryview) -> bytes:
    """What follows the end of an image."""
    if fragment[:2] not in {_SOI, _SOC}:
        return b""
    # From the end, by the window: an image of a gigabyte is not copied to find its last two bytes.
    stop = len(fragment)
    while stop > 1:
        start = max(0, stop - _WINDOW)
        found = bytes(fragment[start:stop]).rfind(_EOI)
        if found >= 0:
            return bytes(fragment[start + found + 2 :])
        stop = start + 1 if start else 0
    return b""
