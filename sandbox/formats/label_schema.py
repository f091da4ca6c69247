"""What a labelling job lets its people say: a schema of label types, as frozen JSON.

Two forms:

- short, one choice per item: `{"kind": "classification", "classes": [...], "multiple": bool}`;
- full: `{"types": [...]}`, 1 to 32 label types, each with

  `name` (a-z, 0-9, -), `title` (`{"zh": ..., "en": ...}`, one of them at least), `kind`
  (`classification`, `box`, `polygon`, `span`), `classes` (1 to 200), `least` and `most` (how many
  marks), `required`, `per` (`item` or `frame`: over what `least` and `most` count), and, where
  wanted, `attributes` (`choice`, `flag` or `whole`; never free text).

  A classification may be `ordered` (its classes rise); a box or polygon has `decimals` (0 to 2
  after the point), a polygon `points` (at most so many corners), a span `overlapping`.

- What is left out gets its default when the schema is kept, so that the frozen text says all.
- Faults name their place as a JSON pointer into the schema (RFC 6901), `/types/0/classes/2`.
- It does not look for identifiers: that is `sandbox.deid.residue`.

Source: requirements R37, R53; RFC 6901.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.errors import Unacceptable
from sandbox.formats.plain_json import holds_more, is_plain, is_whole, strings
from sandbox.formats.schema_attributes import Attribute, Title, parse_attribute, parse_title

MAX_CLASSES = 200
MAX_TYPES = 32
MAX_ATTRIBUTES = 16
MAX_MARKS = 500
MAX_DECIMALS = 2
MAX_POINTS = 500
ITEM, FRAME = "item", "frame"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WANTED = ("name", "title", "kind", "classes", "least", "most", "required", "per")
_SHORT = ("kind", "classes", "multiple")


class MarkKind(StrEnum):
    """What a mark is: a choice, or a place and a choice."""

    CLASSIFICATION = "classification"
    BOX = "box"
    POLYGON = "polygon"
    SPAN = "span"


_OPTIONS: Mapping[MarkKind, Mapping[str, int | bool]] = {
    MarkKind.CLASSIFICATION: {"ordered": False},
    MarkKind.BOX: {"decimals": 0},
    MarkKind.POLYGON: {"decimals": 0, "points": 200},
    MarkKind.SPAN: {"overlapping": False},
}
"""What is special to a kind, and what holds where the schema does not say."""


@dataclass(frozen=True)
class LabelType:
    """One kind of mark that the schema allows; `options` are those of its kind."""

    name: str
    title: Title
    kind: MarkKind
    classes: tuple[str, ...]
    least: int
    most: int
    required: bool
    per: str
    attributes: tuple[Attribute, ...]
    options: tuple[tuple[str, int | bool], ...]

    def option(self, name: str) -> int:
        """The value of one of its kind's options, 0 or 1 for a yes or no."""
        return int(dict(self.options)[name])

    def document(self) -> dict[str, object]:
        """The type as it is kept and published."""
        return {
            "name": self.name,
            "title": self.title.document(),
            "kind": str(self.kind),
            "classes": list(self.classes),
            "least": self.least,
            "most": self.most,
            "required": self.required,
            "per": self.per,
            "attributes": [attribute.document() for attribute in self.attributes],
            **dict(self.options),
        }

    def texts(self) -> Iterator[str]:
        """Every string in it that people wrote."""
        yield self.name
        yield from self.title.texts()
        yield from self.classes
        for attribute in self.attributes:
            yield from attribute.texts()


@dataclass(frozen=True)
class Schema:
    """The label types of a job; `multiple` is None but in the short form."""

    types: tuple[LabelType, ...]
    multiple: bool | None = None

    @property
    def short(self) -> bool:
        """Whether it is the form of one choice per item."""
        return self.multiple is not None

    def document(self) -> dict[str, object]:
        """The schema as it is kept and published."""
        if self.multiple is None:
            return {"types": [one.document() for one in self.types]}
        (only,) = self.types
        return {
            "kind": str(only.kind),
            "classes": list(only.classes),
            "multiple": self.multiple,
        }

    def texts(self) -> tuple[str, ...]:
        """Every string in it, for the identifier scan."""
        return tuple(text for one in self.types for text in one.texts())


def parse_schema(document: Mapping[str, object]) -> Schema:
    """The schema that `document` states.

    Raises:
        Unacceptable: `schema-...`; the field is named as a pointer into the schema.
    """
    if "types" not in document:
        return _short(document)
    if holds_more(document, ("types",)):
        raise Unacceptable("schema-field-unknown", "a field that is not known here")
    listed = document["types"]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_TYPES:
        raise Unacceptable("schema-types-wrong", f"1 to {MAX_TYPES} label types", field="/types")
    types = tuple(_type(one, f"/types/{place}") for place, one in enumerate(listed))
    if len({one.name for one in types}) != len(types):
        raise Unacceptable("schema-type-repeated", "a type's name stands twice", field="/types")
    return Schema(types)


