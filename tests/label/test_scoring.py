"""From marks to figures: which measure for which kind, over which units."""

import pytest

from sandbox.formats.label_schema import parse_schema
from sandbox.formats.label_value import Mark
from sandbox.label.scoring import MIN_ITEMS, scores, whole_tens


def schema(kind: str, **more: object):
    one = {
        "name": "x", "title": {"en": "X"}, "kind": kind, "classes": ["a", "b", "c"],
        "least": 0, "most": 1, "required": False, "per": "item",
    }  # fmt: skip
    return parse_schema({"types": [one | more]})


def choice(of: int, frame: int = -1) -> Mark:
    return Mark(0, frame, of, (), ())


def box(*numbers: int, frame: int = -1) -> Mark:
    return Mark(0, frame, 0, numbers, ())


def by_name(found) -> dict:
    return {(s.measure, s.pair): s.figure.value for s in found}


def test_choosing_nothing_is_an_answer_but_no_rank():
    ordered = schema("classification", ordered=True)
    items = [{"p": [choice(n % 3)], "q": [choice(n % 3)] if n else []} for n in range(10)]

    told = by_name(scores(ordered, items))

    assert told["cohen-kappa", ("p", "q")] < 1
    assert told["cohen-kappa-quadratic", ("p", "q")] == 1
    assert told["krippendorff-alpha-ordinal", None] == 1
    assert told["krippendorff-alpha-nominal", None] < 1


def test_several_choices_are_compared_class_by_class():
    several = schema("classification", most=3)
    items = [{"p": [choice(0), choice(1)], "q": [choice(0)]} for _ in range(10)]

    (kappa, alpha) = scores(several, items)

    assert kappa.figure.units == 30
    assert kappa.figure.value == pytest.approx(0.4)
    assert alpha.figure.value < 1


def test_choices_by_frame_are_compared_frame_by_frame():
    framed = schema("classification", per="frame")
    items = [{"p": [choice(0, 0), choice(1, 1)], "q": [choice(0, 0), choice(2, 1)]}] * 10

    assert scores(framed, items)[0].figure.units == 20


def test_boxes_on_different_frames_or_of_different_size_agree_less():
    boxes = schema("box", per="frame")
    same = [{"p": [box(0, 0, 400, 400, frame=0)], "q": [box(0, 0, 400, 400, frame=0)]}] * 9
    last = {"p": [box(0, 0, 400, 400, frame=0)], "q": [box(0, 0, 400, 400, frame=1)]}

    assert by_name(scores(boxes, [*same, last]))["mean-iou", None] == pytest.approx(0.9)
    half = {"p": [box(0, 0, 400, 400, frame=0)], "q": [box(0, 0, 400, 200, frame=0)]}
    assert by_name(scores(boxes, [*same, half]))["mean-iou", None] == pytest.approx(0.95)


def test_polygons_are_measured_in_pixels():
    polygons = schema("polygon", decimals=2)
    square, triangle = (0, 0, 400, 0, 400, 400, 0, 400), (0, 0, 400, 0, 400, 400)
    items = [{"p": [box(*square)], "q": [box(*triangle)]}] * 10

    assert by_name(scores(polygons, items))["mean-iou", ("p", "q")] == pytest.approx(0.5)


@pytest.mark.requirement("R41")
def test_a_pair_with_too_few_items_has_no_figure():
    plain = schema("classification")
    items = [{"p": [choice(n % 2)], "q": [choice(n % 2)]} for n in range(11)]
    items += [{"p": [choice(n % 2)], "r": [choice(n % 2)]} for n in range(9)]

    found = scores(plain, items)

    assert {(s.pair, s.items) for s in found} == {(("p", "q"), 10), (None, 20)}


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(("count", "kept"), [(0, 0), (9, 0), (10, 10), (19, 10), (20, 20)])
def test_items_count_in_whole_tens(count, kept):
    assert MIN_ITEMS == 10
    assert len(whole_tens([{}] * count)) == kept


def test_three_people_are_compared_two_by_two_and_together():
    plain = schema("classification")
    items = [{w: [choice(n % 2)] for w in "pqr"} for n in range(10)]

    found = scores(plain, items)

    assert [s.pair for s in found] == [("p", "q"), ("p", "r"), ("q", "r"), None]
    assert {s.figure.value for s in found} == {1}
    assert all((s.interval.low, s.interval.high) == (1, 1) for s in found)


def test_where_all_say_the_same_there_is_a_reason_and_no_value():
    found = scores(schema("classification"), [{"p": [choice(0)], "q": [choice(0)]}] * 10)

    assert {(s.figure.value, s.figure.reason, s.interval) for s in found} == {
        (None, "no-variation", None)
    }
