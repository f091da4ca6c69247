"""Spans: what the recognisers find, and how those that overlap are settled."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of identifier in text.

    Source: 45 CFR 164.514(b)(2)(i)(A)-(R).
    """

    ACCOUNT = "ACCOUNT"
    ADDRESS = "ADDRESS"
    AGE_OVER_89 = "AGE_OVER_89"
    BANK_CARD = "BANK_CARD"
    BED = "BED"
    DATE = "DATE"
    DEVICE_SERIAL = "DEVICE_SERIAL"
    EMAIL = "EMAIL"
    HOSPITAL = "HOSPITAL"
    ID_NUMBER = "ID_NUMBER"
    INSURANCE = "INSURANCE"
    MRN = "MRN"
    NAME = "NAME"
    OCCUPATION_EMPLOYER = "OCCUPATION_EMPLOYER"
    ORG = "ORG"
    OTHER_ID = "OTHER_ID"
    PASSPORT = "PASSPORT"
    PHONE = "PHONE"
    PLATE = "PLATE"
    URL = "URL"
    WECHAT = "WECHAT"


@dataclass(frozen=True)
class Span:
    """Something found in a view.

    Attributes:
        start: where it begins.
        end: where it ends, exclusive.
        kind: what it is.
        weight: how sure its recogniser is; the heavier one wins where two overlap.
        value: what its surrogate is derived from, if not from its own text.
    """

    start: int
    end: int
    kind: Kind
    weight: int = 50
    value: str | None = None


def settled(spans: Iterable[Span], text: str) -> list[Span]:
    """Spans in order that no longer overlap and cover all that any of them covered.

    Of two that overlap the heavier keeps its bounds and the other is cut back to what it covers
    alone: an identifier is never uncovered because another one touches it.

    Args:
        spans: found in one view.
        text: that view's text.
    """
    ranked = sorted(spans, key=lambda s: (-s.weight, s.start - s.end, s.start, s.kind))
    owners: list[Span | None] = [None] * len(text)
    for span in ranked:
        for at in range(span.start, span.end):
            if owners[at] is None:
                owners[at] = span
    return list(_joined(text, _runs(owners)))


def _runs(owners: list[Span | None]) -> Iterator[Span]:
    start = 0
    for at in range(1, len(owners) + 1):
        if at == len(owners) or owners[at] is not owners[start]:
            owner = owners[start]
            if owner is not None:
                yield replace(owner, start=start, end=at)
            start = at


def _joined(text: str, runs: Iterable[Span]) -> Iterator[Span]:
    """Runs without those of marks alone; what is left of a span joins its neighbour of one kind."""
    last: Span | None = None
    for run in runs:
        if not any(map(str.isalnum, text[run.start : run.end])):
            continue
        if last is not None and last.end == run.start and last.kind is run.kind:
            heavier = max(last, run, key=lambda span: span.weight)
            last = replace(heavier, start=last.start, end=run.end)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last
