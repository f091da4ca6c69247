"""Makes the surrogates that stand in place of what was found.

- `[NAME-KQTZBD]`: the kind, and six letters that are the same for the same value under one key.
- `[DATE-KQTZBD 2023年8月14日]`: a date moved by the subject's shift, in the form it was written in.
  The letters are a keyed seal over the date shown, so that only a date that came out of here is
  taken for clean when the text is cleaned again.
- `[AGE_OVER_89]`: without letters; ages of 90 and more are one class.

The letters are consonants: no tag holds a digit or spells a word. Issued to a project, a text gets
other letters and further moved dates (`text_rekey`).

Source: 45 CFR 164.514(b)(2)(i)(C).
"""

import re

from sandbox.deid.pseudonyms import Pseudonyms, fold
from sandbox.deid.text_spans import Kind

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 6
_KINDS = "|".join(sorted((kind.value for kind in Kind), key=len, reverse=True))
TAG = re.compile(rf"\[(?:({_KINDS})(?:-([{_LETTERS}]{{{_LENGTH}}}))?)(?: ([^\[\]\n]{{1,60}}))?\]")


class Surrogates:
    """Makes and recognises the surrogates under one key."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def tag(self, kind: Kind, value: str) -> str:
        """The tag that stands for `value`, the same however its letters are cased or spaced."""
        if kind is Kind.AGE_OVER_89:
            return f"[{kind}]"
        return f"[{kind}-{self._letters('text-' + kind, fold(value))}]"

    def date(self, moved: str) -> str:
        """A moved date under its seal."""
        moved = " ".join(moved.split())
        return f"[{Kind.DATE}-{self._letters('moved-date', moved)} {moved}]"

    def again(self, kind: str, letters: str) -> str:
        """Letters under this key for those of a tag that was made under another one."""
        return self._letters("again-" + kind, letters)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where in `text` surrogates stand that need no cleaning."""
        return [match.span() for match in TAG.finditer(text) if self._ours(match)]

    def dates(self, text: str) -> list[int]:
        """Where in `text` moved dates of our own begin."""
        return [m.start() for m in TAG.finditer(text) if m.group(3) and self._ours(m)]

    def _ours(self, match: re.Match[str]) -> bool:
        kind, letters, shown = match.groups()
        if shown is not None:
            return kind == Kind.DATE and letters == self._letters("moved-date", shown)
        return (letters is None) == (kind == Kind.AGE_OVER_89)

    def _letters(self, kind: str, value: str) -> str:
        number = int.from_bytes(self._pseudonyms.digest(kind, value)[:8], "big")
        letters = ""
        for _ in range(_LENGTH):
            number, rest = divmod(number, len(_LETTERS))
            letters += _LETTERS[rest]
        return letters
