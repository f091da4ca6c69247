"""The item's own identifiers, and the search for them in what the profile leaves in place.

The Basic Profile keeps elements that it doesn't list, a manufacturer's name say. People write
patients' names there too. So every text that stays is searched for the names, numbers and UIDs
that the same file held elsewhere, for the register's values, and for patterns of identifiers;
remarks, and short texts with a title in them, are read as a report's text is. An element with a hit
is emptied, and a hit that is still there afterwards holds the item.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.deid import dates
from sandbox.deid.forms import Register
from sandbox.deid.needles import Needles
from sandbox.deid.residue import find_residue
from sandbox.formats import dicom_tags as tags
from sandbox.formats.charsets import readings
from sandbox.formats.dicom_read import Dataset, Element

_IDENTIFYING = frozenset(
    {
        0x00080014,  # InstanceCreatorUID
        0x00080018,  # SOPInstanceUID
        0x00080050,  # AccessionNumber
        0x00080080,  # InstitutionName
        0x00080081,  # InstitutionAddress
        0x00080092,  # ReferringPhysicianAddress
        0x00080094,  # ReferringPhysicianTelephoneNumbers
        0x00081010,  # StationName
        0x00100020,  # PatientID
        0x00101000,  # OtherPatientIDs
        0x00101040,  # PatientAddress
        0x00101090,  # MedicalRecordLocator
        0x00102154,  # PatientTelephoneNumbers
        0x0020000D,  # StudyInstanceUID
        0x0020000E,  # SeriesInstanceUID
        0x00200010,  # StudyID
        0x00380010,  # AdmissionID
        0x00401102,  # PersonAddress
        0x00401103,  # PersonTelephoneNumbers
    }
)
_DAYS = frozenset({0x00080020, 0x00100030})
"""(0008,0020) StudyDate and (0010,0030) PatientBirthDate, which people write in every way."""

_PROSE = frozenset({"LT", "ST", "UT"})
"""Representations of remarks and descriptions, as people write them."""

_TITLE = re.compile(r"\b(?:Dr|Prof|Doctor|Nurse)\b|医生|医师|大夫|教授|主任|护士")
"""What a name follows in a short text; in capitals it is a kind of image: DR, MR."""

WIDE = 64
"""Bytes from which on a value of numbers is searched like octets of any meaning."""

_TELLING = _DAYS | _IDENTIFYING
_NAME_MARKS = str.maketrans("^=,.", "    ")
_BULK_LIMIT = 1 << 22
_MIN_STUDY_ID = 4


@dataclass(frozen=True)
class Kept:
    """An element that stays with its value, and the character set it was written in."""

    element: Element
    charset: tuple[str, ...]
    bulk: bool = False


def own_identifiers(dataset: Dataset, charset: tuple[str, ...]) -> Needles:
    """What identifies the patient, people and places in this very file."""
    return Needles(set(_own(dataset, charset)))


def charset_of(dataset: Dataset, outer: tuple[str, ...]) -> tuple[str, ...]:
    """The terms of (0008,0005) SpecificCharacterSet of a data set or item, else `outer`."""
    for element in dataset:
        if element.tag == tags.SPECIFIC_CHARACTER_SET and not isinstance(element.value, list):
            return tuple(element.octets().decode("ascii", "replace").split("\\"))
        if element.tag > tags.SPECIFIC_CHARACTER_SET:
            break
    return outer


def _own(dataset: Dataset, charset: tuple[str, ...]) -> Iterator[str]:
    charset = charset_of(dataset, charset)
    for element in dataset:
        if isinstance(element.value, list):
            for item in element.value:
                yield from _own(item, charset)
        elif element.vr == "PN" or element.tag in _TELLING:
            yield from _of_element(element, charset)


def _of_element(element: Element, charset: tuple[str, ...]) -> Iterator[str]:
    if element.vr == "PN":
        for text in readings(element.octets(), charset):
            yield from _name_parts(text)
    elif element.tag in _DAYS:
        yield from dates.spelled(element.octets().decode("ascii", "replace"))
    elif element.tag in _IDENTIFYING and len(element.value) >= _MIN_STUDY_ID:
        for text in readings(element.octets(), charset):
            yield from (part.strip("\x00 ") for part in text.split("\\"))


def _name_parts(text: str) -> Iterator[str]:
    r"""Whole names and their parts: `Wang^XiaoDong=王^小东` gives each group and each part.

    Source: DICOM PS3.5 6.2.1.
    """
    for name in text.strip("\x00 ").split("\\"):
        for group in name.split("="):
            yield group.replace("^", " ").strip()
            yield group.replace("^", "").strip()
            yield from group.translate(_NAME_MARKS).split()


def scrub(kept: Iterable[Kept], own: Needles, register: Register) -> tuple[int, bool]:
    """Empty each kept element in which an identifier is found.

    Returns:
        How many were emptied, and whether anything is found even so.
    """
    kept = [entry for entry in kept if len(entry.element.value)]
    if not _found(kept, own, register):
        return 0, False
    hits = [entry for entry in kept if _found([entry], own, register)]
    for entry in hits:
        entry.element.value = b""
    return len(hits), _found(kept, own, register)


def finds(kept: Iterable[Kept], register: Register) -> bool:
    """Whether a register's value, or a number that proves itself, stands in any of the values."""
    return _found(kept, Needles(()), register)


def _found(kept: Iterable[Kept], own: Needles, register: Register) -> bool:
    """Whether an identifier stands in any of the values, read in any way."""
    texts: set[str] = set()
    plain: list[bytes] = []
    for entry in kept:
        octets = entry.element.octets()
        if entry.bulk:
            if speaks(octets, own, register):
                return True
        elif octets.isascii() and b"\x1b" not in octets:
            plain.append(octets)
        else:
            texts |= readings(octets, entry.charset)
    texts.add(b"\n".join(plain).decode("ascii"))
    if any(own.find(text) or find_residue(text, register) for text in texts):
        return True
    titled = any(map(_TITLE.search, texts))
    return any(
        _names_somebody(entry, register)
        for entry in kept
        if not entry.bulk and (titled or entry.element.vr in _PROSE)
    )


def _names_somebody(entry: Kept, register: Register) -> bool:
    """Whether words hold what a report's text would lose: a physician's name or a day, say."""
    texts = readings(entry.element.octets(), entry.charset)
    if entry.element.vr not in _PROSE and not any(map(_TITLE.search, texts)):
        return False
    # Most images hold no prose: its patterns take long to compile.
    from sandbox.deid.text import find_spans  # noqa: PLC0415

    return any(find_spans(text, register) for text in texts)


def speaks(octets: bytes, own: Needles, register: Register) -> bool:
    """Whether octets of any meaning hold an identifier."""
    return bool(find_residue(octets[:_BULK_LIMIT], register) or own.find(_words_in(octets)))


def _words_in(octets: bytes) -> str:
    """Text that octets of any meaning may hold: what isn't printable becomes a space."""
    return octets[:_BULK_LIMIT].replace(b"\x00", b"").decode("utf_8", "replace")
