"""What can be asked of `erasure`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from policies.vocabulary import Action
from sandbox.acts import Command


@dataclass(frozen=True, kw_only=True)
class OrderErasure(Command):
    """A steward orders that a dataset, or one person's data in it, be erased.

    Attributes:
        scope: `dataset` or `subject`.
        subject: id of the subject as entries name it, or empty.
        sealed: the hospital's own reference to the person, sealed to the intake key, or empty.
        ground: code of why, such as `gdpr-17` or `consent-withdrawn`.
    """

    ACTION: ClassVar[Action] = Action.ERASURE_ORDER

    dataset: str
    erasure: str
    scope: str
    subject: str
    sealed: bytes
    ground: str

    def objects(self) -> Mapping[str, str]:
        """The dataset and the erasure."""
        return {"dataset": self.dataset, "erasure": self.erasure}


@dataclass(frozen=True, kw_only=True)
class BeginErasure(Command):
    """The worker knows whom an order is about, and takes all of it out of work."""

    ACTION: ClassVar[Action] = Action.ERASURE_BEGIN

    dataset: str
    erasure: str
    subjects: tuple[str, ...]
    kept: tuple[str, ...] = field(default=(), compare=False)  # made anew after a crash

    def objects(self) -> Mapping[str, str]:
        """The dataset and the erasure."""
        return {"dataset": self.dataset, "erasure": self.erasure}


@dataclass(frozen=True, kw_only=True)
class CompleteErasure(Command):
    """The worker says, by signature, that keys and ciphertexts are destroyed."""

    ACTION: ClassVar[Action] = Action.ERASURE_COMPLETE

    dataset: str
    erasure: str
    keys: int = field(compare=False)  # what one run found, of those that a crash parted it into
    blobs: int = field(compare=False)

    def objects(self) -> Mapping[str, str]:
        """The dataset and the erasure."""
        return {"dataset": self.dataset, "erasure": self.erasure}


@dataclass(frozen=True, kw_only=True)
class RotateKeys(Command):
    """The worker says, by signature, that the former key epoch is destroyed at the provider.

    `through` is the last entry of a completed erasure that this makes final.
    """

    ACTION: ClassVar[Action] = Action.KEY_ROTATE

    rotation: str
    from_epoch: int
    to_epoch: int
    through: int
    keys: int = field(compare=False)

    def objects(self) -> Mapping[str, str]:
        """The rotation."""
        return {"rotation": self.rotation}


@dataclass(frozen=True, kw_only=True)
class HoldCommand(Command):
    """An act on one legal hold."""

    dataset: str
    hold: str

    def objects(self) -> Mapping[str, str]:
        """The dataset and the hold."""
        return {"dataset": self.dataset, "hold": self.hold}


@dataclass(frozen=True, kw_only=True)
class PlaceHold(HoldCommand):
    """A steward orders that nothing of a dataset be erased."""

    ACTION: ClassVar[Action] = Action.HOLD_PLACE


@dataclass(frozen=True, kw_only=True)
class LiftHold(HoldCommand):
    """A steward ends a hold."""

    ACTION: ClassVar[Action] = Action.HOLD_LIFT
