"""Role templates: the rows of `templates.csv`, checked against words, conditions and facts.

A row grants or denies one act, or each act of a group, to one role in one kind of domain under
named conditions. Rows name roles, never people or projects. `lies_in` and `holds_role` are the two
questions that both engines, Casbin and the decision table, ask of a row beside its conditions.

Read rows are spread: one `Template` for each act, with the row's own name in `row`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from policies.conditions import Comparison, comparison_from
from policies.errors import PolicyInvalid
from policies.facts import FactSheet
from policies.files import text_of, toml_from
from policies.groups import Groups, acts_of, read_groups
from policies.vocabulary import Action, DomainKind, Role

ANYONE = "*"
_CELLS = 8
_PROJECT = "project:"


@dataclass(frozen=True)
class Template:
    """One row for one act. `when` are the names of its conditions, `tests` what they come to.

    `id` is `<act>/<name>`; `row` is the line's own id and `covers` its `act` cell, the same act
    or a group of acts.
    """

    id: str
    row: str
    covers: str
    role: str
    kind: DomainKind
    action: Action
    when: tuple[str, ...]
    allows: bool
    source: str
    tests: tuple[Comparison, ...]

    @property
    def effect(self) -> str:
        """`allow` or `deny`."""
        return "allow" if self.allows else "deny"


Conditions = Mapping[str, tuple[Comparison, ...]]


def lies_in(domain: str, kind: str) -> bool:
    """Whether an act in `domain` lies in a domain of this kind; projects lie in hospitals."""
    if kind == DomainKind.PLATFORM:
        return domain == "platform"
    if domain.startswith(_PROJECT) and len(domain) > len(_PROJECT):
        return kind in (DomainKind.HOSPITAL, DomainKind.PROJECT)
    return kind == DomainKind.HOSPITAL and domain == "hospital"


def holds_role(roles: Sequence[str], role: str) -> bool:
    """Whether one of the held roles is the row's."""
    return role == ANYONE or role in roles


def read_conditions(text: str | None = None) -> Conditions:
    """Read the named conditions, from `conditions.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, `condition-malformed` or `test-malformed`.
    """
    raw = toml_from(text_of("conditions.toml") if text is None else text)
    found: dict[str, tuple[Comparison, ...]] = {}
    for name, each in raw.items():
        if not isinstance(each, dict) or set(each) != {"means", "tests"} or not each["tests"]:
            raise PolicyInvalid("condition-malformed", f"{name}: means and tests are needed")
        found[name] = tuple(comparison_from(test) for test in each["tests"])
    return MappingProxyType(found)


def row_lines(text: str | None = None) -> tuple[str, ...]:
    """The lines that are rows, from `templates.csv` where no text is given, tidied."""
    text = text_of("templates.csv") if text is None else text
    lines = (line.strip() for line in text.splitlines())
    return tuple(_tidy(line) for line in lines if line and not line.startswith("#"))


def _tidy(line: str) -> str:
    return ", ".join(cell.strip() for cell in line.split(","))


def read_templates(
    conditions: Conditions,
    sheet: FactSheet,
    text: str | None = None,
    groups: Groups | None = None,
) -> tuple[Template, ...]:
    """Read the rows in the order of their ids, from `templates.csv` where no text is given.

    Raises:
        PolicyInvalid: `row-malformed`, `row-doubled`, or `row-unfounded` where a condition looks
            at a fact that the act does not declare.
    """
    groups = read_groups() if groups is None else groups
    rows = [row for line in row_lines(text) for row in _rows(line, conditions, groups)]
    rows.sort(key=lambda row: row.id)
    if len({row.id for row in rows}) != len(rows):
        raise PolicyInvalid("row-doubled", "two rows have one id")
    for row in rows:
        looked_at = {name for test in row.tests for name in test.names()}
        if undeclared := looked_at - set(sheet[row.action].facts):
            raise PolicyInvalid("row-unfounded", f"{row.id} looks at {sorted(undeclared)}")
    return tuple(rows)


def _rows(line: str, conditions: Conditions, groups: Groups) -> list[Template]:
    """The line's rows, one for each act that it is about."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != _CELLS or cells[0] != "p" or not all(cells):
        raise PolicyInvalid("row-malformed", f"eight cells are needed: {line}")
    _, name, role, kind, covers, when, effect, source = cells
    names = () if when == "-" else tuple(when.split("+"))
    if effect not in ("allow", "deny") or not name.startswith(f"{covers}/"):
        raise PolicyInvalid("row-malformed", f"{name}: effect or id")
    try:
        tests = tuple(test for each in names for test in conditions[each])
        return [
            Template(
                id=f"{action}/{name.partition('/')[2]}",
                row=name,
                covers=covers,
                role=role if role == ANYONE else Role(role).value,
                kind=DomainKind(kind),
                action=action,
                when=names,
                allows=effect == "allow",
                source=source,
                tests=tests,
            )
            for action in sorted(acts_of(groups, covers))
        ]
    except (KeyError, ValueError) as error:
        raise PolicyInvalid("row-malformed", f"{name}: unknown word {error}") from error
