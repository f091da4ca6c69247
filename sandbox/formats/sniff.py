"""What a file is, by its bytes; its name only decides between readings of the same bytes.

Marked-up and escaped text (HTML, XML, RTF, JSON) is not taken for text: tags and escapes hide a
name from whoever searches the characters.
"""

import json

from sandbox.deid.forms import FileKind
from sandbox.errors import Malformed
from sandbox.formats.dicom_file import looks_like_dicom
from sandbox.formats.encodings import decode_text, looks_like_text

_IMAGES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"\xff\x4f\xff\x51",
    b"\x00\x00\x00\x0cjP  ",
)
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = ("<?xml", "<!doctype", "<html", "<svg", "{\\rtf", "%pdf", "%!ps")
_DELIMITERS = ",\t;|"
_MIN_ROWS = 3
_SAMPLE_LINES = 50


def sniff(data: bytes, name: str) -> FileKind:
    """The kind of a file.

    Args:
        data: the whole file.
        name: its name; only `.csv` and `.tsv` matter, for text that has rows.
    """
    if looks_like_dicom(data):
        return FileKind.DICOM
    if _is_image(data):
        return FileKind.IMAGE
    if _is_workbook(data):
        return FileKind.TABLE
    if not data or not looks_like_text(data):
        return FileKind.UNKNOWN
    return _text_kind(data, name)


def _is_image(data: bytes) -> bool:
    if data.startswith(b"BM"):
        return not looks_like_text(data)
    return data.startswith(_IMAGES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _is_workbook(data: bytes) -> bool:
    """Parquet, or a zip that holds a spreadsheet."""
    if data.startswith(_PARQUET):
        return True
    return data.startswith(_ZIP) and (b"xl/workbook" in data or b"opendocument.spreadsheet" in data)


def _text_kind(data: bytes, name: str) -> FileKind:
    try:
        text = decode_text(data)
    except Malformed:
        return FileKind.TEXT  # whoever cleans it will say `bad-encoding`
    start = text.lstrip("\ufeff \t\r\n")
    if start[:16].casefold().startswith(_MARKUP) or _is_json(start):
        return FileKind.UNKNOWN
    return FileKind.TABLE if _has_rows(text, name) else FileKind.TEXT


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    first = text.splitlines()[0]
    for candidate in (text, first):
        try:
            json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _has_rows(text: str, name: str) -> bool:
    """Whether every line has the same number, two or more, of one delimiter."""
    if name.casefold().endswith((".csv", ".tsv")):
        return True
    lines = [line for line in text.splitlines() if line.strip()][:_SAMPLE_LINES]
    if len(lines) < _MIN_ROWS:
        return False
    for delimiter in _DELIMITERS:
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts.pop() >= 2:  # noqa: PLR2004 - three columns or more
            return True
    return False
