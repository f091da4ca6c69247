"""What can be asked of `collect`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import Action, Category, LegalBasis, Purpose
from sandbox.acts import Command


@dataclass(frozen=True, kw_only=True)
class CreateDataset(Command):
    """Make a dataset known, with everything the law wants said; a missing field is None."""

    ACTION: ClassVar[Action] = Action.DATASET_CREATE

    dataset: str = field(compare=False)  # made by the house, not asked for
    title: str | None
    owner: str | None
    contract: str | None
    contract_expires_at: datetime | None
    ethics_approval: str | None
    ethics_expires_at: datetime | None
    legal_basis: LegalBasis | None
    purpose: Purpose | None
    retain_until: datetime | None
    category: Category | None
    grade: int | None
    recipe: str | None

    def objects(self) -> Mapping[str, str]:
        """The dataset."""
        return {"dataset": self.dataset}


@dataclass(frozen=True, kw_only=True)
class OpenIntake(Command):
    """The worker gives a dataset its intake key, signed by its identity key."""

    ACTION: ClassVar[Action] = Action.DATASET_OPEN_INTAKE

    dataset: str
    intake_key: str
    public_key: bytes
    identity_key: bytes
    signature: bytes

    def objects(self) -> Mapping[str, str]:
        """The dataset and the key."""
        return {"dataset": self.dataset, "intake_key": self.intake_key}


@dataclass(frozen=True, kw_only=True)
class SuspendDataset(Command):
    """Stop all work on a dataset."""

    ACTION: ClassVar[Action] = Action.DATASET_SUSPEND

    dataset: str

    def objects(self) -> Mapping[str, str]:
        """The dataset."""
        return {"dataset": self.dataset}


@dataclass(frozen=True, kw_only=True)
class ResumeDataset(Command):
    """Let work on a suspended dataset go on."""

    ACTION: ClassVar[Action] = Action.DATASET_RESUME

    dataset: str

    def objects(self) -> Mapping[str, str]:
        """The dataset."""
        return {"dataset": self.dataset}


@dataclass(frozen=True, kw_only=True)
class OpenDeposit(Command):
    """Announce sealed objects by a signed outer manifest."""

    ACTION: ClassVar[Action] = Action.DEPOSIT_OPEN

    dataset: str
    deposit: str
    manifest: bytes

    def objects(self) -> Mapping[str, str]:
        """The dataset and the deposit."""
        return {"dataset": self.dataset, "deposit": self.deposit}


@dataclass(frozen=True, kw_only=True)
class AbandonDeposit(Command):
    """Give up a deposit that nobody sends any more, so that its files may come in another.

    `heard_at` is when something of it last came in, as far as the house knows.
    """

    ACTION: ClassVar[Action] = Action.DEPOSIT_ABANDON

    dataset: str
    deposit: str
    heard_at: datetime | None = field(default=None, compare=False)  # found by the house

    def objects(self) -> Mapping[str, str]:
        """The dataset and the deposit."""
        return {"dataset": self.dataset, "deposit": self.deposit}


@dataclass(frozen=True, kw_only=True)
class CompleteDeposit(Command):
    """Say that everything announced has arrived; `arrived` is what was found kept."""

    ACTION: ClassVar[Action] = Action.DEPOSIT_COMPLETE

    dataset: str
    deposit: str
    arrived: tuple[str, ...] = field(compare=False)  # found by the house

    def objects(self) -> Mapping[str, str]:
        """The dataset and the deposit."""
        return {"dataset": self.dataset, "deposit": self.deposit}
