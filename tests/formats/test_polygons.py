"""Polygons: predicates that are exact, against a slow and plain way of asking the same."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.formats.polygons import double_area, in_canonical_order, is_simple

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]
GRID = st.tuples(st.integers(0, 6), st.integers(0, 6))


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (4, 4), (4, 0), (0, 4)],  # a bow tie
        [(0, 0), (8, 0), (4, 0), (4, 4)],  # back along itself
        [(0, 0), (8, 0), (8, 8), (4, 0), (0, 8)],  # a corner on an edge
        [(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)],  # touches from inside
        [(0, 0), (2, 0), (2, 2), (4, 2), (2, 2), (2, 4)],  # a corner twice
        [(0, 0), (3, 0), (3, 3), (1, 3), (1, -1), (0, -1)],  # crosses an edge
    ],
)
def test_a_line_that_meets_itself_is_not_simple(points):
    assert not is_simple(points)
    assert not is_simple(points[::-1])


@pytest.mark.parametrize(
    "points",
    [SQUARE, SQUARE[:3], [(0, 0), (2, 0), (4, 0), (4, 4)], [(0, 0), (9, 0), (9, 9), (5, 1)]],
)
def test_a_line_that_does_not_meet_itself_is_simple(points):
    assert is_simple(points)


def _meet(a, b, c, d) -> bool:
    """Whether two segments share a point: solved as a linear system in fractions."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = a, b, c, d
    determinant = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if determinant:
        s = Fraction((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx), determinant)
        t = Fraction((cx - ax) * (by - ay) - (cy - ay) * (bx - ax), determinant)
        return 0 <= s <= 1 and 0 <= t <= 1
    if (bx - ax) * (cy - ay) != (by - ay) * (cx - ax):
        return False
    lower, upper = max(min(a, b), min(c, d)), min(max(a, b), max(c, d))
    return lower <= upper


@given(st.lists(GRID, min_size=4, max_size=7, unique=True))
def test_edges_that_are_no_neighbours_never_meet_in_a_simple_line(points):
    edges = [(points[i - 1], points[i]) for i in range(len(points))]
    far = [(e, f) for e, f in combinations(edges, 2) if not set(e) & set(f)]

    if is_simple(points):
        assert not any(_meet(*e, *f) for e, f in far)
    elif double_area(points):
        needles = any(
            _meet(a, b, c, c) or _meet(c, b, a, a)
            for a, b, c in zip(
                points, points[1:] + points[:1], points[2:] + points[:2], strict=True
            )
        )
        assert needles or any(_meet(*e, *f) for e, f in far)


@given(st.lists(GRID, min_size=3, max_size=7, unique=True), st.integers(0, 6), st.booleans())
def test_the_canonical_order_is_one_and_keeps_the_region(points, turn, back):
    turn %= len(points)
    same = points[turn:] + points[:turn]
    same = same[::-1] if back else same
    if double_area(points) == 0:
        return

    ordered = in_canonical_order(points)

    assert in_canonical_order(same) == ordered
    assert double_area(ordered) == abs(double_area(points))
    assert ordered[0] == min(points)


@given(st.lists(GRID, min_size=4, max_size=7, unique=True), st.integers(0, 6))
def test_being_simple_does_not_hang_on_where_one_begins(points, turn):
    turn %= len(points)

    assert is_simple(points) == is_simple(points[turn:] + points[:turn])
