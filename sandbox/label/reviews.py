"""Review by another person: one label of an item is accepted and locked, or all go back.

R06: who labelled the item in any slot can't judge it, nor can a second account of theirs.
R39: a locked task is reopened by a reviewer, with a reason.
R41: review begins when every labelling of the item is in, and treats them as one.

A reviewer accepts one label, returns one, or sends the item to adjudication; an inspector ends
an adjudication by accepting one label or deciding by one of their own. What is not accepted is
set aside and stays readable (R38).
"""

from collections.abc import Iterator
from dataclasses import replace

from policies.ruling import Facts
from policies.vocabulary import Role, TaskState
from sandbox.acts import Acting, Commitment, Outcome
from sandbox.errors import Conflict, NotFound
from sandbox.label import groups, leases
from sandbox.label.commands import OpenReview, ReopenTask, SubmitReview
from sandbox.label.tasks import project_digests, waiting
from sandbox.label.verdicts import (
    DECIDE,
    REOPEN,
    after_verdict,
    in_review,
    keep_decision,
    review_row,
)
from sandbox.records.labels import Lease, Project, Review, Task
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables


class OpenReviewHandler:
    """`review.open`."""

    def facts(self, tables: Tables, command: OpenReview, acting: Acting) -> Facts:
        """State of the task, whether all labels are in, and whether one is the reviewer's own.

        Raises:
            NotFound: `no-task` waits for this reviewer, or no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, project, command, acting)
        group = groups.group_of(tables, task)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "own_label": groups.labelled_by(tables, group, acting.account),
            "all_in": groups.all_in(project, group),
        }

    def act(self, tables: Tables, command: OpenReview, acting: Acting) -> Outcome:
        """Lease the item's tasks for review.

        Raises:
            Conflict: `lease-held`; `review-held`, another decides the adjudication.
            IllegalTransition: no label of it waits for review.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, project, command, acting)
        lease = leases.new_lease(project, task, command.lease, leases.REVIEW_WORK, acting)
        return _lease_group(tables, project, task, lease)

    def _task(self, tables: Tables, project: Project, command: OpenReview, acting: Acting) -> Task:
        if command.task:
            return leases.task_of(tables, command, command.task)
        persons = accounts_of(tables, acting.account)
        adjudicates = Role.INSPECTOR in acting.roles
        states = [TaskState.ADJUDICATION] if adjudicates else []
        for state in (*states, TaskState.SUBMITTED):
            for group in _groups_in(tables, project, state):
                if not persons & groups.authors_of(tables, group):
                    return group[0]
        raise NotFound("no-task", "no label waits for your review here")


class SubmitReviewHandler:
    """`review.submit`."""

    def facts(self, tables: Tables, command: SubmitReview, acting: Acting) -> Facts:
        """State of the task, whose labels its item has and whose lease.

        Raises:
            NotFound: no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        group = groups.group_of(tables, task)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "own_label": groups.labelled_by(tables, group, acting.account),
            **leases.lease_facts(tables, task, acting, leases.REVIEW_WORK),
        }

    def act(self, tables: Tables, command: SubmitReview, acting: Acting) -> Outcome:
        """Keep the verdict; an accepted label is locked at once (R39), the others set aside.

        Raises:
            InputError: an unknown verdict, one without reason, an identifier in it, a label of
                one's own that breaks the schema.
            IllegalTransition: the verdict does not fit the state.
            StaleVersion: a decision rests on another version than the one saved last.
        """
        if command.fault:
            raise command.fault.error()
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        lease = leases.end(tables, task.lease or "", acting.now, command.shown)
        moved = after_verdict(groups.group_of(tables, task), task.id, command.verdict)
        judged = replace(moved.pop(task.id), lease=None, reviewer=acting.account)
        if command.verdict == DECIDE:
            judged = keep_decision(tables, command, judged, acting)
        for other in moved.values():
            tables.of(Task).replace(replace(other, lease=None, reviewer=acting.account))
        tables.of(Task).replace(judged)
        label = judged.label or ""
        tables.of(Review).insert(review_row(command, label, command.verdict, acting))
        commitments = {"shown": command.shown_commitment, "reason": command.commitment}
        commitments |= command.decision.commitments if command.decision else {}
        counts, codes = leases.told(lease, command.shown)
        return Outcome(
            objects={"item": task.item, "label": label, "lease": lease.id},
            counts={"version": judged.version, **counts},
            digests=project_digests(project),
            commitments=tuple(Commitment(k, v) for k, v in sorted(commitments.items())),
            states={"task": str(judged.state)},
            codes={"verdict": command.verdict, **codes},
            reply={"review": command.review, "state": str(judged.state)},
        )


class ReopenTaskHandler:
    """`task.reopen`."""

    def facts(self, tables: Tables, command: ReopenTask, acting: Acting) -> Facts:
        """State of the task, whether a reason was given, and whose labels its item has.

        Raises:
            NotFound: no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        group = groups.group_of(tables, task)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "reason_given": command.reason_given,
            "own_label": groups.labelled_by(tables, group, acting.account),
        }

    def act(self, tables: Tables, command: ReopenTask, acting: Acting) -> Outcome:
        """Take the item back into review, leased to who reopened it.

        Raises:
            InputError: an identifier in the reason.
            Conflict: `lease-held`.
            IllegalTransition: the task is not locked.
        """
        if command.fault:
            raise command.fault.error()
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        lease = leases.new_lease(project, task, command.lease, leases.REVIEW_WORK, acting)
        tables.of(Review).insert(review_row(command, task.label or "", REOPEN, acting))
        given = _lease_group(tables, project, task, lease)
        return replace(
            given,
            objects={**given.objects, "label": task.label or ""},
            commitments=(*given.commitments, Commitment("reason", command.commitment)),
        )


def _groups_in(tables: Tables, project: Project, state: TaskState) -> Iterator[list[Task]]:
    """Items all of whose tasks are in one state and under no lease; read through once."""
    found: dict[str, list[Task]] = {}
    for task in waiting(tables, project.id, state=state, lease=None):
        group = found.setdefault(task.item, [])
        group.append(task)
        if len(group) == project.overlap:
            yield sorted(found.pop(task.item), key=lambda one: one.slot)


def _lease_group(tables: Tables, project: Project, task: Task, lease: Lease) -> Outcome:
    """Every task of the item goes into review under one lease."""
    if task.state is TaskState.ADJUDICATION and task.lease:
        raise Conflict("review-held", "another person decides this adjudication now")
    moved = {
        each.id: in_review(each, lease.id, lease.account) for each in groups.group_of(tables, task)
    }
    given = leases.give(tables, project, moved.pop(task.id), lease)
    for other in moved.values():
        tables.of(Task).replace(other)
    return given
