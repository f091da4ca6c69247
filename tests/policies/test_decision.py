"""Casbin rules as the decision table does, remembers within bounds, and reports what decided."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import verifier
from policies.book import read_policy
from policies.decision import CasbinDecisionPoint
from policies.facts import gathered
from policies.table import evaluate
from policies.vocabulary import Action, Category, Grade, Role, TaskState

BOOK = read_policy()
POINT = CasbinDecisionPoint(BOOK)
RAW_TABLE = json.loads(POINT.table.encoded)
IN_ENTRIES = ["platform", "hospital", "project:a", "project:b"]
DOMAINS = [*IN_ENTRIES, "project:", "elsewhere", ""]
LABELLING = {
    "grade": 3,
    "category": "general",
    "dataset_state": "READY",
    "contract_valid": True,
    "permit_valid": True,
    "purpose": "research",
    "declared_purpose": "research",
    "stage": "OPEN",
    "assigned_other": False,
    "labelled_already": False,
}


@st.composite
def questions(draw, domains=DOMAINS):
    form = BOOK.sheet[draw(st.sampled_from(sorted(Action)))]
    facts = {}
    for name, fact in form.facts.items():
        likely = form.stages if name == "stage" else (fact.good, *fact.values)
        odd = (None, True, 7, "x", ("x",))
        value = draw(st.sampled_from([*likely * 3, *odd]))
        if draw(st.integers(0, 9)):
            facts[name] = value
    roles = draw(st.lists(st.sampled_from(sorted(Role)), max_size=3, unique=True))
    return roles, draw(st.sampled_from(domains)), form.action, facts


@pytest.mark.requirement("R12")
@settings(max_examples=1000, deadline=None)
@given(questions())
def test_casbin_and_decision_table_agree(question):
    roles, domain, action, facts = question

    ruling = POINT.rule_on(roles, domain, action, facts, 0)

    decisive = gathered(BOOK.sheet[action], POINT.table.decisive(action), facts)
    assert (ruling.allowed, ruling.rule) == evaluate(POINT.table, roles, domain, action, decisive)
    assert ruling.facts == decisive
    assert ruling.policy == POINT.table.digest


BOUND = sorted(action for action in Action if "contract_valid" in BOOK.sheet[action].facts)


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("action", BOUND)
@pytest.mark.parametrize("domain", DOMAINS)
def test_act_on_a_dataset_about_which_nothing_is_said_is_refused(action, domain):
    nothing = {}
    empty = dict.fromkeys(BOOK.sheet[action].facts)

    for facts in (nothing, empty):
        assert not POINT.rule_on(sorted(Role), domain, action, facts, 0).allowed


def test_ruling_reports_decisive_facts_only():
    facts = {**LABELLING, "grade": Grade.G3, "stage": TaskState.OPEN, "patient": "x", "own": True}

    ruling = POINT.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, facts, 0)

    assert ruling.allowed
    assert ruling.rule == "task.open/labeller"
    assert ruling.policy == POINT.digest
    assert dict(ruling.facts) == {
        "assigned_other": False,
        "labelled_already": False,
        "contract_valid": True,
        "dataset_state": "READY",
        "declared_purpose": "research",
        "permit_valid": True,
        "purpose": "research",
        "stage": "OPEN",
    }
    assert type(ruling.facts["stage"]) is str


def test_enumerations_become_plain_words_and_numbers():
    facts = {"grade": Grade.G5, "category": Category.CORE, "contract_valid": True}

    ruling = POINT.rule_on([Role.WORKER], "hospital", Action.RELEASE_SEAL, facts, 0)

    assert type(ruling.facts["grade"]) is int
    assert type(ruling.facts["category"]) is str


@pytest.mark.parametrize(
    ("fact", "value"),
    [("contract_valid", 1), ("assigned_other", 0), ("stage", True), ("dataset_state", b"READY")],
)
def test_fact_of_another_type_than_declared_opens_nothing(fact, value):
    facts = {**LABELLING, fact: value}

    ruling = POINT.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, facts, 0)

    assert not ruling.allowed
    assert fact not in ruling.facts


def test_rulings_are_remembered_within_bounds():
    point = CasbinDecisionPoint(BOOK, cached=3)

    first = point.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 1)
    again = point.rule_on([Role.LABELLER], "project:b", Action.TASK_OPEN, LABELLING, 1)
    for epoch in range(2, 9):
        point.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, epoch)
    later = point.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 1)

    assert again is first
    assert point.cached_rulings == 3
    assert later is not first
    assert later == first


@pytest.mark.requirement("R04")
@pytest.mark.parametrize(
    ("roles", "domain", "action", "facts", "epoch"),
    [
        ([Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 2),
        ([], "project:a", Action.TASK_OPEN, LABELLING, 1),
        ([Role.LABELLER, Role.REVIEWER], "project:a", Action.TASK_OPEN, LABELLING, 1),
        ([Role.LABELLER], "hospital", Action.TASK_OPEN, LABELLING, 1),
        ([Role.LABELLER], "project:a", Action.REVIEW_OPEN, LABELLING, 1),
        ([Role.LABELLER], "project:a", Action.TASK_OPEN, {**LABELLING, "stage": "LOCKED"}, 1),
    ],
)
def test_nothing_remembered_answers_another_question(roles, domain, action, facts, epoch):
    point = CasbinDecisionPoint(BOOK)
    first = point.rule_on([Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 1)

    other = point.rule_on(roles, domain, action, facts, epoch)

    assert other is not first
    assert point.cached_rulings == 2


def test_order_and_doubles_of_roles_do_not_matter():
    one = POINT.rule_on([Role.REVIEWER, Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 5)
    two = POINT.rule_on(
        [Role.LABELLER, Role.REVIEWER, Role.LABELLER], "project:a", Action.TASK_OPEN, LABELLING, 5
    )

    assert one is two


@pytest.mark.requirement("R12")
@settings(max_examples=1000, deadline=None)
@given(questions(IN_ENTRIES))
def test_independent_verifier_replays_every_verdict(question):
    roles, domain, action, facts = question
    ruling = POINT.rule_on(roles, domain, action, facts, 0)
    recorded = {
        name: list(fact) if isinstance(fact, tuple) else fact for name, fact in ruling.facts.items()
    }

    entry = {
        "action": str(action),
        "roles": sorted(map(str, roles)),
        "domain": domain,
        "facts": recorded,
    }

    assert verifier.verdict_of(RAW_TABLE, entry) == (ruling.allowed, ruling.rule)
