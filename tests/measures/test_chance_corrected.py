"""Kappa and alpha: the published examples, the identities that tie them, the undefined cases."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.measures.alpha import Level, krippendorff_alpha
from sandbox.measures.figures import NO_UNITS, NO_VARIATION, Figure, Interval, bootstrap
from sandbox.measures.kappa import Weight, cohen_kappa


def chance() -> Random:
    return Random(7)  # noqa: S311 - resampling, the same each time


# Krippendorff 2011, section D: four observers, twelve units, missing values.
OBSERVERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""


def units(table: str) -> list[list[int]]:
    rows = [line.split() for line in table.split("\n") if line.strip()]
    return [[int(v) for v in column if v != "."] for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("level", "published"),
    [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849)],
)
def test_alpha_of_the_published_example(level, published):
    figure = krippendorff_alpha(units(OBSERVERS), level)

    assert figure.value == pytest.approx(published, abs=5e-4)
    assert figure.units == 11  # unit 12 pairs nothing


# Three coders, fifteen units, half of them missing: published with alpha at three levels.
CODERS = """
. . . . . 3 4 1 2 1 1 3 3 . 3
1 . 2 1 3 3 4 3 . . . . . . .
. . 2 1 3 4 4 . 2 1 1 3 3 . 4
"""


@pytest.mark.parametrize(
    ("level", "published"),
    [(Level.NOMINAL, 0.691), (Level.ORDINAL, 0.807), (Level.INTERVAL, 0.811)],
)
def test_alpha_of_coders_who_left_much_out(level, published):
    assert krippendorff_alpha(units(CODERS), level).value == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
        ([[5, 0], [0, 5]], 1.0),
        ([[0, 5], [5, 0]], -1.0),
    ],
)
def test_kappa_of_published_tables(table, published):
    assert cohen_kappa(spread(table)).value == pytest.approx(published, abs=5e-5)


def spread(table: list[list[int]]) -> list[tuple[int, int]]:
    return [
        (i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)
    ]


def test_weighted_kappa_worked_by_hand():
    # Two agree, one pair is one apart and one is two apart. The first person said 0 three times
    # and 1 once, the second each once but 1 twice: expected distances are of those products.
    pairs = [(0, 0), (0, 2), (1, 1), (0, 1)]

    assert cohen_kappa(pairs, Weight.LINEAR).value == pytest.approx(1 - (3 / 4) / (14 / 16))
    assert cohen_kappa(pairs, Weight.QUADRATIC).value == pytest.approx(1 - (5 / 4) / (20 / 16))


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@given(PAIRS)
def test_quadratic_kappa_is_the_concordance_correlation(pairs):
    """Fleiss and Cohen 1973; Lin 1989: 2 cov / (var + var + squared difference of means)."""
    n = len(pairs)
    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    mx, my = sum(x) / n, sum(y) / n
    spread_of_both = sum((a - mx) ** 2 for a in x) / n + sum((b - my) ** 2 for b in y) / n
    below = spread_of_both + (mx - my) ** 2
    figure = cohen_kappa(pairs, Weight.QUADRATIC)

    if figure.value is None:
        assert below == pytest.approx(0)
    else:
        common = sum((a - mx) * (b - my) for a, b in pairs) / n
        assert figure.value == pytest.approx(2 * common / below)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_with_two_categories_every_weight_is_the_same(pairs):
    plain = cohen_kappa(pairs)

    for weight in Weight:
        assert cohen_kappa(pairs, weight) == plain


@given(PAIRS, st.sampled_from(Weight))
def test_kappa_is_symmetric_and_at_most_one(pairs, weight):
    figure = cohen_kappa(pairs, weight)
    turned = cohen_kappa([(b, a) for a, b in pairs], weight)

    assert figure.reason == turned.reason
    if figure.value is not None:
        assert figure.value == pytest.approx(turned.value)
        assert figure.value <= 1
        assert (figure.value == 1) == all(a == b for a, b in pairs)


@given(PAIRS, st.permutations(range(5)))
def test_names_of_categories_do_not_matter(pairs, names):
    renamed = [(names[a], names[b]) for a, b in pairs]

    assert cohen_kappa(pairs) == cohen_kappa(renamed)
    before, after = (krippendorff_alpha(p) for p in (pairs, renamed))
    assert before.reason == after.reason
    assert before.value is None or before.value == pytest.approx(after.value)


UNITS = st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=15)


@given(UNITS, st.sampled_from(Level))
def test_alpha_by_the_coincidence_matrix_written_out(given_units, level):
    """The definition, without any shortcut: pairs within units against pairs of all values."""
    figure = krippendorff_alpha(given_units, level)
    paired = [unit for unit in given_units if len(unit) > 1]
    values = [value for unit in paired for value in unit]

    def apart(c: int, k: int) -> float:
        if level is Level.NOMINAL:
            return float(c != k)
        if level is Level.INTERVAL:
            return float((c - k) ** 2)
        low, high = sorted((c, k))
        between = sum(low <= v <= high for v in values)
        return (between - (values.count(low) + values.count(high)) / 2) ** 2 if low < high else 0.0

    expected = sum(
        apart(a, b) for i, a in enumerate(values) for j, b in enumerate(values) if i != j
    )
    if not expected:
        assert figure.value is None
        return
    observed = sum(
        apart(a, b) / (len(unit) - 1)
        for unit in paired
        for i, a in enumerate(unit)
        for j, b in enumerate(unit)
        if i != j
    )
    n = len(values)
    assert figure.value == pytest.approx(1 - (observed / n) / (expected / (n * (n - 1))))


@given(UNITS, st.lists(st.integers(0, 4), max_size=1))
def test_a_unit_that_pairs_nothing_changes_nothing(given_units, alone):
    assert krippendorff_alpha([*given_units, alone]) == krippendorff_alpha(given_units)


@pytest.mark.parametrize("weight", list(Weight))
def test_kappa_says_why_it_is_undefined(weight):
    assert cohen_kappa([], weight) == Figure(None, 0, NO_UNITS)
    assert cohen_kappa([(2, 2)] * 9, weight) == Figure(None, 9, NO_VARIATION)


@pytest.mark.parametrize("level", list(Level))
def test_alpha_says_why_it_is_undefined(level):
    assert krippendorff_alpha([], level) == Figure(None, 0, NO_UNITS)
    assert krippendorff_alpha([[], [1], [2]], level) == Figure(None, 0, NO_UNITS)
    assert krippendorff_alpha([[1, 1], [1, 1, 1]], level) == Figure(None, 2, NO_VARIATION)


@given(UNITS, PAIRS)
def test_no_figure_is_ever_nan(given_units, pairs):
    figures = [krippendorff_alpha(given_units, level) for level in Level]
    figures += [cohen_kappa(pairs, weight) for weight in Weight]

    for figure in figures:
        assert (figure.value is None) == (figure.reason is not None)
        assert figure.value is None or math.isfinite(figure.value)


def test_an_interval_lies_around_the_figure_and_narrows_with_more_units():
    few, many = spread([[20, 5], [10, 15]]), spread([[20, 5], [10, 15]]) * 16

    narrow, wide = (bootstrap(p, cohen_kappa, chance()) for p in (many, few))

    assert wide.low < 0.4 < wide.high
    assert narrow.high - narrow.low < wide.high - wide.low
    assert bootstrap(few, cohen_kappa, chance()) == wide


def test_there_is_no_interval_where_most_samples_have_no_value():
    assert bootstrap([], cohen_kappa, chance()) is None
    assert bootstrap([(1, 1)] * 9, cohen_kappa, chance()) is None
    assert bootstrap([(1, 1), (2, 2), (3, 3)], cohen_kappa, chance()) == Interval(1.0, 1.0)
