"""No role path leads firm or operator to source bytes; each dangerous line of policy is found."""

from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.changes import changed, policy_of, shipped_policy
from policies.duties import duties_in_force
from policies.errors import PolicyInvalid
from policies.files import text_of
from policies.plan import read_plan
from policies.possible import DOMAINS
from policies.reachability import prove
from policies.table import evaluate
from policies.vocabulary import Action, Role

SHIPPED = shipped_policy()
PLAN, DUTIES = read_plan(), duties_in_force()
FIRM = ("inspector", "label-admin", "labeller", "project-lead", "reviewer")
NEEDED = {
    "requester-and-checker",
    "labelling-and-checking",
    "sources-and-labelling",
    "reidentification-and-people",
    "regulator-and-all",
    "auditor-and-all",
    "operator-and-data",
}
"""Duties without which the proof fails."""
FORBIDDEN = {"source", "master", "reidentification"}


def proved(policy=SHIPPED, duties=DUTIES):
    return prove(policy.book, policy.table, duties, PLAN)


def row(role: str, kind: str, act: str, when: str = "-", effect: str = "allow") -> str:
    return f"p, {act}/mutant, {role}, {kind}, {act}, {when}, {effect}, R10"


@pytest.mark.requirement("R10")
def test_nobody_of_firm_or_platform_reaches_sources():
    proof = proved()

    assert proof.holds
    assert proof.paths > 100
    assert proof.people > len(FIRM)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", FIRM)
@pytest.mark.parametrize(
    ("act", "when"),
    [
        ("item.clean", "item-sealed+dataset-live"),
        ("approval.open", "approval-new+dataset-live"),
        ("approval.view", "approval-sampled+own+dataset-live"),
        ("approval.sample", "-"),
        ("item.issue", "issuable"),
        ("member.grant", "for-another"),
        ("member.grant", "-"),
    ],
)
def test_each_line_that_hands_sources_to_a_firm_is_found(role, act, when):
    mutant = changed(SHIPPED, [row(role, "hospital", act, when)], ())

    proof = proved(mutant)

    assert not proof.holds
    found = [path for path in proof.found if path.role == role and path.thing in FORBIDDEN]
    assert found
    assert any(f"{act}/mutant" in step for path in found for step in path.steps)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", ["operator", "policy-admin"])
@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("hospital", "item.clean"),
        ("hospital", "approval.view"),
        ("project", "task.open"),
        ("project", "review.open"),
        ("hospital", "release.inspect"),
        ("hospital", "release.download"),
        ("hospital", "member.grant"),
        ("platform", "member.grant"),
    ],
)
def test_each_line_that_hands_data_to_the_operator_is_found(role, kind, act):
    proof = proved(changed(SHIPPED, [row(role, kind, act)], ()))

    assert any(path.role == role for path in proof.found)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    ("gone", "role"),
    [
        ("member.grant/conflicting", "labeller"),
        ("member.grant/conflicting-on-platform", "operator"),
        ("hospital.open/to-oneself", None),
    ],
)
def test_a_denial_that_is_taken_away_is_missed(gone, role):
    """The operator's own grant to open a hospital is for others: there the denial is a second wall."""
    proof = proved(changed(SHIPPED, (), [gone]))

    assert proof.holds is (role is None)
    assert role is None or any(path.role == role for path in proof.found)


@pytest.mark.requirement("R10")
def test_an_operator_who_opens_a_hospital_for_itself_is_found():
    mutant = changed(
        SHIPPED, [row("operator", "platform", "hospital.open")], ["hospital.open/to-oneself"]
    )

    assert any("gets steward" in step for path in proved(mutant).found for step in path.steps)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("number", range(len(DUTIES.pairs)))
def test_duties_that_keep_sources_apart_are_needed(number):
    pair = DUTIES.pairs[number]
    rest = replace(DUTIES, pairs=tuple(p for p in DUTIES.pairs if p is not pair))

    assert proved(duties=rest).holds is (pair.name not in NEEDED)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("added", "gone"),
    [
        ([row("policy-admin", "platform", "policy.approve")], ["policy.approve/own-proposal"]),
        ([row("operator", "platform", "policy.adopt")], []),
    ],
)
def test_a_policy_in_one_hand_is_found(added, gone):
    assert any(path.thing == "policy-alone" for path in proved(changed(SHIPPED, added, gone)).found)


def test_the_counterexample_is_the_shortest_and_tells_its_steps():
    mutant = changed(SHIPPED, [row("labeller", "hospital", "member.grant", "for-another")], ())

    path = next(p for p in proved(mutant).found if (p.role, p.thing) == ("labeller", "source"))

    assert len(path.steps) == 2
    assert path.steps[0].startswith("labeller does member.grant (member.grant/mutant): somebody")
    assert "source" in path.steps[1]
    assert str(path).startswith("firm-and-sources: labeller reaches source by ")


