"""What was planted in each file, and what must come of it: one JSON object per file.

Values are the element's bytes as they stand in the file, without padding, in hex.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

TRUTH = "truth.jsonl"
FILES = "files"


class Sort(StrEnum):
    """Why an attribute was planted."""

    LISTED = "listed"
    STAYS = "stays"
    TRAP = "trap"


@dataclass
class Plant:
    """One planted attribute.

    Attributes:
        path: sequence tag and item number by turns, outermost first; empty at the top.
        raw: the element's bytes in hex; empty for a sequence and for what is no element.
        needles: bytes in hex that identify, of this plant alone unless `shared`.
        shared: the needles stand elsewhere, too: they are looked for at this place only.
        trap: name of the trap, else empty.
    """

    path: list[int]
    tag: int
    vr: str
    sort: Sort
    action: str = ""
    dates: bool = False
    raw: str = ""
    needles: list[str] = field(default_factory=list)
    shared: bool = False
    trap: str = ""


@dataclass
class FileTruth:
    """One file: whose it is, what identifies the subject, and all its plants.

    Attributes:
        pixels: digest of the pixels shown, empty without an image.
        burned_in: digest of the first rows of them, which show the subject's number, else empty.
    """

    name: str
    subject: int
    kind: str
    subject_needles: list[str]
    pixels: str
    plants: list[Plant]
    burned_in: str = ""


def write(folder: Path, files: Iterable[FileTruth]) -> None:
    """Put the truth beside the folder of files."""
    lines = (json.dumps(asdict(file), ensure_ascii=False) + "\n" for file in files)
    (folder / TRUTH).write_text("".join(lines), encoding="utf-8")


def read(folder: Path) -> list[FileTruth]:
    """The truth of a corpus."""
    found = []
    for line in (folder / TRUTH).read_text(encoding="utf-8").splitlines():
        known = json.loads(line)
        plants = [Plant(**{**one, "sort": Sort(one["sort"])}) for one in known.pop("plants")]
        found.append(FileTruth(**known, plants=plants))
    return found
