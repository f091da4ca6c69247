"""Moves DICOM dates by a subject's shift; what can't be read as a date is not kept.

- Times of day go: a date-time keeps its shifted day with midnight, and no time zone.
- Order and distance in days of one subject's dates stay.

Source: DICOM PS3.5 6.2 (DA, DT), PS3.15 E.3.6.
"""

from collections.abc import Iterator
from datetime import date, timedelta

DUMMY_DATE = "19000101"
"""Stands where a date must be and none can be kept."""

MIDNIGHT = "000000"
"""Stands where a time must be."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAY = 8
_MONTH = 6
_YEAR = 4


def shift_date(value: str, days: int) -> str | None:
    """`value`, a DA (`YYYYMMDD`, or `YYYY.MM.DD` of old), moved by `days`; None if it is none."""
    compact = value.strip().replace(".", "")
    if len(compact) != _DAY or not (compact.isascii() and compact.isdecimal()):
        return None
    return _moved(compact, days)


def shift_datetime(value: str, days: int) -> str | None:
    """`value`, a DT of any precision, moved by `days` to midnight; None if it is none."""
    digits = value.strip().split(".")[0]
    for sign in "+-":
        digits = digits.split(sign)[0]
    if not (digits.isascii() and digits.isdecimal()):
        return None
    if len(digits) in {_YEAR, _MONTH}:
        digits += "0101"[len(digits) - _YEAR :]
    moved = _moved(digits[:_DAY], days) if len(digits) >= _DAY else None
    return None if moved is None else moved + MIDNIGHT


def spelled(value: str) -> Iterator[str]:
    """The ways in which people write a DA's day in a remark; none for what is no date.

    Marks between the numbers don't matter to `needles`, so each order of them stands once.
    """
    compact = value.strip("\x00 ").replace(".", "")
    if len(compact) != _DAY or _moved(compact, 0) != compact:
        return
    year, month, day = int(compact[:4]), int(compact[4:6]), int(compact[6:8])
    yield compact
    yield f"{day:02}-{month:02}-{year}"
    yield f"{month:02}-{day:02}-{year}"
    yield f"{year}年{month}月{day}日"
    yield f"{year}年{month:02}月{day:02}日"
    name = _MONTHS[month - 1]
    for word in (name, name[:3]):
        yield f"{day} {word} {year}"
        yield f"{day:02} {word} {year}"
        yield f"{day:02}-{word}-{year}"
        yield f"{word} {day}, {year}"


def _moved(compact: str, days: int) -> str | None:
    try:
        day = date(int(compact[:4]), int(compact[4:6]), int(compact[6:8])) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04}{day.month:02}{day.day:02}"
