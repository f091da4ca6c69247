"""All recognisers over one view."""

from collections.abc import Iterator, Sequence

from sandbox.deid.forms import Register
from sandbox.deid.text_ages import ages_in
from sandbox.deid.text_day import Day
from sandbox.deid.text_hl7 import hl7_in
from sandbox.deid.text_labels import labelled_in
from sandbox.deid.text_names_alone import names_alone_in
from sandbox.deid.text_names_en import english_names_in
from sandbox.deid.text_names_zh import chinese_names_in
from sandbox.deid.text_numbers import numbers_in
from sandbox.deid.text_places import places_in
from sandbox.deid.text_register import register_finder
from sandbox.deid.text_spans import Span
from sandbox.deid.text_spread import mentions_in


def found_in(text: str, register: Register, days: Sequence[Day]) -> list[Span]:
    """Everything that any recogniser finds in a view's text; some of it overlaps.

    Args:
        text: the view's.
        register: whose values are looked for.
        days: the dates found in it already (`dates_in`).
    """
    finder = register_finder(register)
    spans = [*finder.spans(text), *(day.span for day in days), *_by_form(text)]
    return [*spans, *mentions_in(text, spans, finder.names or finder.rows_in(text))]


def _by_form(text: str) -> Iterator[Span]:
    yield from numbers_in(text)
    yield from labelled_in(text)
    yield from hl7_in(text)
    yield from ages_in(text)
    yield from places_in(text)
    yield from chinese_names_in(text)
    yield from names_alone_in(text)
    yield from english_names_in(text)
