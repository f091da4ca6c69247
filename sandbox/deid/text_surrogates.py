"""Puts surrogates in place of what was found, by operators of presidio-anonymizer.

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
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from presidio_anonymizer import AnonymizerEngine, OperatorConfig, RecognizerResult
from presidio_anonymizer.operators import Operator, OperatorType

from sandbox.deid.pseudonyms import Pseudonyms, fold
from sandbox.deid.text_spans import Kind

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 6
_BATCH = 64
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


class _Replace(Operator):
    """Replaces a text by what a table says for it."""

    def operate(self, text: str, params: Mapping[str, Any] | None = None) -> str:
        """What the table says for `text`."""
        table: Mapping[str, str] = (params or {})["table"]
        return table[text]

    def validate(self, params: Mapping[str, Any] | None = None) -> None:
        """Nothing to check: the table is our own."""

    def operator_name(self) -> str:
        """Its name among the operators."""
        return "surrogate"

    def operator_type(self) -> OperatorType:
        """It anonymizes."""
        return OperatorType.Anonymize


@cache
def _engine() -> AnonymizerEngine:
    engine = AnonymizerEngine()  # type: ignore[no-untyped-call]  # presidio's own
    engine.add_anonymizer(_Replace)
    return engine


def put_in(text: str, found: Sequence[tuple[int, int, Kind, str]]) -> str:
    """`text` with each `(start, end, kind, replacement)` put in.

    Args:
        text: the original.
        found: in order, without overlaps.
    """
    pieces = []
    at = 0
    for first in range(0, len(found), _BATCH):
        batch = found[first : first + _BATCH]
        pieces.append(_anonymized(text[at : batch[-1][1]], batch, at))
        at = batch[-1][1]
    return "".join(pieces) + text[at:]


def _anonymized(piece: str, found: Sequence[tuple[int, int, Kind, str]], offset: int) -> str:
    """A piece of a text: the engine copies all of what it is given at each replacement."""
    tables: dict[str, dict[str, str]] = {}
    results = []
    for at, stop, kind, replacement in found:
        start, end = at - offset, stop - offset
        tables.setdefault(kind, {})[piece[start:end]] = replacement
        results.append(RecognizerResult(str(kind), start, end, 1.0))
    operators = {
        kind: OperatorConfig("surrogate", {"table": table}) for kind, table in tables.items()
    }
    result = _engine().anonymize(piece, results, operators, merge_entities_with_spaces=False)
    return str(result.text)
