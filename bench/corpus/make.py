"""`python bench/corpus/make.py FOLDER [--subjects N] [--seed N]`: writes a corpus and its truth.

Three files a subject: two slices of one CT or MR series, and one object of another kind which
belongs to the same study, a report or a contour that points to the first slice say. Two files in
eight are in implicit little endian, one is deflated. The same seed writes the same bytes.
"""

import argparse
import io
import random
import sys
import warnings
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":  # run as a program: `corpus` lies beside us
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from corpus.objects import BURNED_IN, LAST, Study, fill, new_object, new_study
from corpus.people import subject
from corpus.plants import Deck, Planter, clinical, plant
from corpus.profile import listed
from corpus.raw import at, digest, octets, shown, strip
from corpus.traps import IN_A_FILE, TRAPS, Snare
from corpus.truth import FILES, FileTruth, Plant, Sort, write
from corpus.values import Maker

SEED = 20241124
_OWN = frozenset(
    {0x00080018, 0x00080020, 0x00080050, 0x00100010, 0x00100020, 0x00100030, 0x00100040}
    | {0x0020000D, 0x0020000E, 0x00200010, 0x00200052}
)
"""Listed attributes that objects have of themselves."""
_SYNTAXES = (
    *[ExplicitVRLittleEndian] * 5,
    *[ImplicitVRLittleEndian] * 2,
    DeflatedExplicitVRLittleEndian,
)
_REFERENCED = 0x00081155
_REFERENCES = (
    ([0x30060039, 0, 0x30060040, 0, 0x30060016, 0], "U"),
    ([0x0040A730, 0, 0x00081199, 0], "X/Z/U*"),
)


class Corpus:
    """One corpus being made."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._rng = random.Random(seed)  # noqa: S311 - a corpus must be the same every time
        rows = tuple(row for row in listed() if row.tag not in _OWN)
        self._decks = (
            Deck(self._rng, rows),
            Deck(self._rng, rows),
            Deck(self._rng, clinical()),
        )
        self._traps = Deck(self._rng, TRAPS)
        self._count = 0

    def subject(self, number: int) -> list[FileTruth]:
        """Write one subject's files."""
        who = subject(self._rng, number)
        maker = Maker(self._rng, who.seen)
        study, series = new_study(who, maker), maker.uid()
        slices = "CT" if number % 2 else "MR"
        kinds = ((slices, series, study.first_uid), (slices, series, maker.uid()))
        last = (LAST[number % len(LAST)], maker.uid(), maker.uid())
        return [self._file(study, maker, *one) for one in (*kinds, last)]

    def _file(self, study: Study, maker: Maker, kind: str, series: str, instance: str) -> FileTruth:
        self._count += 1
        syntax = _SYNTAXES[self._count % len(_SYNTAXES)]
        dataset = new_object(kind, study, series, instance, syntax)
        fill(dataset, kind, study, self._rng)
        planter = Planter(dataset, maker)
        _own(planter, study)
        plant(planter, *self._decks)
        snare = Snare(planter, study.subject, kind)
        for lay in self._traps.hand(IN_A_FILE):
            lay(snare)
        if kind == "SR":
            _sentences(planter, study)
        _references(planter)
        name = f"{self._count:05}.dcm"
        data = _encoded(dataset) + snare.trailing
        (self._folder / FILES / name).write_bytes(data)
        written = pydicom.dcmread(io.BytesIO(_encoded(dataset)))
        _note_values(written, planter.plants)
        who = [needle.hex() for needle in study.subject.needles()]
        truth = FileTruth(
            name, study.subject.number, kind, who, digest(shown(written)), planter.plants
        )
        if kind in BURNED_IN:
            truth.burned_in = digest(strip(written))
        return truth


def _own(planter: Planter, study: Study) -> None:
    """Note what the object has of itself: needles of the whole study are looked for in place."""
    for row in listed():
        element = planter.dataset.get(row.tag) if row.tag in _OWN else None
        if element is not None:
            unique = row.vr == "UI"
            planter.known(row, [str(element.value).encode()] if unique else [])
    for tag, words in ((0x00080050, study.accession), (0x00200010, study.study_id)):
        for one in planter.plants:
            if one.tag == tag:
                # People write them elsewhere, too; there it is a trap that is sprung.
                one.needles, one.shared = [words.encode().hex()], True


def _sentences(planter: Planter, study: Study) -> None:
    """What the report says: sentences with the subject in them, in the content tree."""
    token = planter.maker.token()
    text = Dataset()
    text.RelationshipType, text.ValueType = "CONTAINS", "TEXT"
    text.TextValue = f"{study.subject.spoken} was seen, see {token}."
    planter.dataset.ContentSequence.append(text)
    row = next(row for row in listed() if row.tag == 0x0040A730)
    planter.known(row, [token.encode()])


def _references(planter: Planter) -> None:
    """Note the references of reports and contours; a report's content may be replaced whole."""
    row = next(row for row in listed() if row.tag == _REFERENCED)
    for path, action in _REFERENCES:
        where = at(planter.dataset, path)
        if where is not None and _REFERENCED in where:
            value = where[_REFERENCED].value
            planter.known(replace(row, action=action), [value.encode()], path)


def _encoded(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long names in odd places are what this is for
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _note_values(written: Dataset, plants: list[Plant]) -> None:
    """Put the bytes that stand in the file into the truth."""
    for one in plants:
        found = at(written, one.path) if one.sort is not Sort.TRAP else None
        one.raw = octets(found, one.tag, one.vr).hex() if found is not None else ""


def make(folder: Path, subjects: int, seed: int = SEED) -> list[FileTruth]:
    """Write a corpus into an empty folder; returns its truth, which lies beside it."""
    (folder / FILES).mkdir(parents=True)
    corpus = Corpus(folder, seed)
    files = [one for number in range(subjects) for one in corpus.subject(number)]
    write(folder, files)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    made = make(given.folder, given.subjects, given.seed)
    print(f"{len(made)} files, {sum(len(one.plants) for one in made)} plants")


if __name__ == "__main__":
    main()
