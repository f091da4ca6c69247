"""DICOM character sets: octets of a value to the texts they may stand for.

Files lie about their character set, or leave it out. To look for identifiers, a value is read
in every way that it can be read: as declared, and as UTF-8 and GB18030 where that works.

Source: DICOM PS3.3 C.12.1.1.2, PS3.5 6.1.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_CODECS: Mapping[str, str] = MappingProxyType(
    {
        "ISO_IR 13": "shift_jis",
        "ISO_IR 100": "latin_1",
        "ISO_IR 101": "iso8859_2",
        "ISO_IR 109": "iso8859_3",
        "ISO_IR 110": "iso8859_4",
        "ISO_IR 126": "iso8859_7",
        "ISO_IR 127": "iso8859_6",
        "ISO_IR 138": "iso8859_8",
        "ISO_IR 144": "iso8859_5",
        "ISO_IR 148": "iso8859_9",
        "ISO_IR 166": "tis_620",
        "ISO_IR 192": "utf_8",
        "ISO_IR 203": "iso8859_15",
        "GB18030": "gb18030",
        "GBK": "gb18030",
        "ISO 2022 IR 58": "gb2312",
        "ISO 2022 IR 149": "euc_kr",
    }
)
"""Codec of each defined term; terms with code extensions name the set they start with."""

_ESCAPES: Mapping[bytes, str] = MappingProxyType(
    {
        b"\x1b-A": "latin_1",
        b"\x1b-B": "iso8859_2",
        b"\x1b-C": "iso8859_3",
        b"\x1b-D": "iso8859_4",
        b"\x1b-F": "iso8859_7",
        b"\x1b-G": "iso8859_6",
        b"\x1b-H": "iso8859_8",
        b"\x1b-L": "iso8859_5",
        b"\x1b-M": "iso8859_9",
        b"\x1b-T": "tis_620",
        b"\x1b)I": "shift_jis",
        b"\x1b(J": "shift_jis",
        b"\x1b$)A": "gb2312",
        b"\x1b$)C": "euc_kr",
        b"\x1b$B": "iso2022_jp_2",
        b"\x1b$@": "iso2022_jp_2",
        b"\x1b$(D": "iso2022_jp_2",
    }
)
_ESCAPE = re.compile(rb"(\x1b(?:\$\([A-Z]|\$\)[A-Z]|\$[@-Z]|[-().][A-Z]))")


def codec_of(term: str) -> str:
    """The codec of a defined term of (0008,0005) SpecificCharacterSet; ASCII if unknown."""
    term = term.strip("\x00 ")
    return _CODECS.get(term) or _CODECS.get(term.replace("ISO 2022 IR", "ISO_IR")) or "ascii"


def readings(value: bytes, terms: Sequence[str]) -> set[str]:
    """Every text that `value` may stand for, under the declared terms and despite them."""
    if value.isascii() and b"\x1b" not in value:
        return {value.decode("ascii")}
    found = {_extended(value, codec_of(terms[0] if terms else ""))}
    for codec in ("utf_8", "gb18030"):
        try:
            found.add(value.decode(codec))
        except UnicodeDecodeError:
            continue
    return found


def _extended(value: bytes, codec: str) -> str:
    """`value` with code extensions carried out; what can't be read becomes U+FFFD.

    Source: DICOM PS3.5 6.1.2.5.
    """
    pieces = _ESCAPE.split(value)
    text = pieces[0].decode(codec, "replace")
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        codec = _ESCAPES.get(escape, "ascii")
        if codec == "iso2022_jp_2":
            text += (escape + piece).decode(codec, "replace")
        else:
            text += piece.decode(codec, "replace")
    return text
