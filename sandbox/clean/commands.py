"""What can be asked of `clean`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from policies.vocabulary import Action, ItemState
from sandbox.acts import Command


@dataclass(frozen=True, kw_only=True)
class CleanItem(Command):
    """The worker says what became of a sealed item.

    Attributes:
        version: the item's version the worker started from; another one now is a conflict.
        result: CLEANED, HELD or QUARANTINED; the `master_` fields are None unless CLEANED.
        subject: random id of the subject, None when the item could not be opened.
        subject_commitment: to that id, under the subject's salt.
        actions: how often each rule action was carried out, by its code.
        removed: identifiers removed, by kind.
    """

    ACTION: ClassVar[Action] = Action.ITEM_CLEAN

    dataset: str
    deposit: str
    item: str
    version: int
    result: ItemState
    kind: str
    reason: str | None
    subject: str | None
    subject_commitment: bytes | None
    master_blob: str | None
    master_commitment: bytes | None
    record_blob: str
    record_commitment: bytes
    recipe_digest: str
    actions: Mapping[str, int]
    removed: Mapping[str, int]

    def objects(self) -> Mapping[str, str]:
        """The dataset, the deposit and the item."""
        return {"dataset": self.dataset, "deposit": self.deposit, "item": self.item}


@dataclass(frozen=True, kw_only=True)
class RequeueItem(Command):
    """Have a held, quarantined, cleaned or approved item cleaned again."""

    ACTION: ClassVar[Action] = Action.ITEM_REQUEUE

    dataset: str
    item: str

    def objects(self) -> Mapping[str, str]:
        """The dataset and the item."""
        return {"dataset": self.dataset, "item": self.item}


@dataclass(frozen=True, kw_only=True)
class OpenApproval(Command):
    """An officer takes up what is cleaned in a dataset; signed over the session key."""

    ACTION: ClassVar[Action] = Action.APPROVAL_OPEN

    dataset: str
    approval: str
    session_key: bytes

    def objects(self) -> Mapping[str, str]:
        """The dataset and the approval."""
        return {"dataset": self.dataset, "approval": self.approval}


@dataclass(frozen=True, kw_only=True)
class SampleApproval(Command):
    """The worker gives the batch its digest and the officer the sealed samples.

    Attributes:
        batch_digest: hex digest of the blob that lists the batch, exact bytes.
        samples: `<item id>:<blob digest>` of each sealed before-and-after bundle.
    """

    ACTION: ClassVar[Action] = Action.APPROVAL_SAMPLE

    dataset: str
    approval: str
    batch_digest: str
    samples: tuple[str, ...]

    def objects(self) -> Mapping[str, str]:
        """The dataset and the approval."""
        return {"dataset": self.dataset, "approval": self.approval}


@dataclass(frozen=True, kw_only=True)
class ViewSample(Command):
    """An officer takes one sealed sample away to open it locally."""

    ACTION: ClassVar[Action] = Action.APPROVAL_VIEW

    dataset: str
    approval: str
    item: str

    def objects(self) -> Mapping[str, str]:
        """The dataset, the approval and the item."""
        return {"dataset": self.dataset, "approval": self.approval, "item": self.item}


@dataclass(frozen=True, kw_only=True)
class SignApproval(Command):
    """An officer's signed verdict, `approve` or `reject`, on the whole batch."""

    ACTION: ClassVar[Action] = Action.APPROVAL_SIGN

    dataset: str
    approval: str
    verdict: str
    batch: str

    def objects(self) -> Mapping[str, str]:
        """The dataset and the approval."""
        return {"dataset": self.dataset, "approval": self.approval}


@dataclass(frozen=True, kw_only=True)
class IssueItem(Command):
    """The worker hands an approved item, under a project's own surrogates and names, to it."""

    ACTION: ClassVar[Action] = Action.ITEM_ISSUE

    dataset: str
    item: str
    approval: str
    project: str
    project_item: str
    task: str
    further_tasks: tuple[str, ...] = ()
    kind: str
    modality: str
    frames: int
    blob: str
    commitment: bytes
    subject_commitment: bytes

    def objects(self) -> Mapping[str, str]:
        """Project, project item and task.

        Item, approval and master stay in the rows and in the commitment: two projects' entries
        name nothing by which one could tell that they issue the same item.
        """
        return {
            "dataset": self.dataset,
            "project": self.project,
            "project_item": self.project_item,
            "task": self.task,
        }
