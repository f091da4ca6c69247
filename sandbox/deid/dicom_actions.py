"""Carries out the profile's actions on every element of a data set, at every depth.

- Private elements, curves, overlays, group lengths, elements of groups that no data set may
  have, unknown elements, elements whose representation contradicts the standard, and pixels
  below the first level go.
- Listed elements follow their rule. Sequences under `D` or `U` stay, and every word in them
  becomes a dummy; coded entries of a report's content tree and of references stay when a public
  coding scheme stands by them.
- Unlisted elements stay, but: names are emptied, UIDs of objects remapped, dates shifted,
  malformed numbers emptied; text and octets are handed on to be searched.

Source: DICOM PS3.15 E.1, E.3.6 and Table E.1-1a.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sandbox.deid import dates
from sandbox.deid.dicom_scan import WIDE, Kept, charset_of
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.recipe import Act, DicomRecipe, Rule
from sandbox.formats import dicom_tags as tags
from sandbox.formats.dicom_read import Dataset, Element
from sandbox.formats.dicom_words import (
    BULK_VRS,
    FIXED_VRS,
    KNOWN_UIDS,
    NUMBER_TEXT_VRS,
    TEXT_VRS,
    agrees,
)
from sandbox.formats.dicom_write import padded

_PIXEL_GROUP = 0x7FE0
_PRIVATE = 0x10000
"""The lowest bit of an element's group: set, the element is private (PS3.5 7.8)."""
_PIXELS = frozenset({tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA})
_CURVES, _OVERLAYS = 0x50, 0x60
_FORBIDDEN_GROUPS = frozenset({0x0000, 0x0002, 0x0006})
_NUMBERS = re.compile(rb"[0-9+\-.eE \\\x00]*")
_CODES = re.compile(rb"[A-Za-z0-9_ \\\-./+^()&#:,\x00]*")
_MAX_CODE = 64

_CODED_ENTRY = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120})
_CODING_SCHEMES = frozenset(
    b"DCM SRT SCT SNM3 99SDM LN UCUM RADLEX FMA ICD10 I10 I9C I11 ACR UMLS MDC".split()
)

_DUMMIES = {
    "AE": "ANONYMIZED",
    "AS": "000D",
    "CS": "ANONYMIZED",
    "DA": dates.DUMMY_DATE,
    "DS": "0",
    "DT": dates.DUMMY_DATE + dates.MIDNIGHT,
    "IS": "0",
    "PN": "ANONYMIZED",
    "TM": dates.MIDNIGHT,
    "UR": "urn:anonymized",
}
_ID_KINDS = {
    0x00100020: "MRN",
    0x00101000: "MRN",
    0x00101001: "NAME",
    0x00101040: "ADDRESS",
    0x00102154: "PHONE",
    0x00080050: "ACCESSION",
    0x00080080: "INSTITUTION",
    0x00080081: "ADDRESS",
}
_VR_KINDS = {"PN": "NAME", "DA": "DATE", "DT": "DATE", "TM": "TIME", "UI": "UID", "AS": "AGE"}


class Mode(StrEnum):
    """How words are treated below a sequence under `D`."""

    PLAIN = ""
    DUMMY = "dummy"
    CONTENT = "content"


class Place(NamedTuple):
    """Where in the file an element stands.

    Attributes:
        charset: terms of the character set in force.
        depth: 0 for the data set itself.
        mode: what the sequences around it demand.
        public: whether the item around it is an entry of a public coding scheme.
    """

    charset: tuple[str, ...] = ()
    depth: int = 0
    mode: Mode = Mode.PLAIN
    public: bool = False


