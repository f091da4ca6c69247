"""The handlers of `collect`, by command type."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.collect.commands import (
    CompleteDeposit,
    CreateDataset,
    OpenDeposit,
    OpenIntake,
    ResumeDataset,
    SuspendDataset,
)
from sandbox.collect.datasets import Creating, OpeningIntake, Resuming, Suspending
from sandbox.collect.deposits import CompletingDeposit, OpeningDeposit


def handlers(new_id: Callable[[], str]) -> Mapping[type[Command], Handler[Any]]:
    """One handler per command; `Any` because each takes its own command type."""
    return {
        CreateDataset: Creating(),
        OpenIntake: OpeningIntake(),
        SuspendDataset: Suspending(),
        ResumeDataset: Resuming(),
        OpenDeposit: OpeningDeposit(),
        CompleteDeposit: CompletingDeposit(new_id),
    }
