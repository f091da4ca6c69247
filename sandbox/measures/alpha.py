"""Krippendorff's alpha for any number of people, some of whom may be missing for a unit.

A unit is the values that people gave it; a missing one is left out. Values are whole numbers: at
the nominal level mere names, at the ordinal ranks, at the interval level quantities.

Source: Krippendorff, Content Analysis (3rd ed., 2013), chapter 12; Krippendorff, Computing
Krippendorff's Alpha-Reliability (2011), sections C to F.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from sandbox.measures.figures import NO_UNITS, NO_VARIATION, Figure


class Level(StrEnum):
    """What differences between values mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


Difference = Callable[[int, int], float]


def krippendorff_alpha(units: Sequence[Sequence[int]], level: Level = Level.NOMINAL) -> Figure:
    """1 - D_o / D_e, by the coincidences of values within units.

    With n_c values c among n pairable ones, o_ck the coincidences and d the squared difference of
    the level: alpha = 1 - (n - 1) sum(o_ck d_ck) / sum(n_c n_k d_ck). Units with fewer than two
    values pair nothing and don't count. Undefined (`no-units`) where no unit pairs anything, and
    (`no-variation`) where all pairable values are one.
    """
    paired = [unit for unit in units if len(unit) > 1]
    if not paired:
        return Figure(None, 0, NO_UNITS)
    totals = Counter(value for unit in paired for value in unit)
    difference = _difference(level, totals)
    observed = sum(_within(unit, difference) for unit in paired)
    expected = sum(n * m * difference(c, k) for c, n in totals.items() for k, m in totals.items())
    if expected == 0:
        return Figure(None, len(paired), NO_VARIATION)
    return Figure(1 - (totals.total() - 1) * observed / expected, len(paired))


def _within(unit: Sequence[int], difference: Difference) -> float:
    """The unit's part of sum(o_ck d_ck): every ordered pair of its values, over m - 1."""
    counts = Counter(unit)
    return sum(
        n * (m - (c == k)) * difference(c, k) for c, n in counts.items() for k, m in counts.items()
    ) / (len(unit) - 1)


def _difference(level: Level, totals: Counter[int]) -> Difference:
    if level is Level.NOMINAL:
        return lambda c, k: float(c != k)
    if level is Level.INTERVAL:
        return lambda c, k: float((c - k) ** 2)
    # Ordinal: the values between the two ranks, the outer two by half.
    below, total = {}, 0
    for value in sorted(totals):
        below[value] = total + totals[value] / 2
        total += totals[value]
    return lambda c, k: (below[c] - below[k]) ** 2
