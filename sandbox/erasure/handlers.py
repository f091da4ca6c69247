"""The handlers of `erasure`, by command type."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.erasure.commands import (
    BeginErasure,
    CompleteErasure,
    LiftHold,
    OrderErasure,
    PlaceHold,
    RotateKeys,
)
from sandbox.erasure.execution import Beginning, Completing, Rotating
from sandbox.erasure.orders import Lifting, Ordering, Placing


def handlers(within: timedelta) -> Mapping[type[Command], Handler[Any]]:
    """One handler per command; `Any` because each takes its own command type.

    Args:
        within: by when an ordered erasure must be whole.
    """
    return {
        OrderErasure: Ordering(within),
        BeginErasure: Beginning(),
        CompleteErasure: Completing(),
        RotateKeys: Rotating(),
        PlaceHold: Placing(),
        LiftHold: Lifting(),
    }
