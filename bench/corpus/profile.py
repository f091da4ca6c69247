"""What PS3.15 Table E.1-1 says of each attribute, and which outcomes its actions allow.

Source: DICOM PS3.15 2024b, Tables E.1-1 and E.1-1a.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydicom.datadict import dictionary_VR

TABLE = Path(__file__).parent / "profile.txt"
_ENTRY = re.compile(r"([0-9A-F]{8})('?)")


class Outcome(StrEnum):
    """What a tool made of one attribute."""

    GONE = "removed"
    EMPTY = "emptied"
    OTHER = "replaced"
    SHIFTED = "date shifted"
    KEPT = "left as it was"
    INVALID = "invalid value"


_REPLACED = frozenset({Outcome.OTHER, Outcome.SHIFTED})
_EMPTIED = _REPLACED | {Outcome.EMPTY}
_GONE = frozenset({Outcome.GONE})
ALLOWED = {
    "X": _GONE,
    "Z": _EMPTIED,
    "D": _REPLACED,
    "U": frozenset({Outcome.OTHER}),
    "X/Z": _GONE | _EMPTIED,
    "X/D": _GONE | _REPLACED,
    "Z/D": _EMPTIED,
    "X/Z/D": _GONE | _EMPTIED,
    "X/Z/U*": _GONE | _EMPTIED,
}
"""Z takes a dummy as well as nothing. Where the table leaves a choice to the object's definition,
each of its letters passes: no tool is marked down for reading a type another way."""


@dataclass(frozen=True)
class Attribute:
    """One row: its action, and whether its date may be kept in a changed form."""

    tag: int
    vr: str
    action: str
    dates: bool


@cache
def listed() -> tuple[Attribute, ...]:
    """The table's rows for attributes of data sets, in the order of their tags."""
    rows: list[Attribute] = []
    action = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            action = line.strip("[]")
        elif not line.startswith("#"):
            for text, dates in _ENTRY.findall(line):
                tag = int(text, 16)
                rows.append(Attribute(tag, dictionary_VR(tag), action, bool(dates)))
    return tuple(sorted(rows, key=lambda row: row.tag))


def allowed(action: str, *, dates: bool) -> frozenset[Outcome]:
    """The outcomes that conform to an action.

    A date of a row to which the Modified Dates Option applies may stay, shifted, whatever the
    profile says: tools that shift and tools that don't are measured by one rule.
    """
    return ALLOWED[action] | ({Outcome.SHIFTED} if dates else frozenset())
