"""Gives a cleaned DICOM file the pseudonyms of another key, and changes nothing else.

- Every UID that the standard didn't register is remapped, at every depth and in the file meta
  group: what referred to something still refers to it.
- (0010,0020) PatientID and (0010,0010) PatientName become the subject's pseudonym under the key.
- Dates move by the subject's shift under the key; dummies stay where they are. Times of day were
  not kept by the cleaning.
- (0012,0063) DeidentificationMethod says what was done, without the cleaning's seal: that is a
  digest under the other key over bytes that are no more.

Pixels are copied as they are. `agree` is a check by another way: it reads both files again.

Source: DICOM PS3.15 E.1, E.3.6.
"""

import re
from collections.abc import Iterator

from sandbox.deid import dates
from sandbox.deid.dicom import METHOD
from sandbox.deid.dicom_holds import words
from sandbox.deid.dicom_scan import WIDE, Kept, charset_of, finds
from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.formats import dicom_tags as tags
from sandbox.formats.dicom_file import DicomFile, open_dicom
from sandbox.formats.dicom_read import Dataset, Element
from sandbox.formats.dicom_words import BULK_VRS, FIXED_VRS, KNOWN_UIDS, TEXT_VRS
from sandbox.formats.dicom_write import encode_dataset, file_header, padded

_PSEUDONYM = re.compile(r"S-[0-9A-F]{12}")
_NAMING = frozenset({tags.PATIENT_ID, tags.PATIENT_NAME})
_DUMMIES = frozenset({dates.DUMMY_DATE, dates.DUMMY_DATE + dates.MIDNIGHT})
_PIXEL_GROUP = 0x7FE0


def rekey_dicom(data: bytes, pseudonyms: Pseudonyms) -> bytes:
    """A cleaned file under another key.

    Args:
        data: the cleaned file.
        pseudonyms: under whose key pseudonym, UIDs and shift are to be.

    Raises:
        Malformed: it is no DICOM file.
        ValueError: it bears no pseudonym of a subject: it did not come out of the cleaning.
    """
    file = open_dicom(data)
    rekeying = _Rekeying(pseudonyms, pseudonyms.shift_days(subject_of(file)))
    dataset = rekeying.dataset(file.dataset)
    meta = file.meta
    header = file_header(
        meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, ""),
        rekeying.uid(meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, "")),
        file.syntax,
    )
    return b"".join([header, *encode_dataset(dataset, file.encoding)])


def subject_of(file: DicomFile) -> str:
    """The pseudonym of the subject of a cleaned file.

    Raises:
        ValueError: it bears none.
    """
    top = {element.tag: element for element in file.dataset}
    found = words(top, tags.PATIENT_ID)
    if len(found) != 1 or not _PSEUDONYM.fullmatch(found[0]):
        raise ValueError("no pseudonym")
    return found[0]


class _Rekeying:
    """One file's pass."""

    def __init__(self, pseudonyms: Pseudonyms, days: int) -> None:
        self._pseudonyms = pseudonyms
        self._days = days
        self._uids: dict[str, str] = {}

    def dataset(self, source: Dataset) -> Dataset:
        return [self._element(element) for element in source]

    def _element(self, element: Element) -> Element:
        value = element.value
        if isinstance(value, list):
            return Element(element.tag, element.vr, [self.dataset(item) for item in value])
        again = self._again(element) if len(value) else None
        if again is None:
            return element
        return Element(element.tag, element.vr, padded("\\".join(again), element.vr))

    def _again(self, element: Element) -> list[str] | None:
        """The values that take the place of an element's; None where it stays as it is."""
        if element.vr == "UI":
            return [self.uid(one) for one in _values(element)]
        if element.vr in {"DA", "DT"}:
            return [self._moved(one, element.vr) for one in _values(element)]
        if element.tag in _NAMING:
            return [self._named(one) for one in _values(element)]
        return [METHOD] if element.tag == tags.DEIDENTIFICATION_METHOD else None

    def uid(self, original: str) -> str:
        """The UID that stands for `original`: itself when the standard registered it."""
        if not original or original in KNOWN_UIDS:
            return original
        if original not in self._uids:
            self._uids[original] = self._pseudonyms.uid(original)
        return self._uids[original]

    def _named(self, original: str) -> str:
        known = _PSEUDONYM.fullmatch(original)
        return self._pseudonyms.subject(original) if known else original

    def _moved(self, original: str, vr: str) -> str:
        if original in _DUMMIES:
            return original
        if vr == "DA":
            return dates.shift_date(original, self._days) or dates.DUMMY_DATE
        moved = dates.shift_datetime(original, self._days)
        return moved or dates.DUMMY_DATE + dates.MIDNIGHT


