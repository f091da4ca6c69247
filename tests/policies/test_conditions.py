"""Closed operators, and what an unknown fact comes to."""

import pytest

from policies.conditions import (
    BARE,
    LITERAL,
    PAIRED,
    PRESENCE,
    comparison_from,
    comparison_to,
    holds,
)
from policies.errors import PolicyInvalid

TRUE = [
    ({"fact": "a", "op": "eq", "value": "x"}, {"a": "x"}),
    ({"fact": "a", "op": "eq", "value": 3}, {"a": 3}),
    ({"fact": "a", "op": "eq", "value": False}, {"a": False}),
    ({"fact": "a", "op": "ne", "value": "x"}, {"a": "y"}),
    ({"fact": "a", "op": "in", "value": ["x", "y"]}, {"a": "y"}),
    ({"fact": "a", "op": "not-in", "value": ["x", "y"]}, {"a": "z"}),
    ({"fact": "a", "op": "le", "value": 3}, {"a": 3}),
    ({"fact": "a", "op": "ge", "value": 3}, {"a": 3}),
    ({"fact": "a", "op": "lt", "value": 3}, {"a": 2}),
    ({"fact": "a", "op": "gt", "value": 3}, {"a": 4}),
    ({"fact": "a", "op": "true"}, {"a": True}),
    ({"fact": "a", "op": "false"}, {"a": False}),
    ({"fact": "a", "op": "contains", "value": "x"}, {"a": ("x", "y")}),
    ({"fact": "a", "op": "lacks", "value": "x"}, {"a": ("y",)}),
    ({"fact": "a", "op": "same", "other": "b"}, {"a": "x", "b": "x"}),
    ({"fact": "a", "op": "differs", "other": "b"}, {"a": 1, "b": 2}),
    ({"fact": "a", "op": "present"}, {"a": False}),
    ({"fact": "a", "op": "absent"}, {}),
    ({"fact": "a", "op": "absent"}, {"a": None}),
]
FALSE = [
    ({"fact": "a", "op": "eq", "value": "x"}, {"a": "y"}),
    ({"fact": "a", "op": "eq", "value": True}, {"a": False}),
    ({"fact": "a", "op": "ne", "value": "x"}, {"a": "x"}),
    ({"fact": "a", "op": "in", "value": ["x", "y"]}, {"a": "z"}),
    ({"fact": "a", "op": "not-in", "value": ["x", "y"]}, {"a": "x"}),
    ({"fact": "a", "op": "le", "value": 3}, {"a": 4}),
    ({"fact": "a", "op": "ge", "value": 3}, {"a": 2}),
    ({"fact": "a", "op": "lt", "value": 3}, {"a": 3}),
    ({"fact": "a", "op": "gt", "value": 3}, {"a": 3}),
    ({"fact": "a", "op": "true"}, {"a": False}),
    ({"fact": "a", "op": "false"}, {"a": True}),
    ({"fact": "a", "op": "contains", "value": "x"}, {"a": ("y",)}),
    ({"fact": "a", "op": "lacks", "value": "x"}, {"a": ("x",)}),
    ({"fact": "a", "op": "same", "other": "b"}, {"a": "x", "b": "y"}),
    ({"fact": "a", "op": "differs", "other": "b"}, {"a": 2, "b": 2}),
    ({"fact": "a", "op": "present"}, {}),
    ({"fact": "a", "op": "present"}, {"a": None}),
    ({"fact": "a", "op": "absent"}, {"a": ""}),
]
UNKNOWN = [
    *(
        (raw, facts)
        for raw, _ in TRUE
        if raw["op"] not in PRESENCE
        for facts in ({}, {"a": None}, {"b": "x"})
    ),
    ({"fact": "a", "op": "eq", "value": 1}, {"a": True}),
    ({"fact": "a", "op": "eq", "value": True}, {"a": 1}),
    ({"fact": "a", "op": "ne", "value": "x"}, {"a": 1}),
    ({"fact": "a", "op": "in", "value": ["x"]}, {"a": 1}),
    ({"fact": "a", "op": "not-in", "value": ["x"]}, {"a": ("x",)}),
    ({"fact": "a", "op": "ge", "value": 0}, {"a": True}),
    ({"fact": "a", "op": "lt", "value": 9}, {"a": "1"}),
    ({"fact": "a", "op": "true"}, {"a": 1}),
    ({"fact": "a", "op": "false"}, {"a": 0}),
    ({"fact": "a", "op": "false"}, {"a": ""}),
    ({"fact": "a", "op": "contains", "value": "x"}, {"a": "xyz"}),
    ({"fact": "a", "op": "lacks", "value": "x"}, {"a": "abc"}),
    ({"fact": "a", "op": "same", "other": "b"}, {"a": 1, "b": True}),
    ({"fact": "a", "op": "differs", "other": "b"}, {"a": 1}),
]
MALFORMED = [
    None,
    "a",
    {},
    {"fact": "a"},
    {"op": "true"},
    {"fact": "", "op": "true"},
    {"fact": 1, "op": "true"},
    {"fact": "a", "op": 1},
    {"fact": "a", "op": "matches", "value": ".*"},
    {"fact": "a", "op": "eq"},
    {"fact": "a", "op": "eq", "other": "b"},
    {"fact": "a", "op": "eq", "value": "x", "other": "b"},
    {"fact": "a", "op": "eq", "value": 1.5},
    {"fact": "a", "op": "eq", "value": ["x"]},
    {"fact": "a", "op": "true", "value": True},
    {"fact": "a", "op": "in", "value": "x"},
    {"fact": "a", "op": "in", "value": []},
    {"fact": "a", "op": "in", "value": [1]},
    {"fact": "a", "op": "ge", "value": "3"},
    {"fact": "a", "op": "ge", "value": True},
    {"fact": "a", "op": "contains", "value": 1},
    {"fact": "a", "op": "same", "value": "b"},
    {"fact": "a", "op": "same", "other": ""},
    {"fact": "a", "op": "same", "other": 1},
    {"fact": "a", "op": "absent", "value": "x"},
    {"fact": "a", "op": "true", "unless": "b"},
]


