"""Boxes, polygons and spans through the gate, against the very item that was issued."""

import json

import pytest
from refusals import last_entry, refused
from room_parts import LEDGER, MARKS, ct_file

from policies.vocabulary import TaskState
from sandbox.errors import Forbidden, Unacceptable
from sandbox.records.labels import Label, Project, Task

ROWS = COLUMNS = 128  # of the CT that ships with pydicom
TEXT = "肝𠮷内见结节。"
BOX = {"id": 1, "type": "lesion", "class": "nodule", "frame": 0, "box": [0, 0, COLUMNS, 12.5]}
OUTLINE = {"id": 2, "type": "outline", "class": "lung", "polygon": [[1, 1], [9, 1], [9, 9]]}
SPAN = {"id": 1, "type": "mention", "class": "finding", "span": [4, 6]}


def task_on(house, content: bytes, kind: str, frames: int) -> str:
    house.opened(0, project={"schema": MARKS})
    task = house.issue(content, kind, frames)
    house.open_task(house.labeller, task)
    return task


@pytest.fixture
def on_image(house) -> str:
    return task_on(house, ct_file(), "dicom", 1)


@pytest.fixture
def on_text(house) -> str:
    return task_on(house, TEXT.encode(), "text", 0)


def said(house, task: str) -> dict[str, object]:
    seen = house.viewing.label_version(LEDGER, task, 1, house.labeller.actor)
    return dict(seen.said)


def test_boxes_and_polygons_on_an_image_are_kept(house, on_image):
    house.submit(house.labeller, on_image, value={"labels": [OUTLINE, BOX]})

    assert said(house, on_image) == {"labels": [BOX, OUTLINE]}


def test_a_span_counts_the_characters_of_the_text_that_was_shown(house, on_text):
    house.submit(house.labeller, on_text, value={"labels": [SPAN]})

    lease = house.open_review(house.reviewer, on_text).reply["lease"]
    shown = house.viewing.text(LEDGER, lease, house.reviewer.actor).text
    (mark,) = said(house, on_text)["labels"]
    assert shown[slice(*mark["span"])] == "结节"


@pytest.mark.requirement("R66")
def test_the_entry_of_a_mark_does_not_say_where_it_is(house, on_image):
    house.submit(house.labeller, on_image, value={"labels": [BOX]})

    entry = house.entries()[-1]
    assert b"nodule" not in entry
    assert b"12.5" not in entry
    assert set(last_entry(house)["outcome"]["counts"]) == {"version", "shown", "views", "seconds"}


@pytest.mark.parametrize(
    ("mark", "code", "field"),
    [
        (BOX | {"box": [0, 0, COLUMNS + 0.1, 1]}, "label-box-outside", "/labels/0/box/2"),
        (BOX | {"box": [0, 1, 1, ROWS]}, "label-box-outside", "/labels/0/box/3"),
        (BOX | {"box": [0, 0, 1.25, 1]}, "label-number-too-fine", "/labels/0/box/2"),
        (BOX | {"frame": 1}, "label-frame-wrong", "/labels/0/frame"),
        (OUTLINE | {"polygon": [[0, 0], [ROWS + 1, 0], [0, 9]]}, "label-point-outside",
         "/labels/0/polygon/1/0"),
        (SPAN, "label-type-misplaced", "/labels/0/type"),
    ],
)  # fmt: skip
def test_what_the_image_has_no_place_for_is_refused_by_field(house, on_image, mark, code, field):
    with pytest.raises(Unacceptable) as caught:
        house.submit(house.labeller, on_image, value={"labels": [mark]})

    assert (caught.value.code, caught.value.field) == (code, field)
    assert last_entry(house)["refusal"] == code
    assert house.row(Task, on_image).state is TaskState.LEASED
    assert not house.rows(Label)


@pytest.mark.parametrize(
    ("mark", "code", "field"),
    [
        (SPAN | {"span": [0, len(TEXT) + 1]}, "label-span-outside", "/labels/0/span/1"),
        (SPAN | {"span": [0, len(TEXT.encode())]}, "label-span-outside", "/labels/0/span/1"),
        (BOX, "label-type-misplaced", "/labels/0/type"),
        (OUTLINE, "label-type-misplaced", "/labels/0/type"),
    ],
)
def test_what_the_text_has_no_place_for_is_refused_by_field(house, on_text, mark, code, field):
    with pytest.raises(Unacceptable) as caught:
        house.submit(house.labeller, on_text, value={"labels": [mark]})

    assert (caught.value.code, caught.value.field) == (code, field)


def test_an_item_that_states_no_size_takes_no_marks(house):
    task = task_on(house, b"no DICOM", "dicom", 1)

    with pytest.raises(Unacceptable, match="frame-undecodable"):
        house.submit(house.labeller, task, value={"labels": [BOX]})


def test_an_object_without_pixels_has_no_place_for_boxes(house):
    plain = ct_file()
    task = task_on(house, plain[: plain.index(b"\x28\x00\x02\x00US")], "dicom", 0)

    with pytest.raises(Unacceptable, match="label-frame-wrong"):
        house.submit(house.labeller, task, value={"labels": [BOX]})


def test_who_may_not_label_learns_nothing_of_an_item_s_size(house, on_image):
    outside = {"labels": [BOX | {"box": [0, 0, 999, 1]}]}

    refused(
        house,
        Forbidden,
        "forbidden",
        lambda: house.submit(house.reviewer, on_image, value=outside),
    )


def test_how_large_an_item_is_is_remembered(house, on_image):
    house.submit(house.labeller, on_image, value={"labels": [BOX]})
    house.open_review(house.reviewer)
    house.judge(house.reviewer, on_image, "return", "look again")
    house.open_task(house.labeller)

    known = house.keys.extents.get(house.row(Task, on_image).item)
    house.submit(house.labeller, on_image, 1, {"labels": [OUTLINE]})

    assert (known.rows, known.columns, known.frames) == (ROWS, COLUMNS, 1)
    assert len(house.labels(on_image)) == 2


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("place", ["title", "classes"])
def test_an_identifier_in_a_schema_of_types_is_refused(house, place):
    named = {"title": {"zh": "张三丰"}} if place == "title" else {"classes": ["张三丰"]}
    one = {**MARKS["types"][0], **named}

    with pytest.raises(Unacceptable, match="identifier-found") as caught:
        house.opened(0, project={"schema": {"types": [one]}})

    assert caught.value.field == "schema"


def test_the_schema_that_is_kept_says_everything(house):
    house.opened(0, project={"schema": MARKS})

    (row,) = house.rows(Project)
    kept = json.loads(row.schema)

    assert [one["attributes"] for one in kept["types"]] == [[], [], []]
