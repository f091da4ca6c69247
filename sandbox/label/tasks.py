"""Tasks: the next one is leased, its label saved as a new version, its lease closed.

R36: a label saved over another version than the one seen is refused. R38: each save is a row of
its own; former versions stay. R41: nobody labels an item in two slots, and nothing that is
answered here depends on what happened in another slot.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain

from policies.ruling import Facts
from policies.states import TASK
from policies.vocabulary import TaskState
from sandbox.acts import Acting, Commitment, Outcome
from sandbox.errors import Forbidden, NotFound, StaleVersion
from sandbox.label import groups, leases
from sandbox.label.commands import CloseLease, OpenTask, SubmitLabel
from sandbox.label.digests import rendering_digest
from sandbox.records.labels import Label, Lease, Project, Task
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.transitions import step

MADE_BY_PERSON = "person"
_PART = 64


class OpenTaskHandler:
    """`task.open`."""

    def facts(self, tables: Tables, command: OpenTask, acting: Acting) -> Facts:
        """State of the task, whether it is someone else's, and whether the item was labelled.

        Raises:
            NotFound: `no-task` is left for this account, or no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, project, command, acting)
        persons = accounts_of(tables, acting.account)
        group = groups.group_of(tables, task)
        kept = task.labeller not in (None, acting.account)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "assigned_other": kept and not groups.is_orphaned(tables, task, acting.now),
            "labelled_already": groups.in_another_slot(tables, task, group, persons),
        }

    def act(self, tables: Tables, command: OpenTask, acting: Acting) -> Outcome:
        """Lease the task.

        Raises:
            Conflict: `lease-held`.
            Forbidden: `own-review`, the account judged this task before (R06).
            IllegalTransition: it is not to be labelled now.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, project, command, acting)
        judges = groups.reviewers_of(tables, groups.group_of(tables, task))
        if judges & accounts_of(tables, acting.account):
            raise Forbidden("own-review", "a reviewer of a task can't label it")
        lease = leases.new_lease(project, task, command.lease, leases.LABEL_WORK, acting)
        leased = replace(
            task,
            state=step(TASK, task.state, TaskState.LEASED),
            labeller=acting.account,
            lease=lease.id,
        )
        return leases.give(tables, project, leased, lease)

    def _task(self, tables: Tables, project: Project, command: OpenTask, acting: Acting) -> Task:
        if command.task:
            return leases.task_of(tables, command, command.task)
        persons = accounts_of(tables, acting.account)
        for task in self._candidates(tables, project, acting, persons):
            if not persons & groups.reviewers_of(tables, groups.group_of(tables, task)):
                return task
        raise NotFound("no-task", "no task is left for you here")

    def _candidates(
        self, tables: Tables, project: Project, acting: Acting, persons: frozenset[str]
    ) -> Iterator[Task]:
        """What came back to this account, then what is open, then what its labeller left."""
        yield from waiting(tables, project.id, state=TaskState.RETURNED, labeller=acting.account)
        taken: set[str] = set()
        if project.overlap > 1:
            mine = chain.from_iterable(
                tables.of(Task).find(project=project.id, labeller=account) for account in persons
            )
            taken = {task.item for task in mine}
        for task in waiting(tables, project.id, state=TaskState.OPEN):
            if task.item not in taken:
                yield task
        for task in waiting(tables, project.id, state=TaskState.RETURNED):
            if task.item not in taken and groups.is_orphaned(tables, task, acting.now):
                yield task


class SubmitLabelHandler:
    """`label.submit`."""

    def facts(self, tables: Tables, command: SubmitLabel, acting: Acting) -> Facts:
        """State of the task, and whether this account holds its live lease.

        Raises:
            StaleVersion: the labeller saw another version than the one saved last.
            NotFound: no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        if task.labeller == acting.account and task.version != command.version:
            raise StaleVersion
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            **leases.lease_facts(tables, task, acting, leases.LABEL_WORK),
        }

    def act(self, tables: Tables, command: SubmitLabel, acting: Acting) -> Outcome:
        """Keep the label as the next version, end the lease.

        Raises:
            InputError: the label breaks the schema or holds an identifier; the field is named.
            IllegalTransition: the task is not being labelled.
        """
        if command.fault:
            raise command.fault.error()
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        state = step(TASK, task.state, TaskState.SUBMITTED)
        lease = leases.end(tables, task.lease or "", acting.now, command.shown)
        label = _label(command, task, acting)
        tables.of(Label).insert(label)
        tables.of(Task).replace(
            replace(task, state=state, label=label.id, version=label.version, lease=None)
        )
        counts, codes = leases.told(lease, command.shown)
        return Outcome(
            objects={"item": task.item, "lease": lease.id},
            counts={"version": label.version, **counts},
            digests={
                "guideline": project.guideline_digest,
                "schema": project.schema_digest,
                "rendering": rendering_digest(),
            },
            commitments=tuple(Commitment(k, v) for k, v in sorted(command.commitments.items())),
            states={"task": str(state)},
            codes={"made_by": label.made_by, **codes},
            reply={"label": label.id, "version": label.version},
        )