@pytest.mark.parametrize(("raw", "facts"), TRUE)
@pytest.mark.parametrize("unknown", [False, True])
def test_true_condition_holds_in_grants_and_denials(raw, facts, unknown):
    assert holds([comparison_from(raw)], facts, unknown=unknown)


@pytest.mark.parametrize(("raw", "facts"), FALSE)
@pytest.mark.parametrize("unknown", [False, True])
def test_false_condition_holds_nowhere(raw, facts, unknown):
    assert not holds([comparison_from(raw)], facts, unknown=unknown)


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(("raw", "facts"), UNKNOWN)
def test_unknown_fact_fails_in_grants_and_holds_in_denials(raw, facts):
    comparison = comparison_from(raw)

    assert not holds([comparison], facts, unknown=False)
    assert holds([comparison], facts, unknown=True)


def test_every_operator_is_tried():
    tried = {raw["op"] for raw, _ in TRUE} & {raw["op"] for raw, _ in FALSE}

    assert tried == {*LITERAL, *PAIRED, *BARE, *PRESENCE}


def test_all_comparisons_must_hold():
    both = [comparison_from({"fact": name, "op": "true"}) for name in ("a", "b")]

    assert holds([], {}, unknown=False)
    assert holds(both, {"a": True, "b": True}, unknown=False)
    assert not holds(both, {"a": True, "b": False}, unknown=False)


@pytest.mark.parametrize("raw", MALFORMED)
def test_malformed_comparison_is_refused(raw):
    with pytest.raises(PolicyInvalid) as refused:
        comparison_from(raw)

    assert refused.value.code == "test-malformed"


@pytest.mark.parametrize("raw", [raw for raw, _ in TRUE])
def test_comparison_keeps_its_form(raw):
    assert comparison_to(comparison_from(raw)) == raw
