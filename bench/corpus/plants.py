"""Plants listed attributes and attributes that must stay, at the top and up to five levels down.

Every row of the table is planted at both, again and again over the corpus: each file takes the
next ones of a shuffled deck.
"""

import random
from collections.abc import Iterator
from functools import cache

from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from corpus.objects import coded, reference
from corpus.profile import Attribute, listed
from corpus.truth import Plant, Sort
from corpus.values import Maker

TOP, NESTED = 22, 22
STAY_TOP, STAY_NESTED = 18, 8
DEPTHS = (1, 2, 3, 4, 5)

_CARRIERS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "FrameContentSequence",
    "PixelMeasuresSequence",
    "PlaneOrientationSequence",
    "CTExposureSequence",
    "MRTimingAndRelatedParametersSequence",
    "DerivationImageSequence",
    "RealWorldValueMappingSequence",
    "EnergyWindowInformationSequence",
    "RadiopharmaceuticalInformationSequence",
    "BeamSequence",
    "FractionGroupSequence",
    "DoseReferenceSequence",
    "SegmentSequence",
    "StructureSetROISequence",
)
"""Sequences that the table doesn't list: the profile keeps them, so what is in them is reached."""

_UNDEFINED = 0.5
"""Share of sequences without a length, as scanners write them."""

_CLINICAL_TEXT = {
    "Manufacturer": "GE MEDICAL SYSTEMS",
    "ManufacturerModelName": "LightSpeed VCT",
    "ConvolutionKernel": "STANDARD",
    "SequenceName": "*tse2d1_15",
    "FilterType": "BODY FILTER",
    "BodyPartExamined": "CHEST",
    "PatientPosition": "HFS",
    "ScanOptions": "HELICAL MODE",
    "RescaleType": "HU",
    "Radiopharmaceutical": "Fludeoxyglucose F18",
    "ReconstructionMethod": "OSEM",
    "FrameType": "ORIGINAL",
}
_CLINICAL_CODES = {
    "AnatomicRegionSequence": ("69536005", "SCT", "Head"),
    "ViewCodeSequence": ("399348003", "SCT", "Antero-posterior"),
}
_CLINICAL_GROUPS = frozenset({0x0018, 0x0020, 0x0054, 0x300A})
_CLINICAL_VRS = frozenset({"DS", "IS", "US", "UL", "FD", "FL", "CS"})
_CODES = ("AXIAL", "HELICAL", "NONE", "SINGLE", "LINEAR", "CIRCULAR")


class Deck:
    """Deals attributes in shuffled order, over and over."""

    def __init__(self, rng: random.Random, cards: tuple) -> None:
        self._cards = list(cards)
        rng.shuffle(self._cards)
        self._endless = self._deal()

    def _deal(self) -> Iterator:
        while True:
            yield from self._cards

    def hand(self, count: int) -> list:
        """The next ones; none twice unless the deck is smaller."""
        return [next(self._endless) for _ in range(count)]


@cache
def clinical() -> tuple[Attribute, ...]:
    """Numbers and codes of an acquisition that the table doesn't list: they must stay."""
    mine = {row.tag for row in listed()}
    return tuple(
        Attribute(tag, entry[0], "", dates=False)
        for tag, entry in sorted(DicomDictionary.items())
        if tag >> 16 in _CLINICAL_GROUPS
        and tag not in mine
        and entry[0] in _CLINICAL_VRS
        and entry[1] == "1"
        and not entry[3]
    )


@cache
def carriers() -> tuple[int, ...]:
    """Tags of the sequences that carry nested plants."""
    mine = {row.tag for row in listed()}
    tags = tuple(tag for word in _CARRIERS if (tag := tag_for_keyword(word)) is not None)
    return tuple(tag for tag in tags if tag not in mine)