class CloseLeaseHandler:
    """`lease.close`."""

    def facts(self, tables: Tables, command: CloseLease, acting: Acting) -> Facts:
        """Whether the lease has run out or its holder has left, and whose it is.

        Raises:
            NotFound: no such lease in this project.
        """
        project = leases.project_of(tables, command, acting)
        lease = self._lease(tables, command)
        return {
            **leases.standing(tables, project, acting.now),
            "expired": is_over(tables, lease, acting.now),
            "own": lease.account == acting.account,
        }

    def act(self, tables: Tables, command: CloseLease, acting: Acting) -> Outcome:
        """End the lease and say what was looked at; uncounted, all of it was.

        Raises:
            Conflict: `lease-closed`.
        """
        lease = leases.end(tables, self._lease(tables, command).id, acting.now, command.shown)
        task = tables.of(Task).require(lease.task)
        for each in groups.group_of(tables, task):
            if each.lease == lease.id:
                after = leases.without_lease(each)
                tables.of(Task).replace(after)
                task = after if each.id == task.id else task
        counts, codes = leases.told(lease, command.shown)
        bound = (Commitment("shown", command.shown_commitment),) if command.shown else ()
        return Outcome(
            objects={"item": lease.item, "task": task.id},
            counts=counts,
            codes=codes,
            commitments=bound,
            states={"task": str(task.state)},
            reply={"lease": lease.id},
        )

    def _lease(self, tables: Tables, command: CloseLease) -> Lease:
        lease = tables.of(Lease).require(command.lease)
        if lease.project != command.project:
            raise NotFound
        return lease


def waiting(tables: Tables, project: str, **equal: object) -> Iterator[Task]:
    """Tasks of a project whose fields equal `equal`, read in parts: most callers take the first."""
    after: str | None = None
    while part := tables.of(Task).find(after=after, limit=_PART, project=project, **equal):
        yield from part
        after = part[-1].id


def is_over(tables: Tables, lease: Lease, now: datetime) -> bool:
    """Whether a lease has run out, or what it rests on is gone: its holder's role, or its task."""
    roles = leases.ROLES[lease.work]
    return (
        now >= lease.expires_at
        or tables.of(Task).require(lease.task).state is TaskState.CANCELLED
        or not groups.holds_seat(tables, lease.project, lease.account, roles, now)
    )


def project_digests(project: Project) -> dict[str, str]:
    """The digests a label or review is bound to."""
    return {"guideline": project.guideline_digest, "schema": project.schema_digest}


def _label(command: SubmitLabel, task: Task, acting: Acting) -> Label:
    return Label(
        id=command.label,
        task=task.id,
        project=task.project,
        item=task.item,
        version=task.version + 1,
        author=acting.account,
        sealed=command.sealed,
        commitment=command.commitments["label"].hex(),
        shown_commitment=command.commitments["shown"].hex(),
        made_by=MADE_BY_PERSON,
        index=acting.index,
        saved_at=acting.now,
    )
