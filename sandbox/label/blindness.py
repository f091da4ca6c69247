"""What a labeller may know of the work of others in a project with overlap: nothing (R41).

Who labels in such a project, under this or another account of theirs, sees only their own tasks
there, whatever other role they hold: another slot of an item is answered like no task at all,
and counts are of what is theirs and of what they may still take. So neither states nor versions,
counts or dates tell whether, when or how often somebody else labelled an item.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from policies.vocabulary import Role, TaskState
from sandbox.label.groups import holds_seat
from sandbox.label.verdicts import DECIDE
from sandbox.records.labels import Label, Project, Review, Task
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables


def labels_here(tables: Tables, project: Project, account: str, now: datetime) -> bool:
    """Whether the person behind an account labels in a project, or has labelled there."""
    persons = accounts_of(tables, account)
    return any(
        holds_seat(tables, project.id, one, (Role.LABELLER,), now)
        or tables.of(Task).count(project=project.id, labeller=one)
        or _has_handed_in(tables, project, one)
        for one in persons
    )


def _has_handed_in(tables: Tables, project: Project, account: str) -> bool:
    """Whether an account ever handed in a label, of whatever version, in a project.

    An adjudicator's decision is kept as a label too, one for each such verdict: not counted.
    """
    kept = tables.of(Label).count(project=project.id, author=account)
    if not kept:
        return False
    decided = tables.of(Review).count(project=project.id, reviewer=account, verdict=DECIDE)
    return kept > decided


def hides(tables: Tables, task: Task, account: str, now: datetime) -> bool:
    """Whether a task is hidden from an account: another's slot, to one who labels here."""
    project = tables.of(Project).require(task.project)
    if project.overlap == 1 or task.labeller == account:
        return False
    if any(label.author == account for label in tables.of(Label).find(task=task.id)):
        return False
    return labels_here(tables, project, account, now)


def counts(tables: Tables, project: Project, account: str, now: datetime) -> Mapping[str, int]:
    """How many tasks of a project are in each state, as far as an account may know.

    To one who labels there: their own tasks, and as OPEN the items that they may still take.
    """
    tasks = tables.of(Task).find(project=project.id)
    if project.overlap > 1 and labels_here(tables, project, account, now):
        persons = accounts_of(tables, account)
        own = [task for task in tasks if task.labeller in persons]
        mine = {task.item for task in own}
        free = {task.item for task in tasks if task.state is TaskState.OPEN} - mine
        found = Counter(str(task.state) for task in own)
        found.update({str(TaskState.OPEN): len(free)} if free else {})
        return dict(found)
    return dict(Counter(str(task.state) for task in tasks))
