"""How well two people's spans of text agree: F1, by the very characters or by any in common.

F1 = 2 TP / (spans of the first + spans of the second). It is the same whichever person is taken
as the truth, and it is what kappa tends to where the texts that nobody marked outnumber the rest
without end, so that chance agreement can't be counted.

Source: Hripcsak and Rothschild, J. Am. Med. Inform. Assoc. 12 (2005) 296-298.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from sandbox.measures.figures import NO_UNITS, Figure
from sandbox.measures.matching import best_pairs


@dataclass(frozen=True)
class Span:
    """Characters `start` to before `end`, and the kind outside of which nothing agrees."""

    kind: Hashable
    start: int
    end: int


Unit = tuple[Sequence[Span], Sequence[Span]]


def span_f1(units: Sequence[Unit], *, exact: bool = True) -> Figure:
    """F1 over units; each span is paired with one at most, so that as many as possible are.

    Undefined (`no-units`) where nobody marked anything.

    Args:
        units: what the first and the second person marked in each text.
        exact: whether a pair must have the same ends; else one common character is enough.
    """
    marked = [unit for unit in units if unit[0] or unit[1]]
    if not marked:
        return Figure(None, 0, NO_UNITS)
    agreed = sum(len(best_pairs(_worth(*unit, exact=exact))) for unit in marked)
    return Figure(2 * agreed / sum(len(a) + len(b) for a, b in marked), len(marked))


def _worth(first: Sequence[Span], second: Sequence[Span], *, exact: bool) -> list[list[float]]:
    return [[float(_agree(a, b, exact=exact)) for b in second] for a in first]


def _agree(a: Span, b: Span, *, exact: bool) -> bool:
    if a.kind != b.kind:
        return False
    return a == b if exact else a.start < b.end and b.start < a.end
