"""The decision table: one policy version as canonical JSON with closed operators.

- It says all that Casbin is asked, so that anyone replays a verdict from the log without Casbin;
  a property test holds the two equal.
- A row matches when act and role are its own, the act's domain lies in a domain of its kind, and
  all its conditions hold. A denial that matches overrides; the verdict names the first denial,
  else the first grant by id, else `default-deny`.
- The bytes are RFC 8785: keys here are ASCII and values are text, whole numbers, truths and
  lists, for which sorted compact JSON is that form. (This floor may not import `crypto`.)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from policies.book import PolicyBook
from policies.conditions import Comparison, comparison_from, comparison_to, holds
from policies.errors import PolicyInvalid
from policies.quorum import Quorum, required_votes
from policies.ruling import Facts
from policies.templates import holds_role, lies_in
from policies.vocabulary import SIGNED_ACTIONS, Action, Category, DomainKind, Grade

DEFAULT_DENY = "default-deny"
"""The deciding rule where no row matches."""

_VERSION = 2
_MEMBERS = {"v", "default", "rules", "quorum", "signed"}  # of version 1; 2 adds `training`
_RULE = {"id", "role", "domain", "action", "effect", "when", "source"}


@dataclass(frozen=True)
class Rule:
    """One row of the table."""

    id: str
    role: str
    kind: str
    action: str
    allows: bool
    when: tuple[Comparison, ...]
    source: str


@dataclass(frozen=True)
class DecisionTable:
    """A table, its exact bytes and their digest; `rules` stand in the order of their ids."""

    rules: tuple[Rule, ...]
    encoded: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of the bytes."""
        return f"sha256:{sha256(self.encoded).hexdigest()}"

    @cached_property
    def by_action(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each act, in the order of their ids."""
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            found[rule.action] = (*found.get(rule.action, ()), rule)
        return found

    def decisive(self, action: str) -> tuple[str, ...]:
        """Names of the facts that some rule for this act looks at, sorted."""
        rules = self.by_action.get(action, ())
        return tuple(sorted({name for rule in rules for one in rule.when for name in one.names()}))


def evaluate(
    table: DecisionTable, roles: Sequence[str], domain: str, action: str, facts: Facts
) -> tuple[bool, str]:
    """The verdict on an act and the id of the rule that decided it."""
    granted: str | None = None
    for rule in table.by_action.get(action, ()):
        if rule.allows and granted is not None:
            continue
        if not holds_role(roles, rule.role) or not lies_in(domain, rule.kind):
            continue
        if not holds(rule.when, facts, unknown=not rule.allows):
            continue
        if not rule.allows:
            return False, rule.id
        granted = rule.id
    return (False, DEFAULT_DENY) if granted is None else (True, granted)


def compile_table(book: PolicyBook) -> DecisionTable:
    """The decision table of a policy."""
    rules = [
        {
            "id": row.id,
            "role": row.role,
            "domain": row.kind.value,
            "action": row.action.value,
            "effect": row.effect,
            "when": [comparison_to(test) for test in row.tests],
            "source": row.source,
        }
        for row in book.templates
    ]
    value = {
        "v": 2,
        "default": "deny",
        "training": {str(role): sorted(asked) for role, asked in book.training.items()},
        "rules": rules,
        "quorum": {str(grade.value): _quorum_of(book, grade) for grade in Grade},
        "signed": sorted(action.value for action in SIGNED_ACTIONS),
    }
    return parse_table(canonical(value))


def _quorum_of(book: PolicyBook, grade: Grade) -> dict[str, object]:
    """What a release of this grade asks: as general data, and by category."""
    by_category = {
        category.value: _quorum_to(required_votes(book.pack, grade, category))
        for category in Category
    }
    return {**by_category[Category.GENERAL.value], "categories": by_category}


def _quorum_to(quorum: Quorum) -> dict[str, object]:
    return {
        "votes": quorum.votes,
        "roles": [role.value for role in quorum.roles],
        "hospital": quorum.hospital_vote,
        "refused": quorum.refused,
    }


def canonical(value: object) -> bytes:
    """RFC 8785 of a value made of ASCII keys, text, whole numbers, truths and lists.

    Raises:
        PolicyInvalid: `not-canonical` for anything else.
    """
    _assert_plain(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _assert_plain(value: object) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise PolicyInvalid("not-canonical", f"key {key!r}")
            _assert_plain(each)
    elif isinstance(value, list):
        for each in value:
            _assert_plain(each)
    elif not _is_plain(value):
        raise PolicyInvalid("not-canonical", f"{type(value).__name__} {value!r}")


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, int) and abs(value) < 1 << 53


def parse_table(encoded: bytes) -> DecisionTable:
    """Read a table from its exact bytes.

    Raises:
        PolicyInvalid: `table-malformed` where they are not a table in canonical form.
    """
    try:
        raw = json.loads(encoded)
        if canonical(raw) != encoded:
            raise PolicyInvalid("table-malformed", "the bytes are not canonical")
        members = _MEMBERS | ({"training"} if raw["v"] == _VERSION else set())
        if set(raw) != members or raw["v"] not in (1, _VERSION):
            raise PolicyInvalid("table-malformed", "not a table of version 1 or 2")
        if raw["default"] != "deny":
            raise PolicyInvalid("table-malformed", "a table that does not deny by default")
        rules = tuple(_rule(each) for each in raw["rules"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PolicyInvalid("table-malformed", f"{error}") from error
    ids = [rule.id for rule in rules]
    if ids != sorted(set(ids)):
        raise PolicyInvalid("table-malformed", "rules are not in the order of their ids")
    return DecisionTable(rules, encoded)


def _rule(raw: Mapping[str, Any]) -> Rule:  # Any: parsed JSON
    if set(raw) != _RULE or raw["effect"] not in ("allow", "deny"):
        raise PolicyInvalid("table-malformed", f"not a rule: {raw!r}")
    if not all(isinstance(raw[name], str) and raw[name] for name in _RULE - {"when"}):
        raise PolicyInvalid("table-malformed", f"not a rule: {raw!r}")
    return Rule(
        id=raw["id"],
        role=raw["role"],
        kind=DomainKind(raw["domain"]).value,
        action=Action(raw["action"]).value,
        allows=raw["effect"] == "allow",
        when=tuple(comparison_from(test) for test in raw["when"]),
        source=raw["source"],
    )
