"""What can be asked of the labelling room; one frozen command per act.

Fields with `compare=False` are made by the house (ids, seals, what was counted): a repeated
request brings others and is the same request all the same. What a label says is compared by
`asked`, a digest that is kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from policies.vocabulary import Action
from sandbox.acts import Command
from sandbox.errors import InputError, Unacceptable


@dataclass(frozen=True)
class Fault:
    """What was wrong with the input, found before the gate and raised inside it.

    So that the refusal stands in the log, and only someone who may act learns of it.
    """

    code: str
    message: str
    field: str | None

    @classmethod
    def of(cls, error: InputError) -> "Fault":
        """The fault that an error tells of."""
        return cls(error.code, error.message, error.field)

    def error(self) -> InputError:
        """The error again."""
        return Unacceptable(self.code, self.message, field=self.field)


@dataclass(frozen=True)
class Looked:
    """What was looked at under a lease: which frames or texts, and how often in all."""

    what: tuple[str, ...] = ()
    views: int = 0


@dataclass(frozen=True)
class Decision:
    """The adjudicator's own label, sealed: it follows on `version` of the task's label."""

    label: str
    version: int
    sealed: bytes
    commitments: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class CreateProject(Command):
    """Open the labelling job of one dataset."""

    ACTION: ClassVar[Action] = Action.PROJECT_CREATE

    project: str
    dataset: str
    title: str
    firm: str
    guideline: bytes
    schema: bytes
    lease_s: int
    overlap: int = 1
    fault: Fault | None = None

    def objects(self) -> Mapping[str, str]:
        """The project and its dataset."""
        return {"dataset": self.dataset, "project": self.project}


@dataclass(frozen=True, kw_only=True)
class LabelCommand(Command):
    """Anything done in one project; `domain` has to be the project's own."""

    project: str


@dataclass(frozen=True, kw_only=True)
class OpenTask(LabelCommand):
    """Get the next task (or the named one) and the right to see its item for a while."""

    ACTION: ClassVar[Action] = Action.TASK_OPEN

    lease: str = field(compare=False)
    task: str | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, and the task when one is named."""
        named = {"task": self.task} if self.task else {}
        return {"project": self.project, **named}


@dataclass(frozen=True, kw_only=True)
class OpenReview(LabelCommand):
    """Get the next submitted task (or the named one) of someone else, to judge it."""

    ACTION: ClassVar[Action] = Action.REVIEW_OPEN

    lease: str = field(compare=False)
    task: str | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, and the task when one is named."""
        named = {"task": self.task} if self.task else {}
        return {"project": self.project, **named}


@dataclass(frozen=True, kw_only=True)
class SubmitLabel(LabelCommand):
    """Save a label for the item under the lease; `version` is what the saver saw last.

    `shown` is None when nobody counted: then all of the item counts as seen.
    """

    ACTION: ClassVar[Action] = Action.LABEL_SUBMIT

    task: str
    label: str = field(compare=False)
    version: int
    asked: bytes = b""
    sealed: bytes = field(default=b"", compare=False)
    commitments: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    shown: Looked | None = field(default=None, compare=False)
    fault: Fault | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, the task and the new label."""
        return {"project": self.project, "task": self.task, "label": self.label}


@dataclass(frozen=True, kw_only=True)
class SubmitReview(LabelCommand):
    """Judge a label: accept, return, send to adjudication, or decide by a label of one's own.

    `shown` is None when nobody counted: then all of the item counts as seen.

    `decision` is the label of a `decide`, made ready as a submitted one is.
    """

    ACTION: ClassVar[Action] = Action.REVIEW_SUBMIT

    task: str
    review: str = field(compare=False)
    verdict: str
    asked: bytes = b""
    sealed: bytes = field(default=b"", compare=False)
    commitment: bytes = field(default=b"", compare=False)
    decision: "Decision | None" = field(default=None, compare=False)
    shown: Looked | None = field(default=None, compare=False)
    shown_commitment: bytes = field(default=b"", compare=False)
    fault: Fault | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, the task and the new review."""
        return {"project": self.project, "task": self.task, "review": self.review}


@dataclass(frozen=True, kw_only=True)
class ReopenTask(LabelCommand):
    """Take an accepted, locked task back into review, with a reason."""

    ACTION: ClassVar[Action] = Action.TASK_REOPEN

    task: str
    review: str = field(compare=False)
    lease: str = field(compare=False)
    reason_given: bool
    asked: bytes = b""
    sealed: bytes = field(default=b"", compare=False)
    commitment: bytes = field(default=b"", compare=False)
    fault: Fault | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, the task and the lease it opens."""
        return {"project": self.project, "task": self.task, "review": self.review}


@dataclass(frozen=True, kw_only=True)
class CloseLease(LabelCommand):
    """End a lease: by its holder, or by the worker once it has run out.

    `shown` is None when nobody counted: then all of the item counts as seen.
    """

    ACTION: ClassVar[Action] = Action.LEASE_CLOSE

    lease: str
    shown: Looked | None = field(default=None, compare=False)
    shown_commitment: bytes = field(default=b"", compare=False)

    def objects(self) -> Mapping[str, str]:
        """The project and the lease."""
        return {"project": self.project, "lease": self.lease}


@dataclass(frozen=True, kw_only=True)
class ReadAgreement(LabelCommand):
    """Read how far the labellers agree; `items` is over how many items the figures are."""

    ACTION: ClassVar[Action] = Action.AGREEMENT_READ

    items: int = field(compare=False)

    def objects(self) -> Mapping[str, str]:
        """The project."""
        return {"project": self.project}
