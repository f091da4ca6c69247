"""What is to be done to an item: rules by element for DICOM, kinds that are cleaned at all.

A recipe is a value. Its digest names table, engine version and options, and stands in each
de-identification record and in each cleaned file's seal.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from sandbox.deid.forms import FileKind

ENGINE_VERSION = "3"
"""Goes up whenever the same input and key would give another output."""


class Act(StrEnum):
    """What is done to an element; the letters of PS3.15 Table E.1-1a, and `S` of our own."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REMAP = "U"
    SHIFT = "C"
    SCRUB = "S"


RESOLVED: Mapping[str, Act] = MappingProxyType(
    {
        "X": Act.REMOVE,
        "Z": Act.EMPTY,
        "D": Act.DUMMY,
        "U": Act.REMAP,
        "X/Z": Act.EMPTY,
        "X/D": Act.DUMMY,
        "X/Z/D": Act.DUMMY,
        "Z/D": Act.DUMMY,
        "X/Z/U*": Act.REMAP,
    }
)
"""Which letter is taken where the table leaves a choice.

The choice hangs on the element's type in its object's definition; the last letter conforms to
every type, and none of them keeps the value.
"""


@dataclass(frozen=True)
class Rule:
    """What is done to one element, and whether its date may stay, shifted."""

    act: Act
    shift: bool = False


class TableRow(Protocol):
    """A row of the profile's table, as `policies.dicom` gives it."""

    @property
    def tag(self) -> str:
        """Eight hex digits; `x` for any digit; `ggggeeee` for private elements."""
        ...

    @property
    def action(self) -> str:
        """The table's action."""
        ...

    @property
    def shift(self) -> bool:
        """Whether the modified-dates option applies."""
        ...


@dataclass(frozen=True)
class DicomRecipe:
    """Rules by tag. Private elements, curves (50xx) and overlays (60xx) always go whole."""

    rules: Mapping[int, Rule]
    digest: str


@dataclass(frozen=True)
class Recipe:
    """A named recipe and the kinds of file that it cleans."""

    name: str
    kinds: frozenset[FileKind]
    digest: str
    dicom: DicomRecipe | None = None


def dicom_recipe(rows: Iterable[TableRow], table_digest: str) -> DicomRecipe:
    """Rules from the table's rows.

    Raises:
        KeyError: an action that `RESOLVED` doesn't know, a private or repeating row that isn't
            removed: a table that this engine can't keep its promise on.
    """
    rules: dict[int, Rule] = {}
    for row in rows:
        if row.tag.strip("0123456789ABCDEF"):
            if row.action != "X":
                raise KeyError(row.tag)
            continue
        rules[int(row.tag, 16)] = Rule(RESOLVED[row.action], row.shift)
    options = f"{table_digest};engine={ENGINE_VERSION};dates=shifted"
    digest = "sha256:" + hashlib.sha256(options.encode()).hexdigest()
    return DicomRecipe(MappingProxyType(rules), digest)