class Planter:
    """Plants in one data set and remembers what it planted."""

    def __init__(self, dataset: Dataset, maker: Maker) -> None:
        self.dataset = dataset
        self.maker = maker
        self.plants: list[Plant] = []

    def listed(self, row: Attribute, path: list[int], where: Dataset) -> None:
        """Plant a row of the table, unless something stands there already."""
        if row.tag in where:
            return
        if row.vr == "SQ":
            item, needles = self._item(keyword_for_tag(row.tag))
            where.add_new(row.tag, "SQ", [item])
        else:
            value, needles = self.maker.value(row.vr)
            where.add_new(row.tag, row.vr, value)
        self._note(path, row, Sort.LISTED, needles)

    def known(self, row: Attribute, needles: list[bytes], path: list[int] | None = None) -> None:
        """Note a listed attribute that the object has of itself."""
        self._note(path or [], row, Sort.LISTED, needles)

    def stays(self, row: Attribute, path: list[int], where: Dataset) -> None:
        """Plant an attribute that the profile leaves alone."""
        if row.tag in where:
            return
        value = self._clinical(row.vr)
        where.add_new(row.tag, row.vr, value)
        self._note(path, row, Sort.STAYS, [])

    def clinical_words(self) -> None:
        """Plant text and coded entries of a public scheme, as acquisitions have them."""
        rng = self.maker.rng
        for word in rng.sample(sorted(_CLINICAL_TEXT), 6):
            tag = tag_for_keyword(word)
            if tag not in self.dataset:
                setattr(self.dataset, word, _CLINICAL_TEXT[word])
                vr = self.dataset[tag].VR
                self._note([], Attribute(tag, vr, "", dates=False), Sort.STAYS, [])
        word = rng.choice(sorted(_CLINICAL_CODES))
        setattr(self.dataset, word, [coded(*_CLINICAL_CODES[word])])
        for part in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"):
            tag = tag_for_keyword(part)
            row = Attribute(tag, "SH", "", dates=False)
            self._note([tag_for_keyword(word), 0], row, Sort.STAYS, [])

    def descend(self, depth: int) -> tuple[list[int], Dataset]:
        """A fresh item at a depth, inside sequences that the profile keeps."""
        path: list[int] = []
        where = self.dataset
        for tag in self.maker.rng.sample(carriers(), depth):
            if tag not in where:
                where.add_new(tag, "SQ", [])
                where[tag].is_undefined_length = self.maker.rng.random() < _UNDEFINED
            item = Dataset()
            where[tag].value.append(item)
            path += [int(tag), len(where[tag].value) - 1]
            where = item
        return path, where

    def _item(self, word: str) -> tuple[Dataset, list[bytes]]:
        """An item of the form its sequence has, with something in it that identifies."""
        maker = self.maker
        if word.startswith(("Referenced", "SourceImage")):
            uid = maker.uid()
            return reference(CTImageStorage, uid), [uid.encode()]
        token, name = maker.token(), maker.token()
        if "Code" in word:
            return coded(token, "99LOCAL", name), [token.encode(), name.encode()]
        item = Dataset()
        item.TextValue = token
        item.PersonName = name.replace("-", "^")
        return item, [token.encode(), name.split("-")[0].encode()]

    def _clinical(self, vr: str) -> object:
        rng = self.maker.rng
        if vr == "CS":
            return rng.choice(_CODES)
        if vr in {"FD", "FL"}:
            return rng.uniform(0, 100)
        if vr == "DS":
            return f"{rng.randrange(100)}.{rng.randrange(10)}"
        number = rng.randrange(1000)
        return str(number) if vr == "IS" else number

    def _note(self, path: list[int], row: Attribute, sort: Sort, needles: list[bytes]) -> None:
        plant = Plant(list(path), int(row.tag), row.vr, sort, row.action, row.dates)
        plant.needles = [needle.hex() for needle in needles]
        self.plants.append(plant)


def plant(planter: Planter, top: Deck, nested: Deck, staying: Deck) -> None:
    """Deal a file its plants."""
    for row in top.hand(TOP):
        planter.listed(row, [], planter.dataset)
    for row in staying.hand(STAY_TOP):
        planter.stays(row, [], planter.dataset)
    planter.clinical_words()
    rows, calm = nested.hand(NESTED), staying.hand(STAY_NESTED)
    places = [planter.descend(depth) for depth in DEPTHS]
    for number, row in enumerate(rows):
        planter.listed(row, *places[number % len(places)])
    for number, row in enumerate(calm):
        planter.stays(row, *places[number % len(places)])
