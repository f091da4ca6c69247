"""What a labelling job may say: its guideline, its schema, and the check of one label.

- A guideline has six parts; one that lacks any is no guideline.
- A schema is `{"kind": "classification", "classes": [...], "multiple": bool}`.
- A label value is `{"classes": [...]}`, and nothing more: what a schema does not name can't
  be said, so a label carries no more than its choice among the declared classes.
- Documents come in as parsed JSON; nothing here reads bytes.

It does not look for identifiers: that is `sandbox.deid.residue`.

Source: GB/T 42755-2023 (task description); requirement R42.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.errors import Unacceptable

GUIDELINE_TEXTS = ("goal", "format", "method", "quality_index")
GUIDELINE_LISTS = ("positive_examples", "negative_examples")
MAX_TEXT = 4_000
MAX_EXAMPLES = 50
MAX_CLASSES = 200
MAX_CLASS_LENGTH = 64

_KIND = "classification"


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


@dataclass(frozen=True)
class Schema:
    """The classes of a classification, and whether one item may have several."""

    classes: tuple[str, ...]
    multiple: bool

    def document(self) -> dict[str, object]:
        """The schema as it is kept and published."""
        return {"kind": _KIND, "classes": list(self.classes), "multiple": self.multiple}


def parse_guideline(document: Mapping[str, object]) -> Guideline:
    """The guideline that `document` states in full.

    Raises:
        Unacceptable: `guideline-incomplete`, `guideline-field-unknown`; the field is named.

    Source: GB/T 42755-2023; R42.
    """
    _only(document, (*GUIDELINE_TEXTS, *GUIDELINE_LISTS), "guideline-field-unknown")
    goal, form, method, quality = (_text_part(document, name) for name in GUIDELINE_TEXTS)
    positive, negative = (_list_part(document, name) for name in GUIDELINE_LISTS)
    return Guideline(goal, form, method, positive, negative, quality)


def parse_schema(document: Mapping[str, object]) -> Schema:
    """The schema that `document` states.

    Raises:
        Unacceptable: `schema-field-unknown`, `schema-field-missing`, `schema-kind-unknown`,
            `schema-classes-wrong`, `schema-class-repeated`, `schema-multiple-wrong`.
    """
    _only(document, ("kind", "classes", "multiple"), "schema-field-unknown")
    for name in ("kind", "classes", "multiple"):
        if name not in document:
            raise Unacceptable("schema-field-missing", "the schema lacks a field", field=name)
    if document["kind"] != _KIND:
        raise Unacceptable("schema-kind-unknown", "only classification is known", field="kind")
    multiple = document["multiple"]
    if not isinstance(multiple, bool):
        raise Unacceptable("schema-multiple-wrong", "true or false is wanted", field="multiple")
    return Schema(_classes(document["classes"]), multiple)


def check_value(schema: Schema, value: Mapping[str, object]) -> tuple[str, ...]:
    """The chosen classes in the schema's order, when `value` says what `schema` lets it say.

    Raises:
        Unacceptable: `label-field-unknown`, `label-field-missing`, `label-classes-wrong`,
            `label-class-unknown`, `label-class-repeated`, `label-class-count`.
    """
    _only(value, ("classes",), "label-field-unknown")
    if "classes" not in value:
        raise Unacceptable("label-field-missing", "the label names no classes", field="classes")
    chosen = _strings(value["classes"])
    if chosen is None:
        raise Unacceptable("label-classes-wrong", "a list of classes is wanted", field="classes")
    for place, name in enumerate(chosen):
        if name not in schema.classes:
            # The name itself is label content and is not repeated in the message.
            raise Unacceptable(
                "label-class-unknown", "the schema has no such class", field=f"classes[{place}]"
            )
    if len(set(chosen)) != len(chosen):
        raise Unacceptable("label-class-repeated", "a class is named twice", field="classes")
    if not chosen or (len(chosen) > 1 and not schema.multiple):
        raise Unacceptable("label-class-count", "too few or too many classes", field="classes")
    return tuple(name for name in schema.classes if name in chosen)


def _only(document: Mapping[str, object], known: Sequence[str], code: str) -> None:
    for name in document:
        if name not in known:
            # An unknown name may itself hold anything, so only its place is told.
            raise Unacceptable(code, "a field that is not known here")


def _text_part(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Unacceptable("guideline-incomplete", f"the guideline lacks {name}", field=name)
    return _short(value, name)


def _list_part(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = _strings(document.get(name))
    if not value or not all(text.strip() for text in value):
        raise Unacceptable("guideline-incomplete", f"the guideline lacks {name}", field=name)
    if len(value) > MAX_EXAMPLES:
        raise Unacceptable("guideline-too-long", "too many examples", field=name)
    return tuple(_short(text, name) for text in value)


def _short(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise Unacceptable("guideline-too-long", "a part is too long", field=name)
    return text


def _strings(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        return None
    return tuple(value)


def _classes(value: object) -> tuple[str, ...]:
    names = _strings(value)
    if not names or len(names) > MAX_CLASSES:
        raise Unacceptable(
            "schema-classes-wrong", f"1 to {MAX_CLASSES} classes are wanted", field="classes"
        )
    for place, name in enumerate(names):
        if not _plain(name):
            raise Unacceptable(
                "schema-classes-wrong", "a class name is not plain", field=f"classes[{place}]"
            )
    if len(set(names)) != len(names):
        raise Unacceptable("schema-class-repeated", "a class is named twice", field="classes")
    return names


def _plain(name: str) -> bool:
    """Whether a class name is short, printable and without space around it."""
    return 0 < len(name) <= MAX_CLASS_LENGTH and name == name.strip() and name.isprintable()
