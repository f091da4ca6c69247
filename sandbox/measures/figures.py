"""A figure, or the reason why there is none; and an interval around it.

A measure that is undefined for its input says why and is never NaN: whoever prints it can't take
the absence of a number for a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

NO_UNITS: Final = "no-units"
"""There is nothing that both looked at."""

NO_VARIATION: Final = "no-variation"
"""Everybody always said the same, so chance alone would agree as well."""

ROUNDS: Final = 200
_PERCENT: Final = 2.5


@dataclass(frozen=True)
class Figure:
    """A value with the number of units it rests on; `reason` where there is no value."""

    value: float | None
    units: int
    reason: str | None = None


@dataclass(frozen=True)
class Interval:
    """The middle 95 % of what resampling gives."""

    low: float
    high: float


def bootstrap(
    units: Sequence[T],
    measure: Callable[[Sequence[T]], Figure],
    chance: Random,
    rounds: int = ROUNDS,
) -> Interval | None:
    """The percentile interval of a measure over resampled units.

    None where fewer than half of the samples have a value: an interval over the rest would be
    one over the lucky ones.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), 13.3.
    """
    if not units:
        return None
    drawn = [measure(chance.choices(units, k=len(units))).value for _ in range(rounds)]
    values = sorted(value for value in drawn if value is not None)
    if 2 * len(values) < rounds:
        return None
    cut = int(len(values) * _PERCENT / 100)
    return Interval(values[cut], values[-1 - cut])
