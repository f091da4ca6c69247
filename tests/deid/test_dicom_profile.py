"""The whole table of PS3.15 E.1-1: every row is planted, and none of it is found afterwards."""

import csv
import io
from collections import Counter
from pathlib import Path

import dicom_maker as make
import pydicom
import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from policies.dicom import basic_profile, beyond_profile

TABLE = Path(__file__).parents[2] / "policies" / "dicom" / "ps3_15_basic.csv"

# From the standard's own text, so that a row lost from our table is noticed.
ROWS_BY_ACTION = {
    "X": 384,
    "D": 92,
    "U": 54,
    "Z": 42,
    "X/D": 22,
    "X/Z": 11,
    "X/Z/D": 8,
    "Z/D": 6,
    "X/Z/U*": 2,
}
REPEATING = {"50xxxxxx", "60xx3000", "60xx4000", "ggggeeee"}
# No data set may have elements of these groups; they go whatever the table says.
FORBIDDEN_GROUPS = {"0000", "0002"}
FIXED = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "UL": 4, "US": 2}


def rows():
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain_rows():
    return [row for row in rows() if row["tag"] not in REPEATING]


def planted(row, number):
    """A listed element's bytes and the needle that must not be found afterwards."""
    tag = int(row["tag"], 16)
    vr = dictionary_VR(tag)
    if vr == "SQ":
        value, needle = make.canary("LO", number)
        inside = make.element(0x00080070, "LO", value)
        return make.sequence(tag, inside), needle
    if vr in FIXED:
        return make.element(tag, vr, b"\x5a" * FIXED[vr]), None
    if vr.startswith("O") or vr == "UN":
        return make.element(tag, vr, f"ZQXJ{number}ZQ".encode()), f"ZQXJ{number}"
    value, needle = make.canary(vr, number)
    return make.element(tag, vr, value), needle


def planting():
    """Every plantable row's bytes and needles, in the order of tags."""
    body, needles = {}, {}
    for number, row in enumerate(plain_rows(), start=1001):
        encoded, needle = planted(row, number)
        body[int(row["tag"], 16)] = encoded
        if needle and dictionary_VR(int(row["tag"], 16)) not in {"AS", "TM"}:
            needles[row["tag"]] = needle
    for tag in (0x0020000D, 0x0020000E):  # files of one study must have one
        assert tag in body
    return body, needles


def survivors(data, needles):
    return {tag for tag, needle in needles.items() if needle.encode() in data}


def in_dataset(body):
    return [body[tag] for tag in sorted(body) if f"{tag >> 16:04X}" not in FORBIDDEN_GROUPS]


@pytest.mark.parametrize("row", beyond_profile(), ids=lambda row: row.keyword)
def test_what_we_add_to_the_table_is_known_new_and_not_kept(clean, row):
    tag = int(row.tag, 16)
    encoded, needle = planted({"tag": row.tag}, 7)

    assert keyword_for_tag(tag) == row.keyword
    assert row.tag not in {one.tag for one in basic_profile()}
    assert needle.encode() not in clean(make.ct(encoded)).data


def test_the_table_has_every_row_of_the_standard():
    found = Counter(row["action"] for row in rows())

    assert found == ROWS_BY_ACTION
    assert len({row["tag"] for row in rows()}) == 621
    assert {row["tag"] for row in rows()} >= REPEATING


def test_the_table_knows_every_row_by_its_keyword():
    wrong = [
        row
        for row in plain_rows()
        if pydicom.datadict.keyword_for_tag(int(row["tag"], 16)) != row["keyword"]
    ]

    assert wrong == []


def test_dates_may_be_shifted_exactly_where_the_standard_says():
    shifted = [row["tag"] for row in rows() if row["dates"] == "shift"]

    assert len(shifted) == 165
    assert "00080020" in shifted
    assert "00100030" not in shifted  # a birth date is no longitudinal information


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("depth", [0, 3, 40])
def test_no_listed_value_survives_at_any_depth(clean, depth):
    body, needles = planting()
    encoded = b"".join(in_dataset(body))
    data = make.ct(*in_dataset(body)) if depth == 0 else make.ct(make.nested(depth, encoded))

    verdict = clean(data)

    assert verdict.reason is None
    assert survivors(data, needles)
    assert survivors(verdict.data, needles) == set()


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("row", plain_rows(), ids=lambda row: row["tag"])
def test_each_row_is_treated_as_the_table_says(clean, row):
    tag = int(row["tag"], 16)
    encoded, needle = planted(row, 1777)
    verdict = clean(make.ct(encoded))
    cleaned = pydicom.dcmread(io.BytesIO(verdict.data))

    if row["action"] == "X" or row["tag"][:4] in FORBIDDEN_GROUPS:
        assert tag not in cleaned
        return
    value = cleaned[tag].value
    if row["action"] in {"Z", "X/Z"} and tag != 0x00100010 and not row["dates"]:
        assert not value
    elif row["action"] not in {"Z", "X/Z", "X/Z/U*"}:
        assert value
    assert needle is None or needle not in str(value)


@pytest.mark.requirement("R25")
@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x50000005, "US"),
        (0x50003000, "OW"),
        (0x501E2500, "LO"),
        (0x60003000, "OW"),
        (0x60004000, "LT"),
        (0x60020022, "LO"),
        (0x601E3000, "OW"),
        (0x00091001, "LO"),
        (0x00090010, "LO"),
        (0x70011001, "UT"),
        (0x00110001, "SQ"),
    ],
)
@pytest.mark.parametrize("depth", [0, 3])
def test_curves_overlays_and_private_elements_go(clean, tag, vr, depth):
    inside = make.element(0x00091002, "LO", "ZQXJ4711")
    encoded = make.sequence(tag, inside) if vr == "SQ" else make.element(tag, vr, b"ZQXJ4711 ZQ ZQ")

    verdict = clean(make.ct(make.nested(depth, encoded)))

    assert b"ZQXJ" not in verdict.data
    assert tag not in pydicom.dcmread(io.BytesIO(verdict.data))