def _short(document: Mapping[str, object]) -> Schema:
    if holds_more(document, _SHORT):
        raise Unacceptable("schema-field-unknown", "a field that is not known here")
    _all_given(document, _SHORT, "")
    if document["kind"] != MarkKind.CLASSIFICATION:
        raise Unacceptable("schema-kind-unknown", "only classification is known", field="/kind")
    multiple = document["multiple"]
    if not isinstance(multiple, bool):
        raise Unacceptable("schema-multiple-wrong", "true or false is wanted", field="/multiple")
    classes = class_names(document["classes"], "/classes")
    kind = MarkKind.CLASSIFICATION
    only = LabelType(
        name="class",
        title=Title(),
        kind=kind,
        classes=classes,
        least=1,
        most=len(classes) if multiple else 1,
        required=True,
        per=ITEM,
        attributes=(),
        options=tuple(_OPTIONS[kind].items()),
    )
    return Schema((only,), multiple)


def _type(document: object, at: str) -> LabelType:
    if not isinstance(document, Mapping):
        raise Unacceptable("schema-type-wrong", "a label type is an object", field=at)
    _all_given(document, _WANTED, at)
    kind = _kind(document["kind"], at)
    if holds_more(document, (*_WANTED, "attributes", *_OPTIONS[kind])):
        raise Unacceptable("schema-field-unknown", "a field that is not known here", field=at)
    name, required = document["name"], document["required"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unacceptable("schema-name-wrong", "a-z, 0-9 and -, up to 32", field=f"{at}/name")
    if not isinstance(required, bool):
        raise Unacceptable(
            "schema-required-wrong", "true or false is wanted", field=f"{at}/required"
        )
    classes = class_names(document["classes"], f"{at}/classes")
    least, most = _counts(document, len(classes) if kind is MarkKind.CLASSIFICATION else None, at)
    return LabelType(
        name=name,
        title=parse_title(document["title"], f"{at}/title"),
        kind=kind,
        classes=classes,
        least=max(least, int(required)),
        most=most,
        required=required,
        per=_per(document["per"], kind, at),
        attributes=_attributes(document.get("attributes", ()), at),
        options=tuple(_option(document, kind, name, at) for name in _OPTIONS[kind]),
    )


def _kind(value: object, at: str) -> MarkKind:
    try:
        return MarkKind(str(value))
    except ValueError as error:
        raise Unacceptable(
            "schema-kind-unknown", "there is no such kind of mark", field=f"{at}/kind"
        ) from error


def _per(value: object, kind: MarkKind, at: str) -> str:
    if value == ITEM:
        return ITEM
    if value == FRAME and kind is not MarkKind.SPAN:  # a text has no frames
        return FRAME
    raise Unacceptable("schema-per-wrong", "item or frame is wanted", field=f"{at}/per")


def _counts(document: Mapping[str, object], classes: int | None, at: str) -> tuple[int, int]:
    """`least` and `most`; of one frame's or item's classes no more can be chosen than there are."""
    least, most = document["least"], document["most"]
    if not is_whole(most, 1, classes or MAX_MARKS):
        raise Unacceptable("schema-count-wrong", "no such number of marks", field=f"{at}/most")
    if not is_whole(least, 0, int(str(most))):
        raise Unacceptable("schema-count-wrong", "no such number of marks", field=f"{at}/least")
    return int(str(least)), int(str(most))


def _attributes(value: object, at: str) -> tuple[Attribute, ...]:
    where = f"{at}/attributes"
    if not isinstance(value, list | tuple) or len(value) > MAX_ATTRIBUTES:
        raise Unacceptable("schema-attributes-wrong", "a short list is wanted", field=where)
    found = tuple(parse_attribute(one, f"{where}/{place}") for place, one in enumerate(value))
    if len({one.name for one in found}) != len(found):
        raise Unacceptable("schema-attribute-repeated", "a name stands twice", field=where)
    return found


def _option(
    document: Mapping[str, object], kind: MarkKind, name: str, at: str
) -> tuple[str, int | bool]:
    default = _OPTIONS[kind][name]
    value = document.get(name, default)
    if isinstance(default, bool):
        holds = isinstance(value, bool)
    elif name == "points":
        holds = is_whole(value, 3, MAX_POINTS)
    else:
        holds = is_whole(value, 0, MAX_DECIMALS)
    if not holds or not isinstance(value, int):
        raise Unacceptable("schema-option-wrong", "no such value here", field=f"{at}/{name}")
    return name, value


def class_names(value: object, at: str) -> tuple[str, ...]:
    """The classes of a type.

    Raises:
        Unacceptable: `schema-classes-wrong`, `schema-class-repeated`.
    """
    names = strings(value)
    if not names or len(names) > MAX_CLASSES:
        raise Unacceptable("schema-classes-wrong", f"1 to {MAX_CLASSES} classes", field=at)
    for place, name in enumerate(names):
        if not is_plain(name):
            raise Unacceptable(
                "schema-classes-wrong", "a class name is not plain", field=f"{at}/{place}"
            )
    if len(set(names)) != len(names):
        raise Unacceptable("schema-class-repeated", "a class is named twice", field=at)
    return names


def _all_given(document: Mapping[str, object], names: tuple[str, ...], at: str) -> None:
    for name in names:
        if name not in document:
            raise Unacceptable(
                "schema-field-missing", "the schema lacks a field", field=f"{at}/{name}"
            )
