"""What became of one planted attribute, told from the output alone."""

from collections import defaultdict
from datetime import date

from pydicom.config import RAISE
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

from corpus.profile import Outcome
from corpus.raw import at, octets
from corpus.truth import FileTruth, Plant, Sort

_DATES = frozenset({"DA", "DT"})
_DAY_HEX = 16
_CHECKED = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "SH", "TM", "UI", "UR"})


class Days:
    """By how many days each subject's dates were moved, as most of them say."""

    def __init__(self) -> None:
        self._votes: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))

    def learn(self, truth: FileTruth, dataset: Dataset) -> None:
        """Count the moves of one file."""
        for plant in truth.plants:
            if plant.sort is Sort.LISTED and plant.vr in _DATES:
                where = at(dataset, plant.path)
                if where is not None and plant.tag in where:
                    move = _move(plant, octets(where, plant.tag, plant.vr))
                    if move:
                        self._votes[truth.subject][move].add(plant.raw[:_DAY_HEX])

    def of(self, subject: int) -> int:
        """The subject's move, or 0: at least two days of its life must have been moved alike.

        One day alone says nothing, since a dummy is some days away from it, too.
        """
        votes = self._votes[subject]
        move = max(votes, key=lambda one: len(votes[one]), default=0)
        return move if len(votes[move]) > 1 else 0


def _move(plant: Plant, value: bytes) -> int:
    before, after = _day(bytes.fromhex(plant.raw)), _day(value)
    return (after - before).days if before and after else 0


def _day(value: bytes) -> date | None:
    text = value.decode("ascii", "replace")[:8]
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def outcome_of(plant: Plant, dataset: Dataset, days: int, *, found: bool) -> Outcome:
    """What became of a plant.

    Args:
        plant: what was planted.
        dataset: the output.
        days: the subject's move of dates.
        found: whether its unique words are still there.
    """
    where = at(dataset, plant.path)
    if where is None or plant.tag not in where:
        return Outcome.GONE
    if plant.vr != "SQ":
        return _of_value(plant, octets(where, plant.tag, plant.vr), days)
    element = where[plant.tag]
    if element.VR != "SQ" or not element.value:
        return Outcome.EMPTY
    return Outcome.KEPT if found else Outcome.OTHER


def _of_value(plant: Plant, value: bytes, days: int) -> Outcome:
    if value == bytes.fromhex(plant.raw):
        return Outcome.KEPT
    if not value:
        return Outcome.EMPTY
    if not _valid(plant.vr, value):
        return Outcome.INVALID
    # A day more or less: a move by hours takes some dates over midnight.
    if days and plant.vr in _DATES and abs(_move(plant, value) - days) <= 1:
        return Outcome.SHIFTED
    return Outcome.OTHER


def _valid(vr: str, value: bytes) -> bool:
    """Whether a value has the form of its representation."""
    if vr not in _CHECKED:
        return True
    try:
        for one in value.decode("latin_1").split("\\"):
            validate_value(vr, one.strip("\x00 "), RAISE)
    except ValueError:
        return False
    return True
