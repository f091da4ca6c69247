"""The size that pixels must have; what lies behind the last pixel is cut off.

Source: DICOM PS3.5 8.1.1, PS3.3 C.7.6.3.
"""

from sandbox.deid.dicom_holds import Top, words
from sandbox.errors import Malformed
from sandbox.formats import dicom_tags as tags
from sandbox.formats.dicom_read import Element, Encoding

_PIXELS = (tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA)
_MAX_FRAMES = 1 << 31


def frames(top: Top) -> int:
    """Number of frames; 0 without pixels."""
    if not any(tag in top for tag in _PIXELS):
        return 0
    counts = words(top, tags.NUMBER_OF_FRAMES)
    if counts and counts[0].isdecimal() and 0 < int(counts[0]) < _MAX_FRAMES:
        return int(counts[0])
    return 1


def fit_pixels(top: Top, encoding: Encoding) -> int | None:
    """Cut native pixels to their exact size, in place.

    Returns:
        Bytes that were cut off, or None when the size can't be told.

    Raises:
        Malformed: `truncated`, there are fewer bytes than pixels.
    """
    pixels = next((top[tag] for tag in _PIXELS if tag in top), None)
    if pixels is None or pixels.fragments or isinstance(pixels.value, list):
        return 0
    expected = _expected_bytes(top, encoding)
    if expected is None:
        return None
    surplus = len(pixels.value) - expected
    if surplus < 0:
        raise Malformed("truncated")
    even = expected + expected % 2
    if surplus:
        last = bytes(even - expected)
        pixels.value = bytes(pixels.value[:expected]) + last if last else pixels.value[:expected]
    return max(0, surplus - (even - expected))


def _expected_bytes(top: Top, encoding: Encoding) -> int | None:
    sizes = [
        _number(top.get(tag), encoding) for tag in (tags.ROWS, tags.COLUMNS, tags.BITS_ALLOCATED)
    ]
    if not all(sizes):
        return None
    rows, columns, bits = sizes
    samples = _number(top.get(tags.SAMPLES_PER_PIXEL), encoding) or 1
    total = rows * columns * bits * samples * frames(top)
    if words(top, tags.PHOTOMETRIC_INTERPRETATION) == ["YBR_FULL_422"]:
        total = total * 2 // 3
    return (total + 7) // 8


def _number(element: Element | None, encoding: Encoding) -> int:
    if element is None:
        return 0
    return int.from_bytes(element.octets()[:2], "big" if encoding.big else "little")
