"""Two labellers of one film at the real door: what each is answered, and what never."""

import json
from pathlib import Path

import httpx
import pytest
from firm import Firm
from room_texts import GUIDELINE
from town import Person

from api.client.errors import ClientError

SCHEMA = {
    "types": [
        {
            "name": "lesion",
            "title": {"zh": "病灶", "en": "Lesion"},
            "kind": "box",
            "classes": ["nodule", "mass"],
            "least": 0,
            "most": 20,
            "required": False,
            "per": "frame",
        }
    ]
}
BOX = {"id": 1, "type": "lesion", "class": "nodule", "frame": 0, "box": [8, 8, 20, 24]}


def refused(act) -> tuple[int, str, str | None]:
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.status, caught.value.code, caught.value.field


@pytest.fixture
def second(firm: Firm, tmp_path: Path) -> Person:
    """A project of two slots per film is open; its second labeller."""
    firm.deposit(tmp_path / "films")
    documents = {"guideline": GUIDELINE, "schema": SCHEMA}
    ward = firm.ward
    ward.town.permit(ward.steward, ward.ledger, ward.dataset, firm.project)
    firm.at(firm.lead).create(firm.ward.dataset, "Lesions", "firm:one", documents, overlap=2)
    firm.ward.work()
    town = ward.town
    person = town.enrolled(town.operator, "lotte", "firm:one")
    own = {"domain": f"project:{firm.project}", "organisation": "firm:one"}
    town.grant(ward.steward, ward.ledger, person, "labeller", **own)
    return person


@pytest.mark.requirement("R41")
def test_nothing_at_the_door_tells_one_labeller_of_the_other(firm: Firm, second: Person):
    one, two = firm.at(firm.labeller), firm.at(second)
    first = one.next_task()
    before = one.status()["tasks"], one.door.get(f"{firm.hospital}/tasks/{first['task']}")

    other = two.next_task()
    two.submit_value(other["task"], other["version"], {"labels": [BOX]})

    again = one.status()["tasks"], one.door.get(f"{firm.hospital}/tasks/{first['task']}")
    assert again == before
    assert before[0] == {"LEASED": 1}
    for path in (f"tasks/{other['task']}", f"tasks/{other['task']}/labels/1"):
        answer = refused(lambda path=path: one.door.get(f"{firm.hospital}/{path}"))
        assert answer == (404, "not-found", None)
    assert refused(one.agreement)[:2] == (403, "forbidden")
    assert other["version"] == first["version"] == 0


@pytest.mark.requirement("R41")
def test_review_waits_for_both_and_shows_both(firm: Firm, second: Person):
    one, two, reviewer = firm.at(firm.labeller), firm.at(second), firm.at(firm.reviewer)
    first, other = one.next_task(), two.next_task()
    one.submit_value(first["task"], 0, {"labels": [BOX]})
    assert reviewer.next_review() is None
    assert refused(lambda: reviewer.next_review(first["task"]))[:2] == (403, "forbidden")
    two.submit_value(other["task"], 0, {"labels": []})

    lease = reviewer.next_review()["lease"]
    shown = reviewer.lease(lease)["labels"]
    reviewer.judge(first["task"], "accept")

    assert {one["task"]: one["label"] for one in shown} == {
        first["task"]: {"labels": [BOX]},
        other["task"]: {"labels": []},
    }
    assert firm.at(firm.lead).status()["tasks"] == {"LOCKED": 1, "SET_ASIDE": 1}
    assert refused(firm.at(firm.lead).agreement)[:2] == (409, "agreement-too-few")


@pytest.mark.parametrize(
    ("box", "code", "field"),
    [
        ([0, 0, 129, 4], "label-box-outside", "/labels/0/box/2"),
        ([0, 0, 1.5, 4], "label-number-too-fine", "/labels/0/box/2"),
        ([0, 0, 0, 4], "label-box-empty", "/labels/0/box/2"),
        ("no box", "label-box-wrong", "/labels/0/box"),
    ],
)
def test_a_problem_names_the_field_as_a_pointer(firm: Firm, second: Person, box, code, field):
    seat = firm.at(second)
    task = seat.next_task()["task"]
    value = {"labels": [BOX | {"box": box}]}

    assert refused(lambda: seat.submit_value(task, 0, value)) == (422, code, field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused_by_field(firm: Firm, second: Person, number: str):
    task = firm.at(second).next_task()["task"]
    box = json.dumps({"labels": [BOX | {"box": [0, "HERE", 4, 4]}]}).replace('"HERE"', number)

    answer = httpx.post(
        f"{firm.ward.town.url}/v1{firm.hospital}/tasks/{task}/labels",
        content=f'{{"value": {box}}}',
        headers={
            "Authorization": f"Bearer {second.door.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": "number-1",
            "If-Match": '"0"',
        },
    )

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "label-number-wrong")
    assert problem["field"] == "/labels/0/box/1"


@pytest.mark.parametrize("overlap", [0, 10, -1])
def test_a_project_takes_one_to_nine_labellers_an_item(firm: Firm, overlap: int):
    documents = {"guideline": GUIDELINE, "schema": SCHEMA}

    def create() -> object:
        dataset = firm.ward.dataset
        return firm.at(firm.lead).create(dataset, "L", "firm:one", documents, overlap=overlap)

    assert refused(create)[:2] == (422, "field-refused")
