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
from collections.abc import Mapping
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
        spans = settled(found_in(view.text, register), view.text)
        if not spans:
            return TextResult(text, dict(removed))
        if shift_days is None:
            shift_days = pseudonyms.shift_days(_whose(view, register, subject, text))
        text = _replaced(text, view, spans, surrogates, shift_days)
        removed.update(str(span.kind) for span in spans)


def find_spans(text: str, register: Register) -> list[tuple[int, int, str]]:
    """Start, end and kind of each identifier that one look at `text` finds."""
    view = view_of(text, lambda _: [])
    spans = settled(found_in(view.text, register), view.text)
    return [(*view.original(span.start, span.end), str(span.kind)) for span in spans]


def _whose(view: View, register: Register, subject: str | None, text: str) -> str:
    """What the text's shift is derived from: the subject's row, else one found in it, else itself."""
    named = identity(register, subject, None) if subject else None
    if named:
        return named
    rows = register_finder(register).rows_in(view.text)
    if len(rows) == 1:
        row = rows[0]
        return row.mrn or row.id
    return text


def _replaced(
    text: str, view: View, spans: list[Span], surrogates: Surrogates, shift_days: int
) -> str:
    days = dates_in(view.text)
    exact: dict[tuple[int, int], Day] = {}
    for day in sorted(days, key=lambda day: not day.whole):
        exact.setdefault((day.start, day.end), day)
    year = inferred_year(days)
    found = []
    for span in spans:
        shown = view.text[span.start : span.end]
        day = exact.get((span.start, span.end)) if span.kind is Kind.DATE else None
        new = moved(view.text, day, shift_days, year) if day else None
        tag = (
            surrogates.date(new)
            if new and new != shown
            else surrogates.tag(span.kind, span.value or shown)
        )
        found.append((*view.original(span.start, span.end), span.kind, tag))
    return put_in(text, found)
