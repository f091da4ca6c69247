"""Several people label one item; nobody sees another's label before all are in, or ever."""

import json
from dataclasses import replace

import pytest
from refusals import last_entry, refused
from room_parts import LEDGER, new_id

from policies.vocabulary import Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import Conflict, Forbidden, IllegalTransition, NotFound, Unacceptable
from sandbox.label import blindness
from sandbox.records.labels import Lease, Project, Task
from sandbox.records.people import Membership

SECOND = {"classes": ["none"]}


class Pair:
    """One item, two labellers, a reviewer and an inspector."""

    def __init__(self, house, items: int = 1) -> None:
        self.house = house
        house.opened(items, project={"overlap": 2})
        own = project_domain(house.project)
        self.one, self.two = house.labeller, house.another(Role.LABELLER, own, "firm:one")
        self.inspector = house.another(Role.INSPECTOR, own, "firm:one")

    def tasks(self) -> list[Task]:
        return sorted(self.house.rows(Task), key=lambda row: (row.item, row.slot))

    def states(self) -> list[str]:
        return [str(row.state) for row in self.tasks()]

    def label(self, who, value=None) -> str:
        task = str(self.house.open_task(who).reply["task"])
        self.house.submit(who, task, self.house.row(Task, task).version, value)
        return task

    def both(self) -> tuple[str, str]:
        return self.label(self.one), self.label(self.two, SECOND)


@pytest.fixture
def pair(house) -> Pair:
    return Pair(house)


@pytest.mark.requirement("R41")
def test_each_item_gets_as_many_labellings_as_the_project_wants(pair, house):
    first, second = pair.both()

    assert first != second
    assert house.row(Task, first).item == house.row(Task, second).item
    assert pair.states() == ["SUBMITTED", "SUBMITTED"]
    entry = next(e for e in map(json.loads, house.entries()) if e["action"] == "project.create")
    assert entry["outcome"]["counts"]["overlap"] == 2


@pytest.mark.requirement("R41")
def test_nobody_labels_an_item_twice(pair, house):
    pair.label(pair.one)
    (other,) = [row.id for row in pair.tasks() if row.state is TaskState.OPEN]

    refused(house, NotFound, "no-task", lambda: house.open_task(pair.one))
    refused(house, Forbidden, "forbidden", lambda: house.open_task(pair.one, other))
    assert last_entry(house)["ruling"]["rule"] == "task.open/labelled-already"


@pytest.mark.requirement("R41")
def test_a_second_account_of_the_same_person_does_not_label_it_either(pair, house):
    pair.label(pair.one)
    again = house.another(Role.LABELLER, project_domain(house.project), key=pair.one.key)
    (other,) = [row.id for row in pair.tasks() if row.state is TaskState.OPEN]

    refused(house, NotFound, "no-task", lambda: house.open_task(again))
    refused(house, Forbidden, "forbidden", lambda: house.open_task(again, other))


@pytest.mark.requirement("R41")
def test_nobody_holds_two_slots_of_an_item_at_once(pair, house):
    first = house.open_task(pair.one).reply
    (other,) = [row.id for row in pair.tasks() if row.id != first["task"]]

    refused(house, Forbidden, "forbidden", lambda: house.open_task(pair.one, other))


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("half", ["open", "leased"])
def test_no_review_begins_before_all_labels_are_in(pair, house, half):
    first = pair.label(pair.one)
    if half == "leased":
        house.open_task(pair.two)

    refused(house, NotFound, "no-task", lambda: house.open_review(house.reviewer))
    refused(house, Forbidden, "forbidden", lambda: house.open_review(house.reviewer, first))
    assert last_entry(house)["facts"]["all_in"] is False


@pytest.mark.requirement("R41")
def test_a_labeller_reads_own_versions_and_no_other_s(pair, house):
    first, second = pair.both()

    assert house.viewing.label_version(LEDGER, first, 1, pair.one.actor).said
    for task, person in ((first, pair.two), (second, pair.one)):
        with pytest.raises(NotFound):
            house.viewing.label_version(LEDGER, task, 1, person.actor)


