"""Octets of a text file to text: UTF-8, UTF-16 with a mark, GB18030; nothing is guessed at."""

import codecs

from sandbox.errors import Malformed

_CONTROL = frozenset(range(32)) - {0x09, 0x0A, 0x0C, 0x0D}
_HIGH = 0x80
_GB2312_LOW = 0xA1
_MIN_COMMON = 0.9


def decode_text(data: bytes) -> str:
    """The text of a file.

    Raises:
        Malformed: `bad-encoding`, it is in none of the encodings, or holds control characters.
    """
    text = _decoded(data)
    if not all(c.isprintable() or c in "\t\n\r\f\u3000\xa0\u200b\ufeff\u00ad" for c in set(text)):
        text = _without_odd(text)
    return text


def _decoded(data: bytes) -> str:
    for mark, codec in (
        (codecs.BOM_UTF8, "utf_8_sig"),
        (codecs.BOM_UTF16_LE, "utf_16"),
        (codecs.BOM_UTF16_BE, "utf_16"),
    ):
        if data.startswith(mark):
            return _strict(data, codec)
    try:
        return data.decode("utf_8")
    except UnicodeDecodeError:
        text = _strict(data, "gb18030")
    if _common_chinese(data) < _MIN_COMMON:
        raise Malformed("bad-encoding")
    return text


def _strict(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise Malformed("bad-encoding") from None


def _common_chinese(data: bytes) -> float:
    """Which part of the two-byte characters is in GB 2312: nearly all of real Chinese text is.

    Western text in some eight-bit code decodes as GB18030 too, into rare characters whose second
    byte is an ASCII letter; this tells it apart.
    """
    pairs = common = at = 0
    while at < len(data) - 1:
        if data[at] < _HIGH:
            at += 1
            continue
        pairs += 1
        common += data[at] >= _GB2312_LOW and data[at + 1] >= _GB2312_LOW
        at += 2
    return common / pairs if pairs else 0.0


def _without_odd(text: str) -> str:
    """Refuse control characters; other unprintable characters stay."""
    if any(ord(c) in _CONTROL or 0x7F <= ord(c) < 0xA0 for c in set(text)):  # noqa: PLR2004 - C1
        raise Malformed("bad-encoding")
    return text


def looks_like_text(data: bytes) -> bool:
    """Whether the bytes can be meant as text: no control bytes, or a UTF-16 mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return not any(byte in _CONTROL or byte == 0x7F for byte in set(data))  # noqa: PLR2004 - DEL
