"""Moves DICOM dates by a subject's shift; what can't be read as a date is not kept.

- Times of day go: a date-time keeps its shifted day with midnight, and no time zone.
- Order and distance in days of one subject's dates stay.

Source: DICOM PS3.5 6.2 (DA, DT), PS3.15 E.3.6.
"""

from datetime import date, timedelta

DUMMY_DATE = "19000101"
"""Stands where a date must be and none can be kept."""

MIDNIGHT = "000000"
"""Stands where a time must be."""

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


def _moved(compact: str, days: int) -> str | None:
    try:
        day = date(int(compact[:4]), int(compact[4:6]), int(compact[6:8])) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04}{day.month:02}{day.day:02}"
