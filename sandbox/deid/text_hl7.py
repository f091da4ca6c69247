"""Identifiers in HL7 version 2 messages, where the place in a line says what a value is.

Source: HL7 v2.5.1, chapters 2 (MSH), 3 (PID, NK1, PV1).
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_spans import Kind, Span

_SEGMENT = re.compile(r"(?:(?<=\n)|^)(?P<id>MSH|PID|PV1|NK1|OBR|ORC|GT1|IN1)\|[^\n]*")
_FIELDS: dict[str, dict[int, Kind]] = {
    "MSH": {3: Kind.HOSPITAL, 5: Kind.HOSPITAL},
    "PID": {
        2: Kind.MRN,
        3: Kind.MRN,
        4: Kind.MRN,
        5: Kind.NAME,
        6: Kind.NAME,
        7: Kind.DATE,
        9: Kind.NAME,
        11: Kind.ADDRESS,
        12: Kind.ADDRESS,
        13: Kind.PHONE,
        14: Kind.PHONE,
        18: Kind.ACCOUNT,
        19: Kind.ID_NUMBER,
        20: Kind.OTHER_ID,
        21: Kind.MRN,
    },
    "NK1": {2: Kind.NAME, 4: Kind.ADDRESS, 5: Kind.PHONE, 6: Kind.PHONE},
    "PV1": {3: Kind.BED, 7: Kind.NAME, 8: Kind.NAME, 9: Kind.NAME, 17: Kind.NAME, 19: Kind.MRN},
    "OBR": {2: Kind.OTHER_ID, 3: Kind.OTHER_ID, 10: Kind.NAME, 16: Kind.NAME},
    "ORC": {2: Kind.OTHER_ID, 3: Kind.OTHER_ID, 10: Kind.NAME, 12: Kind.NAME},
    "GT1": {3: Kind.NAME, 5: Kind.ADDRESS, 6: Kind.PHONE},
    "IN1": {16: Kind.NAME, 36: Kind.INSURANCE},
}
_LETTER = re.compile(r"[^\W\d_]{2}")
_MIN_PLAIN = 4


def hl7_in(text: str) -> Iterator[Span]:
    """Every identifying field of a message's segments."""
    if "|" not in text:
        return
    for segment in _SEGMENT.finditer(text):
        kinds = _FIELDS[segment.group("id")]
        at = segment.start()
        for number, field in enumerate(segment.group().split("|")):
            kind = kinds.get(number)
            if kind is not None and field:
                yield from _field(kind, field, at)
            at += len(field) + 1


def _field(kind: Kind, field: str, at: int) -> Iterator[Span]:
    """A field's identifying part: the first component of a number, all that is said of a person."""
    if kind in {Kind.MRN, Kind.ID_NUMBER, Kind.ACCOUNT, Kind.OTHER_ID}:
        field = field.partition("^")[0]
    if kind is Kind.HOSPITAL and (len(field) < _MIN_PLAIN or " " not in field):
        return
    if kind is Kind.NAME:
        first = _LETTER.search(field)
        if first is None:
            return
        at, field = at + first.start(), field[first.start() :]
    field = field.rstrip("^&~ ")
    if field:
        yield Span(at, at + len(field), kind, 89)
