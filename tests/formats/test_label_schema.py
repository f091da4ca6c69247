"""What a schema may say, and that what is kept says all of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_forms import ATTRIBUTES, SCHEMA, TYPES, label_type

from sandbox.errors import Unacceptable
from sandbox.formats.label_schema import parse_schema

SHORT = {"kind": "classification", "classes": ["a", "b"], "multiple": False}


@pytest.mark.parametrize("multiple", [True, False])
@pytest.mark.parametrize("classes", [["a"], ["a", "b"]])
def test_the_short_form_comes_back_as_it_was(classes, multiple):
    document = {"kind": "classification", "classes": classes, "multiple": multiple}

    assert parse_schema(document).document() == document


def test_what_is_left_out_is_written_out():
    (document,) = parse_schema({"types": [label_type("a", "polygon")]}).document()["types"]

    assert (document["decimals"], document["points"], document["attributes"]) == (0, 200, [])


def test_a_kept_schema_reads_as_itself():
    again = json.loads(json.dumps(SCHEMA.document()))

    assert parse_schema(again) == SCHEMA
    assert parse_schema(again).document() == SCHEMA.document()


def test_required_means_one_at_the_least():
    one = parse_schema({"types": [label_type("a", "box", required=True)]}).types[0]

    assert one.least == 1


def test_every_word_that_people_wrote_is_among_the_texts():
    texts = set(SCHEMA.texts())

    assert {"finding", "标注", "Mark", "one", "certain", "left"} <= texts


def changed(**changes: object) -> dict[str, object]:
    return {"types": [label_type("a", "box", **changes)]}


def attribute(**changes: object) -> dict[str, object]:
    one = {key: v for key, v in (ATTRIBUTES[1] | changes).items() if v is not ...}
    return changed(attributes=[one])


def whole(**changes: object) -> dict[str, object]:
    return changed(attributes=[ATTRIBUTES[2] | changes])


WRONG = [
    ({"types": []}, "schema-types-wrong", "/types"),
    ({"types": {}}, "schema-types-wrong", "/types"),
    ({"types": TYPES * 6}, "schema-types-wrong", "/types"),
    ({"types": TYPES, "more": 1}, "schema-field-unknown", None),
    ({"types": [1]}, "schema-type-wrong", "/types/0"),
    ({"types": [TYPES[0], TYPES[0]]}, "schema-type-repeated", "/types"),
    *((changed(**{n: ...}), "schema-field-missing", f"/types/0/{n}") for n in label_type("a", "box")),
    (changed(more=1), "schema-field-unknown", "/types/0"),
    (changed(overlapping=True), "schema-field-unknown", "/types/0"),
    (changed(points=9), "schema-field-unknown", "/types/0"),
    (changed(kind="circle"), "schema-kind-unknown", "/types/0/kind"),
    (changed(kind=["box"]), "schema-kind-unknown", "/types/0/kind"),
    (changed(name="A"), "schema-name-wrong", "/types/0/name"),
    (changed(name=""), "schema-name-wrong", "/types/0/name"),
    (changed(name="a" * 33), "schema-name-wrong", "/types/0/name"),
    (changed(name=1), "schema-name-wrong", "/types/0/name"),
    (changed(required=1), "schema-required-wrong", "/types/0/required"),
    (changed(title={}), "schema-title-wrong", "/types/0/title"),
    (changed(title={"fr": "x"}), "schema-title-wrong", "/types/0/title"),
    (changed(title={"en": " x"}), "schema-title-wrong", "/types/0/title"),
    (changed(title={"en": 1}), "schema-title-wrong", "/types/0/title"),
    (changed(title="x"), "schema-title-wrong", "/types/0/title"),
    (changed(classes=["a", "a"]), "schema-class-repeated", "/types/0/classes"),
    (changed(classes=["a", "b\n"]), "schema-classes-wrong", "/types/0/classes/1"),
    (changed(classes=[]), "schema-classes-wrong", "/types/0/classes"),
    (changed(most=0), "schema-count-wrong", "/types/0/most"),
    (changed(most=501), "schema-count-wrong", "/types/0/most"),
    (changed(most=True), "schema-count-wrong", "/types/0/most"),
    (changed(most=2.0), "schema-count-wrong", "/types/0/most"),
    (changed(least=6), "schema-count-wrong", "/types/0/least"),
    (changed(least=-1), "schema-count-wrong", "/types/0/least"),
    (changed(kind="classification", most=3), "schema-count-wrong", "/types/0/most"),
    (changed(per="page"), "schema-per-wrong", "/types/0/per"),
    (changed(kind="span", per="frame"), "schema-per-wrong", "/types/0/per"),
    (changed(decimals=3), "schema-option-wrong", "/types/0/decimals"),
    (changed(decimals=True), "schema-option-wrong", "/types/0/decimals"),
    (changed(kind="polygon", points=2), "schema-option-wrong", "/types/0/points"),
    (changed(kind="polygon", points=501), "schema-option-wrong", "/types/0/points"),
    (changed(kind="span", overlapping=1), "schema-option-wrong", "/types/0/overlapping"),
    (changed(attributes={}), "schema-attributes-wrong", "/types/0/attributes"),
    (changed(attributes=ATTRIBUTES * 6), "schema-attributes-wrong", "/types/0/attributes"),
    (changed(attributes=ATTRIBUTES[:1] * 2), "schema-attribute-repeated", "/types/0/attributes"),
    (changed(attributes=[1]), "schema-attribute-wrong", "/types/0/attributes/0"),
    (attribute(name="Side"), "schema-attribute-wrong", "/types/0/attributes/0/name"),
    (attribute(name=...), "schema-attribute-wrong", "/types/0/attributes/0"),
    (attribute(kind="text"), "schema-attribute-wrong", "/types/0/attributes/0/kind"),
    (attribute(required="yes"), "schema-attribute-wrong", "/types/0/attributes/0/required"),
    (attribute(choices=[]), "schema-attribute-wrong", "/types/0/attributes/0/choices"),
    (attribute(choices=...), "schema-attribute-wrong", "/types/0/attributes/0/choices"),
    (attribute(choices=["a", "a"]), "schema-attribute-wrong", "/types/0/attributes/0/choices"),
    (attribute(choices=[" a"]), "schema-attribute-wrong", "/types/0/attributes/0/choices"),
    (attribute(choices=[str(n) for n in range(51)]), "schema-attribute-wrong", "/types/0/attributes/0/choices"),
    (attribute(least=1), "schema-attribute-wrong", "/types/0/attributes/0"),
    (attribute(title={"en": ""}), "schema-title-wrong", "/types/0/attributes/0/title"),
    (whole(least=0.5), "schema-attribute-wrong", "/types/0/attributes/0/least"),
    (whole(least=9), "schema-attribute-wrong", "/types/0/attributes/0/most"),
    (whole(most=10**7), "schema-attribute-wrong", "/types/0/attributes/0/most"),
    ({**SHORT, "kind": "box"}, "schema-kind-unknown", "/kind"),
    ({**SHORT, "multiple": None}, "schema-multiple-wrong", "/multiple"),
    ({"kind": "classification", "classes": ["a"]}, "schema-field-missing", "/multiple"),
]  # fmt: skip


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(("document", "code", "field"), WRONG)
def test_a_schema_that_breaks_a_rule_is_refused_by_field(document, code, field):
    with pytest.raises(Unacceptable) as caught:
        parse_schema(document)

    assert (caught.value.code, caught.value.field) == (code, field)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    )
)
def test_whatever_stands_in_a_schema_it_is_refused_by_code(junk):
    for document in ({"types": junk}, {"types": [junk]}, changed(attributes=[junk])):
        with pytest.raises(Unacceptable, match=r"schema-"):
            parse_schema(document)
