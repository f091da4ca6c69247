"""From what several people said of the same items to figures of how far they agree.

Per label type of the schema:

| kind | per pair of labellers | over all of them |
|---|---|---|
| classification, one choice | `cohen-kappa` | `krippendorff-alpha-nominal` |
| the same, `ordered` | `cohen-kappa-quadratic` too | `krippendorff-alpha-ordinal` too |
| classification, several choices | both over (item, class), chosen or not | |
| box, polygon | `mean-iou` | `mean-iou` over all pairs |
| span | `span-f1-exact`, `span-f1-overlap` | the same over all pairs |

- Choosing nothing is an answer of its own at the nominal level and missing at the ordinal one.
  Where marks count by frame, a unit is a frame in which anyone marked something.
- R41: no figure rests on fewer than `MIN_ITEMS` items, and the items come in whole tens in the
  order in which their last label came in: two readings never differ by one item, so that the
  difference can't tell what one person said of one item. A pair below that has no figure.
- Intervals resample items, not units, as marks in one item hang together; regions have none,
  because their areas would be computed two hundred times.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from random import Random
from typing import Any

from sandbox.formats.label_places import UNIT
from sandbox.formats.label_schema import LabelType, MarkKind, Schema
from sandbox.formats.label_value import Mark
from sandbox.measures.alpha import Level, krippendorff_alpha
from sandbox.measures.figures import Figure, Interval, bootstrap
from sandbox.measures.kappa import Weight, cohen_kappa
from sandbox.measures.regions import Region, box_corners, mean_overlap
from sandbox.measures.spans import Span, span_f1

MIN_ITEMS = 10
_DIGITS = 3

Said = Mapping[str, Sequence[Mark]]
"""What each labeller, by pseudonym, said of one item."""

Units = list[Any]  # Any: each measure has units of its own
Cut = Callable[[Sequence[Mark], Sequence[Mark]], Units]


@dataclass(frozen=True)
class Score:
    """One figure; `pair` are two labellers by pseudonym, or None for all of them."""

    label_type: str
    measure: str
    pair: tuple[str, str] | None
    items: int
    figure: Figure
    interval: Interval | None


@dataclass(frozen=True)
class _Measure:
    name: str
    of: Callable[[Units], Figure]
    resampled: bool = True


def whole_tens(items: Sequence[Said]) -> Sequence[Said]:
    """The items that count: the first ones, in whole multiples of `MIN_ITEMS`."""
    return items[: len(items) // MIN_ITEMS * MIN_ITEMS]


def scores(schema: Schema, items: Sequence[Said]) -> list[Score]:
    """Every figure of a project, in the order of its schema.

    Args:
        schema: the project's.
        items: what was said of each complete item, in the order in which they were completed.
    """
    return [
        score
        for place, own in enumerate(schema.types)
        for score in _of_type(own, [_only(place, said) for said in items])
    ]


def _only(place: int, said: Said) -> Said:
    return {who: [mark for mark in marks if mark.kind == place] for who, marks in said.items()}


def _of_type(own: LabelType, items: Sequence[Said]) -> Iterable[Score]:
    pairs = sorted({pair for said in items for pair in combinations(sorted(said), 2)})
    for pair in pairs:
        shared = whole_tens([said for said in items if set(pair) <= said.keys()])
        for measure, cut in _by_pair(own):
            units = [cut(said[pair[0]], said[pair[1]]) for said in shared]
            if shared:
                yield _score(own, measure, pair, units)
    for measure, of_all in _over_all(own, whole_tens(items)):
        yield _score(own, measure, None, of_all)


def _score(
    own: LabelType, measure: _Measure, pair: tuple[str, str] | None, units: Sequence[Units]
) -> Score:
    def of_items(drawn: Sequence[Units]) -> Figure:
        return measure.of([unit for item in drawn for unit in item])

    figure = of_items(units)
    # The same figure at each reading; nothing here is secret or needs to be.
    chance = Random(0)  # noqa: S311 - resampling
    wanted = measure.resampled and figure.value is not None
    interval = bootstrap(units, of_items, chance) if wanted else None
    return Score(own.name, measure.name, pair, len(units), _rounded(figure), _narrowed(interval))


def _by_pair(own: LabelType) -> Iterable[tuple[_Measure, Cut]]:
    if own.kind is MarkKind.CLASSIFICATION:
        yield _Measure("cohen-kappa", cohen_kappa), partial(_choices, own)
        if own.option("ordered") and own.most == 1:
            quadratic = partial(cohen_kappa, weight=Weight.QUADRATIC)
            yield _Measure("cohen-kappa-quadratic", quadratic), partial(_ranks, own)
    elif own.kind is MarkKind.SPAN:
        yield _Measure("span-f1-exact", span_f1), _spans
        yield _Measure("span-f1-overlap", partial(span_f1, exact=False)), _spans
    else:
        yield _Measure("mean-iou", mean_overlap, resampled=False), partial(_regions, own)


def _over_all(own: LabelType, items: Sequence[Said]) -> Iterable[tuple[_Measure, Sequence[Units]]]:
    if own.kind is MarkKind.CLASSIFICATION:
        nominal = _Measure("krippendorff-alpha-nominal", krippendorff_alpha)
        yield nominal, [_answers(own, said, _choices) for said in items]
        if own.option("ordered") and own.most == 1:
            ordinal = partial(krippendorff_alpha, level=Level.ORDINAL)
            units = [_answers(own, said, _ranks) for said in items]
            yield _Measure("krippendorff-alpha-ordinal", ordinal), units
        return
    for measure, cut in _by_pair(own):
        yield (
            measure,
            [
                [unit for a, b in combinations(sorted(said), 2) for unit in cut(said[a], said[b])]
                for said in items
            ],
        )


def _keys(own: LabelType, marks: Iterable[Mark]) -> list[tuple[int, int]]:
    """The units of an item: its frames, and each class of them where several can be chosen."""
    frames = sorted({mark.frame for mark in marks}) or ([] if own.per == "frame" else [-1])
    classes = range(len(own.classes)) if own.most > 1 else (-1,)
    return [(frame, choice) for frame in frames for choice in classes]


def _answer(own: LabelType, key: tuple[int, int], marks: Sequence[Mark]) -> int:
    """What one person said of a unit; no choice is the number behind the last class."""
    frame, choice = key
    chosen = [mark.choice for mark in marks if mark.frame == frame]
    if choice >= 0:
        return int(choice in chosen)
    return chosen[0] if chosen else len(own.classes)


def _choices(own: LabelType, *people: Sequence[Mark]) -> Units:
    keys = _keys(own, [mark for marks in people for mark in marks])
    return [tuple(_answer(own, key, marks) for marks in people) for key in keys]


def _ranks(own: LabelType, *people: Sequence[Mark]) -> Units:
    """The same where everyone chose a rank: having none is no rank."""
    known = len(own.classes)
    said = ([value for value in unit if value < known] for unit in _choices(own, *people))
    return [tuple(unit) for unit in said if len(unit) > 1]


def _answers(own: LabelType, said: Said, cut: Callable[..., Units]) -> Units:
    return cut(own, *(said[who] for who in sorted(said)))


def _spans(first: Sequence[Mark], second: Sequence[Mark]) -> Units:
    return [
        tuple([Span(m.choice, m.place[0], m.place[1]) for m in marks] for marks in (first, second))
    ]


def _regions(own: LabelType, first: Sequence[Mark], second: Sequence[Mark]) -> Units:
    return [tuple([_region(own, mark) for mark in marks] for marks in (first, second))]


def _region(own: LabelType, mark: Mark) -> Region:
    numbers = [part / UNIT for part in mark.place]
    if own.kind is MarkKind.BOX:
        x, y, width, height = numbers
        corners = box_corners(x, y, width, height)
    else:
        corners = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return Region((mark.frame, mark.choice), corners)


def _rounded(figure: Figure) -> Figure:
    value = None if figure.value is None else round(figure.value, _DIGITS)
    return Figure(value, figure.units, figure.reason)


def _narrowed(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    return Interval(round(interval.low, _DIGITS), round(interval.high, _DIGITS))
