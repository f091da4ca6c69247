"""Puts surrogates in place of what was found, by operators of presidio-anonymizer.

They are made by `text_surrogates`, which an image's cleaning needs too, and without presidio.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from presidio_anonymizer import AnonymizerEngine, OperatorConfig, RecognizerResult
from presidio_anonymizer.operators import Operator, OperatorType

from sandbox.deid.text_spans import Kind

_BATCH = 64


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
