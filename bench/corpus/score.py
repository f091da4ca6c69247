"""Judges what a tool made of a corpus: leaks, wrong actions, what was lost, broken relations.

Works on the bytes of the outputs and on the truth alone; knows nothing of how a tool works.

- An attribute leaks when its value stands unchanged in its place, or its unique words anywhere.
- An action is wrong when its outcome is none of those that the table allows (`profile.ALLOWED`).
- An attribute that the table doesn't list and that holds no identifier must be the same bytes.
- A file that a tool keeps back leaks nothing and is counted as such.
"""

import io
import warnings
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from corpus.kinds import Tally
from corpus.outcomes import Days, outcome_of
from corpus.profile import Outcome, allowed
from corpus.raw import at, digest, octets, plain, shown
from corpus.truth import FileTruth, Plant, Sort

_UNREADABLE = (
    InvalidDicomError, AttributeError, EOFError, KeyError, NotImplementedError, OSError,
    OverflowError, TypeError, ValueError, zlib.error,
)  # fmt: skip
"""What the reader raises at a file that is none."""

_BASIC_PROFILE = "113100"


@dataclass
class Score:
    """What came of a corpus; attributes are counted once however often they occur.

    Attributes:
        files: how many there were.
        out: how many came out and could be read.
        held: kept back by the tool, on purpose.
        failed: the tool raised, or wrote nothing.
        unreadable: written, but no DICOM that can be read.
        leaking: tags whose value was found, with how often; `leaking_top`, of those at the top.
        strings: unique planted strings found, of `strings_planted`.
        traps: traps sprung, with how often; `traps_laid` in what came out.
        wrong: (tag, action, outcome) of wrong actions, with how often.
        lost: tags that must stay and didn't, with how often.
        pixels_changed: images without burned-in text whose pixels aren't the same.
        named: files in which the subject's name or numbers are found.
        unstated: files that don't say (0012,0062) YES; `uncoded`: nor the profile's code.
        relations: UIDs that occur more than once; `broken`: whose relations don't hold.
    """

    files: int = 0
    out: int = 0
    held: int = 0
    failed: int = 0
    unreadable: int = 0
    planted: set[int] = field(default_factory=set)
    leaking: Counter = field(default_factory=Counter)
    leaking_top: Counter = field(default_factory=Counter)
    strings: int = 0
    strings_planted: int = 0
    traps: Counter = field(default_factory=Counter)
    traps_laid: Counter = field(default_factory=Counter)
    judged: int = 0
    wrong: Counter = field(default_factory=Counter)
    lost: Counter = field(default_factory=Counter)
    must_stay: set[int] = field(default_factory=set)
    images: int = 0
    pixels_changed: int = 0
    named: int = 0
    unstated: int = 0
    uncoded: int = 0
    relations: int = 0
    broken: int = 0
    tally: Tally = field(default_factory=Tally)
    cases: list = field(default_factory=list)

    @property
    def wrong_attributes(self) -> int:
        """Distinct listed attributes that met a wrong action."""
        return len({tag for tag, _, _ in self.wrong})


@dataclass
class Opened:
    """A file that came out: its bytes with what is deflated in them, and what a reader makes."""

    truth: FileTruth
    data: bytes
    dataset: Dataset


def score(truths: list[FileTruth], outputs: dict[str, Path | None], held: set[str]) -> Score:
    """Judge a tool's outputs.

    Args:
        truths: the corpus.
        outputs: by name of the input, the file that came of it, or None.
        held: inputs that the tool kept back on purpose.
    """
    result = Score(files=len(truths), held=len(held))
    opened = []
    for truth in truths:
        path = outputs.get(truth.name)
        if path is None:
            result.failed += truth.name not in held
            continue
        one = _open(truth, path.read_bytes())
        if one is None:
            result.unreadable += 1
        else:
            opened.append(one)
    result.out = len(opened)
    _judge_all(result, opened)
    return result


def _judge_all(result: Score, opened: list[Opened]) -> None:
    days = Days()
    for one in opened:
        days.learn(one.truth, one.dataset)
    uids: dict[str, set[str]] = defaultdict(set)
    for one in opened:
        _judge_file(result, one, days)
        _learn_uids(uids, one)
        _judge_statement(result, one)
    result.relations, result.broken = _relations(uids)
    result.tally.close(result.relations, result.broken)
    result.broken += sum(_meta_disagrees(one.dataset) for one in opened)


