"""Leases: the short right of one account to see one item, given and taken back.

- An account holds at most one live lease in a project: it sees one item at a time (R34).
- A lease ends when its work is handed in, when its holder closes it, when it runs out, or when
  its holder's role ends.
- A review's lease stands on every task of the item's group.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from policies.ruling import Fact
from policies.states import TASK
from policies.vocabulary import Role, TaskState
from sandbox.acts import Acting, Commitment, Outcome, project_domain
from sandbox.errors import Conflict, NotFound
from sandbox.label.commands import LabelCommand, Looked
from sandbox.label.digests import rendering_digest
from sandbox.records.labels import Lease, Project, ProjectItem, Task
from sandbox.records.port import Tables
from sandbox.records.standing import project_facts
from sandbox.records.transitions import step

LABEL_WORK = "label"
REVIEW_WORK = "review"
ALL_SHOWN = ("all",)
ROLES: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        LABEL_WORK: (Role.LABELLER,),
        REVIEW_WORK: (Role.REVIEWER, Role.INSPECTOR, Role.LABEL_ADMIN, Role.PROJECT_LEAD),
    }
)
"""On which roles a lease rests: when the last of them ends, the lease does."""


def project_of(tables: Tables, command: LabelCommand, acting: Acting) -> Project:
    """The command's project, for whoever has any role in it or in the whole hospital.

    Raises:
        NotFound: there is none, it is outside the actor's domain, or roles of one project were
            to count in another.
    """
    if command.domain != project_domain(command.project) or not acting.memberships:
        raise NotFound
    return tables.of(Project).require(command.project)


def task_of(tables: Tables, command: LabelCommand, task_id: str) -> Task:
    """The task, when it is of the command's project.

    Raises:
        NotFound: it is not.
    """
    task = tables.of(Task).require(task_id)
    if task.project != command.project:
        raise NotFound
    return task


def standing(tables: Tables, project: Project, now: datetime) -> dict[str, Fact]:
    """The facts of the project's dataset and permit."""
    return project_facts(tables, project, now)


def live(lease: Lease | None, now: datetime) -> bool:
    """Whether a lease still lets its holder look."""
    return lease is not None and lease.ended_at is None and now < lease.expires_at


def held(tables: Tables, project: str, account: str, now: datetime) -> list[Lease]:
    """Live leases of an account in a project."""
    open_ones = tables.of(Lease).find(account=account, project=project, ended_at=None)
    return [lease for lease in open_ones if live(lease, now)]


def lease_facts(tables: Tables, task: Task, acting: Acting, work: str) -> dict[str, bool]:
    """Whether the task is leased to this account for this work, and still is."""
    lease = tables.of(Lease).get(task.lease) if task.lease else None
    return {
        "own_lease": lease is not None and lease.account == acting.account and lease.work == work,
        "lease_live": live(lease, acting.now),
    }


def give(tables: Tables, project: Project, task: Task, lease: Lease) -> Outcome:
    """Give the lease and say everything it can show.

    Raises:
        Conflict: `lease-held`, the account looks at another item of the project.
    """
    if held(tables, project.id, lease.account, lease.opened_at):
        raise Conflict("lease-held", "close the lease you hold first")
    tables.of(Lease).insert(lease)
    tables.of(Task).replace(task)
    item = tables.of(ProjectItem).require(task.item)
    seconds = int((lease.expires_at - lease.opened_at).total_seconds())
    return Outcome(
        objects={"item": item.id, "lease": lease.id, "task": task.id},
        counts={"frames": item.frames, "seconds": seconds, "version": task.version},
        digests={"rendering": rendering_digest()},
        commitments=(Commitment("item", bytes.fromhex(item.commitment)),),
        states={"task": str(task.state)},
        codes={"kind": item.kind, "work": lease.work},
        reply={"task": task.id, "lease": lease.id, "item": item.id, "version": task.version},
    )


def new_lease(project: Project, task: Task, lease_id: str, work: str, acting: Acting) -> Lease:
    """A lease of the project's length, from now on."""
    return Lease(
        id=lease_id,
        task=task.id,
        project=project.id,
        item=task.item,
        account=acting.account,
        work=work,
        opened_at=acting.now,
        expires_at=acting.now + timedelta(seconds=project.lease_s),
        ended_at=None,
        shown=(),
        opened_index=acting.index,
    )


def end(tables: Tables, lease_id: str, now: datetime, shown: Looked | None) -> Lease:
    """End a lease; uncounted, all of its item was seen.

    Raises:
        Conflict: `lease-closed` already.
    """
    lease = tables.of(Lease).require(lease_id)
    if lease.ended_at is not None:
        raise Conflict("lease-closed", "the lease has ended already")
    ended = replace(lease, ended_at=now, shown=shown_words(shown))
    tables.of(Lease).replace(ended)
    return ended


def shown_words(shown: Looked | None) -> tuple[str, ...]:
    """What was looked at, in words: `all` when nobody counted."""
    return ALL_SHOWN if shown is None else shown.what


def told(lease: Lease, shown: Looked | None) -> tuple[dict[str, int], dict[str, str]]:
    """Counts and codes by which the entry that ends a lease says what was seen, and how long.

    Source: docs/spec/provenance-log.md, clause 2.9.
    """
    until = min(lease.ended_at or lease.expires_at, lease.expires_at)
    seconds = int((until - lease.opened_at).total_seconds())
    if shown is None:
        return {"seconds": seconds}, {"counted": "all"}
    counts = {"seconds": seconds, "shown": len(shown.what), "views": shown.views}
    return counts, {"counted": "exact"}


def without_lease(task: Task) -> Task:
    """The task after its lease ended without work handed in."""
    if task.state in {TaskState.ADJUDICATION, TaskState.CANCELLED}:
        return replace(task, lease=None)
    if task.state is TaskState.IN_REVIEW:
        return replace(task, state=step(TASK, task.state, TaskState.SUBMITTED), lease=None)
    if task.version:
        return replace(task, state=step(TASK, task.state, TaskState.RETURNED), lease=None)
    state = step(TASK, task.state, TaskState.OPEN)
    return replace(task, state=state, lease=None, labeller=None)
