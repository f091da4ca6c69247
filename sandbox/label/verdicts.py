"""What a verdict does to the tasks of an item, and the rows that keep it.

| verdict | the judged task becomes | the item's other tasks become |
|---|---|---|
| `accept` | ACCEPTED, and at once LOCKED | SET_ASIDE |
| `return` | RETURNED | SUBMITTED, until the returned one is in again |
| `adjudicate` | ADJUDICATION | ADJUDICATION |
| `decide` | ACCEPTED, LOCKED with the adjudicator's own label | SET_ASIDE |
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from policies.states import TASK
from policies.vocabulary import TaskState
from sandbox.acts import Acting
from sandbox.errors import IllegalTransition, StaleVersion, Unacceptable
from sandbox.label.commands import ReopenTask, SubmitReview
from sandbox.label.tasks import MADE_BY_PERSON
from sandbox.records.labels import Label, Review, Task
from sandbox.records.port import Tables
from sandbox.records.transitions import step

ACCEPT = "accept"
RETURN = "return"
ADJUDICATE = "adjudicate"
DECIDE = "decide"
REOPEN = "reopen"
VERDICTS = (ACCEPT, RETURN, ADJUDICATE, DECIDE)

_WAYS: Mapping[str, tuple[tuple[TaskState, ...], TaskState]] = MappingProxyType(
    {
        ACCEPT: ((TaskState.ACCEPTED, TaskState.LOCKED), TaskState.SET_ASIDE),
        RETURN: ((TaskState.RETURNED,), TaskState.SUBMITTED),
        ADJUDICATE: ((TaskState.ADJUDICATION,), TaskState.ADJUDICATION),
        DECIDE: ((TaskState.ACCEPTED, TaskState.LOCKED), TaskState.SET_ASIDE),
    }
)


def after_verdict(group: Sequence[Task], judged: str, verdict: str) -> dict[str, Task]:
    """The item's tasks, by id, in the states that a verdict on one of them leaves.

    Raises:
        Unacceptable: `verdict-unknown`.
        IllegalTransition: the verdict does not fit the state; a `decide` outside adjudication.
    """
    if verdict not in _WAYS:
        raise Unacceptable("verdict-unknown", "there is no such verdict", field="verdict")
    way, others = _WAYS[verdict]
    moved = {}
    for task in group:
        if verdict == DECIDE and task.state is not TaskState.ADJUDICATION:
            raise IllegalTransition("illegal-transition", "only an adjudication is decided")
        state = task.state
        for follow in way if task.id == judged else (others,):
            # ACCEPTED is passed through, never rested in.
            state = step(TASK, state, follow)
        moved[task.id] = replace(task, state=state)
    return moved


def in_review(task: Task, lease: str, reviewer: str) -> Task:
    """The task under a reviewer's lease; an adjudication stays one while it is looked at.

    Raises:
        IllegalTransition: no label of it waits for review.
    """
    if task.state is TaskState.ADJUDICATION:
        return replace(task, lease=lease, reviewer=reviewer)
    state = step(TASK, task.state, TaskState.IN_REVIEW)
    return replace(task, state=state, lease=lease, reviewer=reviewer)


def keep_decision(tables: Tables, command: SubmitReview, task: Task, acting: Acting) -> Task:
    """The adjudicator's own label, as the task's next version.

    Raises:
        StaleVersion: it was made over another version than the one saved last.
        Unacceptable: `decision-missing`.
    """
    decision = command.decision
    if decision is None:
        raise Unacceptable("decision-missing", "a decision is a label", field="value")
    if decision.version != task.version:
        raise StaleVersion
    label = Label(
        id=decision.label,
        task=task.id,
        project=task.project,
        item=task.item,
        version=task.version + 1,
        author=acting.account,
        sealed=decision.sealed,
        commitment=decision.commitments["label"].hex(),
        shown_commitment=decision.commitments["shown"].hex(),
        made_by=MADE_BY_PERSON,
        index=acting.index,
        saved_at=acting.now,
    )
    tables.of(Label).insert(label)
    return replace(task, label=label.id, version=label.version)


def review_row(
    command: SubmitReview | ReopenTask, label: str, verdict: str, acting: Acting
) -> Review:
    """The row that keeps a verdict."""
    return Review(
        id=command.review,
        task=command.task,
        project=command.project,
        label=label,
        reviewer=acting.account,
        verdict=verdict,
        sealed=command.sealed,
        commitment=command.commitment.hex(),
        index=acting.index,
        saved_at=acting.now,
    )
