"""The policy files: what they must say, and what is refused at start."""

import re

import pytest

from policies.book import read_policy
from policies.errors import PolicyInvalid
from policies.facts import gathered, read_facts
from policies.files import text_of
from policies.pack import read_pack
from policies.templates import holds_role, lies_in, read_conditions, read_templates
from policies.vocabulary import Action, DomainKind, Grade, Role

BOOK = read_policy()
GOOD = "p, log.read/x, steward, hospital, log.read, -, allow, R70"
PLATFORM_ROLES = {Role.OPERATOR, Role.POLICY_ADMIN}
PROJECT_ROLES = {
    Role.INSPECTOR,
    Role.LABEL_ADMIN,
    Role.LABELLER,
    Role.PROJECT_LEAD,
    Role.REVIEWER,
}


def test_every_row_has_a_source_that_names_a_requirement_or_law():
    for row in BOOK.templates:
        assert re.search(r"R\d\d|GB/T|PIPL|CFR|GDPR|EHDS|SATRE", row.source), row.id


def test_every_requirement_named_is_one_of_ours():
    for row in BOOK.templates:
        assert all(1 <= int(number) <= 98 for number in re.findall(r"R(\d\d)", row.source))


def test_every_named_condition_is_used():
    used = {name for row in BOOK.templates for name in row.when}

    assert used == set(BOOK.conditions)


def test_rows_name_roles_where_they_can_be_held():
    for row in BOOK.templates:
        if row.role in PLATFORM_ROLES:
            assert row.kind == DomainKind.PLATFORM, row.id
        elif row.kind == DomainKind.PROJECT:
            assert row.role in PROJECT_ROLES, row.id


def test_denials_bind_everyone():
    assert {row.role for row in BOOK.templates if not row.allows} == {"*"}


def test_anyone_is_granted_only_acts_on_themselves_and_refused_logins():
    granted = [row for row in BOOK.templates if row.role == "*" and row.allows]

    assert {row.kind for row in granted} == {DomainKind.PLATFORM}
    assert {row.action for row in granted if row.when != ("by-itself",)} == {Action.LOGIN_REFUSED}


@pytest.mark.parametrize(
    ("domain", "kinds"),
    [
        ("platform", {"platform"}),
        ("hospital", {"hospital"}),
        ("project:a", {"hospital", "project"}),
        ("project:", set()),
        ("project", set()),
        ("platform:a", set()),
        ("Hospital", set()),
        ("", set()),
    ],
)
def test_projects_lie_in_hospitals_and_nothing_else_lies_anywhere(domain, kinds):
    assert {kind for kind in DomainKind if lies_in(domain, kind)} == kinds


def test_star_is_a_rows_word_and_no_role_that_can_be_held():
    assert holds_role([], "*")
    assert holds_role([Role.STEWARD], "steward")
    assert not holds_role([], "steward")
    assert not holds_role(["*"], "steward")


@pytest.mark.parametrize(
    "line",
    [
        "p, log.read/x, steward, hospital, log.read, -, allow",
        "p, log.read/x, steward, hospital, log.read, -, allow, R70, more",
        "p, log.read/x, steward, hospital, log.read, -, allow, ",
        "g, log.read/x, steward, hospital, log.read, -, allow, R70",
        "p, log.read/x, king, hospital, log.read, -, allow, R70",
        "p, log.read/x, steward, planet, log.read, -, allow, R70",
        "p, log.burn/x, steward, hospital, log.burn, -, allow, R70",
        "p, log.read/x, steward, hospital, log.read, no-such, allow, R70",
        "p, log.read/x, steward, hospital, log.read, -, maybe, R70",
        "p, other/x, steward, hospital, log.read, -, allow, R70",
        f"{GOOD}\n{GOOD}",
        "p, log.read/x, steward, hospital, log.read, founding, allow, R70",
    ],
)
def test_wrong_row_is_refused(line):
    with pytest.raises(PolicyInvalid) as refused:
        read_templates(BOOK.conditions, BOOK.sheet, line)

    assert refused.value.code.startswith("row-")


