"""Packages of boxes, polygons and spans: what the schema does not allow stays inside."""

import json

import pytest
from room_house import SCAN
from room_parts import GUIDELINE, MARKS
from test_package_screening import CONTROLS

from crypto.canonical import encode
from crypto.verifier import package_digest
from sandbox.formats.label_schema import parse_schema
from sandbox.release.package import LabelLine, build, digest
from sandbox.release.screening import screen

SCHEMA = parse_schema(MARKS).document()
BOX = {"id": 1, "type": "lesion", "class": "nodule", "frame": 0, "box": [0.5, 1, 2, 3]}
OUTLINE = {"id": 2, "type": "outline", "class": "lung", "polygon": [[1, 1], [9, 1], [9, 9]]}
SPAN = {"id": 1, "type": "mention", "class": "drug", "span": [4, 6]}
WRONG = "form-wrong/labels.jsonl"


def files(*marks: object, schema: object = SCHEMA, **more: object) -> dict[str, bytes]:
    lines = [
        LabelLine("a" * 32, 1, {"labels": list(marks), **more}, bytes(32), 9),
        LabelLine("b" * 32, 1, {"labels": [SPAN]}, bytes(32), 12),
    ]
    return build(lines, encode(dict(GUIDELINE)), encode(schema), CONTROLS)


def test_a_package_of_marks_is_sound():
    assert screen(files(BOX, OUTLINE), SCAN) == ()
    assert digest(files(BOX, OUTLINE)) == package_digest(files(BOX, OUTLINE))


def test_a_label_without_marks_is_sound():
    assert screen(files(), SCAN) == ()


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    "marks",
    [
        [OUTLINE | {"id": 1}, BOX | {"id": 2}],  # not in canonical order
        [BOX | {"id": 7}],  # numbers that say something
        [BOX | {"note": "x"}],
        [BOX | {"class": "pneumonia"}],
        [BOX | {"type": "secret"}],
        [BOX | {"frame": -1}],
        [BOX | {"box": [0, 0, 1, 70_000]}],
        [BOX | {"box": [0, 0, 1.25, 1]}],
        [BOX | {"box": ["0", 0, 1, 1]}],
        [BOX | {"attributes": {}}],
        [BOX, BOX | {"id": 2}],
        [OUTLINE | {"id": 1, "polygon": [[9, 9], [1, 1], [9, 1]]}],  # another first corner
        [OUTLINE | {"id": 1, "polygon": [[1, 1], [9, 9], [9, 1]]}],  # the other way round
        [OUTLINE | {"id": 1, "polygon": [[0, 0], [9, 9], [9, 0], [0, 9]]}],
        [{"id": n, **{k: v for k, v in BOX.items() if k != "id"}, "box": [n, 0, 1, 1]}
         for n in range(1, 22)],  # more than the schema lets
        [SPAN | {"span": [6, 4]}],
        [SPAN | {"text": "the words themselves"}],
        ["x"],
    ],
)  # fmt: skip
def test_marks_that_the_schema_does_not_allow_are_found(marks):
    assert screen(files(*marks), SCAN) == (WRONG,)


def test_a_line_of_two_forms_is_found():
    assert screen(files(BOX, classes=["nodule"]), SCAN) == (WRONG,)


def test_a_number_in_another_spelling_is_found():
    given = files(BOX)
    given["labels.jsonl"] = given["labels.jsonl"].replace(b"[0.5,1,", b"[0.50,1,")

    assert screen(given, SCAN) == (WRONG,)


def test_a_schema_that_leaves_something_to_a_default_is_found():
    assert screen(files(BOX, schema=dict(MARKS)), SCAN) == ("form-wrong/schema.json",)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("field", ["title", "classes", "attributes"])
def test_an_identifier_in_any_word_of_a_schema_is_found(field):
    one = json.loads(json.dumps(SCHEMA["types"][0]))
    named = {"name": "who", "kind": "choice", "choices": ["张三丰"], "required": False}
    one[field] = {
        "title": {"zh": "张三丰"},
        "classes": ["nodule", "张三丰"],
        "attributes": [named],
    }[field]
    schema = {"types": [one, *SCHEMA["types"][1:]]}

    assert screen(files(BOX, schema=schema), SCAN) == ("identifier-found/schema.json",)
