r"""De-identifies one DICOM file: bytes in, a verdict out.

1. Take the file apart, within limits (`sandbox.formats.dicom_file`).
2. Hold what nobody can vouch for yet (`dicom_holds`); held means that no cleaned bytes leave.
3. Carry out the Basic Profile on every element at every depth (`dicom_actions`).
4. Search what stays for the file's own identifiers, the register's and patterns (`dicom_scan`).
5. Say in the file what was done, write it with an empty preamble and a file meta group of our
   own, and seal it.

Options beyond the Basic Profile: Retain Longitudinal Temporal Information with Modified Dates:
dates that the profile would blank or replace are moved by the subject's shift, times of day are
not kept. (0010,0010) PatientName and (0010,0020) PatientID are the subject's pseudonym.

The seal is the second value of (0012,0063) DeidentificationMethod: a keyed digest of the whole
file under the pseudonym key. A file that bears a valid one is already clean and comes back as it
is, so that cleaning twice equals cleaning once. Without the key it can't be made.

Source: DICOM PS3.15 Annex E.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox.deid.dicom_actions import Cleaner, Place
from sandbox.deid.dicom_holds import Top, hold_reason, words
from sandbox.deid.dicom_pixels import fit_pixels, frames
from sandbox.deid.dicom_scan import charset_of, own_identifiers, scrub, speaks
from sandbox.deid.forms import FileKind, Register, Result, Verdict
from sandbox.deid.needles import Needles
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.recipe import Act, DicomRecipe
from sandbox.deid.subjects import identity
from sandbox.errors import Malformed
from sandbox.formats import dicom_tags as tags
from sandbox.formats.charsets import readings
from sandbox.formats.codestreams import loose_octets
from sandbox.formats.dicom_file import DicomFile, open_dicom
from sandbox.formats.dicom_read import Dataset, Element
from sandbox.formats.dicom_write import (
    Octets,
    encode_dataset,
    file_header,
    joined,
    padded,
)

METHOD = "Anbiao: PS3.15 2024b Basic Profile, dates shifted, no times."
"""First value of (0012,0063) DeidentificationMethod; of even length, so that the seal ends it."""

_SEAL_MARK = b"\\seal:"
_SEAL_CHARS = 32
_NO_SEAL = b"0" * _SEAL_CHARS
_SEAL = re.compile(re.escape(_SEAL_MARK) + rb"([0-9a-f]{32})")
_MODALITY = re.compile(r"[A-Z0-9]{2,16}")

METHOD_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
"""Codes of (0012,0064) DeidentificationMethodCodeSequence.

