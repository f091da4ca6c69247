"""Areas: how much two boxes or polygons have in common, and how well two sets of them agree.

A region is the corners of a simple polygon, in any unit; a box is one with four corners. The
area of an intersection is summed over horizontal bands between all corners and crossings: within
a band no two edges cross, so the common width is linear and its middle gives the exact area.

Source: Everingham et al., Int. J. Comput. Vis. 88 (2010) 303-338, 4.2 (overlap criterion);
Kirillov et al., Panoptic Segmentation, CVPR 2019, 4.1.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sandbox.measures.figures import NO_UNITS, Figure
from sandbox.measures.matching import best_pairs

Point = tuple[float, float]
Edge = tuple[Point, Point]


@dataclass(frozen=True)
class Region:
    """Corners, and the kind (class and frame, say) outside of which nothing agrees."""

    kind: Hashable
    corners: tuple[Point, ...]


def box_corners(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    """The corners of a box."""
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def area(corners: Sequence[Point]) -> float:
    """The area of a simple polygon, whichever way it runs."""
    edges = _edges(corners)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges)) / 2


def common_area(first: Sequence[Point], second: Sequence[Point]) -> float:
    """The area of the intersection of two simple polygons."""
    if _apart(first, second):
        return 0.0
    mine, other = _edges(first), _edges(second)
    heights = {y for _, y in (*first, *second)}
    heights.update(y for a in mine for b in other for y in _crossing(a, b))
    total = 0.0
    for top, bottom in pairwise(sorted(heights)):
        middle = (top + bottom) / 2
        inner, outer = _cuts(mine, middle), _cuts(other, middle)
        total += (bottom - top) * sum(
            max(0.0, min(right, stop) - max(left, start))
            for left, right in inner
            for start, stop in outer
        )
    return total


def overlap_ratio(first: Sequence[Point], second: Sequence[Point]) -> float:
    """Intersection over union, 0 to 1."""
    common = common_area(first, second)
    union = area(first) + area(second) - common
    return min(1.0, common / union) if union > 0 else 0.0


def mean_overlap(units: Sequence[tuple[Sequence[Region], Sequence[Region]]]) -> Figure:
    """How well two people's regions agree over units: 2 sum(IoU) / (regions of both).

    In each unit regions of one kind are paired so that the sum of IoU is greatest; one that has
    no partner counts as 0 to its share. 1 where all agree to the edge. It is the panoptic quality
    without its threshold of 0.5. Undefined (`no-units`) where nobody marked anything.
    """
    marked = [unit for unit in units if unit[0] or unit[1]]
    if not marked:
        return Figure(None, 0, NO_UNITS)
    total = sum(_best_overlap(*unit) for unit in marked)
    return Figure(2 * total / sum(len(a) + len(b) for a, b in marked), len(marked))


def _best_overlap(first: Sequence[Region], second: Sequence[Region]) -> float:
    worth = [
        [overlap_ratio(a.corners, b.corners) if a.kind == b.kind else 0.0 for b in second]
        for a in first
    ]
    return sum(worth[row][column] for row, column in best_pairs(worth))


def _edges(corners: Sequence[Point]) -> list[Edge]:
    return list(zip(corners, (*corners[1:], corners[0]), strict=True))


def _apart(first: Sequence[Point], second: Sequence[Point]) -> bool:
    return any(
        max(p[axis] for p in one) <= min(p[axis] for p in other)
        for axis in (0, 1)
        for one, other in ((first, second), (second, first))
    )


def _crossing(a: Edge, b: Edge) -> list[float]:
    """The height at which two edges cross, if they do; shared corners are heights already."""
    (ax, ay), (bx, by) = a
    (cx, cy), (dx, dy) = b
    turn = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if turn == 0:
        return []
    along = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / turn
    across = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / turn
    inside = 0 <= along <= 1 and 0 <= across <= 1
    return [ay + along * (by - ay)] if inside else []


def _cuts(edges: Sequence[Edge], height: float) -> list[tuple[float, float]]:
    """Where a horizontal line at `height` runs inside the polygon."""
    cut = sorted(
        ax + (height - ay) / (by - ay) * (bx - ax)
        for (ax, ay), (bx, by) in edges
        if (ay < height) != (by < height)
    )
    return list(zip(cut[::2], cut[1::2], strict=True))
