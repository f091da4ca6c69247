"""What leaves of items that several people labelled: one label each, by the log alone."""

import json
from dataclasses import replace

import pytest
from release_house import ReleaseHouse
from room_parts import new_id

from policies.vocabulary import ReleaseState, Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import Forbidden
from sandbox.records.labels import Project, Task

SECOND = {"classes": ["none"]}


@pytest.fixture
def tasks(house: ReleaseHouse) -> list[str]:
    """Both tasks of one item, labelled: `effusion` by one, `none` by the other."""
    house.opened(1, project={"overlap": 2})
    house.second = house.another(Role.LABELLER, project_domain(house.project), "firm:one")
    house.inspector = house.another(Role.INSPECTOR, project_domain(house.project), "firm:one")
    found = []
    for who, value in ((house.labeller, None), (house.second, SECOND)):
        task = str(house.open_task(who).reply["task"])
        house.submit(who, task, value=value)
        found.append(task)
    return found


def requested(house: ReleaseHouse) -> str:
    release = house.request()
    house.work()
    return release


def lines(house: ReleaseHouse, release: str) -> list[dict]:
    files = house.inspect(house.checker, release)
    return [json.loads(line) for line in files["labels.jsonl"].splitlines()]


@pytest.mark.requirement("R41")
def test_the_accepted_label_leaves_and_the_other_stays(house, tasks):
    house.open_review(house.reviewer)
    house.judge(house.reviewer, tasks[1], "accept")

    (line,) = lines(house, requested(house))

    assert line["classes"] == ["none"]


def test_an_adjudicator_s_own_label_leaves(house, tasks):
    house.open_review(house.reviewer)
    house.judge(house.reviewer, tasks[1], "adjudicate", "they differ")
    house.open_review(house.inspector, tasks[1])
    house.judge(house.inspector, tasks[1], "decide", "as I see it", {"classes": ["effusion"]})

    (line,) = lines(house, requested(house))

    assert (line["classes"], line["version"]) == (["effusion"], 2)


def test_what_is_reopened_or_in_adjudication_does_not_leave(house, tasks):
    house.open_review(house.reviewer)
    house.judge(house.reviewer, tasks[1], "accept")
    release = house.request()
    house.reopen(house.reviewer, tasks[1], "look again")
    house.judge(house.reviewer, tasks[0], "adjudicate", "they differ")

    house.work()

    assert house.release(release).findings == ("no-labels",)


@pytest.mark.requirement("R41")
def test_rows_that_hide_a_slot_get_no_label_out(house, tasks):
    """The gate rules by rows; the worker believes the log, which says that two were wanted."""
    second = house.row(Task, tasks[1])
    house.change_behind_the_gate(
        replace(house.row(Project, house.project), overlap=1),
        replace(second, item=new_id(), state=TaskState.CANCELLED),
    )
    task = house.row(Task, tasks[0])
    other = house.issue(b"Another film.", "text", 0)
    house.open_task(house.labeller, other)
    house.submit(house.labeller, other)
    for each in (task.id, other):
        house.open_review(house.reviewer, each)
        house.judge(house.reviewer, each, "accept")

    (line,) = lines(house, requested(house))

    # The first item had two different labellers in the log; the other had one, and stays.
    assert line["item"] == task.item


@pytest.mark.requirement("R50")
def test_an_adjudicator_does_not_vote_on_what_they_decided(house, tasks):
    both = house.another(Role.OUTPUT_CHECKER, key=house.inspector.key)
    house.open_review(house.reviewer)
    house.judge(house.reviewer, tasks[1], "adjudicate", "they differ")
    house.open_review(house.inspector, tasks[1])
    house.judge(house.inspector, tasks[1], "decide", "as I see it", SECOND)
    release = requested(house)

    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW
    with pytest.raises(Forbidden):
        house.vote(both, release)
