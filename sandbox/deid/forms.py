"""The forms that all engines share: the register, and the verdict on one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from sandbox.deid.needles import Needles
from sandbox.deid.text_moving import Moved


class FileKind(StrEnum):
    """What a file is, by its bytes."""

    DICOM = "dicom"
    TEXT = "text"
    TABLE = "table"
    IMAGE = "image"
    UNKNOWN = "unknown"


class Result(StrEnum):
    """What became of a file."""

    CLEANED = "cleaned"
    HELD = "held"
    QUARANTINED = "quarantined"


MAX_REGISTER_ROWS = 500_000
MAX_REGISTER_CHARS = 1024
"""The longest value of a register's row."""


@dataclass(frozen=True)
class RegisterRow:
    """What the hospital's own register says of one subject; any value may be missing."""

    id: str
    name: str | None = None
    id_number: str | None = None
    mrn: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Register:
    """All subjects the hospital told of; their values are looked for in every file."""

    rows: tuple[RegisterRow, ...] = ()

    def by_mrn(self, mrn: str) -> RegisterRow | None:
        """The row of a record number, or None."""
        return next((row for row in self.rows if row.mrn == mrn), None)

    @cached_property
    def needles(self) -> Needles:
        """Every value of every row, ready to be looked for."""
        values = ((r.id, r.name, r.id_number, r.mrn, r.phone) for r in self.rows)
        return Needles(value for row in values for value in row if value)


@dataclass(frozen=True)
class Verdict:
    """What an engine did with one file.

    Attributes:
        result: cleaned, held or quarantined; only `cleaned` carries bytes.
        reason: stable kebab code of a hold or quarantine, else None.
        pieces: the cleaned bytes, in pieces, so that large pixels are never copied.
        actions: how often each rule action was carried out (`X`, `Z`, `D`, `U`, `replace`, ...).
        removed: identifiers removed, by kind (`NAME`, `DATE`, `MRN`, `UID`, ...); counts only.
        modality: (0008,0060) Modality or the empty string.
        frames: number of frames, 0 without pixels.
        subject: pseudonym by which a text's dates were moved; a DICOM file bears its own.
        moves: exact days of a text's moved dates, in order; with these a project's are made.
        mark: keyed digest that stands for the bytes, or empty: equal bytes have equal marks.
    """

    result: Result
    kind: FileKind
    reason: str | None = None
    pieces: tuple[bytes | memoryview, ...] | None = None
    actions: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    modality: str = ""
    frames: int = 0
    subject: str | None = None
    moves: tuple[Moved | None, ...] = ()
    mark: str = ""

    @cached_property
    def data(self) -> bytes | None:
        """The cleaned bytes in one piece."""
        return None if self.pieces is None else b"".join(self.pieces)
