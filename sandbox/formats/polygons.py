"""Polygons with whole-number corners: order, area, crossings; every answer is exact.

Coordinates come as integers (hundredths of a pixel), so that no predicate depends on rounding:
whether two edges meet is a matter of the sign of an integer. A geometry library would bring a
C++ kernel that reads what strangers send, and answers in floating point; two predicates and an
area don't earn it. Where areas of intersections are wanted, see `sandbox.measures.regions`.

Source: de Berg et al., Computational Geometry, 3rd ed., 2.1; the shoelace formula.
"""

from collections.abc import Sequence

Point = tuple[int, int]


def double_area(points: Sequence[Point]) -> int:
    """Twice the signed area; positive when the corners run clockwise as seen on a screen."""
    return sum(
        x1 * y2 - x2 * y1
        for (x1, y1), (x2, y2) in zip(points, (*points[1:], points[0]), strict=True)
    )


def is_simple(points: Sequence[Point]) -> bool:
    """Whether the closed line through the corners meets itself nowhere but at its corners.

    Neighbouring edges share their corner and nothing else: a corner that turns back on itself
    makes a needle without area. Edges are swept from left to right, so that only those that lie
    above one another are compared; at worst that is every pair of as many as the schema allows.
    """
    count = len(points)
    edges = [(points[i], points[(i + 1) % count]) for i in range(count)]
    boxes = [_box(a, b) for a, b in edges]
    swept = sorted(range(count), key=boxes.__getitem__)
    for place, one in enumerate(swept):
        for other in swept[place + 1 :]:
            if boxes[other][0] > boxes[one][2]:
                break
            near = _boxes_meet(boxes[one], boxes[other])
            if near and _conflict(edges, min(one, other), max(one, other)):
                return False
    return True


def _conflict(edges: Sequence[tuple[Point, Point]], i: int, j: int) -> bool:
    """Whether two edges, i before j, have more in common than they may."""
    if j == i + 1 or (i == 0 and j == len(edges) - 1):
        return _turns_back(*_around(edges, i, j))
    return _segments_meet(*edges[i], *edges[j])


def in_canonical_order(points: Sequence[Point]) -> tuple[Point, ...]:
    """The same polygon from its least corner on, clockwise as seen on a screen.

    Where a line begins and which way it runs is no property of the region, and could say
    something that no schema allows (R53).
    """
    ordered = list(points) if double_area(points) > 0 else list(reversed(points))
    first = ordered.index(min(ordered))
    return tuple(ordered[first:] + ordered[:first])


def _around(edges: Sequence[tuple[Point, Point]], i: int, j: int) -> tuple[Point, Point, Point]:
    """The corner that two neighbouring edges share, and their other ends."""
    before, after = (edges[i], edges[j]) if edges[i][1] == edges[j][0] else (edges[j], edges[i])
    return before[0], before[1], after[1]


def _turns_back(a: Point, b: Point, c: Point) -> bool:
    """Whether the way from a over b to c runs back along itself."""
    along = (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1])
    return _side(a, b, c) == 0 and along > 0


def _side(a: Point, b: Point, c: Point) -> int:
    """On which side of the line from a to b the point c lies: the sign tells, 0 is on it."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    sides = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if _differ(sides[0], sides[1]) and _differ(sides[2], sides[3]):
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(side == 0 and _between(*end) for side, end in zip(sides, ends, strict=True))


def _differ(first: int, second: int) -> bool:
    return (first < 0 < second) or (second < 0 < first)


def _between(a: Point, b: Point, c: Point) -> bool:
    """Whether c, known to be on the line through a and b, lies between them."""
    left, right = sorted((a[0], b[0]))
    top, bottom = sorted((a[1], b[1]))
    return left <= c[0] <= right and top <= c[1] <= bottom


def _box(a: Point, b: Point) -> tuple[int, int, int, int]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def _boxes_meet(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
