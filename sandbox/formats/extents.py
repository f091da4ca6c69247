"""How large an item is: the limits within which marks can lie.

- Pixels: (0, 0) is the outer corner of the first pixel, `x` grows along a row towards higher
  columns, `y` down towards higher rows; a picture of 512 columns reaches from x = 0 to x = 512.
- Frames count from 0.
- Text counts in Unicode code points of exactly the text that was shown, from 0.

Source: DICOM PS3.3 C.18.6.1.2 (image-relative coordinates of sub-pixel resolution).
"""

import io
import struct
from dataclasses import dataclass
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from sandbox.errors import Unacceptable

TEXT: Final = "text"
_SIZE: Final = ["Rows", "Columns", "NumberOfFrames"]
_READER_ERRORS = (
    AttributeError,
    EOFError,
    InvalidDicomError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Extent:
    """Limits of one item; a picture has no characters and a text no pixels."""

    rows: int = 0
    columns: int = 0
    frames: int = 0
    characters: int | None = None

    @property
    def is_text(self) -> bool:
        """Whether it is a text, which has characters and no pixels."""
        return self.characters is not None


def shown_text(content: bytes) -> str:
    """The text of a text item as it is shown; what is no UTF-8 shows as U+FFFD."""
    return content.decode("utf-8", "replace")


def extent_of(kind: str, content: bytes) -> Extent:
    """The extent of an item by its own bytes.

    Raises:
        Unacceptable: `frame-undecodable`: the image does not state its size.
    """
    if kind == TEXT:
        return Extent(characters=len(shown_text(content)))
    try:
        dataset = dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=_SIZE)
        if "Rows" not in dataset or "Columns" not in dataset:
            return Extent()
        frames = int(dataset.get("NumberOfFrames") or 1)
        return Extent(int(dataset.Rows), int(dataset.Columns), frames)
    except _READER_ERRORS as error:
        raise Unacceptable("frame-undecodable", "the image does not state its size") from error
