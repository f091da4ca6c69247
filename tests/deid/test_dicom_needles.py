"""Known values are found however they are written, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.deid.needles import Needles

FOUND = [
    ("张伟明", "患者张伟明，男"),
    ("张伟明", "张 伟 明"),
    ("张伟明", "张\u200b伟明"),
    ("Zhang Weiming", "patient ZHANG^WEIMING"),
    ("Zhang Weiming", "Weiming, Zhang"),
    ("Zhang Weiming", "zhangweiming"),
    ("Zhang Weiming", "Ｚｈａｎｇ　Ｗｅｉｍｉｎｇ"),
    ("13800138000", "tel 138-0013-8000."),
    ("13800138000", "138 0013 8000"),
    ("138-0013-8000", "13800138000"),
    ("11010519491231002X", "id 11010519491231002x!"),
    ("11010519491231002X", "110105 19491231 002X"),
    ("MRN001234", "see mrn001234"),
    ("A1B2", "A1B2"),
]
NOT_FOUND = [
    ("Lee", "sleep"),
    ("Lee", "Leeds"),
    ("12345", "9123456"),
    ("Li", "Li"),
    ("123", "123"),
    ("张", "张"),
    ("", "anything"),
    ("  ", "  "),
    ("Ann Lee", "Ann then Lee"),
    ("13800138000", "113800138000"),
    ("MRN001234", "MRN0012345"),
]


@pytest.mark.parametrize(("value", "text"), FOUND)
@pytest.mark.parametrize("others", [0, 100])
def test_a_value_is_found_however_it_is_written(value, text, others):
    crowd = [f"someone{n} else{n}" for n in range(others)]

    assert Needles([value, *crowd]).find(text)


@pytest.mark.parametrize(("value", "text"), NOT_FOUND)
@pytest.mark.parametrize("others", [0, 100])
def test_a_value_is_not_found_in_other_words(value, text, others):
    crowd = [f"someone{n} else{n}" for n in range(others)]

    assert not Needles([value, *crowd]).find(text)


@given(st.text(min_size=4, max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_a_value_set_off_by_spaces_is_found_unless_too_short_to_look_for(value, before, after):
    needles = Needles([value])

    assert not needles or needles.find(f"{before} {value} {after}") or not needles.find(value)


def test_no_values_find_nothing():
    assert not Needles([])
    assert Needles([]).find("text") == set()
