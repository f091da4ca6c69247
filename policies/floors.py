"""Floors below which no policy goes, from `floors.toml`; asked of the decision table itself.

A floor is not a row that has to stand: it is a question about what the whole table comes to, so
that another row can't take away what one row says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from policies.book import PolicyBook
from policies.duties import Duties
from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.groups import Groups, acts_of, read_groups
from policies.possible import witness
from policies.ruling import Facts
from policies.table import DecisionTable
from policies.templates import ANYONE
from policies.vocabulary import Action, Role

REACHABILITY = "reachability"
DUTIES = "duties"
ANYBODY = "anybody"
"""Floor: what needs no role is about one's own account, or a refused login."""

OPEN_TO_ANYBODY = frozenset(
    {
        Action.ACCOUNT_ACTIVATE,
        Action.ACCOUNT_ENROL_KEY,
        Action.ACCOUNT_REMOVE,
        Action.LOGIN_REFUSED,
        Action.SESSION_CLOSE,
        Action.SESSION_OPEN,
    }
)

_FIELDS = frozenset({"name", "act", "with", "roles", "except", "source"})


@dataclass(frozen=True)
class Floor:
    """Under the facts `fixed`, these acts are allowed to none of `roles`."""

    name: str
    acts: frozenset[Action]
    fixed: Facts
    roles: frozenset[Role]


@dataclass(frozen=True)
class Stay:
    """The act stays possible for the role."""

    name: str
    act: Action
    role: Role


@dataclass(frozen=True)
class Floors:
    """All floors that lie in this tree."""

    never: tuple[Floor, ...]
    always: tuple[Stay, ...]


def read_floors(text: str | None = None) -> Floors:
    """Read the floors, from `floors.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed` or `floors-malformed`.
    """
    raw = toml_from(text_of("floors.toml") if text is None else text)
    groups = read_groups()
    try:
        return Floors(
            tuple(floor for each in raw["never"] for floor in _never(groups, each)),
            tuple(
                Stay(_named(each), Action(each["act"]), Role(each["role"]))
                for each in raw["always"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyInvalid("floors-malformed", f"{error}") from error


def _never(groups: Groups, raw: dict[str, Any]) -> Iterator[Floor]:  # Any: parsed TOML
    """One floor for each choice among the values that a fact lists."""
    acts, roles = acts_of(groups, raw["act"]), _roles(raw)
    values = {fact: v if isinstance(v, list) else [v] for fact, v in raw["with"].items()}
    if set(raw) - _FIELDS or not roles or not all(values.values()):
        raise ValueError(f"{raw['name']}: a field that nobody knows, or it holds for nobody")
    for chosen in product(*values.values()):
        yield Floor(_named(raw), acts, dict(zip(values, chosen, strict=True)), roles)


def _roles(raw: dict[str, Any]) -> frozenset[Role]:  # Any: parsed TOML
    named = frozenset(Role(role) for role in raw["roles"]) if "roles" in raw else frozenset(Role)
    return named - {Role(role) for role in raw.get("except", ())}


def _named(raw: dict[str, Any]) -> str:  # Any: parsed TOML
    return str(raw["name"])


def broken(
    book: PolicyBook, table: DecisionTable, duties: Duties, floors: Floors
) -> tuple[str, ...]:
    """Names of the floors that a policy breaks, each once, in the order of the file."""
    found = (
        *_opened(book, table, floors),
        *_closed(book, table, floors),
        *_unkept(table, duties),
    )
    return tuple(dict.fromkeys(found))


def _opened(book: PolicyBook, table: DecisionTable, floors: Floors) -> Iterator[str]:
    for floor in floors.never:
        for act in sorted(floor.acts):
            if any(witness(table, book.sheet[act], role, floor.fixed) for role in floor.roles):
                yield floor.name
    if any(r.allows and r.role == ANYONE and r.action not in OPEN_TO_ANYBODY for r in table.rules):
        yield ANYBODY


def _closed(book: PolicyBook, table: DecisionTable, floors: Floors) -> Iterator[str]:
    for stay in floors.always:
        if witness(table, book.sheet[stay.act], stay.role, {}) is None:
            yield stay.name


def _unkept(table: DecisionTable, duties: Duties) -> Iterator[str]:
    rules = {rule.id: rule for rule in table.rules}
    for pair in duties.acts:
        if any(row not in rules or rules[row].allows for row in pair.rows):
            yield DUTIES
