"""One label against its schema and its item; most of what is said here is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_forms import (
    DATE,
    DRUG,
    FINDING,
    IMAGE,
    LESION,
    ORGAN,
    SCHEMA,
    TEXT,
    VIEW,
    label_type,
    labels,
    schema,
)

from sandbox.errors import TooLarge, Unacceptable
from sandbox.formats.extents import Extent
from sandbox.formats.label_value import check_value


def on_image(*marks):
    return check_value(SCHEMA, labels(FINDING, *marks), IMAGE)["labels"]


@pytest.mark.parametrize("mark", [VIEW, LESION, ORGAN])
def test_a_mark_on_an_image_comes_back(mark):
    assert on_image(mark)[1] == {**mark, "id": 2}


@pytest.mark.parametrize("mark", [DRUG, DATE])
def test_a_mark_in_a_text_comes_back(mark):
    kept = check_value(SCHEMA, labels(mark, FINDING), TEXT)["labels"]

    assert kept == [FINDING, {**mark, "id": 2}]


def test_a_span_may_end_where_the_text_ends_and_touch_the_next():
    first, second = {**DRUG, "id": 8, "span": [0, 4]}, {**DRUG, "id": 9, "span": [4, 40]}

    assert len(check_value(SCHEMA, labels(FINDING, second, first), TEXT)["labels"]) == 3


def test_spans_overlap_where_the_schema_lets_them():
    both = [DATE, {**DATE, "id": 7, "span": [4, 6]}]

    assert len(check_value(SCHEMA, labels(FINDING, *both), TEXT)["labels"]) == 3


def test_what_is_not_required_may_be_left_out():
    free = schema(label_type("lesion", "box"))

    assert check_value(free, labels(), IMAGE) == {"labels": []}


def test_what_does_not_fit_the_item_is_not_asked_for():
    both = schema(
        label_type("drug", "span", required=True), label_type("lesion", "box", required=True)
    )
    lesion = {"id": 1, "type": "lesion", "class": "one", "box": [1, 1, 2, 2]}

    assert len(check_value(both, labels(lesion), IMAGE)["labels"]) == 1


@pytest.mark.requirement("R53")
@given(st.permutations([FINDING, VIEW, LESION, ORGAN, {**LESION, "id": 7, "box": [1, 1, 2, 2]}]))
def test_neither_order_nor_numbers_say_anything(marks):
    renumbered = [{**mark, "id": 100 - n} for n, mark in enumerate(marks)]

    kept = check_value(SCHEMA, labels(*renumbered), IMAGE)

    assert kept == check_value(SCHEMA, labels(*sorted(marks, key=lambda m: m["id"])), IMAGE)


@pytest.mark.requirement("R53")
@given(st.integers(0, 2), st.booleans())
def test_neither_the_first_corner_nor_the_direction_says_anything(turn, back):
    corners = ORGAN["polygon"][turn:] + ORGAN["polygon"][:turn]
    said = {**ORGAN, "polygon": corners[::-1] if back else corners}

    assert on_image(said) == on_image(ORGAN)


@pytest.mark.requirement("R53")
def test_a_kept_label_is_its_own_canonical_form():
    kept = check_value(SCHEMA, labels(ORGAN, LESION, FINDING, VIEW), IMAGE)

    assert check_value(SCHEMA, json.loads(json.dumps(kept)), None) == kept


def lesion(**changes: object):
    return {key: value for key, value in (LESION | changes).items() if value is not ...}


def organ(**changes: object):
    return {key: value for key, value in (ORGAN | changes).items() if value is not ...}


def corners(*points: object):
    return organ(polygon=list(points))


def side(value: object):
    return organ(attributes={"side": value})


NAN, INFINITE = float("nan"), float("inf")
ON_IMAGE = [
    (1, "label-marks-wrong", ""),
    ([], "label-marks-wrong", ""),
    (lesion(id=1), "label-id-repeated", "/id"),
    (lesion(id=0), "label-id-wrong", "/id"),
    (lesion(id=True), "label-id-wrong", "/id"),
    (lesion(id="3"), "label-id-wrong", "/id"),
    (lesion(id=10**7), "label-id-wrong", "/id"),
    (lesion(id=...), "label-id-wrong", "/id"),
    (lesion(type="circle"), "label-type-unknown", "/type"),
    (lesion(type=["lesion"]), "label-type-unknown", "/type"),
    (lesion(type=...), "label-type-unknown", "/type"),
    (DRUG, "label-type-misplaced", "/type"),
    (lesion(note="x"), "label-field-unknown", ""),
    (lesion(span=[0, 1]), "label-field-unknown", ""),
    ({**VIEW, "box": [0, 0, 1, 1]}, "label-field-unknown", ""),
    (lesion(**{"class": "three"}), "label-class-unknown", "/class"),
    (lesion(**{"class": None}), "label-class-unknown", "/class"),
    (lesion(frame=3), "label-frame-wrong", "/frame"),
    (lesion(frame=-1), "label-frame-wrong", "/frame"),
    (lesion(frame=True), "label-frame-wrong", "/frame"),
    (lesion(frame=0.0), "label-frame-wrong", "/frame"),
    (lesion(frame=...), "label-frame-wrong", "/frame"),
    (organ(frame=0), "label-frame-wrong", "/frame"),
    (lesion(box=...), "label-place-missing", "/box"),
    (lesion(box=[1, 2, 3]), "label-box-wrong", "/box"),
    (lesion(box={"x": 1}), "label-box-wrong", "/box"),
    (lesion(box="1234"), "label-box-wrong", "/box"),
    (lesion(box=[0, 0, 0, 1]), "label-box-empty", "/box/2"),
    (lesion(box=[0, 0, 1, -1]), "label-box-empty", "/box/3"),
    (lesion(box=[-0.01, 0, 1, 1]), "label-box-outside", "/box/0"),
    (lesion(box=[0, -1, 1, 1]), "label-box-outside", "/box/1"),
    (lesion(box=[0, 0, 200.01, 1]), "label-box-outside", "/box/2"),
    (lesion(box=[199, 0, 2, 1]), "label-box-outside", "/box/2"),
    (lesion(box=[0, 99.5, 1, 1]), "label-box-outside", "/box/3"),
    (lesion(box=[NAN, 0, 1, 1]), "label-number-wrong", "/box/0"),
    (lesion(box=[0, INFINITE, 1, 1]), "label-number-wrong", "/box/1"),
    (lesion(box=[0, 0, -INFINITE, 1]), "label-number-wrong", "/box/2"),
    (lesion(box=[0, 0, 1, 10**400]), "label-number-wrong", "/box/3"),
    (lesion(box=[0, 0, 1e300, 1]), "label-number-wrong", "/box/2"),
    (lesion(box=["0", 0, 1, 1]), "label-number-wrong", "/box/0"),
    (lesion(box=[True, 0, 1, 1]), "label-number-wrong", "/box/0"),
    (lesion(box=[None, 0, 1, 1]), "label-number-wrong", "/box/0"),
    (lesion(box=[0.001, 0, 1, 1]), "label-number-too-fine", "/box/0"),
    (lesion(box=[0, 1e-7, 1, 1]), "label-number-too-fine", "/box/1"),
    (lesion(box=[0, 0, 1.23456789, 1]), "label-number-too-fine", "/box/2"),
    (organ(polygon=7), "label-polygon-wrong", "/polygon"),
    (corners([0, 0], [1, 1]), "label-polygon-points", "/polygon"),
    (corners(*([n, n * n] for n in range(7))), "label-polygon-points", "/polygon"),
    (corners([0, 0], [5, 0], 5), "label-point-wrong", "/polygon/2"),
    (corners([0, 0], [5, 0], [5, 5, 5]), "label-point-wrong", "/polygon/2"),
    (corners([0, 0], [5, 0], [5, 101]), "label-point-outside", "/polygon/2/1"),
    (corners([0, 0], [-1, 0], [5, 5]), "label-point-outside", "/polygon/1/0"),
    (corners([0, 0], [NAN, 0], [5, 5]), "label-number-wrong", "/polygon/1/0"),
    (corners([0, 0], [5.25, 0], [5, 5]), "label-number-too-fine", "/polygon/1/0"),
    (corners([0, 0], [5, 0], [5, 5], [0, 0]), "label-point-repeated", "/polygon"),
    (corners([0, 0], [5, 5], [9, 9]), "label-polygon-empty", "/polygon"),
    (corners([0, 0], [5, 5], [5, 0], [0, 4]), "label-polygon-crosses", "/polygon"),
    (corners([0, 0], [8, 0], [4, 0], [4, 4]), "label-polygon-crosses", "/polygon"),
    (corners([0, 0], [8, 0], [8, 8], [4, 0], [0, 8]), "label-polygon-crosses", "/polygon"),
    (organ(attributes=[]), "label-attribute-wrong", "/attributes"),
    (organ(attributes={"side": "left", "note": "x"}), "label-attribute-unknown", "/attributes"),
    (organ(attributes={"certain": True}), "label-attribute-missing", "/attributes/side"),
    (organ(attributes=...), "label-attribute-missing", "/attributes/side"),
    (side("up"), "label-attribute-wrong", "/attributes/side"),
    (side(1), "label-attribute-wrong", "/attributes/side"),
    (side(["left"]), "label-attribute-wrong", "/attributes/side"),
    (organ(attributes={"side": "left", "certain": 1}), "label-attribute-wrong", "/attributes/certain"),
    (organ(attributes={"side": "left", "count": 10}), "label-attribute-wrong", "/attributes/count"),
    (organ(attributes={"side": "left", "count": 1.0}), "label-attribute-wrong", "/attributes/count"),
]  # fmt: skip


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(("mark", "code", "field"), ON_IMAGE)
def test_a_mark_that_breaks_a_rule_is_refused_by_field(mark, code, field):
    with pytest.raises(Unacceptable) as caught:
        on_image(mark)

    assert (caught.value.code, caught.value.field) == (code, f"/labels/1{field}")


@pytest.mark.parametrize(
    ("span", "code", "field"),
    [
        ([0, 41], "label-span-outside", "/1"),
        ([-1, 4], "label-span-outside", "/0"),
        ([4, 4], "label-span-empty", ""),
        ([5, 4], "label-span-empty", ""),
        ([0.0, 4], "label-span-wrong", "/0"),
        ([0, True], "label-span-wrong", "/1"),
        ([0, "4"], "label-span-wrong", "/1"),
        ([0, NAN], "label-span-wrong", "/1"),
        ([0], "label-span-wrong", ""),
        ("ab", "label-span-wrong", ""),
    ],
)
def test_a_span_that_breaks_a_rule_is_refused_by_field(span, code, field):
    with pytest.raises(Unacceptable) as caught:
        check_value(SCHEMA, labels(FINDING, {**DRUG, "span": span}), TEXT)

    assert (caught.value.code, caught.value.field) == (code, f"/labels/1/span{field}")


def test_a_character_outside_the_basic_plane_is_one():
    text = "肝𠮷内"

    kept = check_value(SCHEMA, labels(FINDING, {**DRUG, "span": [1, 2]}), Extent(characters=3))

    assert text[slice(*kept["labels"][1]["span"])] == "𠮷"


WHOLE = [
    (labels(FINDING, LESION, {**LESION, "id": 9}), "label-repeated", "/labels/2"),
    (labels(FINDING, FINDING | {"id": 9}), "label-repeated", "/labels/1"),
    (labels(FINDING, {**FINDING, "id": 9, "class": "two"}), "label-count", "/labels"),
    (labels(), "label-count", "/labels"),
    (labels(FINDING, *(lesion(id=n, box=[n, 1, 1, 1]) for n in range(2, 5))), "label-count", "/labels"),
    (labels(*(lesion(id=n) for n in range(1, 502))), "label-marks-wrong", "/labels"),
    ({"labels": {}}, "label-marks-wrong", "/labels"),
    ({}, "label-field-missing", "/labels"),
    ({"labels": [], "classes": ["one"]}, "label-field-unknown", None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "code", "field"), WHOLE)
def test_a_label_that_breaks_a_rule_as_a_whole_is_refused(value, code, field):
    with pytest.raises(Unacceptable) as caught:
        check_value(SCHEMA, value, IMAGE)

    assert (caught.value.code, caught.value.field) == (code, field)


def test_spans_that_may_not_overlap_are_refused():
    both = [{**DRUG, "span": [0, 5]}, {**DRUG, "id": 9, "span": [4, 6]}]

    with pytest.raises(Unacceptable, match="label-span-overlaps"):
        check_value(SCHEMA, labels(FINDING, *both), TEXT)


def test_a_required_mark_is_wanted_in_every_frame():
    each = schema(label_type("view", "classification", most=1, required=True, per="frame"))
    views = [{**VIEW, "id": n + 1, "frame": n} for n in range(3)]

    assert len(check_value(each, labels(*views), IMAGE)["labels"]) == 3
    with pytest.raises(Unacceptable, match="label-count"):
        check_value(each, labels(*views[:2]), IMAGE)


def test_fewer_marks_than_the_least_are_refused_and_none_is_fine():
    pairs = schema(label_type("lesion", "box", least=2))
    one = {"id": 1, "type": "lesion", "class": "one", "box": [1, 1, 2, 2]}

    assert check_value(pairs, labels(), IMAGE) == {"labels": []}
    with pytest.raises(Unacceptable, match="label-count"):
        check_value(pairs, labels(one), IMAGE)


def test_two_equal_choices_of_one_type_are_refused_whatever_they_say_beside():
    said = schema(label_type("view", "classification", most=2, attributes=[
        {"name": "certain", "kind": "flag", "required": False}]))  # fmt: skip
    one = {"id": 1, "type": "view", "class": "one"}

    with pytest.raises(Unacceptable, match="label-class-repeated"):
        check_value(said, labels(one, {**one, "id": 2, "attributes": {"certain": True}}), IMAGE)


@pytest.mark.requirement("R53")
def test_a_label_is_not_larger_than_it_may_be():
    wide = schema(label_type("organ", "polygon", most=500, points=500, decimals=2))
    circle = [[n + 0.11, n * n / 100] for n in range(100)]
    marks = [
        {"id": n + 1, "type": "organ", "class": "one", "polygon": [[199.99, n / 100], *circle]}
        for n in range(90)
    ]

    with pytest.raises(TooLarge, match="label-too-large"):
        check_value(wide, labels(*marks), IMAGE)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    )
)
def test_whatever_stands_for_a_mark_it_is_refused_by_code(junk):
    for mark in (
        junk,
        lesion(box=junk),
        organ(polygon=junk),
        organ(polygon=[junk, [0, 0], [1, 1]]),
    ):
        with pytest.raises(Unacceptable) as caught:
            on_image(mark)

        assert caught.value.code.startswith("label-")
        assert caught.value.field.startswith("/labels")