Source: DICOM PS3.16 CID 7050.
"""


def clean_dicom(
    data: bytes,
    recipe: DicomRecipe,
    pseudonyms: Pseudonyms,
    register: Register,
    subject: str | None = None,
) -> Verdict:
    """De-identify one file, or say why not; never raises for what is in it.

    Args:
        data: the whole file.
        recipe: rules by tag.
        pseudonyms: under whose key UIDs, subject and shift are made.
        register: values that must not be left.
        subject: id of the register's row the file was deposited under, if it is known.
    """
    try:
        file = open_dicom(data)
        top = {element.tag: element for element in reversed(file.dataset)}
        reason = hold_reason(top, file.meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, ""))
        surplus = fit_pixels(top, file.encoding)
    except Malformed as error:
        return Verdict(Result.QUARANTINED, FileKind.DICOM, error.code)
    if reason is None and surplus is None:
        reason = "pixels-unchecked"
    if reason is not None:
        return _verdict(top, Result.HELD, reason)
    return _Cleaning(data, file, top, recipe, pseudonyms, register).verdict(subject)


def _verdict(top: Top, result: Result, reason: str | None = None) -> Verdict:
    modality = (words(top, tags.MODALITY) or [""])[0]
    return Verdict(
        result,
        FileKind.DICOM,
        reason,
        modality=modality if _MODALITY.fullmatch(modality) else "",
        frames=frames(top),
    )


@dataclass(frozen=True)
class _Cleaning:
    """One file that may be cleaned, and everything that it is cleaned with."""

    data: bytes
    file: DicomFile
    top: Top
    recipe: DicomRecipe
    pseudonyms: Pseudonyms
    register: Register

    def verdict(self, subject: str | None) -> Verdict:
        """Clean it, search the result, and seal it."""
        charset = charset_of(self.file.dataset, ())
        who = self._identity(subject, charset)
        cleaner = Cleaner(self.recipe, self.pseudonyms, self.pseudonyms.shift_days(who))
        cleaned = cleaner.dataset(self.file.dataset, Place(charset))
        sealed = self._valid_seal()
        own = Needles(()) if sealed else own_identifiers(self.file.dataset, charset)
        emptied, residue = scrub(cleaner.kept, own, self.register)
        if residue or self._pixels_speak(own) or (sealed and emptied):
            return _verdict(self.top, Result.HELD, "residue-found")
        if sealed:
            verdict = _verdict(self.top, Result.CLEANED)
            return replace(verdict, pieces=(self.data,), mark=sealed)
        actions, removed = cleaner.actions, cleaner.removed
        if emptied:
            actions[Act.SCRUB] += emptied
            removed["RESIDUE"] += emptied
        if self.file.trailing or self.file.preamble:
            actions[Act.REMOVE] += 1
            removed["TRAILING" if self.file.trailing else "PREAMBLE"] += 1
        pieces, mark = self._written(cleaned, cleaner, who)
        return replace(
            _verdict(self.top, Result.CLEANED),
            pieces=pieces,
            actions=_sorted(actions),
            removed=_sorted(removed),
            mark=mark,
        )

    def _pixels_speak(self, own: Needles) -> bool:
        """Whether an identifier stands beside the pixels of a compressed image."""
        pixels = self.top.get(tags.PIXEL_DATA)
        if pixels is None or not pixels.fragments or isinstance(pixels.value, list):
            return False
        loose = loose_octets(pixels.value)
        return bool(loose) and speaks(loose, own, self.register)

    def _identity(self, subject: str | None, charset: tuple[str, ...]) -> str:
        """What the pseudonym is derived from: record number, else name, study, or the bytes."""
        mrn = self._text(tags.PATIENT_ID, charset)
        known = identity(self.register, subject, mrn)
        if known:
            return known
        for tag in (tags.PATIENT_NAME, tags.STUDY_INSTANCE_UID):
            text = self._text(tag, charset)
            if text:
                return text
        return hashlib.sha256(self.data).hexdigest()

    def _text(self, tag: int, charset: tuple[str, ...]) -> str:
        element = self.top.get(tag)
        if element is None:
            return ""
        return min(readings(element.octets(), charset)).strip("\x00 ")

    def _written(
        self, cleaned: Dataset, cleaner: Cleaner, who: str
    ) -> tuple[tuple[Octets, ...], str]:
        """The cleaned file's bytes, sealed, and the seal."""
        kept = {element.tag: element for element in cleaned}
        meta = self.file.meta
        sop_class = (
            words(self.top, tags.SOP_CLASS_UID) or [meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, "")]
        )[0]
        instance = self._instance()
        for element in _statement(self.pseudonyms.subject(who)):
            kept[element.tag] = element
        dataset = [kept[tag] for tag in sorted(kept)]
        header = file_header(sop_class, cleaner.uid(instance), self.file.syntax)
        pieces = [header, *encode_dataset(dataset, self.file.encoding)]
        return self._sealed(pieces, kept[tags.DEIDENTIFICATION_METHOD])

    def _instance(self) -> str:
        """The source's (0008,0018) SOPInstanceUID, or what can stand for one."""
        named = words(self.top, tags.SOP_INSTANCE_UID) or [
            self.file.meta.get(tags.MEDIA_STORAGE_SOP_INSTANCE_UID, "")
        ]
        return named[0] or hashlib.sha256(self.data).hexdigest()

    def _sealed(self, pieces: list[Octets], method: Element) -> tuple[tuple[Octets, ...], str]:
        """The file with the seal in the place kept for it, the end of the method's value."""
        place = next(at for at, piece in enumerate(pieces) if piece is method.value)
        ahead = sum(map(len, pieces[: place + 1])) - _SEAL_CHARS
        whole = joined(pieces)
        seal = self._seal(*whole)
        at = 0
        while ahead >= len(whole[at]):
            ahead -= len(whole[at])
            at += 1
        whole[at : at + 1] = [whole[at][:ahead], seal, whole[at][ahead + _SEAL_CHARS :]]
        return tuple(whole), seal.decode()

    def _seal(self, *parts: Octets) -> bytes:
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        named = f"{self.recipe.digest} {digest.hexdigest()}"
        return self.pseudonyms.digest("sealed-dicom", named).hex()[:_SEAL_CHARS].encode()

    def _valid_seal(self) -> str:
        """The seal, if the file came out of here under this key and recipe, and is untouched."""
        element = self.top.get(tags.DEIDENTIFICATION_METHOD)
        found = _SEAL.search(element.octets()) if element else None
        if found is None or self.file.trailing:
            return ""
        place = self.data.find(found.group(0)) + len(_SEAL_MARK)
        view = memoryview(self.data)
        seal = self._seal(view[:place], _NO_SEAL, view[place + _SEAL_CHARS :])
        return seal.decode() if hmac.compare_digest(seal, found.group(1)) else ""


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(what): counts[what] for what in sorted(counts)}


def _statement(pseudonym: str) -> Dataset:
    """The elements that say whom the file is now about and what was done to it."""
    codes = [
        [
            Element(tags.CODE_VALUE, "SH", padded(code, "SH")),
            Element(tags.CODING_SCHEME_DESIGNATOR, "SH", padded("DCM", "SH")),
            Element(tags.CODE_MEANING, "LO", padded(meaning, "LO")),
        ]
        for code, meaning in METHOD_CODES
    ]
    method = METHOD + (_SEAL_MARK + _NO_SEAL).decode()
    return [
        Element(tags.PATIENT_NAME, "PN", padded(pseudonym, "PN")),
        Element(tags.PATIENT_ID, "LO", padded(pseudonym, "LO")),
        Element(tags.PATIENT_IDENTITY_REMOVED, "CS", padded("YES", "CS")),
        Element(tags.DEIDENTIFICATION_METHOD, "LO", padded(method, "LO")),
        Element(tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE, "SQ", codes),
        Element(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, "CS", padded("MODIFIED", "CS")),
    ]
