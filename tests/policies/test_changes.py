"""Changes of rows, floors, groups and training: what is refused, and what a change reads like."""

from datetime import timedelta

import pytest

from policies.changes import changed, difference, digest_of, policy_from, policy_of, shipped_policy
from policies.errors import PolicyInvalid
from policies.files import text_of
from policies.floors import read_floors
from policies.groups import read_groups
from policies.training import known_courses, read_training, read_validity
from policies.vocabulary import Role

SHIPPED = shipped_policy()
ROW = "p, log.read/x, privacy-officer, hospital, log.read, -, allow, R70"


def refused(act) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        act()
    return caught.value.code


@pytest.mark.requirement("R11")
def test_the_shipped_policy_keeps_every_floor():
    assert SHIPPED.floors_broken == ()
    assert SHIPPED.proof.holds


@pytest.mark.requirement("R11")
def test_a_document_makes_the_same_table_again():
    again = policy_from(SHIPPED.document)

    assert again.table == SHIPPED.table
    assert again.document == SHIPPED.document


def test_a_change_reads_as_rows_that_go_and_come():
    made = changed(SHIPPED, [ROW], ["task.reopen/reviewer"])

    diff = difference(SHIPPED, made)

    assert diff[0].startswith("- p, task.reopen/reviewer, ")
    assert diff[1] == f"+ {ROW}"
    assert digest_of(diff) != digest_of(diff[:1])
    assert made.table.digest != SHIPPED.table.digest


def test_spaces_and_order_of_rows_say_nothing():
    lines = [line.replace(", ", ",   ") for line in reversed(SHIPPED.lines)]

    assert policy_of(lines).table == SHIPPED.table


@pytest.mark.parametrize(
    ("add", "remove", "code"),
    [
        ([], [], "change-empty"),
        ([], ["no.such/row"], "row-unknown"),
        (["p, x"], [], "row-malformed"),
        (["p, @nobody/x, steward, hospital, @nobody, -, allow, R1"], [], "row-malformed"),
        ([ROW.replace("R70", "第")], [], "row-malformed"),
        ([ROW, ROW], [], "row-doubled"),
        ([ROW + "x" * 600], [], "policy-too-large"),
        ([ROW.replace("/x", f"/x{n}") for n in range(600)], [], "policy-too-large"),
    ],
)
def test_a_change_of_another_form_is_refused(add, remove, code):
    assert refused(lambda: changed(SHIPPED, add, remove)) == code


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"v":1,"rows":"p"}', b'{"v":2,"rows":[]}', b'{"v":1,"rows":[],"x":1}'],
)
def test_what_is_no_document_is_refused(document):
    assert refused(lambda: policy_from(document)) == "document-malformed"


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("floor", "act"),
    [(floor, act) for floor in read_floors().never for act in sorted(floor.acts)],
    ids=lambda each: getattr(each, "name", None) or str(each),
)
def test_each_floor_is_missed_when_a_row_goes_below_it(floor, act):
    denials = [row.row for row in SHIPPED.book.templates if row.action == act and not row.allows]
    role = Role.STEWARD if Role.STEWARD in floor.roles else min(floor.roles)
    open_row = f"p, {act}/below, {role}, hospital, {act}, -, allow, R1"

    mutant = changed(
        SHIPPED,
        [open_row, open_row.replace("/below", "/b2").replace("hospital", "platform")],
        set(denials),
    )

    assert floor.name in mutant.floors_broken


FIRM = ("inspector", "label-admin", "labeller", "project-lead", "reviewer")
BELOW = [
    ("second-slot", "task.open", "labeller", "task-free", ["task.open/labelled-already"]),
    ("labels-of-others", "agreement.read", "steward", "-", ["agreement.read/labels-here"]),
    ("labellers-and-agreement", "agreement.read", "labeller", "not-a-labeller", []),
    ("blind-until-all-in", "review.open", "reviewer", "task-in-review", []),
    ("lease-of-another", "label.submit", "labeller", "task-leased", []),
    ("lease-that-ended", "label.submit", "labeller", "task-leased", []),
    ("lease-of-another", "review.submit", "reviewer", "task-in-review", []),
    ("lease-that-ended", "review.submit", "inspector", "task-in-adjudication", []),
    ("own-label", "review.open", "reviewer", "-", ["@judging/own-label"]),
    ("package-of-another", "release.download", "recipient", "released", []),
    *(("firm-and-evidence", "evidence.export", role, "-", []) for role in FIRM),
    *(("firm-and-subjects", "subject.report", role, "-", []) for role in FIRM),
    *(("firm-and-approval", "approval.open", role, "approval-new", []) for role in FIRM),
    *(("firm-and-approval", "approval.sign", role, "approval-sampled+own", []) for role in FIRM),
    *(("stewards-permit", "permit.issue", role, "-", []) for role in Role if role != "steward"),
    *(("stewards-permit", "permit.revoke", role, "-", []) for role in Role if role != "steward"),
]


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(("name", "act", "role", "when", "remove"), BELOW)
def test_one_row_too_many_breaks_the_floor_of_its_name(name, act, role, when, remove):
    kind = "project" if role in FIRM else "hospital"
    row = f"p, {act}/more, {role}, {kind}, {act}, {when}, allow, R1"

    assert name in changed(SHIPPED, [row], remove).floors_broken


