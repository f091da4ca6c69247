"""Conditions over facts: closed operators, and what follows from a fact that is missing.

- A test looks at one fact and compares it with a literal (`value`), with another fact (`other`)
  or with nothing. There is no expression language: what is not listed can't be said.
- A fact that is absent, None or of a type that the operator can't compare is *unknown*. An
  unknown test fails in a grant and holds in a denial: what a room forgets to say never opens a
  door. Only `present` and `absent` ask for presence itself and are never unknown.
- A bool is not a number here, though Python says it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from policies.errors import PolicyInvalid
from policies.ruling import Fact, Facts

_Verdict = bool | None


@dataclass(frozen=True)
class Comparison:
    """One comparison; `value` or `other` is given as its operator asks."""

    fact: str
    op: str
    value: Fact = None
    other: str | None = None

    def names(self) -> tuple[str, ...]:
        """The facts it looks at."""
        return (self.fact,) if self.other is None else (self.fact, self.other)


def _is_number(fact: Fact) -> bool:
    return isinstance(fact, int) and not isinstance(fact, bool)


def _alike(left: Fact, right: Fact) -> bool:
    """Whether two values may be compared: both text, both numbers, both truths or both lists."""
    kinds = (str, bool, tuple)
    if any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds):
        return True
    return _is_number(left) and _is_number(right)


def _equal(fact: Fact, operand: Fact) -> _Verdict:
    return fact == operand if _alike(fact, operand) else None


def _among(fact: Fact, operand: Fact) -> _Verdict:
    if not isinstance(operand, tuple) or not isinstance(fact, str):
        return None
    return fact in operand


def _ordered(compare: Callable[[int, int], bool]) -> Callable[[Fact, Fact], _Verdict]:
    def verdict(fact: Fact, operand: Fact) -> _Verdict:
        if not isinstance(fact, int) or not isinstance(operand, int):
            return None
        if isinstance(fact, bool) or isinstance(operand, bool):
            return None
        return compare(fact, operand)

    return verdict


def _holding(fact: Fact, operand: Fact) -> _Verdict:
    if not isinstance(fact, tuple) or not isinstance(operand, str):
        return None
    return operand in fact


def _truth(fact: Fact, _: Fact) -> _Verdict:
    return fact if isinstance(fact, bool) else None


def _not(verdict: Callable[[Fact, Fact], _Verdict]) -> Callable[[Fact, Fact], _Verdict]:
    def negated(fact: Fact, operand: Fact) -> _Verdict:
        found = verdict(fact, operand)
        return None if found is None else not found

    return negated


LITERAL: Final[Mapping[str, Callable[[Fact, Fact], _Verdict]]] = MappingProxyType(
    {
        "eq": _equal,
        "ne": _not(_equal),
        "in": _among,
        "not-in": _not(_among),
        "le": _ordered(lambda fact, bound: fact <= bound),
        "ge": _ordered(lambda fact, bound: fact >= bound),
        "lt": _ordered(lambda fact, bound: fact < bound),
        "gt": _ordered(lambda fact, bound: fact > bound),
        "contains": _holding,
        "lacks": _not(_holding),
    }
)
"""Operators between a fact and a literal."""

PAIRED: Final[Mapping[str, Callable[[Fact, Fact], _Verdict]]] = MappingProxyType(
    {"same": _equal, "differs": _not(_equal)}
)
"""Operators between two facts."""

BARE: Final[Mapping[str, Callable[[Fact, Fact], _Verdict]]] = MappingProxyType(
    {"true": _truth, "false": _not(_truth)}
)
"""Operators on one fact alone."""

PRESENCE: Final = frozenset({"absent", "present"})
"""Operators that ask whether a fact is there at all."""


def _verdict(comparison: Comparison, facts: Facts) -> _Verdict:
    fact = facts.get(comparison.fact)
    if comparison.op in PRESENCE:
        return (fact is None) == (comparison.op == "absent")
    if fact is None:
        return None
    if comparison.op in BARE:
        return BARE[comparison.op](fact, None)
    if comparison.other is not None:
        return PAIRED[comparison.op](fact, facts.get(comparison.other))
    return LITERAL[comparison.op](fact, comparison.value)


def holds(comparisons: Iterable[Comparison], facts: Facts, *, unknown: bool) -> bool:
    """Whether every test holds; `unknown` is what an unknown test counts as.

    Args:
        comparisons: all of them must hold; none at all always holds.
        facts: what is known.
        unknown: False in grants, True in denials.
    """
    for comparison in comparisons:
        verdict = _verdict(comparison, facts)
        if not (unknown if verdict is None else verdict):
            return False
    return True


def comparison_from(raw: object) -> Comparison:
    """Read one test from its TOML or JSON form.

    Raises:
        PolicyInvalid: `test-malformed` for an unknown operator, an operand that is missing, of
            the wrong kind or one too many, or a field that nobody knows.
    """
    if not isinstance(raw, Mapping) or not set(raw) <= {"fact", "op", "value", "other"}:
        raise PolicyInvalid("test-malformed", f"not a test: {raw!r}")
    fact, op, other = raw.get("fact"), raw.get("op"), raw.get("other")
    if not isinstance(fact, str) or not fact or not isinstance(op, str):
        raise PolicyInvalid("test-malformed", f"fact and op are needed: {raw!r}")
    wanted = _operand_of(op)
    if set(raw) - {"fact", "op"} != ({wanted} if wanted else set()):
        raise PolicyInvalid("test-malformed", f"operator {op} with other operands: {raw!r}")
    if wanted == "other" and (not isinstance(other, str) or not other):
        raise PolicyInvalid("test-malformed", f"`other` names a fact: {raw!r}")
    value = _literal(op, raw["value"]) if wanted == "value" else None
    return Comparison(fact, op, value, other if isinstance(other, str) else None)


def _operand_of(op: str) -> str | None:
    if op in LITERAL:
        return "value"
    if op in PAIRED:
        return "other"
    if op in BARE or op in PRESENCE:
        return None
    raise PolicyInvalid("test-malformed", f"unknown operator: {op}")


def _literal(op: str, raw: object) -> Fact:
    if op in ("in", "not-in"):
        if not isinstance(raw, list) or not raw or not all(isinstance(one, str) for one in raw):
            raise PolicyInvalid("test-malformed", f"{op} takes a list of texts: {raw!r}")
        return tuple(raw)
    if op in ("le", "ge", "lt", "gt"):
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise PolicyInvalid("test-malformed", f"{op} takes a number: {raw!r}")
        return raw
    if op in ("contains", "lacks"):
        if not isinstance(raw, str):
            raise PolicyInvalid("test-malformed", f"{op} takes a text: {raw!r}")
        return raw
    if not isinstance(raw, str | int):
        raise PolicyInvalid("test-malformed", f"{op} takes a text, number or truth: {raw!r}")
    return raw


def comparison_to(comparison: Comparison) -> dict[str, object]:
    """The JSON form of a comparison."""
    raw: dict[str, object] = {"fact": comparison.fact, "op": comparison.op}
    if comparison.other is not None:
        raw["other"] = comparison.other
    elif comparison.op in LITERAL:
        raw["value"] = (
            list(comparison.value) if isinstance(comparison.value, tuple) else comparison.value
        )
    return raw