def test_the_report_is_the_same_each_time_and_names_the_table():
    one, two = proved(), proved()

    assert one.report == two.report
    assert one.digest == two.digest
    assert SHIPPED.table.digest.encode() in one.report


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('action = "item.clean"', 'action = "item.burn"'),
        ('depositor = ["source"]', 'thief = ["source"]'),
        ('yields = ["evidence"]', "yields = []"),
        ('takes = "steward"', 'takes = "emperor"'),
        ('action = "log.read"', 'action = "dataset.create"'),
        ('"account.activate", ', ""),
        ('source = "R10; GB/T 39725"', 'source = ""'),
        ("[[steps]]\naction", "[[steps]]\nmore = 1\naction"),
    ],
)
def test_a_plan_of_another_form_is_refused(old, new):
    text = text_of("reach.toml")
    assert old in text

    with pytest.raises(PolicyInvalid) as refused:
        read_plan(text.replace(old, new, 1))

    assert refused.value.code == "reach-malformed"


# --- against brute force ---------------------------------------------------------------------------
ACTS = ("approval.view", "item.clean", "member.grant", "task.open", "hospital.open")
WHENS = {
    "approval.view": ("-", "own", "approval-sampled"),
    "item.clean": ("-", "item-sealed"),
    "member.grant": ("-", "for-another", "platform-role", "to-oneself", "untrained"),
    "task.open": ("-",),
    "hospital.open": ("-", "for-another", "to-oneself"),
}
ROLES = ("labeller", "deid-officer", "steward", "operator", "worker", "depositor")
SMALL = {"stage": ("OPEN", "SAMPLED", "SEALED"), "role": tuple(ROLES)}


@st.composite
def policies(draw):
    lines = []
    for number in range(draw(st.integers(1, 6))):
        act = draw(st.sampled_from(ACTS))
        role = draw(st.sampled_from(("*", *ROLES)))
        kind = draw(st.sampled_from(("platform", "hospital", "project")))
        when = draw(st.sampled_from(WHENS[act]))
        effect = draw(st.sampled_from(("allow", "allow", "deny")))
        lines.append(f"p, {act}/r{number}, {role}, {kind}, {act}, {when}, {effect}, R10")
    return policy_of(lines)


def allowed(policy, role, step, more) -> bool:
    """By trying every value of every fact that some rule looks at, and leaving each out."""
    decisive = policy.table.decisive(step.action)
    fixed = {**step.fixed, **more}
    options = [
        [fixed[name]] if name in fixed else [*SMALL.get(name, (True, False)), None]
        for name in decisive
    ]
    return any(
        evaluate(policy.table, [role], domain, step.action,
                 {n: v for n, v in zip(decisive, values, strict=True) if v is not None})[0]
        for domain in DOMAINS
        for values in product(*options)
    )  # fmt: skip


def reached_by_force(policy, role: str) -> set[str]:
    """Every set of roles that duties permit, every act of every role, until nothing comes new."""
    steps = [
        (step, {"role": str(each)} if word == "role" else {}, str(each) if word == "role" else word)
        for step in PLAN.steps
        if policy.table.by_action.get(step.action)
        for word in (step.grants or step.takes,)
        for each in (sorted(Role) if word == "role" else [None])
    ]
    can = {
        (r, n): allowed(policy, r, step, more)
        for r in map(str, Role)
        for n, (step, more, _) in enumerate(steps)
    }
    grant = next(s for s in PLAN.steps if s.action is Action.MEMBER_GRANT)
    loose = replace(grant, fixed={"conflicting": True})
    kept = not any(allowed(policy, r, loose, {}) for r in map(str, Role))
    found: set[str] = set()
    others = [str(r) for r in Role if str(r) != role]
    sets = [{role, *more} for n in range(3) for more in combinations(others, n)]
    for held in sets if kept else [set(map(str, Role))]:
        if kept and any(
            pair.forbids(Role(a), Role(b))
            for a, b in combinations(held, 2)
            for pair in DUTIES.pairs
        ):
            continue
        found |= _closure(held, steps, can)
    return found


def _closure(held, steps, can) -> set[str]:
    roles, things = set(held), set()
    while True:
        before = len(roles) + len(things)
        for r in tuple(roles):
            things |= PLAN.given.get(Role(r), frozenset())
            for n, (step, _, word) in enumerate(steps):
                if can[r, n] and step.needs <= things:
                    things |= step.yields
                    roles |= {word} - {None}
        if len(roles) + len(things) == before:
            return things


@pytest.mark.requirement("R10")
@settings(max_examples=60, deadline=None)
@given(policies())
def test_the_search_finds_what_brute_force_finds(policy):
    proof = proved(policy)

    for never in PLAN.never:
        for role in sorted(never.who):
            said = {p.thing for p in proof.found if (p.never, p.role) == (never.name, role)}
            assert said == reached_by_force(policy, str(role)) & never.what
