"""Issue: an approved item enters a project as a project item with a task of its own.

The state column says only where to look: the worker has checked the officer's signature before
it asks, and no key of an item crosses to `serve` otherwise.
"""

from policies.ruling import Facts
from policies.vocabulary import ItemState, TaskState
from sandbox.acts import Acting, Commitment, Outcome
from sandbox.clean.approvals import APPROVED
from sandbox.clean.commands import IssueItem
from sandbox.errors import Conflict, NotFound
from sandbox.records.deposits import Approval, Item
from sandbox.records.labels import Project, ProjectItem, Task
from sandbox.records.port import Tables
from sandbox.records.standing import project_facts


class Issuing:
    """`item.issue`."""

    def facts(self, tables: Tables, command: IssueItem, acting: Acting) -> Facts:
        """Where item and dataset stand, and whether the item's batch is approved.

        Raises:
            NotFound: item, approval and project do not belong together.
        """
        item = tables.of(Item).require(command.item)
        approval = tables.of(Approval).require(command.approval)
        project = tables.of(Project).require(command.project)
        if {item.dataset, approval.dataset, project.dataset} != {command.dataset}:
            raise NotFound
        approved = approval.state == APPROVED and item.approval == approval.id
        standing = project_facts(tables, project, acting.now)
        return {**standing, "stage": str(item.state), "approved": approved}

    def act(self, tables: Tables, command: IssueItem, acting: Acting) -> Outcome:
        """Keep the project item and open its task.

        Raises:
            Conflict: the item was issued to the project already, is not approved now, or has
                not one task for each of the people who are to label it (R41).
        """
        if len(command.further_tasks) + 1 != tables.of(Project).require(command.project).overlap:
            raise Conflict("overlap-differs", "the project wants another number of tasks")
        item = tables.of(Item).require(command.item)
        if item.state is not ItemState.APPROVED or item.subject is None:
            raise Conflict("item-not-approved", "the item is not approved")
        tables.of(ProjectItem).insert(
            ProjectItem(
                id=command.project_item,
                project=command.project,
                source_item=item.id,
                subject=item.subject,
                kind=command.kind,
                modality=command.modality,
                frames=command.frames,
                blob=command.blob,
                commitment=command.commitment.hex(),
                state=ItemState.ISSUED,
                issued_index=acting.index,
            )
        )
        for slot, task in enumerate((command.task, *command.further_tasks), start=1):
            tables.of(Task).insert(_open_task(command, task, slot))
        return Outcome(
            digests={"issued": f"sha256:{command.blob}"},
            commitments=(
                Commitment("issued", command.commitment),
                Commitment("subject", command.subject_commitment),
            ),
            states={"project_item": str(ItemState.ISSUED), "task": str(TaskState.OPEN)},
            reply={"project_item": command.project_item, "task": command.task},
        )


def _open_task(command: IssueItem, task: str, slot: int) -> Task:
    return Task(
        id=task,
        project=command.project,
        item=command.project_item,
        state=TaskState.OPEN,
        labeller=None,
        reviewer=None,
        lease=None,
        label=None,
        version=0,
        slot=slot,
    )
