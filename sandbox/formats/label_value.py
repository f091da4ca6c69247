"""One label against its schema and its item: what may be said, and the one way to write it.

- Short form: `{"classes": [...]}`. Full form: `{"labels": [mark, ...]}`, where a mark is

  `{"id": 1, "type": "lesion", "class": "nodule", "frame": 0, "box": [12, 30.5, 40, 22],
  "attributes": {"certain": true}}`

  with `box`, `polygon` or `span` as its type's kind says and none of them for a classification;
  `frame` exactly where the type counts by frame.
- What is kept is the canonical form: marks in the order of type, frame, class, place and
  attributes, numbered from 1. Order and numbers of what came in say nothing, so they carry
  nothing: a label holds no more than its choices among what the schema allows (R53).
- A mark that stands twice is refused, as is a label over `MAX_BYTES`.
- `required` means `least` marks at the least; without it, none is fine, too. Types that don't fit
  the item (a span on a picture) are not asked for and can't be used.
- Each fault names its place as a JSON pointer into the value (RFC 6901). Values, and names that
  the schema does not know, are never repeated: they are label content.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.errors import TooLarge, Unacceptable
from sandbox.formats import label_places as places
from sandbox.formats.extents import Extent
from sandbox.formats.label_schema import FRAME, MAX_MARKS, LabelType, MarkKind, Schema
from sandbox.formats.plain_json import holds_more, is_whole, strings

MAX_BYTES = 65_536
MAX_ID = 1_000_000
_MEMBERS = ("id", "type", "class", "frame", "attributes")
_PLACED = (MarkKind.BOX, MarkKind.POLYGON)


@dataclass(frozen=True, order=True)
class Mark:
    """One mark in comparable form: `kind` is its type's place in the schema, `choice` its class's.

    `frame` is -1 where it is of the whole item; `place` is in hundredths of a pixel or code
    points; `attributes` are names and the JSON of their values.
    """

    kind: int
    frame: int
    choice: int
    place: tuple[int, ...]
    attributes: tuple[tuple[str, str], ...]

    def document(self, schema: Schema, number: int) -> dict[str, object]:
        """The mark as it is kept."""
        own = schema.types[self.kind]
        document: dict[str, object] = {
            "id": number,
            "type": own.name,
            "class": own.classes[self.choice],
        }
        if own.per == FRAME:
            document["frame"] = self.frame
        if own.kind is not MarkKind.CLASSIFICATION:
            document[str(own.kind)] = _place(own.kind, self.place)
        if self.attributes:
            document["attributes"] = {name: json.loads(text) for name, text in self.attributes}
        return document


def check_value(
    schema: Schema, value: Mapping[str, object], extent: Extent | None
) -> dict[str, object]:
    """The canonical form of a label, when `value` says what `schema` lets it say of the item.

    Args:
        schema: the project's.
        value: parsed JSON, as it came in.
        extent: the item's; None where it is not known, then only the schema's limits count.

    Raises:
        Unacceptable: `label-...`; the field is named as a pointer into the value.
        TooLarge: `label-too-large`.
    """
    if schema.short:
        return {"classes": list(_classes(schema.types[0], value))}
    marks = sorted(marks_of(schema, value, extent))
    document = [mark.document(schema, number) for number, mark in enumerate(marks, start=1)]
    if len(json.dumps(document, ensure_ascii=False).encode()) > MAX_BYTES:
        raise TooLarge("label-too-large", f"a label has at most {MAX_BYTES} bytes")
    return {"labels": document}


def marks_of(schema: Schema, value: Mapping[str, object], extent: Extent | None) -> list[Mark]:
    """The marks of a label in full form, in the order in which they came.

    Raises:
        Unacceptable: `label-...`; the field is named as a pointer into the value.
    """
    listed = _listed(value)
    marks = [_mark(schema, one, extent, f"/labels/{n}") for n, one in enumerate(listed)]
    seen: set[Mark] = set()
    for n, mark in enumerate(marks):
        if mark in seen:
            raise Unacceptable("label-repeated", "the same mark twice", field=f"/labels/{n}")
        seen.add(mark)
    for kind, own in enumerate(schema.types):
        mine = [mark for mark in marks if mark.kind == kind]
        _count(own, mine, extent)
        no_overlap = own.kind is MarkKind.SPAN and not own.option("overlapping")
        if no_overlap and places.overlapping([mark.place for mark in mine]):
            raise Unacceptable("label-span-overlaps", "spans of this type overlap", field="/labels")
    return marks


def _listed(value: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    if holds_more(value, ("labels",)):
        raise Unacceptable("label-field-unknown", "a field that is not known here")
    if "labels" not in value:
        raise Unacceptable("label-field-missing", "the label has no marks", field="/labels")
    listed = value["labels"]
    if not isinstance(listed, list | tuple) or len(listed) > MAX_MARKS:
        raise Unacceptable("label-marks-wrong", f"up to {MAX_MARKS} marks", field="/labels")
    seen: set[int] = set()
    for n, one in enumerate(listed):
        if not isinstance(one, Mapping):
            raise Unacceptable("label-marks-wrong", "a mark is an object", field=f"/labels/{n}")
        number = one.get("id")
        if not is_whole(number, 1, MAX_ID):
            raise Unacceptable("label-id-wrong", "1 or more", field=f"/labels/{n}/id")
        if number in seen:
            raise Unacceptable("label-id-repeated", "two marks, one id", field=f"/labels/{n}/id")
        seen.add(int(str(number)))
    return listed


def _mark(schema: Schema, one: Mapping[str, object], extent: Extent | None, at: str) -> Mark:
    names = [each.name for each in schema.types]
    if one.get("type") not in names:
        raise Unacceptable("label-type-unknown", "no such label type", field=f"{at}/type")
    kind = names.index(str(one["type"]))
    own = schema.types[kind]
    placed = () if own.kind is MarkKind.CLASSIFICATION else (str(own.kind),)
    if holds_more(one, (*_MEMBERS, *placed)):
        raise Unacceptable("label-field-unknown", "a field that is not known here", field=at)
    if extent and not fits(own, extent):
        raise Unacceptable("label-type-misplaced", "not for such an item", field=f"{at}/type")
    if one.get("class") not in own.classes:
        raise Unacceptable("label-class-unknown", "no such class", field=f"{at}/class")
    return Mark(
        kind=kind,
        frame=_frame(own, one, extent, at),
        choice=own.classes.index(str(one["class"])),
        place=_checked_place(own, one, extent or _WIDEST[own.kind], at),
        attributes=_attributes(own, one.get("attributes", {}), f"{at}/attributes"),
    )


def fits(own: LabelType, extent: Extent) -> bool:
    """Whether a type can be used on such an item."""
    if own.kind is MarkKind.SPAN:
        return extent.is_text
    return not extent.is_text or (own.kind is MarkKind.CLASSIFICATION and own.per != FRAME)


def _frame(own: LabelType, one: Mapping[str, object], extent: Extent | None, at: str) -> int:
    if own.per != FRAME:
        if "frame" in one:
            raise Unacceptable(
                "label-frame-wrong", "this type is of the whole item", field=f"{at}/frame"
            )
        return -1
    frames = (extent or _WIDEST[own.kind]).frames
    if not is_whole(one.get("frame"), 0, frames - 1):
        raise Unacceptable("label-frame-wrong", "there is no such frame", field=f"{at}/frame")
    return int(str(one["frame"]))


def _checked_place(
    own: LabelType, one: Mapping[str, object], extent: Extent, at: str
) -> tuple[int, ...]:
    if own.kind is MarkKind.CLASSIFICATION:
        return ()
    where = f"{at}/{own.kind}"
    if str(own.kind) not in one:
        raise Unacceptable("label-place-missing", "where is the mark", field=where)
    value = one[str(own.kind)]
    if own.kind is MarkKind.SPAN:
        return places.span(value, extent, where)
    if own.kind is MarkKind.BOX:
        return places.box(value, extent, own.option("decimals"), where)
    return places.polygon(value, extent, own.option("decimals"), own.option("points"), where)


def _attributes(own: LabelType, value: object, at: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise Unacceptable("label-attribute-wrong", "an object is wanted", field=at)
    if holds_more(value, [each.name for each in own.attributes]):
        raise Unacceptable("label-attribute-unknown", "no such attribute", field=at)
    for each in own.attributes:
        if each.name not in value and each.required:
            raise Unacceptable(
                "label-attribute-missing", "it must be said", field=f"{at}/{each.name}"
            )
        if each.name in value and not each.allows(value[each.name]):
            raise Unacceptable("label-attribute-wrong", "no such value", field=f"{at}/{each.name}")
    return tuple((name, json.dumps(value[name])) for name in sorted(value))


def _count(own: LabelType, mine: Sequence[Mark], extent: Extent | None) -> None:
    """`least` and `most`, over the item or in each frame."""
    counts = Counter(mark.frame for mark in mine)
    if any(count > own.most for count in counts.values()):
        raise Unacceptable("label-count", "too many marks of one type", field="/labels")
    if own.kind is MarkKind.CLASSIFICATION:
        chosen = {(mark.frame, mark.choice) for mark in mine}
        if len(chosen) != len(mine):
            raise Unacceptable("label-class-repeated", "a class is named twice", field="/labels")
    if any(count < own.least for count in counts.values()):
        raise Unacceptable("label-count", "too few marks of one type", field="/labels")
    if own.required and extent and fits(own, extent):
        wanted = extent.frames if own.per == FRAME else 1
        if len(counts) < wanted:
            raise Unacceptable("label-count", "a mark that is required", field="/labels")


def _classes(own: LabelType, value: Mapping[str, object]) -> tuple[str, ...]:
    """The chosen classes in the schema's order."""
    if holds_more(value, ("classes",)):
        raise Unacceptable("label-field-unknown", "a field that is not known here")
    if "classes" not in value:
        raise Unacceptable("label-field-missing", "the label names no classes", field="/classes")
    chosen = strings(value["classes"])
    if chosen is None:
        raise Unacceptable("label-classes-wrong", "a list of classes is wanted", field="/classes")
    for place, name in enumerate(chosen):
        if name not in own.classes:
            raise Unacceptable("label-class-unknown", "no such class", field=f"/classes/{place}")
    if len(set(chosen)) != len(chosen):
        raise Unacceptable("label-class-repeated", "a class is named twice", field="/classes")
    if not 1 <= len(chosen) <= own.most:
        raise Unacceptable("label-class-count", "too few or too many classes", field="/classes")
    return tuple(name for name in own.classes if name in chosen)


def _place(kind: MarkKind, place: tuple[int, ...]) -> list[object]:
    if kind is MarkKind.SPAN:
        return list(place)
    numbers = [places.as_number(part) for part in place]
    if kind is MarkKind.BOX:
        return list(numbers)
    return [[x, y] for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


_MOST = 2**31 - 1
_PICTURE = Extent(65_535, 65_535, _MOST)
_WIDEST = {
    MarkKind.CLASSIFICATION: _PICTURE,
    MarkKind.BOX: _PICTURE,
    MarkKind.POLYGON: _PICTURE,
    MarkKind.SPAN: Extent(characters=_MOST),
}
"""The largest items that DICOM and the house can hold: (0028,0010) and (0028,0011) are US."""
