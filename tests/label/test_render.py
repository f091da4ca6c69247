"""Pictures from DICOM files, and refusals of files that are none."""

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file
from room_parts import ct_file

from sandbox.errors import NotFound, SandboxError, TooLarge, Unacceptable
from sandbox.label.render import render_frame

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def picture(data: bytes, number: int = 0) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(render_frame(data, number, "ab" * 16, NOW))))


def changed(**elements: object) -> bytes:
    dataset = dcmread(io.BytesIO(ct_file()))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def test_monochrome1_is_monochrome2_upside_down():
    plain = picture(changed()).astype(int)
    turned = picture(changed(PhotometricInterpretation="MONOCHROME1")).astype(int)

    # Apart from the faint watermark the two add up to white.
    assert np.abs(plain + turned - 255).max() <= 20


def test_the_stored_window_is_applied():
    wide = picture(changed(WindowCenter="0", WindowWidth="4000"))
    narrow = picture(changed(WindowCenter="0", WindowWidth="1"))

    assert len(np.unique(narrow)) < len(np.unique(wide))


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "SC_rgb_rle.dcm"])
def test_colours_stay_colours(name):
    shown = picture(Path(str(get_testdata_file(name))).read_bytes())

    assert shown.shape[2] == 3
    assert (shown[..., 0].astype(int) != shown[..., 2]).any()


def test_a_frame_of_one_value_is_black():
    dataset = dcmread(io.BytesIO(ct_file()))
    dataset.PixelData = bytes(len(dataset.PixelData))
    out = io.BytesIO()
    dataset.save_as(out)

    assert picture(out.getvalue()).max() <= 20


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Unacceptable),
        (b"not an image", Unacceptable),
        (bytes(128) + b"DICM", SandboxError),
        (ct_file()[:3000], SandboxError),
        (changed(Rows=30000, Columns=30000), TooLarge),
        (changed(Rows=129), Unacceptable),
        (changed(BitsAllocated=7), Unacceptable),
        (changed(NumberOfFrames=0, Rows=0), NotFound),
    ],
)
def test_what_is_no_image_is_refused(data, error):
    with pytest.raises(error):
        picture(data)


def test_a_frame_number_beyond_the_last_is_not_found():
    with pytest.raises(NotFound):
        picture(ct_file(), 1)
