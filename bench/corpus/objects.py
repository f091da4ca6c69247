"""Objects as scanners and workstations write them, small, with valid pixels and no plant yet.

Source: DICOM PS3.3 Annex A, PS3.10 7.1.
"""

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from corpus.people import Subject
from corpus.values import Maker

SIDE = 64
CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "US": UltrasoundImageStorage,
    "SC": SecondaryCaptureImageStorage,
    "SR": ComprehensiveSRStorage,
    "RTSTRUCT": RTStructureSetStorage,
}
LAST = ("CR", "SR", "RTSTRUCT", "PT", "US", "SC")
"""What the last file of a subject is, by turns."""

BURNED_ROWS = 12
"""Rows at the top of a picture that show who it is of."""

BURNED_IN = frozenset({"US", "SC"})

_MODALITY = {"SC": "OT"}
_SAYS_SO = 0.5
_NO_PIXELS = frozenset({"SR", "RTSTRUCT"})
_RGB = BURNED_IN
_SIGNED = frozenset({"CT"})


@dataclass(frozen=True)
class Study:
    """What the files of one subject have in common."""

    subject: Subject
    study_uid: str
    frame_uid: str
    first_uid: str
    accession: str
    study_id: str


def new_study(subject: Subject, maker: Maker) -> Study:
    """A study with UIDs of its own."""
    accession = f"AC{maker.rng.randrange(10**8, 10**9)}"
    study_id = f"ST{maker.rng.randrange(10**6, 10**7)}"
    return Study(subject, maker.uid(), maker.uid(), maker.uid(), accession, study_id)


def new_object(kind: str, study: Study, series_uid: str, instance_uid: str, syntax: UID):
    """A data set of a kind, ready to be planted in and written."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CLASSES[kind]
    dataset.file_meta.MediaStorageSOPInstanceUID = instance_uid
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.ImplementationClassUID = "1.2.826.0.1.3680043.10.1515.1"
    dataset.preamble = bytes(128)
    who = study.subject
    if who.charset:
        dataset.SpecificCharacterSet = who.charset.split("\\")
    dataset.SOPClassUID = CLASSES[kind]
    dataset.SOPInstanceUID = instance_uid
    dataset.StudyInstanceUID = study.study_uid
    dataset.SeriesInstanceUID = series_uid
    dataset.Modality = _MODALITY.get(kind, kind)
    dataset.PatientName = who.person_name
    dataset.PatientID = who.mrn
    dataset.PatientBirthDate = f"{who.born:%Y%m%d}"
    dataset.PatientSex = who.sex
    dataset.StudyDate = f"{who.seen:%Y%m%d}"
    dataset.AccessionNumber = study.accession
    dataset.StudyID = study.study_id
    dataset.SeriesNumber = "3"
    dataset.InstanceNumber = "1"
    return dataset


def fill(dataset: Dataset, kind: str, study: Study, rng: random.Random) -> None:
    """Give an object its pixels, or the content that it has in their place."""
    if kind not in _NO_PIXELS:
        _image(dataset, kind, study, rng)
    if kind in {"CT", "MR", "PT", "RTSTRUCT"}:
        dataset.FrameOfReferenceUID = study.frame_uid
    if kind == "SR":
        _report(dataset, study)
    if kind == "RTSTRUCT":
        _structures(dataset, study, rng)


def _image(dataset: Dataset, kind: str, study: Study, rng: random.Random) -> None:
    noise = np.random.default_rng(rng.randrange(2**32))
    color = kind in _RGB
    shape = (SIDE, SIDE, 3) if color else (SIDE, SIDE)
    ramp = np.add.outer(np.arange(SIDE), np.arange(SIDE))
    if color:
        pixels = (ramp[..., None] + noise.integers(0, 40, shape)).astype(np.uint8)
        pixels[:BURNED_ROWS] = _written(study.subject)[..., None]
    else:
        pixels = (ramp * 7 + noise.integers(0, 60, shape)).astype("<u2")
    bits = 8 if color else 16
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    if not color and rng.random() < _SAYS_SO:
        dataset.BurnedInAnnotation = "NO"
    dataset.SamplesPerPixel = 3 if color else 1
    dataset.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
    if color:
        dataset.PlanarConfiguration = 0
    dataset.Rows = dataset.Columns = SIDE
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(kind in _SIGNED)
    dataset.add_new(0x7FE00010, "OB" if color else "OW", pixels.tobytes())


def _written(who: Subject) -> np.ndarray:
    """A strip of pixels with the subject's record number in them."""
    strip = Image.new("L", (SIDE, BURNED_ROWS))
    ImageDraw.Draw(strip).text((1, 0), who.mrn, fill=255)
    return np.asarray(strip)


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """One coded entry."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def reference(class_uid: str, instance_uid: str) -> Dataset:
    """A reference to one instance."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, instance_uid
    return item


def _report(dataset: Dataset, study: Study) -> None:
    """A report that points to the first image; its sentences are planted with the content."""
    image = Dataset()
    image.RelationshipType, image.ValueType = "CONTAINS", "IMAGE"
    image.ReferencedSOPSequence = [reference(CTImageStorage, study.first_uid)]
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = [coded("18748-4", "LN", "Diagnostic imaging report")]
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ContentSequence = [image]


def _structures(dataset: Dataset, study: Study, rng: random.Random) -> None:
    """One contour on the first image."""
    contour = Dataset()
    contour.ContourImageSequence = [reference(CTImageStorage, study.first_uid)]
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = "3"
    contour.ContourData = [str(rng.randrange(100)) for _ in range(9)]
    outline = Dataset()
    outline.ReferencedROINumber = "1"
    outline.ContourSequence = [contour]
    dataset.ROIContourSequence = [outline]
