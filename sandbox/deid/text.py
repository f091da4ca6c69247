"""De-identifies a text: finds identifiers, puts surrogates in their place.

1. Fold the text into a view in which every way of writing looks alike (`text_view`).
2. Find: numbers that prove themselves, labelled numbers, dates, ages, places, names, and the
   register's values in every spelling.
3. Find again every name that was found once.
4. Settle overlaps, and replace exactly the found spans of the original (`text_surrogates`).
5. Search what came out in the same way, until nothing more is found: so cleaning twice equals
   cleaning once.

Everything else stays verbatim, to the last space.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.subjects import identity
from sandbox.deid.text_dates import Day, dates_in
from sandbox.deid.text_find import found_in
from sandbox.deid.text_moving import inferred_year, moved
from sandbox.deid.text_register import register_finder
from sandbox.deid.text_spans import Kind, Span, settled
from sandbox.deid.text_surrogates import Surrogates, put_in
from sandbox.deid.text_view import View, view_of


@dataclass(frozen=True)
class TextResult:
    """A cleaned text, and how many identifiers of each kind were taken out of it."""

    text: str
    removed: Mapping[str, int] = field(default_factory=dict)


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
    shift_days: int | None = None
    while True:
        view = view_of(text, surrogates.places)
        days = dates_in(view.text)
        spans = settled(found_in(view.text, register, days), view.text)
        if not spans:
            return TextResult(text, dict(removed))
        if shift_days is None:
            shift_days = pseudonyms.shift_days(_whose(view, register, subject, spans) or text)
        moves = _moves(view, days, shift_days, register)
        text = _replaced(text, view, spans, surrogates, moves)
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
) -> dict[tuple[int, int], str]:
    """The moved form of each date that can be moved, by where it stands.

    One that stays as it was, or becomes a register's value by chance, can't be.
    """
    year = inferred_year(days)
    moves: dict[tuple[int, int], str] = {}
    for day in days:
        new = moved(view.text, day, shift_days, year)
        if new and new != view.text[day.start : day.end] and not register.needles.find(new):
            moves.setdefault((day.start, day.end), new)
    return moves


def _replaced(
    text: str,
    view: View,
    spans: Sequence[Span],
    surrogates: Surrogates,
    moves: Mapping[tuple[int, int], str],
) -> str:
    found = []
    last = 0
    for span in spans:
        start, end = view.original(span.start, span.end)
        if end <= last:
            continue  # one original character shown as several, and replaced already
        new = moves.get((span.start, span.end)) if span.kind is Kind.DATE else None
        shown = span.value or view.text[span.start : span.end]
        tag = surrogates.date(new) if new else surrogates.tag(span.kind, shown)
        found.append((max(start, last), end, span.kind, tag))
        last = end
    return put_in(text, found)
