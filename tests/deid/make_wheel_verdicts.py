"""Writes `wheel_verdicts.csv`: the verdict on each file that ships inside pydicom's wheel.

Run it by hand after a wanted change, and read the difference before it is committed:
`python tests/deid/make_wheel_verdicts.py`.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pydicom

sys.path.insert(0, str(Path(__file__).parents[2]))

from sandbox.clean.item import clean_item
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.formats.sniff import sniff

GOLDEN = Path(__file__).parent / "wheel_verdicts.csv"
HEADER = ("file", "result", "reason", "kind", "modality", "frames", "actions")
FOLDERS = ("charset_files", "palettes", "test_files")
NOT_SHIPPED_FOR_READING = {".py", ".pyc"}


def wheel_files() -> Iterator[tuple[str, Path]]:
    """Every data file of the wheel, with its path inside."""
    data = Path(pydicom.__file__).parent / "data"
    for folder in FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and path.suffix not in NOT_SHIPPED_FOR_READING:
                yield str(path.relative_to(data)), path


def verdict_row(name: str, verdict) -> tuple[str, ...]:
    """One line of the table."""
    actions = " ".join(f"{act}{count}" for act, count in verdict.actions.items())
    reason = verdict.reason or ""
    frames = str(verdict.frames)
    return (name, verdict.result, reason, verdict.kind, verdict.modality, frames, actions)


def main() -> None:
    recipe, pseudonyms = recipe_named("basic"), Pseudonyms(bytes(range(32)))
    with GOLDEN.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for name, path in wheel_files():
            data = path.read_bytes()
            if sniff(data, name) is not FileKind.TEXT:
                verdict = clean_item(data, name, recipe, pseudonyms, Register())
                writer.writerow(verdict_row(name, verdict))


if __name__ == "__main__":
    main()
