"""Remarks that the profile leaves in place are read as people write them."""

import dicom_maker as make
import pydicom
import pytest
from pydicom.filebase import DicomBytesIO

from sandbox.deid.dates import spelled

REMARK = 0x00400400  # CommentsOnTheScheduledProcedureStep, which the table doesn't list
MODEL = 0x00081090  # ManufacturerModelName, the same
BORN = make.element(0x00100030, "DA", "19600304")

WRITTEN = [
    "born 1960-03-04",
    "born 19600304",
    "DOB 04.03.1960",
    "DOB 03/04/1960",
    "*4 March 1960",
    "b. Mar 4, 1960",
    "04-Mar-1960",
    "出生于1960年3月4日",
    "1960年03月04日生",
    "by Dr. Ottokar Zweistein",
    "王小东医生会诊",
    "seen on 2 May 2019",
    "call +49 30 901820",
]
TECHNICAL = [
    "Grid of lead and carbon fibre",
    "Cesium iodide scintillator",
    "T1 weighted SE sequence, fat suppressed",
    "Subtraction of frames 3-5",
    "Axial slices from skull base to vertex",
    "Planned dose 2 Gy in 30 fractions",
    "Algorithm: segmentation v1.2",
    "脂肪抑制序列",
]


def remark(clean, text, vr="LT"):
    utf8 = make.element(0x00080005, "CS", "ISO_IR 192")
    tag = REMARK if vr == "LT" else MODEL
    verdict = clean(make.ct(utf8, BORN, make.element(tag, vr, text)))
    return pydicom.dcmread(DicomBytesIO(verdict.data))[tag].value


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("text", WRITTEN)
def test_a_remark_that_identifies_somebody_is_emptied(clean, text):
    assert not remark(clean, text)


@pytest.mark.parametrize("text", TECHNICAL)
def test_a_remark_on_technique_stays(clean, text):
    assert remark(clean, text) == text


def test_the_day_of_birth_is_looked_for_in_short_texts_too(clean):
    dated = make.element(MODEL, "LO", "Model 4 Mar 1960")
    other = make.element(MODEL, "LO", "Model 4 Mar 1961")

    assert b"1960" not in clean(make.ct(BORN, dated)).data
    assert b"Model 4 Mar 1961" in clean(make.ct(BORN, other)).data


@pytest.mark.parametrize("text", ["as Dr. Ottokar Zweistein likes it", "按王小东医生要求"])
def test_a_short_text_with_a_title_is_read_as_a_remark(clean, text):
    assert not remark(clean, text, vr="LO")


@pytest.mark.parametrize("text", ["DR 7500", "MR Ingenia Elition", "Prof", "Dr", "主任"])
def test_a_short_text_with_a_title_and_no_name_stays(clean, text):
    assert remark(clean, text, vr="LO") == text


@pytest.mark.parametrize("value", ["", "1960", "19601304", "1960-03-04", "ABCDEFGH", "196003040"])
def test_what_is_no_date_is_spelled_in_no_way(value):
    assert list(spelled(value)) == []


@pytest.mark.parametrize("value", ["19600304", "1960.03.04", "19600304 "])
def test_a_date_is_spelled_in_every_order(value):
    assert {"19600304", "04-03-1960", "03-04-1960", "1960年3月4日"} <= set(spelled(value))