def _open(truth: FileTruth, data: bytes) -> Opened | None:
    """Read an output to its last element; None where that can't be done."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data))
            for one in truth.plants:
                if one.sort is not Sort.TRAP:
                    at(dataset, one.path)
        return Opened(truth, plain(data, dataset), dataset)
    except _UNREADABLE:
        return None


def _judge_file(result: Score, one: Opened, days: Days) -> None:
    for plant in one.truth.plants:
        found = sum(bytes.fromhex(needle) in _searched(plant, one) for needle in plant.needles)
        if plant.sort is Sort.TRAP:
            result.traps_laid[plant.trap] += 1
            if found:
                result.traps[plant.trap] += 1
                result.cases.append((one.truth.name, plant.trap, plant.path, f"{plant.tag:08X}"))
            continue
        outcome = outcome_of(plant, one.dataset, days.of(one.truth.subject), found=found > 0)
        result.tally.plant(plant, outcome, found=found > 0)
        if plant.sort is Sort.STAYS:
            _judge_staying(result, one, plant, outcome)
        else:
            _judge_listed(result, one, plant, outcome, found)
    if any(bytes.fromhex(needle) in one.data for needle in one.truth.subject_needles):
        result.named += 1
    same = _same_pixels(one)
    result.tally.file(one.truth, one.dataset, same_pixels=same)
    if one.truth.pixels and not one.truth.burned_in:
        result.images += 1
        result.pixels_changed += not same


def _same_pixels(one: Opened) -> bool:
    """Whether the output shows what the input showed; what can't be decoded doesn't."""
    try:
        return digest(shown(one.dataset)) == one.truth.pixels
    except _UNREADABLE:
        return False


def _searched(plant: Plant, one: Opened) -> bytes:
    """Where needles are looked for: everywhere, or in the one place they may be told apart."""
    if not plant.shared:
        return one.data
    where = at(one.dataset, plant.path)
    return octets(where, plant.tag, "LT") if where is not None and plant.tag in where else b""


def _judge_staying(result: Score, one: Opened, plant: Plant, outcome: Outcome) -> None:
    result.must_stay.add(plant.tag)
    if outcome is not Outcome.KEPT:
        result.lost[plant.tag] += 1
        result.cases.append(
            (one.truth.name, f"lost: {outcome}", plant.path, f"{plant.tag:08X} {plant.vr}")
        )


def _judge_listed(result: Score, one: Opened, plant: Plant, outcome: Outcome, found: int) -> None:
    result.judged += 1
    result.planted.add(plant.tag)
    result.strings_planted += len(plant.needles)
    result.strings += found
    place = (plant.path, f"{plant.tag:08X} {plant.vr} {plant.action}")
    if found or outcome is Outcome.KEPT:
        result.leaking[plant.tag] += 1
        result.leaking_top[plant.tag] += not plant.path
        result.cases.append((one.truth.name, "leak", *place))
    if outcome not in allowed(plant.action, dates=plant.dates):
        result.wrong[plant.tag, plant.action, str(outcome)] += 1
        result.cases.append((one.truth.name, f"wrong: {outcome}", *place))


def _judge_statement(result: Score, one: Opened) -> None:
    result.unstated += one.dataset.get("PatientIdentityRemoved") != "YES"
    sequence = one.dataset.get("DeidentificationMethodCodeSequence") or []
    result.uncoded += _BASIC_PROFILE not in [item.get("CodeValue") for item in sequence]


def _learn_uids(uids: dict[str, set[str]], one: Opened) -> None:
    for plant in one.truth.plants:
        if plant.vr != "UI" or plant.sort is not Sort.LISTED:
            continue
        where = at(one.dataset, plant.path)
        if where is not None and plant.tag in where:
            uids[plant.raw].add(octets(where, plant.tag, "UI").hex())
        elif plant.action == "U" and not plant.path:
            uids[plant.raw].add("")


def _relations(uids: dict[str, set[str]]) -> tuple[int, int]:
    """How many UIDs there were, and how many became two, or one with another, or nothing."""
    owners: dict[str, set[str]] = defaultdict(set)
    for source, targets in uids.items():
        for target in targets:
            owners[target].add(source)
    broken = {source for source, targets in uids.items() if len(targets) > 1 or "" in targets}
    broken |= {one for sources in owners.values() if len(sources) > 1 for one in sources}
    return len(uids), len(broken)


def _meta_disagrees(dataset: Dataset) -> bool:
    """Whether the file meta group names another instance than the data set."""
    return dataset.file_meta.get("MediaStorageSOPInstanceUID") != dataset.get("SOPInstanceUID")
