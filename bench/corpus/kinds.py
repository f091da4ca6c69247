"""The ten kinds of action that MIDI-B counts, correct over required, on this corpus.

Kinds are named as the benchmark of 2024 names them; what each requires here is read from the
truth, not from that benchmark's answer key, so the figures stand beside its own and are not it.
Only files that came out are counted: a file kept back has neither been done right nor wrong.
"""

from collections import Counter, defaultdict

from pydicom.dataset import Dataset

from corpus.profile import Outcome
from corpus.raw import digest, strip
from corpus.truth import FileTruth, Plant, Sort

KINDS = (
    "date_shifted",
    "patid_consistent",
    "pixels_hidden",
    "pixels_retained",
    "tag_retained",
    "text_notnull",
    "text_removed",
    "text_retained",
    "uid_changed",
    "uid_consistent",
)
_TEXT = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_DATES = frozenset({"DA", "DT"})
_STAYS_THERE = frozenset({"Z", "D", "Z/D", "U"})
_CHANGED = frozenset({Outcome.OTHER, Outcome.SHIFTED})


class Tally:
    """Correct over required, by kind."""

    def __init__(self) -> None:
        self.correct: Counter[str] = Counter()
        self.required: Counter[str] = Counter()
        self._ids: dict[int, list[str]] = defaultdict(list)

    def count(self, kind: str, *, right: bool, times: int = 1) -> None:
        """One more that is required."""
        self.required[kind] += times
        self.correct[kind] += times * right

    def plant(self, plant: Plant, outcome: Outcome, *, found: bool) -> None:
        """What a plant requires."""
        if plant.sort is Sort.STAYS:
            self.count("text_retained", right=outcome is Outcome.KEPT)
            return
        if plant.vr in _DATES and plant.dates and plant.action != "X":
            self.count("date_shifted", right=outcome is Outcome.SHIFTED)
        if plant.vr in _TEXT:
            self.count("text_removed", right=not found and outcome is not Outcome.KEPT)
        if plant.vr in _TEXT and plant.action == "D":
            self.count("text_notnull", right=outcome not in {Outcome.GONE, Outcome.EMPTY})
        if plant.action in _STAYS_THERE:
            self.count("tag_retained", right=outcome is not Outcome.GONE)
        if plant.action == "U":
            self.count("uid_changed", right=outcome in _CHANGED)

    def file(self, truth: FileTruth, dataset: Dataset, *, same_pixels: bool) -> None:
        """What a whole file requires."""
        self._ids[truth.subject].append(str(dataset.get("PatientID") or ""))
        if truth.burned_in:
            self.count("pixels_hidden", right=digest(strip(dataset)) != truth.burned_in)
        elif truth.pixels:
            self.count("pixels_retained", right=same_pixels)

    def close(self, uids: int, broken: int) -> None:
        """What the whole corpus requires."""
        self.count("uid_consistent", right=True, times=uids - broken)
        self.count("uid_consistent", right=False, times=broken)
        owners: dict[str, set[int]] = defaultdict(set)
        for subject, ids in self._ids.items():
            for one in ids:
                owners[one].add(subject)
        for ids in self._ids.values():
            right = len(set(ids)) == 1 and bool(ids[0]) and len(owners[ids[0]]) == 1
            self.count("patid_consistent", right=right, times=len(ids))
