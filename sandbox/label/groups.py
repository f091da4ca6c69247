"""The labellings of one item: one task for each of the people who label it independently.

A project with overlap k opens k tasks per item, its slots; with k = 1 a group is one task.

R41, blindness: whoever labels an item sees nothing of the other slots, and nothing of their
states, before all k labellings are in. Review begins only then, and treats the group as one:
every task of it goes into review under one lease, one label is chosen, the others are set aside
and stay readable.

R06: who labelled the item under any slot is no judge of it, and who judged it does not label it;
a second account of the same person counts as that person.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from policies.vocabulary import Role, TaskState
from sandbox.acts import project_domain
from sandbox.records.labels import Label, Project, Review, Task
from sandbox.records.people import Membership
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.standing import counting_memberships

_STILL_TO_COME = (TaskState.OPEN, TaskState.LEASED, TaskState.RETURNED, TaskState.CANCELLED)
_KEPT_FOR_ONE = (TaskState.RETURNED,)


def group_of(tables: Tables, task: Task) -> list[Task]:
    """All tasks of the task's item, by slot."""
    return sorted(tables.of(Task).find(item=task.item), key=lambda one: one.slot)


def all_in(project: Project, group: Sequence[Task]) -> bool:
    """Whether as many people as the project wants have handed in a label of the item."""
    there = [task for task in group if task.state not in _STILL_TO_COME and task.label]
    return len(there) == len(group) >= project.overlap


def reviewers_of(tables: Tables, group: Iterable[Task]) -> set[str]:
    """Accounts that ever judged a label of the item (R06)."""
    return {review.reviewer for task in group for review in tables.of(Review).find(task=task.id)}


def authors_of(tables: Tables, group: Iterable[Task]) -> set[str]:
    """Accounts that wrote any version of any label of the item (R06)."""
    return {label.author for task in group for label in tables.of(Label).find(task=task.id)}


def labelled_by(tables: Tables, group: Iterable[Task], account: str) -> bool:
    """Whether the person behind `account` wrote any label of the item (R06)."""
    return bool(authors_of(tables, group) & accounts_of(tables, account))


def in_another_slot(
    tables: Tables, task: Task, group: Iterable[Task], persons: frozenset[str]
) -> bool:
    """Whether one of these accounts labels, or has labelled, the item under another task."""
    others = [one for one in group if one.id != task.id]
    holders = {one.labeller for one in others if one.labeller}
    return bool(persons & (holders | authors_of(tables, others)))


def seats(tables: Tables, project: str, account: str, now: datetime) -> list[Membership]:
    """Memberships of an account in a project that count at `now`."""
    domain = project_domain(project)
    return [m for m in counting_memberships(tables, account, now) if m.domain == domain]


def holds_seat(
    tables: Tables, project: str, account: str, roles: Iterable[Role], now: datetime
) -> bool:
    """Whether an account holds one of these roles in a project at `now`."""
    wanted = frozenset(roles)
    return any(m.role in wanted for m in seats(tables, project, account, now))


def is_orphaned(tables: Tables, task: Task, now: datetime) -> bool:
    """Whether a task is kept for a labeller who labels here no more: the slot is free again."""
    return (
        task.state in _KEPT_FOR_ONE
        and task.labeller is not None
        and not holds_seat(tables, task.project, task.labeller, (Role.LABELLER,), now)
    )
