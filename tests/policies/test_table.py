"""The decision table's bytes, and what is refused as a table."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import canonical as rfc8785
from policies.book import read_policy
from policies.errors import PolicyInvalid
from policies.table import DEFAULT_DENY, canonical, compile_table, evaluate, parse_table
from policies.vocabulary import SIGNED_ACTIONS, Action

TABLE = compile_table(read_policy())
PLAIN = st.recursive(
    st.booleans()
    | st.integers(min_value=-(1 << 53) + 1, max_value=(1 << 53) - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_canonical_form_equals_rfc_8785(value):
    assert canonical(value) == rfc8785.encode(value)


@pytest.mark.parametrize(
    "value", [1.5, None, 1 << 53, -(1 << 53), "\ud800", {"é": 1}, {1: 1}, [{"a": 0.0}], {"a": {1}}]
)
def test_what_has_no_plain_form_is_refused(value):
    with pytest.raises(PolicyInvalid) as refused:
        canonical(value)

    assert refused.value.code == "not-canonical"


def test_table_is_canonical_and_named_by_its_digest():
    assert rfc8785.encode(rfc8785.decode(TABLE.encoded)) == TABLE.encoded
    assert TABLE.digest == "sha256:" + sha256(TABLE.encoded).hexdigest()
    assert parse_table(TABLE.encoded) == TABLE
    assert compile_table(read_policy()).encoded == TABLE.encoded


def test_table_says_what_the_verifier_needs():
    raw = json.loads(TABLE.encoded)

    assert raw["v"] == 2
    assert raw["training"]["labeller"] == ["data-handling"]
    assert "steward" not in raw["training"]
    assert raw["default"] == "deny"
    assert raw["signed"] == sorted(SIGNED_ACTIONS)
    assert raw["quorum"]["5"]["refused"] is True
    assert raw["quorum"]["3"]["categories"]["core"]["refused"] is True
    assert raw["quorum"]["4"]["roles"] == ["steward"]
    assert all(rule["source"] for rule in raw["rules"])


def test_decisive_facts_are_those_some_rule_looks_at():
    assert TABLE.decisive("release.recall") == ("stage",)
    assert TABLE.decisive("log.read") == ()
    assert TABLE.decisive("no.such-act") == ()
    assert "domain" not in TABLE.decisive(Action.MEMBER_GRANT)


def _rule(**changed):
    rule = {
        "id": "log.read/x",
        "role": "steward",
        "domain": "hospital",
        "action": "log.read",
        "effect": "allow",
        "when": [],
        "source": "R70",
    }
    return {**rule, **changed}


def _table(*rules, **changed):
    table = {"v": 1, "default": "deny", "rules": list(rules), "quorum": {}, "signed": []}
    return canonical({**table, **changed})


WRONG = [
    b"",
    b"{",
    b"\xff",
    b"[]",
    b"{}",
    b"null",
    TABLE.encoded + b"\n",
    TABLE.encoded.replace(b'"v":2', b'"v":2.0'),
    _table(_rule(), v=2),
    _table(_rule(), v=3, training={}),
    _table(_rule(), training={}),
    _table(_rule(), default="allow"),
    _table(_rule(), more=1),
    _table(_rule(), _rule()),
    _table(_rule(id="b"), _rule(id="a")),
    _table(_rule(effect="maybe")),
    _table(_rule(domain="planet")),
    _table(_rule(action="log.burn")),
    _table(_rule(source="")),
    _table(_rule(role=1)),
    _table(_rule(when=[{"fact": "a", "op": "matches", "value": "x"}])),
    _table(_rule(when=3)),
    _table(_rule(more=1)),
    _table("rule"),
    _table(rules=3),
]


@pytest.mark.parametrize("encoded", WRONG, ids=range(len(WRONG)))
def test_what_is_no_table_is_refused(encoded):
    with pytest.raises(PolicyInvalid):
        parse_table(encoded)


def test_first_grant_by_id_decides():
    table = parse_table(_table(_rule(id="a"), _rule(id="b")))

    assert evaluate(table, ["steward"], "hospital", "log.read", {}) == (True, "a")


def test_denial_overrides_whatever_its_place():
    deny = {"role": "*", "effect": "deny"}
    table = parse_table(_table(_rule(id="a"), _rule(id="b", **deny), _rule(id="c", **deny)))

    assert evaluate(table, ["steward"], "hospital", "log.read", {}) == (False, "b")


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(
    ("roles", "domain", "action"),
    [
        ([], "hospital", "log.read"),
        (["regulator"], "hospital", "log.read"),
        (["*"], "hospital", "log.read"),
        (["steward"], "platform", "log.read"),
        (["steward"], "project:", "log.read"),
        (["steward"], "elsewhere", "log.read"),
        (["steward"], "hospital", "item.clean"),
        (["steward"], "hospital", "log.burn"),
    ],
)
def test_what_no_row_grants_is_refused(roles, domain, action):
    table = parse_table(_table(_rule()))

    assert evaluate(table, roles, domain, action, {}) == (False, DEFAULT_DENY)
