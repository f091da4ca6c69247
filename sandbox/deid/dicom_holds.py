"""Which DICOM objects are held because nobody can vouch for their pixels or their content yet.

- An image of a kind into whose pixels machines and people write the patient's name is held
  whatever the file says of itself: ultrasound, secondary capture, photography, endoscopy,
  fluoroscopy and angiography, "other".
- (0028,0301) BurnedInAnnotation with any value but NO holds every object.
- Documents, sound, surfaces of the body, raw data and objects of unknown classes hold anything.
- A directory of a medium is an index of what lies beside it and is not cleaned at all.

Source: DICOM PS3.3 C.7.6.1 and C.8; PS3.15 E.3.1 (Clean Pixel Data Option not yet offered).
"""

from collections.abc import Mapping

from sandbox.errors import Malformed
from sandbox.formats import dicom_tags as tags
from sandbox.formats.dicom_read import Element
from sandbox.formats.dicom_words import SOP_CLASSES

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_DIRECTORY = "1.2.840.10008.1.3.10"

_PHOTOGRAPHS = ("CP", "CS", "DMS", "ES", "FA", "FS", "GM", "LP", "OP", "SM", "TG", "XC")
_SOUNDINGS = ("BDUS", "CD", "DD", "EC", "IVOCT", "IVUS", "PA", "US")
_FLUOROSCOPY = ("AS", "CF", "DF", "DS", "RF", "VF", "XA")
_SECOND_HAND = ("DG", "HC", "LS", "OT", "SC", "VL")
_PIXEL_MODALITIES = frozenset(_PHOTOGRAPHS + _SOUNDINGS + _FLUOROSCOPY + _SECOND_HAND)
_CONTENT_MODALITIES = frozenset({"AU", "DOC", "M3D"})

_PIXEL_CLASSES = ("3", "6", "7", "8", "12", "13.1.1", "13.1.2", "14", "77")
_CONTENT_CLASSES = ("9.4", "66", "68", "88.2", "104", "201")
_HARD_COPY = "1.2.840.10008.5.1.1."
_SCREENS = frozenset(
    {
        "SCREEN SAVE",
        "SCREENSAVE",
        "SCREEN_SAVE",
        "DOSE_INFO",
        "PATIENT_PROTOCOL",
        "SECONDARY CAPTURE",
    }
)

Top = Mapping[int, Element]


def words(top: Top, tag: int) -> list[str]:
    """The values of a text element, upper case; empty when it is absent or no text."""
    element = top.get(tag)
    if element is None:
        return []
    text = element.octets().decode("ascii", "replace").upper()
    return [word for part in text.split("\\") if (word := part.strip("\x00 "))]


def hold_reason(top: Top, meta_class: str) -> str | None:
    """Why an object is held, or None.

    Args:
        top: elements of the data set's first level by tag.
        meta_class: (0002,0002) MediaStorageSOPClassUID, or the empty string.

    Raises:
        Malformed: `kind-unsupported` for a directory of a medium.
    """
    classes = set(words(top, tags.SOP_CLASS_UID)) | ({meta_class} if meta_class else set())
    if _DIRECTORY in classes:
        raise Malformed("kind-unsupported")
    modality = set(words(top, tags.MODALITY))
    if modality & _CONTENT_MODALITIES or not classes or any(map(_content_class, classes)):
        return "content-unchecked"
    if modality & _PIXEL_MODALITIES or any(map(_pixel_class, classes)) or _says_so(top):
        return "pixels-unchecked"
    return "pixels-unchecked" if _overlay_in_pixels(top) else None


def _within(uid: str, parts: tuple[str, ...]) -> bool:
    return any(uid == _STORAGE + part or uid.startswith(f"{_STORAGE}{part}.") for part in parts)


def _content_class(uid: str) -> bool:
    """Raw data is 66 itself; 66.1 and on are registrations and segmentations."""
    if uid.startswith(_STORAGE + "66."):
        return False
    return uid not in SOP_CLASSES or _within(uid, _CONTENT_CLASSES)


def _pixel_class(uid: str) -> bool:
    return uid.startswith(_HARD_COPY) or _within(uid, _PIXEL_CLASSES)


def _says_so(top: Top) -> bool:
    """Whether the object itself says that its pixels show, or may show, who it is."""
    burned_in = tags.BURNED_IN_ANNOTATION in top and words(top, tags.BURNED_IN_ANNOTATION) != ["NO"]
    visible = words(top, tags.RECOGNIZABLE_VISUAL_FEATURES) not in ([], ["NO"])
    captured = bool(words(top, tags.CONVERSION_TYPE))
    return burned_in or visible or captured or not _SCREENS.isdisjoint(words(top, tags.IMAGE_TYPE))


def _overlay_in_pixels(top: Top) -> bool:
    """Whether an overlay lies in unused bits of the pixels, where removing 60xx leaves it.

    Source: DICOM PS3.3 C.9.2 (retired use of OverlayBitPosition).
    """
    for tag, element in top.items():
        if tag >> 24 != 0x60:  # noqa: PLR2004 - the overlays' groups
            continue
        plane = tag & 0xFFFF0000
        if tag & 0xFFFF == tags.OVERLAY_BIT_POSITION and any(element.octets()):
            return True
        if tag & 0xFFFF == tags.OVERLAY_ROWS and plane | tags.OVERLAY_DATA not in top:
            return True
    return False
