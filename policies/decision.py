"""The decision point that serves: Casbin over the role templates, with a bounded cache.

- A ruling rests on roles, domain kind, act and decisive facts; nothing else can change it. The
  cache's key is exactly that, with the revocation epoch, so that nothing decided before a
  removal is found after it. The policy's digest is the instance's own: a new policy is a new
  instance with an empty cache.
- A fact that is missing, of another type than declared, or not looked at by any row of the act
  does not reach Casbin: neither the verdict nor the log can hang on it.
- Casbin explains the last row that matched. Denials are loaded first in the order of their names
  and end the search; grants follow backwards: the explained row is then the decision table's
  deciding rule. (Among the rows of one act, their names order them as their ids do.)
- A row about a group of acts is one row here; `g2` says which acts lie in the group.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import casbin
from casbin.persist.adapters.string_adapter import StringAdapter

from policies.book import PolicyBook, read_policy
from policies.conditions import holds
from policies.facts import gathered
from policies.files import text_of
from policies.ruling import Fact, Facts, Ruling
from policies.table import DEFAULT_DENY, DecisionTable, compile_table
from policies.templates import Template, holds_role, lies_in
from policies.vocabulary import Action, DomainKind, Role

_JOINT = "+"
_CACHED_RULINGS: Final = 4096


class _HeldRoles:
    """Casbin's role manager without a store: the subject *is* the list of roles held.

    The gate has read memberships inside its unit of work, for this very domain; a second copy
    here could only be stale.
    """

    def clear(self) -> None:
        """Nothing is kept."""

    def print_roles(self) -> None:
        """Nothing is kept."""

    def has_link(self, subject: str, role: str, *_: str) -> bool:
        """Whether the subject's roles hold the row's."""
        return holds_role(subject.split(_JOINT), role)


class _GroupedActs:
    """Casbin's role manager for groups of acts: what a row is about, by its `act` cell."""

    def __init__(self, covered: Mapping[str, Collection[str]]) -> None:
        self._covered = covered

    def clear(self) -> None:
        """Nothing is kept."""

    def print_roles(self) -> None:
        """Nothing is kept."""

    def has_link(self, act: str, covers: str, *_: str) -> bool:
        """Whether the act is the row's, or lies in its group."""
        return act in self._covered[covers]


def _enforcer(book: PolicyBook) -> Any:  # Any: Casbin ships no types
    rows = sorted({row.row: row for row in book.templates}.values(), key=_by_name)
    denials = (row for row in rows if not row.allows)
    grants = (row for row in reversed(rows) if row.allows)
    lines = "\n".join(_line(row) for row in (*denials, *grants))
    model = casbin.Enforcer.new_model(text=text_of("model.conf"))
    enforcer = casbin.Enforcer(model, StringAdapter(lines))
    enforcer.get_model()["g"]["g"].rm = _HeldRoles()
    covered: dict[str, set[str]] = {}
    for each in book.templates:
        covered.setdefault(each.covers, set()).add(each.action.value)
    enforcer.get_model()["g"]["g2"].rm = _GroupedActs(covered)
    tests = {row.id: row.tests for row in book.templates}
    by_when = {_LIST.join(row.when): tests[row.id] for row in book.templates}

    def all_hold(facts: Facts, when: str, effect: str) -> bool:
        return holds(by_when[when], facts, unknown=effect == "deny")

    enforcer.add_function("holds", all_hold)
    enforcer.add_function("lies_in", lies_in)
    return enforcer


_LIST = "&"


def _line(row: Template) -> str:
    cells = (row.row, row.role, row.kind.value, row.covers, _LIST.join(row.when), row.effect)
    return ", ".join(("p", *cells))


def _by_name(row: Template) -> tuple[str, str]:
    return row.row.partition("/")[2], row.row


class CasbinDecisionPoint:
    """Rules on acts; safe to share among threads.

    `_rulings` and Casbin's enforcer are used under `_lock` only.
    """

    def __init__(self, book: PolicyBook | None = None, cached: int = _CACHED_RULINGS) -> None:
        self._book = read_policy() if book is None else book
        self._table = compile_table(self._book)
        self._decisive = {action: self._table.decisive(action) for action in Action}
        self._enforcer = _enforcer(self._book)
        self._rulings: OrderedDict[tuple[object, ...], Ruling] = OrderedDict()
        self._cached = cached
        self._lock = Lock()

    @property
    def table(self) -> DecisionTable:
        """The decision table in force, to be published under its digest."""
        return self._table

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the decision table in force."""
        return self._table.digest

    @property
    def cached_rulings(self) -> int:
        """How many rulings are remembered now."""
        return len(self._rulings)

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        """Rule on an act by someone who holds `roles` in `domain`."""
        held = _held(tuple(roles))
        decisive = gathered(self._book.sheet[action], self._decisive[action], facts)
        key = (held, _kind_of(domain), action, tuple(decisive.items()), epoch)
        with self._lock:
            ruling = self._rulings.get(key)
            if ruling is None:
                ruling = self._decide(held, domain, action, decisive)
                self._rulings[key] = ruling
                if len(self._rulings) > self._cached:
                    self._rulings.popitem(last=False)
            else:
                self._rulings.move_to_end(key)
        return ruling

    def _decide(
        self, held: tuple[str, ...], domain: str, action: Action, decisive: dict[str, Fact]
    ) -> Ruling:
        allowed, row = self._enforcer.enforce_ex(_JOINT.join(held), domain, action.value, decisive)
        rule = f"{action.value}/{row[0].partition('/')[2]}" if row else DEFAULT_DENY
        return Ruling(allowed, rule, self.digest, MappingProxyType(decisive))


@lru_cache(maxsize=_CACHED_RULINGS)
def _held(roles: tuple[Role, ...]) -> tuple[str, ...]:
    """Roles as the cache and Casbin name them: sorted, none twice."""
    return tuple(sorted({str(role) for role in roles}))


@lru_cache(maxsize=_CACHED_RULINGS)
def _kind_of(domain: str) -> tuple[str, ...]:
    """The kinds of domain that `domain` lies in; all that a ruling can take from it."""
    return tuple(kind.value for kind in DomainKind if lies_in(domain, kind))
