"""The written rules of a labelling job: six parts; one that lacks any is no guideline.

Documents come in as parsed JSON; nothing here reads bytes. It does not look for identifiers: that
is `sandbox.deid.residue`.

Source: GB/T 42755-2023 (task description); requirement R42.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import Unacceptable
from sandbox.formats.plain_json import holds_more, strings

GUIDELINE_TEXTS = ("goal", "format", "method", "quality_index")
GUIDELINE_LISTS = ("positive_examples", "negative_examples")
MAX_TEXT = 4_000
MAX_EXAMPLES = 50


@dataclass(frozen=True)
class Guideline:
    """The written rules of a labelling job."""

    goal: str
    format: str
    method: str
    positive_examples: tuple[str, ...]
    negative_examples: tuple[str, ...]
    quality_index: str

    def document(self) -> dict[str, object]:
        """The guideline as it is kept and published."""
        return {
            "goal": self.goal,
            "format": self.format,
            "method": self.method,
            "positive_examples": list(self.positive_examples),
            "negative_examples": list(self.negative_examples),
            "quality_index": self.quality_index,
        }

    def texts(self) -> tuple[str, ...]:
        """Every string in it, for the identifier scan."""
        return (
            self.goal,
            self.format,
            self.method,
            *self.positive_examples,
            *self.negative_examples,
            self.quality_index,
        )


def parse_guideline(document: Mapping[str, object]) -> Guideline:
    """The guideline that `document` states in full.

    Raises:
        Unacceptable: `guideline-incomplete`, `guideline-field-unknown`; the field is named.

    Source: GB/T 42755-2023; R42.
    """
    if holds_more(document, (*GUIDELINE_TEXTS, *GUIDELINE_LISTS)):
        # An unknown name may itself hold anything, so it is not repeated.
        raise Unacceptable("guideline-field-unknown", "a field that is not known here")
    goal, form, method, quality = (_text_part(document, name) for name in GUIDELINE_TEXTS)
    positive, negative = (_list_part(document, name) for name in GUIDELINE_LISTS)
    return Guideline(goal, form, method, positive, negative, quality)


def _text_part(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Unacceptable("guideline-incomplete", f"the guideline lacks {name}", field=name)
    return _short(value, name)


def _list_part(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = strings(document.get(name))
    if not value or not all(text.strip() for text in value):
        raise Unacceptable("guideline-incomplete", f"the guideline lacks {name}", field=name)
    if len(value) > MAX_EXAMPLES:
        raise Unacceptable("guideline-too-long", "too many examples", field=name)
    return tuple(_short(text, name) for text in value)


def _short(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise Unacceptable("guideline-too-long", "a part is too long", field=name)
    return text