@pytest.mark.requirement("R11")
def test_a_stricter_permit_or_another_stewards_row_breaks_no_floor():
    row = "p, permit.revoke/more, steward, hospital, permit.revoke, -, allow, R13"
    mine = "p, review.open/more, inspector, project, review.open, task-in-adjudication, allow, R6"

    assert changed(SHIPPED, [row, mine], []).floors_broken == ()


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("stay", read_floors().always, ids=lambda stay: stay.name)
def test_what_must_stay_possible_is_missed(stay):
    grants = {row.row for row in SHIPPED.book.templates if row.action == stay.act and row.allows}

    assert stay.name in changed(SHIPPED, [], grants).floors_broken


@pytest.mark.requirement("R09")
def test_a_row_for_anybody_is_below_a_floor():
    assert "anybody" in changed(SHIPPED, [ROW.replace("privacy-officer", "*")], []).floors_broken


def test_rows_that_duties_name_have_to_stand():
    mutant = changed(SHIPPED, [], ["@judging/own-label"])

    assert {"duties", "own-label"} <= set(mutant.floors_broken)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('act = "@bound"', 'act = "@unbound"'),
        ('act = "release.seal"', 'act = "release.burn"'),
        ('role = "steward"', 'role = "emperor"'),
        ('name = "contract"\n', ""),
        ("[[never]]", "[[never_]]"),
        ('roles = ["labeller"]', "roles = []"),
        ('roles = ["labeller"]', 'roles = ["emperor"]'),
        ('roles = ["labeller"]', 'role = "labeller"'),
        ('except = ["steward"]', 'except = ["emperor"]'),
        ("{ own_lease = false }", "{ own_lease = [] }"),
    ],
)
def test_floors_of_another_form_are_refused(old, new):
    text = text_of("floors.toml")
    assert old in text
    count = -1 if new == "[[never_]]" else 1

    assert refused(lambda: read_floors(text.replace(old, new, count))) == "floors-malformed"


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nmeans='x'\nacts=[]",
        "[a]\nacts=['log.read']",
        "[a]\nmeans='x'\nacts=['log.burn']",
        "[a]\nmeans='x'\nacts=['log.read','log.read']",
        "[a]\nmeans='x'\nacts=[1]",
        "a=1",
    ],
)
def test_groups_of_another_form_are_refused(text):
    assert refused(lambda: read_groups(text)) == "groups-malformed"


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[courses.a]\nmeans='x'\nroles=['labeller']",
        "longest_days=1\n[courses.a]\nmeans='x'\nroles=[]",
        "longest_days=1\n[courses.a]\nroles=['labeller']",
        "longest_days=1\n[courses.a]\nmeans='x'\nroles=['emperor']",
        "longest_days=1\n[courses.a]\nmeans='x'\nroles=3",
        "longest_days=1\n[more]\n[courses.a]\nmeans='x'\nroles=['labeller']",
        "longest_days=1\ncourses=3",
    ],
)
def test_training_of_another_form_is_refused(text):
    assert refused(lambda: read_training(text)) == "training-malformed"


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("days", ["0", "-1", "3654", "1.5", "true", "'1096'", "[1]"])
def test_a_validity_that_is_no_number_of_days_is_refused(days):
    assert refused(lambda: read_validity(f"longest_days={days}")) == "training-malformed"


def test_a_validity_has_to_be_said():
    assert refused(lambda: read_validity("")) == "training-malformed"
    assert read_validity("longest_days=1096") == read_validity() == timedelta(days=1096)


@pytest.mark.requirement("R05")
def test_roles_that_handle_data_ask_for_training():
    asked = read_training()

    handling = {
        Role.LABELLER,
        Role.REVIEWER,
        Role.INSPECTOR,
        Role.DEID_OFFICER,
        Role.OUTPUT_CHECKER,
    }
    assert handling <= set(asked)
    assert Role.STEWARD not in asked
    assert known_courses() == {"data-handling"}
