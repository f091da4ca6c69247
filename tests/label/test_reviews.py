"""Reviews by another person, locks and reopenings through the gate."""

from dataclasses import replace

import pytest
from refusals import refused
from room_parts import new_id

from policies.vocabulary import Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import (
    Forbidden,
    NotFound,
    Unacceptable,
)
from sandbox.label.commands import SubmitReview
from sandbox.records.labels import Task


def test_a_label_is_made_reviewed_and_locked(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)

    house.judge(house.reviewer, task, "accept")

    assert house.row(Task, task).state is TaskState.LOCKED


def test_a_review_lease_that_ran_out_gives_the_label_back(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)
    house.clock.advance(seconds=901)

    house.work()

    assert house.row(Task, task).state is TaskState.SUBMITTED


@pytest.mark.requirement("R06")
def test_a_labeller_can_not_review_their_own_label(house):
    house.opened()
    both = house.another(Role.REVIEWER, project_domain(house.project), key=house.labeller.key)
    task = house.label_one()

    refused(house, Forbidden, "forbidden", lambda: house.open_review(both, task))
    refused(house, NotFound, "no-task", lambda: house.open_review(both))


@pytest.mark.requirement("R06")
def test_a_reviewer_can_not_label_what_they_judged(house):
    house.opened()
    second = house.another(Role.LABELLER, project_domain(house.project), key=house.reviewer.key)
    task = house.label_one()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, task, "return", "look again")
    row = house.row(Task, task)
    house.change_behind_the_gate(replace(row, state=TaskState.OPEN, labeller=None))

    refused(house, NotFound, "no-task", lambda: house.open_task(second))
    refused(house, Forbidden, "own-review", lambda: house.open_task(second, task))


def test_a_review_without_its_lease_is_refused(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)
    other = house.another(Role.REVIEWER, project_domain(house.project))

    refused(house, Forbidden, "forbidden", lambda: house.judge(other, task, "accept"))


def test_a_return_needs_a_reason(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)

    refused(
        house,
        Unacceptable,
        "reason-missing",
        lambda: house.judge(house.reviewer, task, "return"),
    )


def test_an_unknown_verdict_is_refused(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)

    refused(
        house,
        Unacceptable,
        "verdict-unknown",
        lambda: house.judge(house.reviewer, task, "perhaps"),
    )


@pytest.mark.requirement("R39")
def test_a_locked_task_is_reopened_by_a_reviewer_with_a_reason(house):
    house.opened()
    house.accept_all()
    (task,) = [row.id for row in house.rows(Task)]

    refused(house, Forbidden, "forbidden", lambda: house.reopen(house.reviewer, task, " "))
    refused(house, Forbidden, "forbidden", lambda: house.reopen(house.labeller, task, "wrong"))
    house.reopen(house.reviewer, task, "wrong side")

    assert house.row(Task, task).state is TaskState.IN_REVIEW
    house.judge(house.reviewer, task, "return", "wrong side")
    assert house.row(Task, task).state is TaskState.RETURNED


@pytest.mark.requirement("R39")
def test_who_wrote_a_label_can_not_reopen_its_task(house):
    house.opened()
    house.accept_all()
    (task,) = [row.id for row in house.rows(Task)]
    both = house.another(Role.REVIEWER, project_domain(house.project), key=house.labeller.key)

    refused(house, Forbidden, "forbidden", lambda: house.reopen(both, task, "mine"))


@pytest.mark.requirement("R39")
def test_a_locked_task_can_not_be_labelled(house):
    house.opened()
    house.accept_all()
    (task,) = [row.id for row in house.rows(Task)]

    refused(house, Forbidden, "forbidden", lambda: house.open_task(house.labeller, task))


@pytest.mark.requirement("R47")
def test_an_identifier_in_the_reason_of_a_reopening_is_refused(house):
    house.opened()
    house.accept_all()
    (task,) = [row.id for row in house.rows(Task)]

    refused(
        house,
        Unacceptable,
        "identifier-found",
        lambda: house.reopen(house.reviewer, task, "it is 张三丰"),
    )


def test_a_verdict_made_beside_the_desk_is_refused_too(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer, task)
    command = SubmitReview(**house.on_project(), task=task, review=new_id(), verdict="perhaps")

    refused(
        house,
        Unacceptable,
        "verdict-unknown",
        lambda: house.perform(house.reviewer, command),
    )
