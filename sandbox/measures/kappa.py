"""Cohen's kappa for two people who chose one category each, plain or weighted.

Categories are numbers from 0, in their order where weights are used.

Source: Cohen, Educ. Psychol. Meas. 20 (1960) 37-46; Cohen, Psychol. Bull. 70 (1968) 213-220.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from sandbox.measures.figures import NO_UNITS, NO_VARIATION, Figure


class Weight(StrEnum):
    """How bad it is to be d categories apart: 1 for any d, d, or d squared."""

    NONE = "none"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


_APART: dict[Weight, Callable[[int], int]] = {
    Weight.NONE: lambda apart: int(apart != 0),
    Weight.LINEAR: abs,
    Weight.QUADRATIC: lambda apart: apart * apart,
}


def cohen_kappa(pairs: Sequence[tuple[int, int]], weight: Weight = Weight.NONE) -> Figure:
    """1 - observed over expected disagreement.

    With disagreement weights v(i, j), kappa = 1 - sum(v o) / sum(v e), where o are the shares of
    pairs and e the products of the two people's own shares. Undefined (`no-units`) without pairs,
    and (`no-variation`) where both said one and the same category throughout.

    Args:
        pairs: what the first and the second person said of each unit.
        weight: how disagreements count.

    Source: Cohen 1968, formula 2 (in disagreement weights).
    """
    if not pairs:
        return Figure(None, 0, NO_UNITS)
    apart = _APART[weight]
    count = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(apart(a - b) for a, b in pairs) * count
    expected = sum(n * m * apart(a - b) for a, n in first.items() for b, m in second.items())
    if expected == 0:
        return Figure(None, count, NO_VARIATION)
    return Figure(1 - observed / expected, count)
