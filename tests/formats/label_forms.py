"""A schema with every kind of mark, and a label of each that it allows."""

from collections.abc import Mapping

from sandbox.formats.extents import Extent
from sandbox.formats.label_schema import Schema, parse_schema

IMAGE = Extent(rows=100, columns=200, frames=3)
TEXT = Extent(characters=40)


def label_type(name: str, kind: str, /, **changes: object) -> dict[str, object]:
    plain = {
        "name": name,
        "title": {"zh": "标注", "en": "Mark"},
        "kind": kind,
        "classes": ["one", "two"],
        "least": 0,
        "most": 5,
        "required": False,
        "per": "item",
    }
    return {key: value for key, value in (plain | changes).items() if value is not ...}


ATTRIBUTES = [
    {"name": "certain", "kind": "flag", "required": False},
    {"name": "side", "kind": "choice", "choices": ["left", "right"], "required": True},
    {"name": "count", "kind": "whole", "least": 0, "most": 9, "required": False},
]
TYPES = [
    label_type("finding", "classification", most=1, required=True, ordered=True),
    label_type("view", "classification", most=1, per="frame"),
    label_type("lesion", "box", per="frame", most=2, decimals=2),
    label_type("organ", "polygon", attributes=ATTRIBUTES, points=6, decimals=1),
    label_type("drug", "span"),
    label_type("date", "span", overlapping=True),
]


def schema(*types: Mapping[str, object]) -> Schema:
    return parse_schema({"types": list(types or TYPES)})


SCHEMA = schema()
FINDING = {"id": 1, "type": "finding", "class": "one"}
VIEW = {"id": 2, "type": "view", "class": "two", "frame": 2}
LESION = {"id": 3, "type": "lesion", "class": "one", "frame": 0, "box": [0, 10.25, 200, 89.75]}
ORGAN = {
    "id": 4,
    "type": "organ",
    "class": "two",
    "polygon": [[10, 10], [20, 10], [20.5, 20]],
    "attributes": {"side": "left", "certain": True, "count": 3},
}
DRUG = {"id": 5, "type": "drug", "class": "one", "span": [0, 40]}
DATE = {"id": 6, "type": "date", "class": "one", "span": [3, 9]}


def labels(*marks: Mapping[str, object]) -> dict[str, object]:
    return {"labels": list(marks)}
