"""Gives a cleaned text the surrogates of another key, and changes nothing else.

- Letters of tags become others, the same for the same ones under one key.
- A moved date moves again, by the subject's shift under the other key; from the exact day, not
  from what is written, so that intervals stay as they are.
- A date of which nobody knows the exact day is not shown any more.

`outline` is what two issues of one text have in common.
"""

import re
from collections.abc import Mapping, Sequence

from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text_moving import Moved
from sandbox.deid.text_spans import Kind
from sandbox.deid.text_surrogates import TAG, Surrogates


def rekey_text(
    text: str,
    subject: str | None,
    moves: Sequence[Moved | None],
    keys: tuple[Pseudonyms, Pseudonyms],
    register: Register,
) -> str:
    """`text` with other surrogates.

    Args:
        text: a cleaned text.
        subject: the pseudonym by which its dates were moved.
        moves: the exact days of its moved dates, in order (`TextResult.moves`).
        keys: under which its surrogates are, and under which they are to be.
        register: values that no moved date may become by chance.

    Raises:
        ValueError: `moves` are not those of the text.
    """
    old, new = keys
    exact = dict(zip(Surrogates(old).dates(text), moves, strict=True))
    days = new.shift_days(subject) if subject else None
    again = _Again(Surrogates(new), exact, days, register)
    return TAG.sub(again.tag, text)


def outline(text: str) -> str:
    """`text` without what a key decides: the letters of tags, and moved dates."""
    return TAG.sub(_kind, text)


class _Again:
    """What becomes of each tag."""

    def __init__(
        self,
        surrogates: Surrogates,
        exact: Mapping[int, Moved | None],
        days: int | None,
        register: Register,
    ) -> None:
        self._surrogates = surrogates
        self._exact = exact
        self._days = days
        self._register = register

    def tag(self, match: re.Match[str]) -> str:
        kind, letters, shown = match.groups()
        if match.start() in self._exact:
            new = self._moved(self._exact[match.start()])
            if new is not None:
                return self._surrogates.date(new)
            shown = None
        if letters is None:
            return match.group()
        tail = "" if shown is None else f" {shown}"
        return f"[{kind}-{self._surrogates.again(kind, letters)}{tail}]"

    def _moved(self, date: Moved | None) -> str | None:
        new = date.further(self._days) if date and self._days is not None else None
        if date is None or new is None or new.text == date.text:
            return None  # without a year, a date a year ago is written as it was
        return None if self._register.needles.find(new.text) else new.text


def _kind(match: re.Match[str]) -> str:
    kind, letters, shown = match.groups()
    keyed = "" if letters is None else "-"
    tail = "" if shown is None or kind == Kind.DATE else f" {shown}"
    return f"[{kind}{keyed}{tail}]"
