"""DICOM PS3.15 Table E.1-1, Basic Application Level Confidentiality Profile, as data.

- `ps3_15_basic.csv` has one line per row of the table: `tag` (eight hex digits; `x` stands for any
  digit of a repeating group, `ggggeeee` for every private element), `keyword`, `action` of the
  Basic Profile, and `shift` under `dates` where the Retain Longitudinal Temporal Information with
  Modified Dates Option says C.
- `beyond.csv` has what that edition doesn't list and we don't keep either, and says why.

Nothing here interprets an action; the engine does.

Source: DICOM PS3.15 2024b, Table E.1-1.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

EDITION = "2024b"
_FILE = "ps3_15_basic.csv"
_BEYOND = "beyond.csv"


@dataclass(frozen=True)
class ProfileRow:
    """One row: pattern of the tag, keyword, action, and whether dates may be kept shifted."""

    tag: str
    keyword: str
    action: str
    shift: bool


def _octets(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def _rows(name: str) -> tuple[ProfileRow, ...]:
    lines = csv.DictReader(io.StringIO(_octets(name).decode()))
    return tuple(
        ProfileRow(line["tag"], line["keyword"], line["action"], line["dates"] == "shift")
        for line in lines
    )


def basic_profile() -> tuple[ProfileRow, ...]:
    """All rows of the table, in the order of their tags."""
    return _rows(_FILE)


def beyond_profile() -> tuple[ProfileRow, ...]:
    """Rows of our own for elements that the table of this edition leaves in place."""
    return _rows(_BEYOND)


def profile_digest() -> str:
    """`sha256:<hex>` of both files, which goes into each de-identification record."""
    return "sha256:" + hashlib.sha256(_octets(_FILE) + _octets(_BEYOND)).hexdigest()