@dataclass
class Cleaner:
    """One file's cleaning: what it is done with, and what was done.

    Attributes:
        actions: how often each action was carried out.
        removed: values taken out, by kind of identifier.
        kept: what stays with words or octets in it, to be searched.
    """

    recipe: DicomRecipe
    pseudonyms: Pseudonyms
    shift_days: int
    actions: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    kept: list[Kept] = field(default_factory=list)
    _uids: dict[str, str] = field(default_factory=dict)

    def dataset(self, source: Dataset, place: "Place") -> Dataset:
        """A cleaned copy of a data set or item, in the order of its tags."""
        place = place._replace(
            charset=charset_of(source, place.charset),
            public=place.mode is Mode.CONTENT and _publicly_coded(source),
        )
        found: dict[int, Element] = {}
        public = [element for element in source if not element.tag & _PRIVATE]
        self._take_private(source, len(source) - len(public))
        for element in public:
            if element.tag in found:  # a second one of the same tag has no meaning
                self._take(element, "UNKNOWN")
            else:
                kept = self._element(element, place)
                if kept is not None:
                    found[kept.tag] = kept
        return [found[tag] for tag in sorted(found)]

    def _take_private(self, source: Dataset, count: int) -> None:
        """Count all private elements at once: of many files they are the most."""
        if count:
            self.actions[Act.REMOVE] += count
            told = sum(1 for element in source if element.tag & _PRIVATE and len(element.value))
            if told:
                self.removed["PRIVATE"] += told

    def _element(self, element: Element, place: "Place") -> Element | None:
        rule = self.recipe.rules.get(element.tag)
        kind = _unwanted(element, listed=rule is not None, depth=place.depth)
        if kind:
            self._take(element, kind)
            return None
        if isinstance(element.value, list):
            return self._sequence(element, element.value, rule, place)
        if rule is not None:
            return self._listed(element, rule)
        coded = place.public and element.tag in _CODED_ENTRY
        if place.mode and element.vr in TEXT_VRS and not coded:
            return self._dummy(element)
        return self._unlisted(element, place.charset)

    def _take(self, element: Element, kind: str = "") -> None:
        self.actions[Act.REMOVE] += 1
        if len(element.value):
            self.removed[kind or _kind_of(element)] += 1

    def _count(self, element: Element, kind: str = "") -> None:
        if len(element.value):
            self.removed[kind or _kind_of(element)] += 1

    def _sequence(
        self, element: Element, items: list[Dataset], rule: Rule | None, place: "Place"
    ) -> Element | None:
        act = rule.act if rule else None
        if act is Act.REMOVE:
            self._take(element)
            return None
        if act is Act.EMPTY:
            return self._empty(element)
        mode = place.mode
        if act is Act.REMAP:
            mode = mode or Mode.CONTENT
        elif act is Act.DUMMY:
            self.actions[Act.DUMMY] += 1
            mode = Mode.CONTENT if element.tag == tags.CONTENT_SEQUENCE else Mode.DUMMY
        inside = place._replace(depth=place.depth + 1, mode=mode)
        return Element(element.tag, "SQ", [self.dataset(item, inside) for item in items])

    def _listed(self, element: Element, rule: Rule) -> Element | None:
        if element.vr == "UI" and rule.act in {Act.REMAP, Act.DUMMY}:
            return self._remapped(element)
        if rule.act in {Act.REMOVE, Act.REMAP}:  # what should be a UID and is none goes
            self._take(element)
            return None
        if rule.shift and element.vr in {"DA", "DT"}:
            return self._shifted(element, required=rule.act is Act.DUMMY)
        if rule.act is Act.EMPTY:
            return self._empty(element)
        return self._dummy(element)

    def _unlisted(self, element: Element, charset: tuple[str, ...]) -> Element | None:
        vr = element.vr
        if vr in TEXT_VRS:
            if vr == "CS" and not _plausible_code(element.octets()):
                return self._empty(element)
            self.kept.append(Kept(element, charset))
            return element
        if vr in FIXED_VRS:
            if len(element.value) > WIDE:
                self.kept.append(Kept(element, charset, bulk=True))
            return element
        return self._other(element, charset)

    def _other(self, element: Element, charset: tuple[str, ...]) -> Element | None:
        vr = element.vr
        if vr in NUMBER_TEXT_VRS:
            valid = _NUMBERS.fullmatch(element.octets())
            return element if valid else self._empty(element)
        if vr == "UI":
            return self._remapped(element)
        if vr in {"DA", "DT"}:
            return self._shifted(element, required=False)
        if vr in BULK_VRS:
            # Tables of offsets stand in the pixels' group, too, and are no pixels.
            if element.tag not in _PIXELS:
                self.kept.append(Kept(element, charset, bulk=True))
            return element
        return self._empty(element)

    def _empty(self, element: Element) -> Element:
        self.actions[Act.EMPTY] += 1
        self._count(element)
        return Element(element.tag, element.vr, [] if element.vr == "SQ" else b"")

    def _dummy(self, element: Element) -> Element:
        self.actions[Act.DUMMY] += 1
        self._count(element)
        vr = element.vr
        if element.tag == tags.PATIENT_ID:
            text = element.octets().decode("utf_8", "replace").strip("\x00 ")
            return Element(tags.PATIENT_ID, vr, padded(self.pseudonyms.subject(text), vr))
        if vr in FIXED_VRS:
            return Element(element.tag, vr, bytes(FIXED_VRS[vr]))
        if vr in BULK_VRS or vr == "UN":
            return Element(element.tag, vr, bytes(8))
        return Element(element.tag, vr, padded(_DUMMIES.get(vr, "ANONYMIZED"), vr))

    def _shifted(self, element: Element, *, required: bool) -> Element:
        shift = dates.shift_date if element.vr == "DA" else dates.shift_datetime
        values = element.octets().decode("ascii", "replace").strip("\x00 ")
        moved = [shift(value, self.shift_days) for value in values.split("\\")]
        if not all(moved):
            return self._dummy(element) if required else self._empty(element)
        self.actions[Act.SHIFT] += 1
        self._count(element)
        text = "\\".join(value or "" for value in moved)
        return Element(element.tag, element.vr, padded(text, element.vr))

    def _remapped(self, element: Element) -> Element:
        octets = element.octets()
        if not octets:
            return element
        values = octets.decode("latin_1").split("\\")
        mapped = [self.uid(value.strip("\x00 ")) for value in values]
        if mapped != [value.strip("\x00 ") for value in values]:
            self.actions[Act.REMAP] += 1
            self._count(element)
        return Element(element.tag, "UI", padded("\\".join(mapped), "UI"))

    def uid(self, original: str) -> str:
        """The UID that stands for `original`: itself when the standard registered it."""
        if not original or original in KNOWN_UIDS:
            return original
        if original not in self._uids:
            self._uids[original] = self.pseudonyms.uid(original)
        return self._uids[original]


def _unwanted(element: Element, *, listed: bool, depth: int) -> str:
    """The kind of an element that goes whatever its value; empty when it may stay."""
    tag = element.tag
    group = tag >> 16
    if group >> 8 in {_CURVES, _OVERLAYS}:
        return "OVERLAY"
    if not tag & 0xFFFF or group in _FORBIDDEN_GROUPS or (depth and group == _PIXEL_GROUP):
        return "UNKNOWN"
    if listed:
        return ""
    return "" if agrees(tag, element.vr) else "UNKNOWN"


def _kind_of(element: Element) -> str:
    return _ID_KINDS.get(element.tag) or _VR_KINDS.get(element.vr) or "OTHER"


def _plausible_code(octets: bytes) -> bool:
    return bool(_CODES.fullmatch(octets)) and all(
        len(word) <= _MAX_CODE for word in octets.split(b"\\")
    )


def _publicly_coded(item: Dataset) -> bool:
    """Whether (0008,0102) CodingSchemeDesignator of an item names a public scheme."""
    for element in item:
        if element.tag == tags.CODING_SCHEME_DESIGNATOR:
            return element.octets().strip(b"\x00 ") in _CODING_SCHEMES
    return False
