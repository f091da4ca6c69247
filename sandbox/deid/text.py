"""De-identifies a text: finds identifiers, puts surrogates in their place.

1. Fold the text into a view in which every way of writing looks alike (`text_view`).
2. Find: numbers that prove themselves, labelled numbers, dates, ages, places, names, and the
   register's values in every spelling.
3. Find again every name that was found once.
4. Settle overlaps, and replace exactly the found spans of the original (`text_replacing`).
5. Search what came out in the same way, until nothing more is found: so cleaning twice equals
   cleaning once.

Everything else stays verbatim, to the last space.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.subjects import identity
from sandbox.deid.text_dates import dates_in
from sandbox.deid.text_day import Day
from sandbox.deid.text_find import found_in
from sandbox.deid.text_moving import Moved, inferred_year, moved
from sandbox.deid.text_register import register_finder
from sandbox.deid.text_replacing import put_in
from sandbox.deid.text_spans import Kind, Span, settled
from sandbox.deid.text_surrogates import Surrogates
from sandbox.deid.text_view import View, view_of


@dataclass(frozen=True)
class TextResult:
    """A cleaned text, and what it takes to give it other surrogates later.

    Attributes:
        text: the cleaned text.
        removed: how many identifiers of each kind were taken out of it.
        subject: the pseudonym by which its dates were moved.
        moves: for each moved date shown, in order, the exact day; None for one that was there.
    """

    text: str
    removed: Mapping[str, int] = field(default_factory=dict)
    subject: str | None = None
    moves: tuple[Moved | None, ...] = ()


def clean_text(
    text: str, pseudonyms: Pseudonyms, register: Register, subject: str | None
) -> TextResult:
    """Replace every identifier in `text` that is found.

    Args:
        text: any text; what is in it never raises.
        pseudonyms: under whose key surrogates and shifts are made.
        register: whose values, of every subject, are looked for in every spelling.
        subject: id or record number of the row the text was deposited under, if known.
    """
    surrogates = Surrogates(pseudonyms)
    removed: Counter[str] = Counter()
    who: str | None = None
    shown: tuple[Moved | None, ...] = (None,) * len(surrogates.dates(text))
    while True:
        view = view_of(text, surrogates.places)
        days = dates_in(view.text)
        spans = settled(found_in(view.text, register, days), view.text)
        if not spans:
            name = None if who is None else pseudonyms.subject(who)
            return TextResult(text, dict(removed), name, shown)
        if who is None:
            who = _whose(view, register, subject, spans) or text
        moves = _moves(view, days, pseudonyms.shift_days(who), register)
        found = _found(view, spans, surrogates, moves)
        shown = _still_shown(shown, surrogates.dates(text), found)
        text = put_in(text, [(one.start, one.end, one.kind, one.tag) for one in found])
        removed.update(str(span.kind) for span in spans)


def find_spans(text: str, register: Register) -> list[tuple[int, int, str]]:
    """Start, end and kind of each identifier that one look at `text` finds."""
    view = view_of(text, lambda _: [])
    spans = settled(found_in(view.text, register, dates_in(view.text)), view.text)
    return [(*view.original(span.start, span.end), str(span.kind)) for span in spans]


def _whose(
    view: View, register: Register, subject: str | None, spans: Sequence[Span]
) -> str | None:
    """What the shift is derived from: the subject deposited under, a row found, or a number found.

    The same rule as for images (`subjects.identity`), so that both of one subject move alike.
    """
    mrn = next((s for s in spans if s.kind is Kind.MRN), None)
    named = view.text[mrn.start : mrn.end] if mrn else None
    if subject:
        return identity(register, subject, named)
    rows = register_finder(register).rows_in(view.text)
    if len(rows) == 1:
        return rows[0].mrn or rows[0].id
    return identity(register, None, named)


def _moves(
    view: View, days: Sequence[Day], shift_days: int, register: Register
) -> dict[tuple[int, int], Moved]:
    """The moved form of each date that can be moved, by where it stands.

    One that stays as it was, or becomes a register's value by chance, can't be.
    """
    year = inferred_year(days)
    moves: dict[tuple[int, int], Moved] = {}
    for day in days:
        new = moved(view.text, day, shift_days, year)
        shown = new.text if new else ""
        if new and shown != view.text[day.start : day.end] and not register.needles.find(shown):
            moves.setdefault((day.start, day.end), new)
    return moves


class _Found(NamedTuple):
    """A span of the original, the tag that stands for it, and the date it shows, if any."""

    start: int
    end: int
    kind: Kind
    tag: str
    moved: Moved | None


def _found(
    view: View,
    spans: Sequence[Span],
    surrogates: Surrogates,
    moves: Mapping[tuple[int, int], Moved],
) -> list[_Found]:
    found = []
    last = 0
    for span in spans:
        start, end = view.original(span.start, span.end)
        if end <= last:
            continue  # one original character shown as several, and replaced already
        new = moves.get((span.start, span.end)) if span.kind is Kind.DATE else None
        if new and not surrogates.dates(surrogates.date(new.text)):
            new = None  # it has no form in which it would be known again
        shown = span.value or view.text[span.start : span.end]
        tag = surrogates.date(new.text) if new else surrogates.tag(span.kind, shown)
        found.append(_Found(max(start, last), end, span.kind, tag, new))
        last = end
    return found


def _still_shown(
    shown: Sequence[Moved | None], places: Sequence[int], found: Sequence[_Found]
) -> tuple[Moved | None, ...]:
    """The moved dates in order: those that stood at `places` before, and those just found."""
    kept = [
        (place, date)
        for place, date in zip(places, shown, strict=True)
        if not any(one.start <= place < one.end for one in found)
    ]
    fresh = [(one.start, one.moved) for one in found if one.moved is not None]
    return tuple(date for _, date in sorted([*kept, *fresh], key=lambda pair: pair[0]))
