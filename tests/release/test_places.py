"""A `serve` that lies about an item's size gets no mark out that the item has no place for."""

from dataclasses import replace

import pytest
from release_house import ReleaseHouse
from room_parts import MARKS, ct_file, new_id

from policies.vocabulary import ReleaseState
from sandbox.formats.extents import Extent
from sandbox.records.labels import ProjectItem, Task

BOX = {"id": 1, "type": "lesion", "class": "mass", "frame": 0, "box": [4, 5.5, 20, 30]}
SPAN = {"id": 1, "type": "mention", "class": "drug", "span": [2, 7]}
VAST = {"dicom": Extent(9_999, 9_999, 99), "text": Extent(characters=9_999)}


def labelled(house: ReleaseHouse, kind: str, mark: dict, *, lie: bool = False) -> str:
    """One item of the kind, labelled with one mark and accepted; the item's id."""
    house.opened(0, project={"schema": MARKS})
    content = ct_file() if kind == "dicom" else b"A clear film."
    task = house.issue(content, kind, int(kind == "dicom"))
    item = house.row(Task, task).item
    if lie:
        house.keys.extents.keep(item, VAST[kind])
    house.open_task(house.labeller, task)
    house.submit(house.labeller, task, value={"labels": [mark]})
    house.open_review(house.reviewer, task)
    house.judge(house.reviewer, task, "accept")
    return item


def findings(house: ReleaseHouse) -> tuple[str, ...]:
    release = house.request()
    house.work()
    return house.release(release).findings


@pytest.mark.parametrize(("kind", "mark"), [("dicom", BOX), ("text", SPAN)])
def test_a_mark_within_its_item_passes(house, kind, mark):
    labelled(house, kind, mark)
    release = house.request()

    house.work()

    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("dicom", BOX | {"box": [0, 0, 129, 4]}),
        ("dicom", BOX | {"box": [0, 5000, 1, 1]}),
        ("dicom", BOX | {"frame": 1}),
        ("text", SPAN | {"span": [0, 14]}),
    ],
)
def test_a_mark_that_its_item_has_no_place_for_is_found(house, kind, mark):
    labelled(house, kind, mark, lie=True)

    assert findings(house) == ("mark-misplaced/labels.jsonl",)


def test_an_item_that_was_swapped_in_its_row_is_not_believed(house):
    item = labelled(house, "dicom", BOX | {"box": [0, 0, 129, 4]}, lie=True)
    row = house.row(ProjectItem, item)
    other = house.row(Task, house.issue(ct_file(), "dicom", 1)).item
    house.change_behind_the_gate(replace(row, blob=house.row(ProjectItem, other).blob))

    assert findings(house) == ("item-unreadable/labels.jsonl",)


def test_an_item_that_is_gone_keeps_its_label_inside(house):
    item = labelled(house, "dicom", BOX)
    house.change_behind_the_gate(replace(house.row(ProjectItem, item), blob="0" * 64))

    assert findings(house) == ("item-unreadable/labels.jsonl",)


def test_a_kind_that_was_changed_in_its_row_helps_nobody(house):
    item = labelled(house, "text", SPAN | {"span": [0, 14]}, lie=True)
    row = house.row(ProjectItem, item)
    house.change_behind_the_gate(replace(row, kind="dicom", subject=new_id()))

    assert findings(house) in (
        ("item-unreadable/labels.jsonl",),
        ("mark-misplaced/labels.jsonl",),
    )
