"""Dates move by whole days; what is no date does not come through."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.deid.dates import shift_date, shift_datetime


@given(st.dates(date(1000, 1, 1)), st.integers(-365, -1))
def test_the_distance_between_two_dates_stays(day, days):
    moved = shift_date(day.strftime("%4Y%m%d"), days)

    assert moved == (day + timedelta(days)).strftime("%4Y%m%d")


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("20200301", "20200229"),
        ("2020.03.01", "20200229"),
        (" 20200301 ", "20200229"),
    ],
)
def test_dates_old_and_new_move(value, moved):
    assert shift_date(value, -1) == moved


@pytest.mark.parametrize(
    "value",
    ["", "2020", "20200230", "20201301", "2020-03-01", "２０２００３０１", "00000000", "00010101x"],
)
def test_what_is_no_date_is_refused(value):
    assert shift_date(value, -1) is None


def test_a_date_before_all_time_is_refused():
    assert shift_date("00010101", -1) is None
    assert shift_datetime("0001", -1) is None


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("20200301", "20200229000000"),
        ("20200301235959.999999+0800", "20200229000000"),
        ("202003011200-0500", "20200229000000"),
        ("202003", "20200229000000"),
        ("2021", "20201231000000"),
    ],
)
def test_date_times_move_to_midnight(value, moved):
    assert shift_datetime(value, -1) == moved


@pytest.mark.parametrize("value", ["", "202", "20200", "2020030", "noon", "+0800", "20209901"])
def test_what_is_no_date_time_is_refused(value):
    assert shift_datetime(value, -1) is None