def _values(element: Element) -> list[str]:
    text = element.octets().decode("ascii", "replace")
    return [value.strip("\x00 ") for value in text.split("\\")]


def agree(before: bytes, after: bytes) -> bool:
    """Whether two files say the same but for what a key decides, and share nothing of that.

    Raises:
        Malformed: one of them is no DICOM file.
    """
    one, other = open_dicom(before), open_dicom(after)
    if other.trailing or (one.syntax, one.encoding) != (other.syntax, other.encoding):
        return False
    meta, issued = dict(one.meta), dict(other.meta)
    old, new = (m.pop(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, "") for m in (meta, issued))
    # The group's own UIDs name class, syntax and this program; nothing else may have come.
    return meta == issued and _changed(old, new) and _same(one.dataset, other.dataset)


def _same(before: Dataset, after: Dataset) -> bool:
    if [(e.tag, e.vr, e.fragments) for e in before] != [(e.tag, e.vr, e.fragments) for e in after]:
        return False
    return all(_like(one, other) for one, other in zip(before, after, strict=True))


def _like(one: Element, other: Element) -> bool:
    before, after = one.value, other.value
    if isinstance(before, list):
        return (
            isinstance(after, list)
            and len(before) == len(after)
            and all(_same(a, b) for a, b in zip(before, after, strict=True))
        )
    if one.vr in {"UI", "DA", "DT"} or one.tag in _NAMING:
        old, new = _values(one), _values(other)
        return len(old) == len(new) and all(map(_changed, old, new))
    # As bytes: views are compared one octet at a time.
    return one.tag == tags.DEIDENTIFICATION_METHOD or one.octets() == other.octets()


def _changed(old: str, new: str) -> bool:
    """Whether a value was replaced by one of its kind, or is one that everybody has."""
    if not old or old in KNOWN_UIDS or old in _DUMMIES or not any(map(str.isdigit, old)):
        return old == new
    return old != new and bool(new)


def finds_residue(data: bytes, register: Register) -> bool:
    """Whether a re-keyed file holds anything of the register, or what proves itself a number.

    Raises:
        Malformed: it is no DICOM file.
    """
    return finds(_kept(open_dicom(data).dataset, ()), register)


def _kept(dataset: Dataset, charset: tuple[str, ...]) -> Iterator[Kept]:
    """Everything in which words may stand, at every depth; our own surrogates are no words."""
    charset = charset_of(dataset, charset)
    for element in dataset:
        if isinstance(element.value, list):
            for item in element.value:
                yield from _kept(item, charset)
        elif element.tag in _NAMING or not len(element.value):
            continue
        elif element.vr in TEXT_VRS or element.vr == "PN":
            yield Kept(element, charset)
        elif _bulky(element):
            yield Kept(element, charset, bulk=True)


def _bulky(element: Element) -> bool:
    """Whether octets of any meaning stand in it that are no pixels."""
    if element.vr in FIXED_VRS:
        return len(element.value) > WIDE
    return element.vr in BULK_VRS and element.tag >> 16 != _PIXEL_GROUP