@pytest.mark.requirement("R41")
def test_a_labeller_s_lease_shows_no_label(pair, house):
    pair.label(pair.one)

    lease = house.open_task(pair.two).reply["lease"]

    assert house.viewing.lease(LEDGER, lease, pair.two.actor).judged == ()


def seen_by(house, account: str):
    """All that a labeller can ask about the work of others, but for what changes with time."""
    with house.ledgers.open(LEDGER).snapshot() as tables:
        project = tables.of(Project).require(house.project)
        now = house.clock.now
        tasks = tables.of(Task).find(project=house.project)
        hidden = sorted(t.id for t in tasks if blindness.hides(tables, t, account, now))
        return dict(blindness.counts(tables, project, account, now)), hidden


@pytest.mark.requirement("R41")
def test_counts_states_and_versions_tell_nothing_of_another_slot(pair, house):
    first = house.open_task(pair.one).reply
    before = seen_by(house, pair.one.account)

    second = pair.label(pair.two, SECOND)
    after = seen_by(house, pair.one.account)

    assert after == before == ({"LEASED": 1}, [second])
    saved = house.submit(pair.one, first["task"])
    assert saved.reply["version"] == 1


@pytest.mark.requirement("R41")
def test_what_a_late_labeller_is_answered_does_not_depend_on_the_early_one(house):
    pair = Pair(house, items=2)
    fresh = house.open_task(pair.one).reply
    house.submit(pair.one, fresh["task"])
    late = house.open_task(pair.two, next(
        row.id for row in pair.tasks()
        if row.item == house.row(Task, fresh["task"]).item and row.id != fresh["task"]
    )).reply  # fmt: skip

    assert set(late) == set(fresh)
    assert late["version"] == fresh["version"] == 0


@pytest.mark.requirement("R41")
def test_refusals_are_the_same_whether_another_has_labelled_or_not(pair, house):
    task = house.open_task(pair.one).reply["task"]
    wrong = {"classes": ["pneumonia"]}

    def refusal() -> tuple[str, str | None, str]:
        with pytest.raises(Unacceptable) as caught:
            house.submit(pair.one, task, value=wrong)
        return caught.value.code, caught.value.field, caught.value.message

    before = refusal()
    pair.label(pair.two, SECOND)

    assert refusal() == before


@pytest.mark.requirement("R41")
def test_a_labeller_with_another_role_beside_stays_blind(pair, house):
    lead = house.another(Role.PROJECT_LEAD, project_domain(house.project), key=pair.one.key)
    first = pair.label(pair.one)
    pair.label(pair.two, SECOND)

    counts, hidden = seen_by(house, lead.account)

    assert counts == {"SUBMITTED": 1}
    assert first in hidden  # it is another account's; its own shows it


def test_who_does_not_label_sees_how_far_the_project_is(pair, house):
    pair.both()

    assert seen_by(house, house.lead.account) == ({"SUBMITTED": 2}, [])


def test_an_item_that_a_labeller_may_still_take_counts_as_open(house):
    pair = Pair(house, items=3)
    pair.label(pair.one)

    assert seen_by(house, pair.one.account)[0] == {"SUBMITTED": 1, "OPEN": 2}


@pytest.mark.requirement("R41")
def test_a_reviewer_sees_all_labels_and_not_whose_they_are(pair, house):
    first, second = pair.both()

    lease = house.open_review(house.reviewer).reply["lease"]

    judged = house.viewing.lease(LEDGER, lease, house.reviewer.actor).judged
    assert {one.task: one.said for one in judged} == {
        first: {"classes": ["effusion"]},
        second: SECOND,
    }
    assert [one.task for one in judged] == sorted((first, second))


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("which", [0, 1])
def test_one_label_is_accepted_and_the_other_stays_readable(pair, house, which):
    tasks = pair.both()
    house.open_review(house.reviewer)

    house.judge(house.reviewer, tasks[which], "accept")

    assert house.row(Task, tasks[which]).state is TaskState.LOCKED
    assert house.row(Task, tasks[1 - which]).state is TaskState.SET_ASIDE
    authors = (pair.one, pair.two)
    aside = house.viewing.label_version(LEDGER, tasks[1 - which], 1, authors[1 - which].actor)
    assert aside.said


