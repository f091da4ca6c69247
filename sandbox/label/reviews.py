"""Review by another person: accepted labels are locked in the same act, others go back.

R06: who wrote any version of a task's label can't judge it, nor can a second account of theirs.
R39: a locked task is reopened by a reviewer, with a reason.
"""

from dataclasses import replace

from policies.ruling import Facts
from policies.states import TASK
from policies.vocabulary import TaskState
from sandbox.acts import Acting, Commitment, Outcome
from sandbox.errors import NotFound, Unacceptable
from sandbox.label import leases
from sandbox.label.commands import OpenReview, ReopenTask, SubmitReview
from sandbox.label.tasks import authors_of, labelled_by, project_digests, waiting
from sandbox.records.labels import Review, Task
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.transitions import step

ACCEPT = "accept"
RETURN = "return"
REOPEN = "reopen"
VERDICTS = (ACCEPT, RETURN)


class OpenReviewHandler:
    """`review.open`."""

    def facts(self, tables: Tables, command: OpenReview, acting: Acting) -> Facts:
        """State of the task, and whether its label is the reviewer's own.

        Raises:
            NotFound: `no-task` waits for this reviewer, or no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, command, acting)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "own_label": labelled_by(tables, task, acting.account),
        }

    def act(self, tables: Tables, command: OpenReview, acting: Acting) -> Outcome:
        """Lease the task for review.

        Raises:
            Conflict: `lease-held`.
            IllegalTransition: no label of it waits for review.
        """
        project = leases.project_of(tables, command, acting)
        task = self._task(tables, command, acting)
        lease = leases.new_lease(project, task, command.lease, leases.REVIEW_WORK, acting)
        return leases.give(tables, project, _in_review(task, lease.id, acting.account), lease)

    def _task(self, tables: Tables, command: OpenReview, acting: Acting) -> Task:
        if command.task:
            return leases.task_of(tables, command, command.task)
        persons = accounts_of(tables, acting.account)
        for task in waiting(tables, command.project, state=TaskState.SUBMITTED):
            if not persons & authors_of(tables, task):
                return task
        raise NotFound("no-task", "no label waits for your review here")


class SubmitReviewHandler:
    """`review.submit`."""

    def facts(self, tables: Tables, command: SubmitReview, acting: Acting) -> Facts:
        """State of the task, whose label it is and whose lease.

        Raises:
            NotFound: no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "own_label": labelled_by(tables, task, acting.account),
            **leases.lease_facts(tables, task, acting, leases.REVIEW_WORK),
        }

    def act(self, tables: Tables, command: SubmitReview, acting: Acting) -> Outcome:
        """Keep the verdict; an accepted label is locked at once (R39).

        Raises:
            InputError: an unknown verdict, a return without reason, an identifier in it.
            IllegalTransition: the task is not in review.
        """
        if command.fault:
            raise command.fault.error()
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        state = _judged(task, command.verdict)
        lease = leases.end(tables, task.lease or "", acting.now, command.shown)
        label = task.label or ""
        tables.of(Review).insert(_review(command, label, command.verdict, acting))
        tables.of(Task).replace(replace(task, state=state, lease=None, reviewer=acting.account))
        return Outcome(
            objects={"item": task.item, "label": label, "lease": lease.id},
            counts={"version": task.version, "shown": len(command.shown)},
            digests=project_digests(project),
            commitments=(Commitment("reason", command.commitment),),
            states={"task": str(state)},
            codes={"verdict": command.verdict},
            reply={"review": command.review, "state": str(state)},
        )


class ReopenTaskHandler:
    """`task.reopen`."""

    def facts(self, tables: Tables, command: ReopenTask, acting: Acting) -> Facts:
        """State of the task, whether a reason was given, and whose label it is.

        Raises:
            NotFound: no such project or task.
        """
        project = leases.project_of(tables, command, acting)
        task = leases.task_of(tables, command, command.task)
        return {
            **leases.standing(tables, project, acting.now),
            "stage": str(task.state),
            "reason_given": command.reason_given,
            "own_label": labelled_by(tables, task, acting.account),
        }

    def act(self, tables: Tables, command: ReopenTask, acting: Acting) -> Outcome:
        """Take the task back into review, leased to who reopened it.

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
        tables.of(Review).insert(_review(command, task.label or "", REOPEN, acting))
        given = leases.give(tables, project, _in_review(task, lease.id, acting.account), lease)
        return replace(
            given,
            objects={**given.objects, "label": task.label or ""},
            commitments=(*given.commitments, Commitment("reason", command.commitment)),
        )


def _in_review(task: Task, lease: str, reviewer: str) -> Task:
    state = step(TASK, task.state, TaskState.IN_REVIEW)
    return replace(task, state=state, lease=lease, reviewer=reviewer)


def _judged(task: Task, verdict: str) -> TaskState:
    """The state after the verdict; ACCEPTED is passed through, never rested in."""
    if verdict == ACCEPT:
        return step(TASK, step(TASK, task.state, TaskState.ACCEPTED), TaskState.LOCKED)
    if verdict == RETURN:
        return step(TASK, task.state, TaskState.RETURNED)
    raise Unacceptable("verdict-unknown", "accept or return is wanted", field="verdict")


def _review(command: SubmitReview | ReopenTask, label: str, verdict: str, acting: Acting) -> Review:
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
