"""The published matrix: every act is granted somewhere, refused elsewhere, and known in review."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from policies.book import read_policy
from policies.decision import CasbinDecisionPoint
from policies.matrix import HEADER, as_csv, cases, cell
from policies.table import compile_table
from policies.vocabulary import Action, Role

GOLDEN = Path(__file__).with_name("golden_matrix.csv")
BOOK = read_policy()
TABLE = compile_table(BOOK)
LINES = list(csv.DictReader(GOLDEN.read_text(encoding="utf-8").splitlines()))
ROLES = sorted(Role)

RAW = {"source", "master"}
"""What only the hospital's officer and the worker may reach."""

OUTSIDE = [
    Role.INSPECTOR,
    Role.LABEL_ADMIN,
    Role.LABELLER,
    Role.OPERATOR,
    Role.POLICY_ADMIN,
    Role.PROJECT_LEAD,
    Role.RECIPIENT,
    Role.REGULATOR,
    Role.REVIEWER,
    Role.SECURITY_AUDITOR,
]
"""Firms, platform, authorities and recipients: nobody of the hospital."""


def _granted(action, role):
    return [
        line
        for line in LINES
        if line["action"] == action and line[role] != "-" and line[role][0] != "!"
    ]


@pytest.mark.requirement("R09")
def test_committed_matrix_is_what_the_policy_comes_to():
    assert GOLDEN.read_text(encoding="utf-8") == as_csv(), (
        "run `python -m policies.matrix > tests/policies/golden_matrix.csv` and read the diff"
    )


@pytest.mark.requirement("R09")
def test_casbin_rules_on_the_whole_matrix_as_it_is_committed():
    point = CasbinDecisionPoint(BOOK)

    for line, case in zip(LINES, cases(BOOK, TABLE), strict=True):
        for column, roles in zip(HEADER[3:], [[], *([role] for role in ROLES)], strict=True):
            ruling = point.rule_on(roles, case.domain, case.action, case.facts, 0)
            assert cell(ruling.allowed, ruling.rule) == line[column], (case, column)


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("action", sorted(Action))
def test_every_act_is_granted_to_someone_and_refused_to_someone(action):
    verdicts = {line[column] for line in LINES if line["action"] == action for column in HEADER[3:]}

    assert any(verdict[0] not in "-!" for verdict in verdicts)
    assert any(verdict[0] in "-!" for verdict in verdicts)


@pytest.mark.parametrize("action", sorted(a for a in Action if BOOK.sheet[a].stages))
def test_every_act_with_stages_is_refused_at_some_stage(action):
    good = defaultdict(set)
    for line in LINES:
        if line["action"] == action and line["case"] == "as it should be":
            good[line["stage"]] |= {line[role][0] in "-!" for role in ROLES}

    assert set(good) == set(BOOK.sheet[action].stages)
    assert any(refused == {True} for refused in good.values())


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", OUTSIDE)
@pytest.mark.parametrize("action", sorted(a for a in Action if RAW & set(BOOK.sheet[a].reaches)))
def test_nobody_outside_the_hospital_reaches_sources_or_masters(role, action):
    assert not _granted(action, role)


@pytest.mark.requirement("R10")
def test_sources_are_reached_by_officer_and_worker_only():
    reaching = {
        row.role
        for row in BOOK.templates
        if row.allows and RAW & set(BOOK.sheet[row.action].reaches)
    }

    assert reaching == {Role.DEID_OFFICER, Role.WORKER}


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.POLICY_ADMIN])
def test_platform_roles_can_do_nothing_in_a_hospital(role):
    assert {row.kind for row in BOOK.templates if row.role == role and row.allows} == {"platform"}


@pytest.mark.requirement("R69")
def test_regulator_reads_evidence_and_votes_and_nothing_else():
    acts = {row.action for row in BOOK.templates if row.role == Role.REGULATOR}

    reading = {Action.EVIDENCE_EXPORT, Action.LOG_READ, Action.SUBJECT_REPORT}
    assert acts == reading | {Action.RELEASE_VOTE}


@pytest.mark.requirement("R48")
def test_package_leaves_for_its_own_recipient_once_released_only():
    granted = {
        (line["stage"], line["case"])
        for role in ROLES
        for line in _granted(Action.RELEASE_DOWNLOAD, role)
    }

    assert {stage for stage, _ in granted} == {"RELEASED"}
    assert not {"own=false", "grade=5", "category=core", "contract_valid=false"} & {
        case for _, case in granted
    }


@pytest.mark.requirement("R06")
@pytest.mark.parametrize("action", [Action.REVIEW_OPEN, Action.REVIEW_SUBMIT, Action.TASK_REOPEN])
def test_own_label_is_never_reviewed(action):
    lines = [x for x in LINES if x["action"] == action and x["case"] == "own_label=true"]

    assert lines
    assert all(line[role] == "!own-label" for line in lines for role in ROLES)


@pytest.mark.requirement("R49")
@pytest.mark.parametrize(
    ("case", "rule"),
    [
        ("requester=true", "!own-request"),
        ("labeller_of=true", "!own-work"),
        ("voted=true", "!twice"),
        ("requester missing", "!own-request"),
        ("labeller_of missing", "!own-work"),
    ],
)
def test_no_vote_of_requester_or_labeller_or_twice(case, rule):
    lines = [x for x in LINES if x["action"] == Action.RELEASE_VOTE and x["case"] == case]

    assert lines
    assert all(line[role] == rule for line in lines for role in ROLES)


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("case", ["grade=5", "category=core", "grade missing", "category missing"])
@pytest.mark.parametrize(
    "action", [Action.RELEASE_REQUEST, Action.RELEASE_SEAL, Action.RELEASE_DOWNLOAD]
)
def test_grade_five_core_and_ungraded_data_never_leave(action, case):
    lines = [x for x in LINES if x["action"] == action and x["case"] == case]

    assert lines
    assert all(line[role][0] == "!" for line in lines for role in ROLES)


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("case", ["contract_valid=false", "contract_valid missing"])
def test_expired_contract_stops_all_work_on_a_dataset(case):
    still_open = {
        line["action"]
        for line in LINES
        if line["case"] == case and any(line[role][0] != "!" for role in ROLES)
    }
    unbound = {action for action in Action if "contract_valid" not in TABLE.decisive(action)}

    assert not still_open
    assert {a for a in unbound if "contract_valid" in BOOK.sheet[a].facts} == {
        Action.DATASET_SUSPEND,
        # Whoever is to be erased is erased, whether or not the contract still runs.
        Action.ERASURE_BEGIN,
        Action.ERASURE_COMPLETE,
        Action.ERASURE_ORDER,
        Action.HOLD_LIFT,
        Action.HOLD_PLACE,
        Action.LEASE_CLOSE,
        Action.RELEASE_RECALL,
        Action.RELEASE_WITHDRAW,
    }