@pytest.mark.requirement("R06")
@pytest.mark.parametrize("which", [0, 1])
def test_who_labelled_an_item_in_any_slot_does_not_judge_it(pair, house, which):
    tasks = pair.both()
    key = (pair.one, pair.two)[which].key
    both = house.another(Role.REVIEWER, project_domain(house.project), key=key)

    for task in tasks:
        refused(house, Forbidden, "forbidden", lambda task=task: house.open_review(both, task))
    refused(house, NotFound, "no-task", lambda: house.open_review(both))


def test_one_label_is_returned_and_the_others_wait_for_it(pair, house):
    first, second = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "return", "look again")

    assert house.row(Task, first).state is TaskState.RETURNED
    assert house.row(Task, second).state is TaskState.SUBMITTED
    refused(house, Forbidden, "forbidden", lambda: house.open_review(house.reviewer, second))

    assert pair.label(pair.one, SECOND) == first
    house.open_review(house.reviewer, second)
    house.judge(house.reviewer, second, "accept")
    assert [row.version for row in house.labels(first)] == [1, 2]


def test_an_inspector_ends_an_adjudication_by_a_label_of_their_own(pair, house):
    first, second = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "adjudicate", "they differ")
    assert pair.states() == ["ADJUDICATION"] * 2

    house.open_review(pair.inspector)
    said = house.judge(pair.inspector, second, "decide", "as I see it", SECOND)

    assert said.reply["state"] == "LOCKED"
    assert house.row(Task, first).state is TaskState.SET_ASIDE
    last = house.labels(second)[-1]
    assert (last.version, last.author) == (2, pair.inspector.account)
    commitments = last_entry(house)["outcome"]["commitments"]
    assert set(commitments) == {"comment", "label", "reason", "rows", "shown"}


def test_an_inspector_may_accept_what_a_labeller_said(pair, house):
    first, second = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "adjudicate", "they differ")
    house.open_review(pair.inspector, second)

    house.judge(pair.inspector, second, "accept")

    assert house.row(Task, second).state is TaskState.LOCKED


def test_an_adjudication_that_nobody_ends_waits_for_another(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "adjudicate", "they differ")
    other = house.another(Role.INSPECTOR, project_domain(house.project))
    house.open_review(pair.inspector, first)

    refused(house, NotFound, "no-task", lambda: house.open_review(other))
    refused(house, Conflict, "review-held", lambda: house.open_review(other, first))
    house.clock.advance(seconds=901)
    house.work()

    assert pair.states() == ["ADJUDICATION"] * 2
    house.open_review(other)


def in_adjudication(pair, house) -> str:
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "adjudicate", "they differ")
    house.open_review(pair.inspector, first)
    return first


@pytest.mark.parametrize(
    ("verdict", "reason", "value", "error", "code"),
    [
        ("decide", "why", None, Unacceptable, "decision-missing"),
        ("decide", " ", SECOND, Unacceptable, "reason-missing"),
        ("decide", "why", {"classes": ["pneumonia"]}, Unacceptable, "label-class-unknown"),
        ("decide", "it is 张三丰", SECOND, Unacceptable, "identifier-found"),
        ("accept", "", SECOND, Unacceptable, "decision-unasked"),
        ("return", "why", None, IllegalTransition, "illegal-transition"),
        ("adjudicate", "why", None, IllegalTransition, "illegal-transition"),
        ("overrule", "why", None, Unacceptable, "verdict-unknown"),
    ],
)
def test_what_does_not_end_an_adjudication(pair, house, verdict, reason, value, error, code):  # noqa: PLR0917
    task = in_adjudication(pair, house)

    refused(house, error, code, lambda: house.judge(pair.inspector, task, verdict, reason, value))
    assert pair.states() == ["ADJUDICATION"] * 2


