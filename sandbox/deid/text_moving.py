"""Writes a moved date in the form its original was written in.

A moved date is the exact day and the form, kept apart: the same date can then be moved once more,
by a project's own shift, without reading it again. What is written need not say the year, and may
say the month only; moving what is written twice would lose a day here and there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.deid.text_day import Day

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
_SHORT_NAME = 3

_LITERAL = "="
_CODE = "%"
_CODES = frozenset(
    {
        *("y4", "y2", "yz", "m1", "m2", "mz", "mf", "mF", "ms", "mS"),
        *("d1", "d2", "dz", "do"),
    }
)


@dataclass(frozen=True)
class Moved:
    """A moved date: which day it means, and how it is written.

    Attributes:
        day: the day; the middle of the month where only a month is written.
        form: pieces in order: `=` and a literal, or `%` and a code. The letter says which part
            (`y`, `m`, `d`), what follows how: `4`, `2`, `1` digits (at least), `z` Chinese,
            `f` and `s` full and short English name (upper case: in capitals), `o` ordinal.
    """

    day: date
    form: tuple[str, ...]

    @property
    def text(self) -> str:
        """It as it is written."""
        return "".join(_written(piece, self.day) for piece in self.form)

    def further(self, days: int) -> "Moved | None":
        """It, moved again; None where the calendar ends."""
        try:
            return Moved(self.day + timedelta(days), self.form)
        except OverflowError:
            return None


def is_form(pieces: Sequence[str]) -> bool:
    """Whether each piece is one that `Moved` may have."""
    return all(
        piece[:1] == _LITERAL or (piece[:1] == _CODE and piece[1:] in _CODES) for piece in pieces
    )


def moved(text: str, day: Day, shift_days: int, year: int | None) -> Moved | None:
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
    return Moved(new, tuple(_form(text, day)))


def inferred_year(days: Sequence[Day]) -> int | None:
    """The year of a text's dates without one: the latest that is written out with month and day."""
    years = [day.number("y") for day in days if {"y", "m", "d"} <= day.parts.keys() and day.whole]
    known = [year for year in years if year is not None]
    if not known:
        return None
    return max(known)


def _form(text: str, day: Day) -> Iterator[str]:
    """The pieces of a date as it is written in `text`."""
    at = day.start
    for part, (first, last, _) in sorted(day.parts.items(), key=lambda item: item[1][0]):
        if first > at:
            yield _LITERAL + text[at:first]
        tail = text[last : day.end]
        at = last
        if part == "d" and _ORDINAL.match(tail):
            yield _CODE + "do"
            at += _TWO
            continue
        chinese = tail.lstrip()[:1] in {"年", "月", "日", "号"}
        yield _CODE + part + _manner(text[first:last], part, chinese)
    if day.end > at:
        yield _LITERAL + text[at : day.end]


def _manner(written: str, part: str, chinese: bool) -> str:
    """How a part is written, without what it says."""
    if written.isdecimal() and written.isascii():
        if part == "y":
            return "4" if len(written) == _FOUR else "2"
        two = written.startswith("0") if chinese else len(written) == _TWO
        return "2" if two else "1"
    if written[0].isascii():
        full = written.lower() in (m.lower() for m in _MONTHS) and len(written) > _SHORT_NAME
        manner = "f" if full else "s"
        return manner.upper() if written.isupper() else manner
    return "z"


def _written(piece: str, day: date) -> str:
    if piece[:1] == _LITERAL:
        return piece[1:]
    part, manner = piece[1], piece[2]
    number = {"y": day.year, "m": day.month, "d": day.day}[part]
    if manner == "z":
        return _numeral(number) if part != "y" else "".join(_DIGITS[int(c)] for c in str(number))
    if manner.lower() in {"f", "s"}:
        return _month_name(manner, number)
    if manner == "o":
        return f"{number}{_suffix(number)}"
    if part == "y":
        return str(number) if manner == "4" else str(number)[-_TWO:]
    return str(number).zfill(int(manner))


def _month_name(manner: str, month: int) -> str:
    name = _MONTHS[month - 1]
    name = name if manner.lower() == "f" else name[:_SHORT_NAME]
    return name.upper() if manner.isupper() else name


def _numeral(number: int) -> str:
    tens, ones = divmod(number, _TEN)
    head = {0: "", 1: "十"}.get(tens, _DIGITS[tens] + "十")
    return head + (_DIGITS[ones] if ones else "")


def _suffix(day: int) -> str:
    if day in _TEENS:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % _TEN, "th")
