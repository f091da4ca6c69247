"""One frame of a de-identified image, as the picture a labeller sees.

1. decode one frame, within a limit of pixels;
2. apply the modality transformation and the stored window (greyscale), or turn the colours
   to RGB by the photometric interpretation;
3. bring it to 8 bits;
4. draw the watermark: who sees it and when, faint and repeated, so that a photographed screen
   names its viewer;
5. encode as PNG without any metadata.

`RENDERING` names these parameters; its digest goes into what a label is bound to. The watermark
is not part of it: it differs at each look and covers nothing (alpha 20 of 255).

Source: DICOM PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.6.3.1.2 (photometric interpretation).
"""

import io
import struct
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from sandbox.errors import NotFound, TooLarge, Unacceptable

MAX_PIXELS = 64_000_000
WATERMARK_ALPHA = 20
RENDERING = {
    "v": 1,
    "modality": "stored",
    "window": "stored-first-or-full-range",
    "depth_bits": 8,
    "scale": "1:1",
    "format": "png",
}

_GREY = ("MONOCHROME1", "MONOCHROME2")
_FULL = 255
_FONT_SIZE = 14
# What pydicom and its codecs raise on bytes that are wrong in every way bytes can be.
_DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    InvalidDicomError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def render_frame(
    data: bytes, number: int, viewer: str, at: datetime, max_pixels: int = MAX_PIXELS
) -> bytes:
    """Frame `number` (from 0) of the DICOM file `data`, as PNG bytes with the watermark.

    Raises:
        NotFound: there is no such frame.
        TooLarge: `frame-too-large`, before anything is decoded.
        Unacceptable: `frame-undecodable`.
    """
    dataset = _read(data)
    _check_size(dataset, number, max_pixels)
    picture = _decode(dataset, number)
    return _png(_watermarked(picture, f"{viewer[:12]} {at:%Y-%m-%dT%H:%M:%SZ}"))


def _read(data: bytes) -> FileDataset:
    try:
        return dcmread(io.BytesIO(data))
    except _DECODER_ERRORS as error:
        raise Unacceptable("frame-undecodable", "the image can't be read") from error


def _check_size(dataset: FileDataset, number: int, max_pixels: int) -> None:
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        pixels = int(dataset.Rows) * int(dataset.Columns) if "PixelData" in dataset else 0
    except _DECODER_ERRORS as error:
        raise Unacceptable("frame-undecodable", "the image does not state its size") from error
    if not pixels or not 0 <= number < frames:
        raise NotFound("not-found", "there is no such frame")
    if pixels > max_pixels:
        raise TooLarge("frame-too-large", f"a frame has more than {max_pixels} pixels")


def _decode(dataset: FileDataset, number: int) -> Image.Image:
    try:
        frame = pixel_array(dataset, index=number)
        if int(dataset.get("SamplesPerPixel", 1)) == 1:
            return _grey(dataset, frame)
        return _colour(frame)
    except _DECODER_ERRORS as error:
        raise Unacceptable("frame-undecodable", "the frame can't be decoded") from error


def _grey(dataset: FileDataset, frame: NDArray[np.generic]) -> Image.Image:
    """An 8-bit picture of `(rows, columns)` stored values.

    PALETTE COLOR is shown by its indices: a palette is a way of seeing, not a class of pixels.
    """
    values = apply_modality_lut(frame, dataset)
    if dataset.PhotometricInterpretation in _GREY:
        values = apply_voi_lut(values, dataset, index=0)
    scaled = _to_8_bits(np.asarray(values, dtype=np.float64))
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        scaled = _FULL - scaled
    return Image.fromarray(scaled)


def _colour(frame: NDArray[np.generic]) -> Image.Image:
    """An RGB picture; `pixel_array` has turned YBR to RGB already."""
    if frame.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(frame), "RGB")
    return Image.fromarray(_to_8_bits(frame.astype(np.float64)), "RGB")


def _to_8_bits(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros(values.shape, dtype=np.uint8)
    return ((values - low) / (high - low) * _FULL).round().astype(np.uint8)


def _watermarked(picture: Image.Image, text: str) -> Image.Image:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    font = ImageFont.load_default(_FONT_SIZE)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    if right - left > picture.width:  # a narrow picture shows it word by word
        text = text.replace(" ", "\n").replace("T", "\n")
        left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = int(right - left) + 2 * _FONT_SIZE, int(bottom - top) + 4 * _FONT_SIZE
    for row, y in enumerate(range(0, picture.height, height)):
        for x in range(-(row % 2) * width // 2, picture.width, width):
            # Light with a dark edge: no grey of the picture and no window setting hides both.
            pen.text((x + 1, y + 1), text, font=font, fill=(0, 0, 0, WATERMARK_ALPHA))
            pen.text((x, y), text, font=font, fill=(255, 255, 255, WATERMARK_ALPHA))
    # A grey picture stays grey: a third of the bytes, and of the time to pack them.
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert(picture.mode)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)  # a lease is looked at once: fast beats small
    return out.getvalue()