def test_a_reviewer_can_not_decide_by_a_label_of_their_own(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)

    refused(
        house,
        IllegalTransition,
        "illegal-transition",
        lambda: house.judge(house.reviewer, first, "decide", "why", SECOND),
    )


def test_an_adjudicator_who_labelled_the_item_is_refused(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "adjudicate", "they differ")
    both = house.another(Role.INSPECTOR, project_domain(house.project), key=pair.two.key)

    refused(house, Forbidden, "forbidden", lambda: house.open_review(both, first))
    refused(house, NotFound, "no-task", lambda: house.open_review(both))


@pytest.mark.requirement("R39")
def test_a_locked_item_is_reopened_with_all_its_labels(pair, house):
    first, second = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "accept")

    house.reopen(house.reviewer, first, "wrong one")
    assert pair.states() == ["IN_REVIEW"] * 2
    house.judge(house.reviewer, second, "accept")

    assert house.row(Task, second).state is TaskState.LOCKED
    assert house.row(Task, first).state is TaskState.SET_ASIDE


def test_a_label_that_was_set_aside_is_not_reopened_by_itself(pair, house):
    first, second = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "accept")

    refused(house, Forbidden, "forbidden", lambda: house.reopen(house.reviewer, second, "why"))
    refused(house, Forbidden, "forbidden", lambda: house.open_review(house.reviewer, second))


def remove(house, person) -> None:
    for membership in house.rows(Membership, account=person.account):
        house.revoke(membership.id)


@pytest.mark.requirement("R41")
def test_a_labeller_who_leaves_while_looking_frees_the_slot(pair, house):
    task = str(house.open_task(pair.one).reply["task"])
    remove(house, pair.one)

    assert house.work() == 1

    row = house.row(Task, task)
    assert (row.state, row.labeller) == (TaskState.OPEN, None)
    assert not house.rows(Lease, ended_at=None)
    third = house.another(Role.LABELLER, project_domain(house.project))
    assert {pair.label(pair.two), pair.label(third)} == {row.id for row in pair.tasks()}


@pytest.mark.requirement("R41")
def test_a_returned_slot_of_a_labeller_who_left_is_taken_by_another(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "return", "look again")
    third = house.another(Role.LABELLER, project_domain(house.project))
    refused(house, NotFound, "no-task", lambda: house.open_task(third))
    remove(house, pair.one)

    refused(house, NotFound, "no-task", lambda: house.open_task(pair.two))
    assert pair.label(third) == first

    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, first, 1, third.actor)
    assert [row.author for row in house.labels(first)] == [pair.one.account, third.account]


@pytest.mark.requirement("R41")
def test_who_takes_over_a_slot_does_not_read_what_was_said_in_it(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "return", "look again")
    third = house.another(Role.LABELLER, project_domain(house.project))
    remove(house, pair.one)

    assert house.open_task(third).reply["task"] == first  # a live lease, to label

    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, first, 1, third.actor)


@pytest.mark.requirement("R41")
def test_a_label_of_a_labeller_who_left_stays_and_counts(pair, house):
    pair.label(pair.one)
    remove(house, pair.one)
    pair.label(pair.two)

    house.open_review(house.reviewer)

    assert pair.states() == ["IN_REVIEW"] * 2


@pytest.mark.requirement("R06")
def test_a_reviewer_takes_no_slot_of_what_they_judged(pair, house):
    first, _ = pair.both()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, first, "return", "look again")
    remove(house, pair.one)
    both = house.another(Role.LABELLER, project_domain(house.project), key=house.reviewer.key)

    refused(house, NotFound, "no-task", lambda: house.open_task(both))
    refused(house, Forbidden, "own-review", lambda: house.open_task(both, first))


def test_an_item_without_all_its_tasks_is_not_reviewed(pair, house):
    """Somebody with the database took a slot away: the group is not complete."""
    first, second = pair.both()
    row = house.row(Task, second)
    house.change_behind_the_gate(replace(row, item=new_id()))

    refused(house, Forbidden, "forbidden", lambda: house.open_review(house.reviewer, first))
