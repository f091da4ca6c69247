"""Roles that nobody holds together."""

import pytest

from policies.book import read_policy
from policies.duties import conflicts, duties_in_force, read_duties
from policies.errors import PolicyInvalid
from policies.files import text_of
from policies.vocabulary import Role

BOOK = read_policy()
LABELLING = [Role.LABELLER, Role.REVIEWER, Role.INSPECTOR, Role.LABEL_ADMIN, Role.PROJECT_LEAD]
CHECKING = [Role.OUTPUT_CHECKER, Role.PRIVACY_OFFICER, Role.STEWARD]
DATA = sorted(set(Role) - {Role.OPERATOR, Role.POLICY_ADMIN})


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("checker", CHECKING)
@pytest.mark.parametrize("other", [*LABELLING, Role.RECIPIENT])
def test_who_checks_neither_labels_nor_asks_nor_receives(checker, other):
    assert conflicts([checker], other)
    assert conflicts([Role.DEPOSITOR, other], checker)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", DATA)
def test_operator_holds_no_data_role(role):
    assert conflicts([Role.OPERATOR], role)
    assert conflicts([role], Role.OPERATOR)
    assert conflicts([role], Role.POLICY_ADMIN)


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("role", sorted(set(Role) - {Role.WORKER}))
def test_holder_of_reidentification_keys_is_nobody_else(role):
    assert conflicts([Role.WORKER], role)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("role", LABELLING)
def test_who_sees_sources_does_not_label(role):
    assert conflicts([Role.DEID_OFFICER], role)


@pytest.mark.parametrize(
    ("held", "new"),
    [
        ([], Role.STEWARD),
        ([Role.LABELLER], Role.REVIEWER),
        ([Role.LABELLER], Role.LABELLER),
        ([Role.PROJECT_LEAD], Role.LABEL_ADMIN),
        ([Role.STEWARD], Role.DEPOSITOR),
        ([Role.STEWARD, Role.DEPOSITOR], Role.DEID_OFFICER),
        ([Role.DEID_OFFICER], Role.PRIVACY_OFFICER),
        ([Role.OPERATOR], Role.POLICY_ADMIN),
        ([Role.PROJECT_LEAD], Role.RECIPIENT),
    ],
)
def test_duties_that_go_together(held, new):
    assert not conflicts(held, new)


def test_broken_duties_are_named():
    duties = duties_in_force()

    assert duties.broken_by([Role.OPERATOR], Role.WORKER) == ("reidentification-and-people",)
    assert duties.broken_by([Role.LABELLER, Role.REGULATOR], Role.STEWARD) == (
        "labelling-and-checking",
        "regulator-and-all",
    )


@pytest.mark.requirement("R06")
def test_acts_kept_apart_are_refused_by_rows_that_exist():
    denials = {row.id for row in BOOK.templates if not row.allows}

    for pair in duties_in_force().acts:
        assert pair.rows
        assert set(pair.rows) <= denials


def test_every_role_has_a_duty_kept_apart_from_another():
    pairs = duties_in_force().pairs

    assert {role for pair in pairs for role in pair.first | pair.second} == set(Role)
    assert len({pair.name for pair in pairs}) == len(pairs)


DUTIES = text_of("duties.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[pairs]]", "[[pairs"),
        ("\n[[acts]]", "\n[[deeds]]"),
        ('first = ["worker"]', 'first = ["king"]'),
        ('first = ["worker"]', 'first = ["worker", "steward"]'),
        ('first = ["worker"]', "first = []"),
        ('within = "house"', 'within = "world"'),
        ('first = "label.submit"', 'first = "label.burn"'),
        ('of = "task"', 'on = "task"'),
    ],
)
def test_wrong_duties_are_refused(old, new):
    assert old in DUTIES

    with pytest.raises(PolicyInvalid) as refused:
        read_duties(DUTIES.replace(old, new, 1))

    assert refused.value.code in ("file-malformed", "duties-malformed")
