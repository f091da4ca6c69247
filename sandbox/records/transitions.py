"""The one place where a state is moved, by the literal tables of `policies.states`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from sandbox.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)


def step(table: Mapping[S, frozenset[S]], old: S, new: S) -> S:
    """`new`, when `table` lets it follow `old`.

    Raises:
        IllegalTransition: it does not.
    """
    if new not in table.get(old, frozenset()):
        raise IllegalTransition("illegal-transition", f"{old} can't become {new}")
    return new
