"""The handlers of `collect`, by command type."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.collect.commands import (
    AbandonDeposit,
    CompleteDeposit,
    CreateDataset,
    OpenDeposit,
    OpenIntake,
    ResumeDataset,
    SuspendDataset,
)
from sandbox.collect.datasets import Creating, OpeningIntake, Resuming, Suspending
from sandbox.collect.deposits import AbandoningDeposit, CompletingDeposit, OpeningDeposit


def handlers(
    new_id: Callable[[], str], recipes: Collection[str], idle: timedelta
) -> Mapping[type[Command], Handler[Any]]:
    """One handler per command; `Any` because each takes its own command type.

    Args:
        new_id: gives random ids.
        recipes: names of the recipes that a dataset may ask for.
        idle: so long nothing was heard of a deposit that others may abandon.
    """
    return {
        CreateDataset: Creating(recipes),
        OpenIntake: OpeningIntake(),
        SuspendDataset: Suspending(),
        ResumeDataset: Resuming(),
        OpenDeposit: OpeningDeposit(),
        AbandonDeposit: AbandoningDeposit(idle),
        CompleteDeposit: CompletingDeposit(new_id),
    }
