"""Regions and spans: areas and pairings against slow and plain ways of finding the same."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.formats.polygons import double_area, is_simple
from sandbox.measures.figures import NO_UNITS, Figure
from sandbox.measures.matching import best_pairs
from sandbox.measures.regions import (
    Region,
    area,
    box_corners,
    common_area,
    mean_overlap,
    overlap_ratio,
)
from sandbox.measures.spans import Span, span_f1

BOX = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6), st.integers(1, 6))


@given(BOX, BOX)
def test_boxes_have_in_common_what_arithmetic_says(a, b):
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(0, wide) * max(0, high)

    assert common_area(box_corners(*a), box_corners(*b)) == pytest.approx(common)
    union = a[2] * a[3] + b[2] * b[3] - common
    assert overlap_ratio(box_corners(*a), box_corners(*b)) == pytest.approx(common / union)


@st.composite
def polygons(draw) -> list[tuple[int, int]]:
    points = draw(
        st.lists(
            st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=3, max_size=7, unique=True
        )
    )
    return points if double_area(points) and is_simple(points) else [(0, 0), (7, 1), (3, 6)]


@given(polygons(), polygons())
def test_an_intersection_is_symmetric_and_within_both(a, b):
    common = common_area(a, b)

    assert common == pytest.approx(common_area(b[::-1], a))
    assert -1e-9 <= common <= min(area(a), area(b)) + 1e-9


@given(polygons())
def test_a_polygon_has_all_of_itself_in_common(a):
    assert common_area(a, a) == pytest.approx(area(a))
    assert overlap_ratio(a, a[::-1]) == pytest.approx(1)


@given(polygons(), st.integers(0, 3), st.integers(0, 3))
def test_a_polygon_and_its_complement_in_a_box_share_nothing_left(a, dx, dy):
    """Quarters of the plane cut a polygon into parts that add up to it."""
    quarters = [
        box_corners(x, y, w, h)
        for x, w in ((-1, dx + 1), (dx, 20))
        for y, h in ((-1, dy + 1), (dy, 20))
    ]

    assert sum(common_area(a, quarter) for quarter in quarters) == pytest.approx(area(a))


def test_a_hollow_polygon_is_measured_where_it_is():
    hook = [(0, 0), (6, 0), (6, 6), (4, 6), (4, 2), (2, 2), (2, 6), (0, 6)]

    assert common_area(hook, box_corners(2, 2, 2, 4)) == 0
    assert common_area(hook, box_corners(1, 1, 4, 4)) == pytest.approx(4 * 4 - 2 * 3)


@given(
    st.integers(0, 5).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from([0, 0, 0.25, 0.5, 0.75, 1]), min_size=width, max_size=width),
            max_size=5,
        )
    )
)
def test_no_other_pairing_is_worth_more(worth):
    found = best_pairs(worth)

    rows, columns = len(worth), len(worth[0]) if worth else 0
    best = 0.0
    if rows <= columns:
        for order in permutations(range(columns), rows):
            best = max(best, sum(worth[r][c] for r, c in enumerate(order)))
    else:
        for order in permutations(range(rows), columns):
            best = max(best, sum(worth[r][c] for c, r in enumerate(order)))
    assert sum(worth[r][c] for r, c in found) == pytest.approx(best)
    assert len({r for r, _ in found}) == len({c for _, c in found}) == len(found)
    assert all(worth[r][c] > 0 for r, c in found)


def region(*box: float, kind: str = "a") -> Region:
    return Region(kind, box_corners(*box))


def test_a_region_without_a_partner_counts_against_agreement():
    both = [region(0, 0, 4, 4), region(10, 10, 2, 2)]

    assert mean_overlap([(both, both)]) == Figure(1.0, 1)
    assert mean_overlap([(both, both[:1])]).value == pytest.approx(2 / 3)
    assert mean_overlap([(both, [])]).value == 0


def test_regions_of_different_kinds_never_agree():
    assert mean_overlap([([region(0, 0, 1, 1)], [region(0, 0, 1, 1, kind="b")])]).value == 0


def test_pairs_are_chosen_for_the_sum_and_not_one_by_one():
    first = [region(0, 0, 4, 1), region(2, 0, 4, 1)]
    second = [region(1, 0, 4, 1), region(-2, 0, 4, 1)]

    # Greedy takes 3/5 + 0; the best is first-second 2/6 and second-first 3/5.
    assert mean_overlap([(first, second)]).value == pytest.approx((2 / 6 + 3 / 5) / 2)


@pytest.mark.parametrize("nothing", [[], [([], [])]])
def test_where_nobody_marked_anything_there_is_no_figure(nothing):
    assert mean_overlap(nothing) == Figure(None, 0, NO_UNITS)
    assert span_f1(nothing) == Figure(None, 0, NO_UNITS)


def test_texts_that_nobody_marked_change_nothing():
    said = ([Span("a", 0, 3)], [Span("a", 0, 3)])

    assert span_f1([said, ([], [])]) == span_f1([said]) == Figure(1.0, 1)


@pytest.mark.parametrize(
    ("second", "exact", "any_common"),
    [
        ([Span("a", 0, 4)], 1.0, 1.0),
        ([Span("a", 0, 3)], 0.0, 1.0),
        ([Span("a", 3, 9)], 0.0, 1.0),
        ([Span("a", 4, 9)], 0.0, 0.0),
        ([Span("b", 0, 4)], 0.0, 0.0),
        ([Span("a", 0, 2), Span("a", 2, 4)], 0.0, 2 / 3),
        ([Span("a", 0, 4), Span("b", 0, 4)], 2 / 3, 2 / 3),
        ([], 0.0, 0.0),
    ],
)
def test_spans_agree_by_their_ends_or_by_a_character(second, exact, any_common):
    unit = ([Span("a", 0, 4)], second)

    assert span_f1([unit]).value == pytest.approx(exact)
    assert span_f1([unit], exact=False).value == pytest.approx(any_common)


SPANS = st.lists(
    st.builds(
        lambda kind, start, length: Span(kind, start, start + length),
        st.sampled_from("ab"),
        st.integers(0, 9),
        st.integers(1, 5),
    ),
    max_size=5,
    unique=True,
)


@given(SPANS, SPANS)
def test_the_looser_measure_is_never_smaller_and_both_are_symmetric(first, second):
    if not first and not second:
        return
    exact, loose = (span_f1([(first, second)], exact=e).value for e in (True, False))

    assert 0 <= exact <= loose <= 1
    assert exact == span_f1([(second, first)]).value
    common = len(set(first) & set(second))
    assert exact == pytest.approx(2 * common / (len(first) + len(second)))
