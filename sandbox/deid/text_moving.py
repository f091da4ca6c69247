"""Writes a moved date in the form its original was written in."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from sandbox.deid.text_dates import Day

_MID_MONTH = 15
_DIGITS = "〇一二三四五六七八九"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ORDINAL = re.compile(r"st|nd|rd|th")
_TWO = 2
_FOUR = 4
_TEN = 10
_TEENS = range(11, 14)


def moved(text: str, day: Day, shift_days: int, year: int | None) -> str | None:
    """`day` as written in `text`, moved; None where that can't be told or written.

    Args:
        text: the view the day was found in.
        day: the date.
        shift_days: how far.
        year: what to take for a year that isn't written.
    """
    there = day.number("y") or year
    month = day.number("m")
    if not day.whole or there is None or month is None:
        return None
    try:
        new = date(there, month, day.number("d") or _MID_MONTH) + timedelta(shift_days)
    except (ValueError, OverflowError):
        return None
    written = text[day.start : day.end]
    numbers = {"y": new.year, "m": new.month, "d": new.day}
    for part, (first, last, _) in sorted(day.parts.items(), key=lambda item: -item[1][0]):
        start, end = first - day.start, last - day.start
        tail = written[end:]
        if part == "d" and _ORDINAL.match(tail):
            tail = _suffix(new.day) + tail[_TWO:]
        chinese = written[end:].lstrip()[:1] in {"年", "月", "日", "号"}
        written = written[:start] + _like(written[start:end], numbers[part], part, chinese) + tail
    return written


def inferred_year(days: Sequence[Day]) -> int | None:
    """The year of a text's dates without one: the latest that is written out with month and day."""
    years = [day.number("y") for day in days if {"y", "m", "d"} <= day.parts.keys() and day.whole]
    known = [year for year in years if year is not None]
    if not known:
        return None
    return max(known)


def _like(written: str, number: int, part: str, chinese: bool) -> str:
    """`number` in the manner of `written`."""
    if written.isdecimal() and written.isascii():
        shown = str(number)
        if part == "y":
            return shown if len(written) == _FOUR else shown[-_TWO:]
        padded = written.startswith("0") if chinese else len(written) == _TWO
        return shown.zfill(_TWO) if padded else shown
    if written[0].isascii():
        return _month_name(written, number)
    if part == "y":
        return "".join(_DIGITS[int(c)] for c in str(number))
    return _numeral(number)


def _month_name(written: str, month: int) -> str:
    name = _MONTHS[month - 1]
    full = written.lower() in (m.lower() for m in _MONTHS)
    name = name if full and len(written) > len("May") else name[: len("May")]
    return name.upper() if written.isupper() else name


def _numeral(number: int) -> str:
    tens, ones = divmod(number, _TEN)
    head = {0: "", 1: "十"}.get(tens, _DIGITS[tens] + "十")
    return head + (_DIGITS[ones] if ones else "")


def _suffix(day: int) -> str:
    if day in _TEENS:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % _TEN, "th")
