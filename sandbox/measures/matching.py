"""The best way to pair two sets: an assignment of the greatest total worth, exactly.

Written out because one page of it does: the sets are marks on one frame, and no library of this
house has it.

Source: Kuhn, Naval Res. Logist. Q. 2 (1955) 83-97; the O(n^2 m) form with potentials of
Jonker and Volgenant, Computing 38 (1987) 325-340.
"""

from collections.abc import Sequence

_FAR = float("inf")


def best_pairs(worth: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column), each row and column at most once, of the greatest total worth.

    Args:
        worth: rows of equal length; no worth is below 0. Pairs that are worth 0 are left out.
    """
    if not worth or not worth[0]:
        return []
    if len(worth) > len(worth[0]):
        turned = [list(column) for column in zip(*worth, strict=True)]
        return sorted((row, column) for column, row in best_pairs(turned))
    held = _assign([[-each for each in row] for row in worth])
    found = ((row, column) for column, row in enumerate(held) if row >= 0)
    return sorted((row, column) for row, column in found if worth[row][column] > 0)


class _Assignment:
    """Rows seated one by one on columns at least total cost; rows <= columns.

    Rows and columns count from 1; column 0 is where a new row starts.
    """

    def __init__(self, cost: Sequence[Sequence[float]]) -> None:
        self._cost = cost
        self._columns = range(len(cost[0]) + 1)
        self._row_price = [0.0] * (len(cost) + 1)
        self._column_price = [0.0] * len(self._columns)
        self.held = [0] * len(self._columns)  # by column: its row, 0 for none

    def seat(self, row: int) -> None:
        """Seat one more row: the cheapest path to a free column, then everyone moves along it."""
        self.held[0], column = row, 0
        least, before = [_FAR] * len(self._columns), [0] * len(self._columns)
        seen: set[int] = set()
        while self.held[column]:
            seen.add(column)
            self._relax(column, seen, least, before)
            follow = min(set(self._columns[1:]) - seen, key=least.__getitem__)
            self._raise_prices(seen, least, least[follow])
            column = follow
        while column:
            self.held[column] = self.held[before[column]]
            column = before[column]

    def _relax(self, column: int, seen: set[int], least: list[float], before: list[int]) -> None:
        """What each column that was not seen costs by way of the row that holds this one."""
        row = self.held[column]
        for other in self._columns[1:]:
            price = self._cost[row - 1][other - 1] - self._row_price[row]
            if other not in seen and price - self._column_price[other] < least[other]:
                least[other], before[other] = price - self._column_price[other], column

    def _raise_prices(self, seen: set[int], least: list[float], step: float) -> None:
        for other in self._columns:
            if other in seen:
                self._row_price[self.held[other]] += step
                self._column_price[other] -= step
            else:
                least[other] -= step


def _assign(cost: Sequence[Sequence[float]]) -> list[int]:
    """For each column the row assigned to it at least total cost, or -1."""
    assignment = _Assignment(cost)
    for row in range(1, len(cost) + 1):
        assignment.seat(row)
    return [row - 1 for row in assignment.held[1:]]
