"""A label set all the way out."""

import json

import pytest
from release_house import ReleaseHouse
from room_parts import MARKS, ct_file

from crypto.verifier import main as verify
from policies.vocabulary import ReleaseState


def test_an_approved_label_set_reaches_its_recipient(house: ReleaseHouse):
    release = house.released(items=2)

    files = house.open_sealed(house.recipient, release, house.download(house.recipient, release))

    assert house.release(release).state is ReleaseState.RELEASED
    assert [json.loads(line)["classes"] for line in files["labels.jsonl"].splitlines()] == [
        ["effusion"],
        ["effusion"],
    ]


@pytest.mark.requirement("R53")
def test_boxes_and_spans_reach_their_recipient_in_canonical_form(house: ReleaseHouse):
    house.opened(0, project={"schema": MARKS})
    box = {"id": 9, "type": "lesion", "class": "mass", "frame": 0, "box": [4, 5.5, 20, 30]}
    span = {"id": 3, "type": "mention", "class": "drug", "span": [2, 7]}
    items = ((ct_file(), "dicom", 1, box), (b"A clear film.", "text", 0, span))
    for content, kind, frames, mark in items:
        task = house.issue(content, kind, frames)
        house.open_task(house.labeller, task)
        house.submit(house.labeller, task, value={"labels": [mark]})
        house.open_review(house.reviewer, task)
        house.judge(house.reviewer, task, "accept")
    release = house.request()
    house.work()
    house.vote(house.steward, release)
    house.vote(house.checker, release)
    house.work()

    files = house.open_sealed(house.recipient, release, house.download(house.recipient, release))

    said = [json.loads(line)["labels"] for line in files["labels.jsonl"].splitlines()]
    assert sorted(said, key=str) == sorted([[{**box, "id": 1}], [{**span, "id": 1}]], key=str)


def test_the_package_folder_verifies_offline_with_the_pinned_key(house, tmp_path, capsys):
    release = house.released()
    files = house.open_sealed(house.recipient, release, house.download(house.recipient, release))
    folder = tmp_path / "package"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "passport.json").write_bytes(house.release(release).passport)

    code = verify([str(folder), "--key", house.vkeys()[0]])

    assert code == 0, capsys.readouterr()
