"""The verifier's reading of a decision table is the house's own, condition by condition."""

from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import verifier
from policies.conditions import BARE, LITERAL, PAIRED, PRESENCE, comparison_from, holds

facts = (
    st.none()
    | st.booleans()
    | st.integers(-3, 6)
    | st.sampled_from(("", "a", "b"))
    | st.lists(st.sampled_from(("a", "b", "c")), max_size=3)
)


@st.composite
def conditions(draw):
    op = draw(st.sampled_from(sorted({*LITERAL, *PAIRED, *BARE, *PRESENCE})))
    asked = {"fact": draw(st.sampled_from(("one", "two"))), "op": op}
    if op in {"in", "not-in"}:
        asked["value"] = draw(st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=2))
    elif op in {"le", "ge", "lt", "gt"}:
        asked["value"] = draw(st.integers(-3, 6))
    elif op in {"contains", "lacks"}:
        asked["value"] = draw(st.sampled_from(("a", "b")))
    elif op in LITERAL:
        asked["value"] = draw(st.booleans() | st.integers(-3, 6) | st.sampled_from(("", "a")))
    elif op in PAIRED:
        asked["other"] = draw(st.sampled_from(("one", "two", "three")))
    return asked


@settings(deadline=None, max_examples=1_000)
@given(conditions(), facts, facts, st.booleans())
def test_a_condition_holds_for_the_verifier_when_it_holds_for_the_house(asked, one, two, deny):
    told = {"one": one, "two": two}
    inside = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}

    said = verifier.condition_holds(asked, told, deny=deny)

    assert verifier._is_condition(asked)
    assert said == holds([comparison_from(asked)], inside, unknown=deny)


def test_both_know_the_same_operators():
    assert {*verifier.OPERATORS, "present", "absent"} == {*LITERAL, *PAIRED, *BARE, *PRESENCE}
