"""Rows of `erasure`: what was ordered, how far it is, which key epoch counts, what is on hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from policies.vocabulary import ErasureState

DATASET: Final = "dataset"
SUBJECT: Final = "subject"
"""What an erasure is about: a whole dataset, or one of its subjects."""


@dataclass(frozen=True)
class Erasure:
    """A steward's order to erase, and how far it is.

    `subject` is the subject's id where the order named it by that; `sealed` the hospital's own
    reference to a person, sealed to the dataset's intake key, which only the worker opens.
    `subjects` are the ids that the worker found, none for a dataset; `kept` what stays of deposits'
    inner parts, `<deposit>:<blob digest>`. `epoch` is the key epoch that
    ended with it, `rotated_index` the entry that says so.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset", "state")

    id: str
    dataset: str
    scope: str
    subject: str | None
    sealed: bytes | None
    ground: str
    state: ErasureState
    subjects: tuple[str, ...]
    kept: tuple[str, ...]
    ordered_at: datetime
    due_at: datetime
    ordered_index: int
    begun_index: int | None
    completed_index: int | None
    epoch: int | None
    rotated_index: int | None


@dataclass(frozen=True)
class KeyEpoch:
    """The key epoch of the hospital that counts, one row `epoch`; none while it is the first."""

    id: str
    epoch: int
    rotated_at: datetime
    index: int


@dataclass(frozen=True)
class LegalHold:
    """A steward's order to keep a dataset whole, whatever is asked; until it is lifted."""

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset",)

    id: str
    dataset: str
    placed_index: int
    placed_at: datetime
    lifted_index: int | None


COUNTING: Final = "epoch"
"""Key of the one `KeyEpoch`."""
