"""DICOM's words: value representations, the data dictionary and registered UIDs.

Facts come from pydicom's dictionaries; nothing of pydicom's reader or writer is used, because it
warns and logs with values in the text.

Source: DICOM PS3.5 6.2, PS3.6.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from sandbox.formats.dicom_dictionary import ELEMENTS, UIDS

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
"""Representations whose explicit length has four bytes."""

TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"})
"""Representations that hold words."""

NUMBER_TEXT_VRS = frozenset({"DS", "IS"})
"""Representations that hold numbers written as text."""

BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
"""Representations that hold octets or words of any length."""

_FIXED_VRS = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
FIXED_VRS: Mapping[str, int] = MappingProxyType(_FIXED_VRS)
"""Binary representations and the size of one value in bytes."""

_ALL = {"AS", "DA", "DT", "PN", "TM", "UI"} | TEXT_VRS | NUMBER_TEXT_VRS | LONG_VRS | {*FIXED_VRS}
VRS: Mapping[bytes, str] = MappingProxyType({vr.encode(): vr for vr in _ALL})
"""Each representation by its two bytes in a file."""

SHORT_VRS: Mapping[bytes, str] = {code: vr for code, vr in VRS.items() if vr not in LONG_VRS}
"""Those whose explicit length has two bytes."""

DICTIONARY: Mapping[int, str] = MappingProxyType(
    {tag: entry[0] for tag, entry in ELEMENTS.items() if entry[0] != "NONE"}
)
"""Representation of each standard element, `US or SS` where the standard leaves a choice.

Repeating groups are absent on purpose: curves and overlays are removed whole, and the others
were retired decades ago.
"""

KNOWN_UIDS = frozenset(UIDS)
"""UIDs registered by the standard: they name classes and codings, never a patient's object."""

SOP_CLASSES = frozenset(uid for uid, entry in UIDS.items() if "SOP Class" in entry[1])
"""UIDs that name a class of objects."""


def implicit_vr(tag: int) -> str:
    """The representation that a file without explicit ones gives to `tag`; `UN` if unknown."""
    vr = DICTIONARY.get(tag)
    if vr is None:
        return "UL" if not tag & 0xFFFF else "UN"
    return vr if len(vr) == 2 else ("OW" if "OW" in vr else "US")  # noqa: PLR2004 - "US or SS"


@lru_cache(maxsize=8192)
def agrees(tag: int, vr: str) -> bool:
    """Whether a file may give `tag` the representation `vr`, by the kind of content."""
    standard = DICTIONARY.get(tag)
    if standard is None:
        return False
    if vr in standard.split(" or "):
        return True
    return any({vr, *standard.split(" or ")} <= kind for kind in _KINDS)


_KINDS = (
    TEXT_VRS | {"PN"},
    NUMBER_TEXT_VRS,
    frozenset({"SL", "SS", "SV", "UL", "US", "UV"}),
    frozenset({"FD", "FL"}),
    BULK_VRS,
)
