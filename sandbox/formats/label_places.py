"""Where a mark lies, checked against the item's extent: boxes, polygons, spans.

- Numbers become hundredths of a pixel, whole and exact; the schema says how many decimals it
  wants, two at most. Finer ones are refused, never rounded: digits that nobody can see could
  carry what no schema allows (R53), and a rounded label is not the one that was said.
- `[x, y, width, height]`, `[[x, y], ...]` and `[start, end)`; units and origin as in `extents`.
- A polygon closes by itself: the first corner is not repeated at the end.
- A span counts code points, so that no surrogate can be split. It may part a letter from its
  combining accent: where letters end is a question of fonts and languages, not of offsets.
- Each fault names the place as a JSON pointer, never the value.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from sandbox.errors import Unacceptable
from sandbox.formats.extents import Extent
from sandbox.formats.polygons import Point, double_area, in_canonical_order, is_simple

UNIT = 100
"""Parts of a pixel in which places are kept."""

MAX_COORDINATE = 1_000_000
_CORNERS = 3


def box(value: object, extent: Extent, decimals: int, at: str) -> tuple[int, ...]:
    """`[x, y, width, height]` in hundredths of a pixel.

    Raises:
        Unacceptable: `label-box-wrong`, `label-box-empty`, `label-box-outside`, or a number's.
    """
    if not isinstance(value, list | tuple) or len(value) != 4:  # noqa: PLR2004 - x, y, w, h
        raise Unacceptable("label-box-wrong", "x, y, width and height are wanted", field=at)
    x, y, width, height = (_number(v, decimals, f"{at}/{i}") for i, v in enumerate(value))
    if width <= 0 or height <= 0:
        place = 2 if width <= 0 else 3
        raise Unacceptable("label-box-empty", "a box has an area", field=f"{at}/{place}")
    _inside(x, extent.columns, "label-box-outside", f"{at}/0")
    _inside(y, extent.rows, "label-box-outside", f"{at}/1")
    _inside(x + width, extent.columns, "label-box-outside", f"{at}/2")
    _inside(y + height, extent.rows, "label-box-outside", f"{at}/3")
    return x, y, width, height


def polygon(value: object, extent: Extent, decimals: int, most: int, at: str) -> tuple[int, ...]:
    """The corners x, y, x, y, ... in hundredths of a pixel, in canonical order.

    Raises:
        Unacceptable: `label-polygon-...`, `label-point-...`, or a number's.
    """
    if not isinstance(value, list | tuple):
        raise Unacceptable("label-polygon-wrong", "a list of points is wanted", field=at)
    if not _CORNERS <= len(value) <= most:
        raise Unacceptable("label-polygon-points", "too few or too many points", field=at)
    points = [_point(v, extent, decimals, f"{at}/{i}") for i, v in enumerate(value)]
    if len(set(points)) != len(points):
        raise Unacceptable("label-point-repeated", "a point stands twice", field=at)
    if double_area(points) == 0:
        raise Unacceptable("label-polygon-empty", "a polygon has an area", field=at)
    if not is_simple(points):
        raise Unacceptable("label-polygon-crosses", "its line meets itself", field=at)
    return tuple(number for point in in_canonical_order(points) for number in point)


def span(value: object, extent: Extent, at: str) -> tuple[int, ...]:
    """`[start, end)` in code points of the text that was shown.

    Raises:
        Unacceptable: `label-span-wrong`, `label-span-empty`, `label-span-outside`.
    """
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 - start, end
        raise Unacceptable("label-span-wrong", "start and end are wanted", field=at)
    for place, number in enumerate(value):
        if type(number) is not int:
            raise Unacceptable("label-span-wrong", "a whole number", field=f"{at}/{place}")
        if not 0 <= number <= (extent.characters or 0):
            raise Unacceptable("label-span-outside", "not in the text", field=f"{at}/{place}")
    start, end = value
    if start >= end:
        raise Unacceptable("label-span-empty", "a span has an end behind its start", field=at)
    return start, end


def overlapping(spans: Sequence[tuple[int, ...]]) -> bool:
    """Whether any two spans share a character."""
    ordered = sorted(spans)
    return any(left[1] > right[0] for left, right in pairwise(ordered))


def as_number(part: int) -> int | float:
    """Hundredths of a pixel as a JSON number, in its one shortest form."""
    return part // UNIT if part % UNIT == 0 else part / UNIT


def _point(value: object, extent: Extent, decimals: int, at: str) -> Point:
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 - x, y
        raise Unacceptable("label-point-wrong", "x and y are wanted", field=at)
    x = _number(value[0], decimals, f"{at}/0")
    y = _number(value[1], decimals, f"{at}/1")
    _inside(x, extent.columns, "label-point-outside", f"{at}/0")
    _inside(y, extent.rows, "label-point-outside", f"{at}/1")
    return x, y


def _inside(part: int, limit: int, code: str, at: str) -> None:
    if not 0 <= part <= limit * UNIT:
        raise Unacceptable(code, "not within the picture", field=at)


def _number(value: object, decimals: int, at: str) -> int:
    """A number of pixels in hundredths.

    Raises:
        Unacceptable: `label-number-wrong` (no number, NaN, infinite, far off),
            `label-number-too-fine`.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not _finite(value):
        raise Unacceptable("label-number-wrong", "a finite number is wanted", field=at)
    # Its shortest decimal form: what its author wrote, and not what binary made of it.
    exact = Decimal(repr(value)) * UNIT
    if exact % (UNIT // 10**decimals) != 0:
        raise Unacceptable("label-number-too-fine", "too many decimals", field=at)
    return int(exact)


def _finite(number: float) -> bool:
    """Whether it is finite and no further away than any picture reaches."""
    return (isinstance(number, int) or math.isfinite(number)) and abs(number) <= MAX_COORDINATE