def test_right_row_is_read():
    (row,) = read_templates(BOOK.conditions, BOOK.sheet, f"# a comment\n\n{GOOD}\n")

    assert (row.role, row.kind, row.action, row.when, row.effect, row.source) == (
        "steward",
        "hospital",
        "log.read",
        (),
        "allow",
        "R70",
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[a", "file-malformed"),
        ("a = 1", "condition-malformed"),
        ('[a]\nmeans = "x"', "condition-malformed"),
        ('[a]\nmeans = "x"\ntests = []', "condition-malformed"),
        ('[a]\nmeans = "x"\ntests = [1]\nmore = 1', "condition-malformed"),
        ('[a]\nmeans = "x"\ntests = [{ fact = "a", op = "is" }]', "test-malformed"),
    ],
)
def test_wrong_condition_is_refused(text, code):
    with pytest.raises(PolicyInvalid) as refused:
        read_conditions(text)

    assert refused.value.code == code


FACTS = text_of("facts.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[facts.approved]", "[facts.approved"),
        ('type = "int"', 'type = "float"'),
        ("good = 3", 'good = "3"'),
        ("values = [1, 2, 3, 4, 5]", 'values = [1, "2"]'),
        ('[actions."log.read"]', '[actions."log.burn"]'),
        ('[actions."log.read"]\nfacts = []', '[actions."log.read"]\nfacts = ["weather"]'),
        ('[actions."log.read"]\nfacts = []', '[actions."log.read"]\nfacts = []\ncolour = 1'),
        ('[actions."log.read"]\nfacts = []', '[actions."log.read"]\nfacts = []\nstage = "task"'),
        ('facts = ["stage", "approved"]\nstage = "item"', 'facts = ["stage", "approved"]'),
        ('stage = "approval"', 'stage = "moon"'),
        ('[actions."log.read"]\nfacts = []\nreaches = ["evidence"]', ""),
        ("[dataset-bound]", "[dataset-free]"),
    ],
)
def test_wrong_fact_sheet_is_refused(old, new):
    assert old in FACTS

    with pytest.raises(PolicyInvalid) as refused:
        read_facts(FACTS.replace(old, new, 1))

    assert refused.value.code in ("file-malformed", "facts-malformed")


def test_lists_come_through_as_tuples_of_text():
    text = '[facts.codes]\ntype = "strings"\ngood = ["x"]\nmeans = "codes"\n' + FACTS
    sheet = read_facts(
        text.replace('[actions."log.read"]\nfacts = []', '[actions."log.read"]\nfacts = ["codes"]')
    )
    form = sheet[Action.LOG_READ]

    assert gathered(form, ["codes"], {"codes": ("x", Role.STEWARD)}) == {"codes": ("x", "steward")}
    assert gathered(form, ["codes"], {"codes": ["x"]}) == {"codes": ("x",)}
    assert gathered(form, ["codes"], {"codes": ("x", 1)}) == {}
    assert gathered(form, ["codes"], {"codes": "x"}) == {}


PACK = text_of("packs/health.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "health"', "name ="),
        ('name = "health"', 'title = "health"'),
        ("version = 1", 'version = "1"'),
        ("votes = 3", "votes = -1"),
        ("votes = 3", "votes = true"),
        ('roles = ["steward"]', 'roles = ["king"]'),
        ("never = true", "never = false"),
        ("[releases.grades.5]", "[releases.grades.6]"),
        ('[releases.grades.5]\nnever = true\nsource = "R50; GB/T 39725"', ""),
        ('[releases.categories.core]\nnever = true\nsource = "R50; GB/T 43697"', ""),
        ("[releases.categories.core]", "[releases.categories.kernel]"),
        ('source = "R50; GB/T 39725"', 'source = ""'),
        ("lease_s = 900", "lease_s = 9.5"),
        ("grade = 3", "grade = 0"),
    ],
)
def test_wrong_pack_is_refused(old, new):
    assert old in PACK

    with pytest.raises(PolicyInvalid) as refused:
        read_pack(text=PACK.replace(old, new, 1))

    assert refused.value.code in ("file-malformed", "pack-malformed")


def test_pack_that_does_not_exist_is_refused():
    with pytest.raises(PolicyInvalid) as refused:
        read_pack("no-such")

    assert refused.value.code == "file-missing"


@pytest.mark.requirement("R42")
def test_health_pack_says_what_a_guideline_must_say():
    pack = read_pack()

    assert set(pack.guideline_fields) == {
        "goal",
        "format",
        "method",
        "positive_examples",
        "negative_examples",
        "quality_index",
    }
    assert pack.default_grade is Grade.G3
    assert "source" in pack.never_leaves
