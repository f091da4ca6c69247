"""Real scanners' files: those inside pydicom's wheel, each with the verdict that is committed."""

import csv
import io

import pydicom
import pytest
from make_wheel_verdicts import GOLDEN, verdict_row, wheel_files

from sandbox.clean.item import clean_item
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.formats.sniff import sniff

RECIPE, PSEUDONYMS, REGISTER = recipe_named("basic"), Pseudonyms(bytes(range(32))), Register()

# What some of these files say about their subjects, as anyone can read in them.
KNOWN_WORDS = {
    "CT_small.dcm": ["CompressedSamples", "1CT1", "JFK IMAGING", "-0500"],
    "MR_small.dcm": ["CompressedSamples", "4MR1"],
    "rtplan.dcm": ["Last^First", "id00001"],
    "examples_overlay.dcm": ["021234567"],
    "liver_1frame.dcm": ["99000"],
    "test-SR.dcm": ["Riesmeier"],
    "reportsi.dcm": ["Last Name^First Name"],
    "waveform_ecg.dcm": ["642341"],
}


def golden():
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return {row["file"]: tuple(row.values()) for row in csv.DictReader(file)}


def cleaned(path):
    return clean_item(path.read_bytes(), path.name, RECIPE, PSEUDONYMS, REGISTER)


def binary_files():
    return {
        name: path
        for name, path in wheel_files()
        if sniff(path.read_bytes(), name) is not FileKind.TEXT
    }


def test_every_file_of_the_wheel_is_in_the_table():
    assert golden().keys() == binary_files().keys()


@pytest.mark.requirement("R25")
@pytest.mark.parametrize(
    ("name", "path"), binary_files().items(), ids=lambda value: str(value)[-40:]
)
def test_the_verdict_is_the_committed_one(name, path):
    verdict = cleaned(path)

    assert verdict_row(name, verdict) == golden()[name]
    assert (verdict.data is None) == (verdict.result != "cleaned")


@pytest.mark.parametrize(
    "path",
    [path for name, path in binary_files().items() if golden().get(name, ("", ""))[1] == "cleaned"],
    ids=lambda path: path.name,
)
def test_a_cleaned_file_can_be_read_and_is_stable(path):
    once = cleaned(path)
    dataset = pydicom.dcmread(io.BytesIO(once.data))

    again = clean_item(once.data, "again", RECIPE, PSEUDONYMS, REGISTER)

    assert again.data == once.data
    assert dataset.PatientIdentityRemoved == "YES"
    assert not [element for element in dataset.iterall() if element.tag.is_private]


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("name", KNOWN_WORDS)
def test_what_can_be_read_in_a_file_is_gone_from_it(name):
    path = binary_files()[f"test_files/{name}"]
    verdict = cleaned(path)

    for word in KNOWN_WORDS[name]:
        assert word.encode() in path.read_bytes()
        assert word.encode() not in verdict.data


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "liver_1frame.dcm"]
)
def test_pixels_come_through_unchanged(name):
    path = binary_files()[f"test_files/{name}"]
    before = pydicom.dcmread(path)
    after = pydicom.dcmread(io.BytesIO(cleaned(path).data))

    assert after.PixelData == before.PixelData
    assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
