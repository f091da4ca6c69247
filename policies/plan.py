"""The steps of the reachability proof, from `reach.toml`: what acts yield, and what they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.ruling import Fact, Facts
from policies.vocabulary import Action, Role


@dataclass(frozen=True)
class Step:
    """What one act yields to whoever does it, given what it needs.

    `fixed` are facts that the step is about. `grants` and `takes` put a role into another person's
    hands, or into one's own: the role's name, or `role` for whatever the fact of that name says.
    """

    action: Action
    fixed: Facts
    needs: frozenset[str]
    yields: frozenset[str]
    grants: str | None
    takes: str | None


@dataclass(frozen=True)
class Never:
    """Who must never come to hold what."""

    name: str
    who: frozenset[Role]
    what: frozenset[str]
    source: str


@dataclass(frozen=True)
class Plan:
    """All steps, what roles hold without any, and what must never be reached."""

    given: Mapping[Role, frozenset[str]]
    steps: tuple[Step, ...]
    never: tuple[Never, ...]


BY_FACT = "role"
"""The word by which `grants` and `takes` mean the role that the act's fact names."""

_STEP = frozenset({"action", "with", "needs", "yields", "grants", "takes"})


def read_plan(text: str | None = None) -> Plan:
    """Read the steps, from `reach.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `reach-malformed` for a word that nobody knows, an act
            about which nothing is said, or one that yields nothing and something.
    """
    raw = toml_from(text_of("reach.toml") if text is None else text)
    try:
        plan = Plan(
            MappingProxyType({Role(r): frozenset(each) for r, each in raw["given"].items()}),
            tuple(_step(each) for each in raw["steps"]),
            tuple(_never(each) for each in raw["never"]),
        )
        idle = {Action(act) for act in raw["yields-nothing"]["acts"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyInvalid("reach-malformed", f"{error}") from error
    told = {step.action for step in plan.steps}
    if told & idle or told | idle != set(Action):
        wrong = sorted((told & idle) | (set(Action) - told - idle))
        raise PolicyInvalid("reach-malformed", f"said twice or not at all: {wrong}")
    return plan


def _step(raw: Mapping[str, Any]) -> Step:  # Any: parsed TOML
    if unknown := set(raw) - _STEP:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    fixed: dict[str, Fact] = dict(raw.get("with", {}))
    step = Step(
        Action(raw["action"]),
        MappingProxyType(fixed),
        frozenset(raw.get("needs", ())),
        frozenset(raw.get("yields", ())),
        raw.get("grants"),
        raw.get("takes"),
    )
    for word in (step.grants, step.takes):
        if word not in (None, BY_FACT):
            Role(word)
    if not (step.yields or step.grants or step.takes):
        raise ValueError(f"{step.action} yields nothing")
    return step


def _never(raw: Mapping[str, Any]) -> Never:  # Any: parsed TOML
    if not raw["source"]:
        raise ValueError(f"{raw['name']} has no source")
    return Never(
        raw["name"],
        frozenset(Role(role) for role in raw["who"]),
        frozenset(raw["what"]),
        raw["source"],
    )
