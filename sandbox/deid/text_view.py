"""A text as the recognisers see it, with a way back to the text as it was written.

- Each character is shown in NFKC: full-width letters, digits and marks become plain ones.
- Format characters (zero-width ones, soft hyphens) and variation selectors are not shown.
- Traditional characters that stand in our word lists are shown in their simplified form.
- Superscripts, circled numbers and Roman numerals stay as they are: `10⁹` is not `109`.
- Surrogates that were put in before are shown as one mark, so that nothing in them is found.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sandbox.deid.words import pairs

SEALED = "\ufffc"
"""Stands in the view for a surrogate of our own."""

_NUMBER_LIKE = frozenset({"No", "Nl"})
_HIDDEN = frozenset({"Cf"})


@dataclass(frozen=True)
class View:
    """What is searched.

    Attributes:
        text: the folded text.
        starts: for each of its characters, where its source begins in the original.
        ends: and where it ends.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The bounds in the original of a non-empty span of the view."""
        return self.starts[start], self.ends[end - 1]


def view_of(text: str, surrogates: Callable[[str], list[tuple[int, int]]]) -> View:
    """The view of `text`, in which what `surrogates` finds is sealed."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for sealed_from, sealed_to in [*surrogates(text), (len(text), len(text))]:
        _show(text, at, sealed_from, (out, starts, ends))
        if sealed_to > sealed_from:
            out.append(SEALED)
            starts.append(sealed_from)
            ends.append(sealed_to)
        at = sealed_to
    return View("".join(out), tuple(starts), tuple(ends))


def _show(text: str, start: int, stop: int, into: tuple[list[str], list[int], list[int]]) -> None:
    """Add the view of `text[start:stop]`, which no surrogate stands in."""
    out, starts, ends = into
    shown = [_shown(c) for c in text[start:stop]]
    if all(len(one) == 1 for one in shown) and not any(
        map(unicodedata.combining, text[start:stop])
    ):
        out.extend(shown)
        starts.extend(range(start, stop))
        ends.extend(range(start + 1, stop + 1))
        return
    at = start
    while at < stop:
        after = at + 1
        while after < stop and unicodedata.combining(text[after]):
            after += 1
        cluster = _shown(text[at:after])
        out.append(cluster)
        starts.extend([at] * len(cluster))
        ends.extend([after] * len(cluster))
        at = after


@lru_cache(maxsize=1 << 14)
def _shown(cluster: str) -> str:
    if cluster.isascii():
        return cluster
    category = unicodedata.category(cluster[0])
    if category in _NUMBER_LIKE:
        return cluster[0]
    folded = "".join(
        c
        for c in unicodedata.normalize("NFKC", cluster)
        if unicodedata.category(c) not in _HIDDEN and not "\ufe00" <= c <= "\ufe0f"
    )
    return "".join(_simplified().get(c, c) for c in folded)


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    return pairs("traditional")
