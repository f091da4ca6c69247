"""What each act says about itself: names, types and good values of facts, from `facts.toml`.

`gathered` is the border: only facts that the act declares and whose value has the declared type
come through; anything else is unknown to policy, and so never opens a door.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.ruling import Fact, Facts
from policies.states import MACHINES
from policies.vocabulary import Action

_FIELDS = frozenset({"facts", "dataset", "project", "stage", "unborn", "reaches", "system", "good"})

NOT_YET = "NONE"
"""The stage of an object that does not exist yet."""


@dataclass(frozen=True)
class FactForm:
    """One fact: its type (`bool`, `int`, `str` or `strings`), good value and other values."""

    name: str
    type: str
    good: Fact
    values: tuple[Fact, ...]
    means: str


@dataclass(frozen=True)
class ActForm:
    """One act: its facts, the stages of the object it is about, and what it lets one reach.

    `system` marks acts of the door itself, which no role can be refused.
    """

    action: Action
    facts: Mapping[str, FactForm]
    stages: tuple[str, ...]
    reaches: tuple[str, ...]
    system: bool


FactSheet = Mapping[Action, ActForm]


def gathered(form: ActForm, names: Iterable[str], facts: Facts) -> dict[str, Fact]:
    """Those of `facts` that are named, declared by the act and of the declared type.

    Enumerations become plain text and numbers, lists become tuples.
    """
    found: dict[str, Fact] = {}
    for name in names:
        value = _typed(form.facts[name].type, facts.get(name))
        if value is not None:
            found[name] = value
    return found


def _typed(kind: str, value: object) -> Fact:
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind == "int":
        return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
    if kind == "str":
        return str(value) if isinstance(value, str) else None
    if isinstance(value, tuple | list) and all(isinstance(one, str) for one in value):
        return tuple(str(one) for one in value)
    return None


def read_facts(text: str | None = None) -> FactSheet:
    """Read the fact sheet, from `facts.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `facts-malformed` for a field, type or stage that
            nobody knows, an act without a sheet, or a good value of the wrong type.
    """
    raw = toml_from(text_of("facts.toml") if text is None else text)
    try:
        forms = {name: _form(name, each) for name, each in raw["facts"].items()}
        common = {
            "dataset": tuple(raw["dataset-bound"]["facts"]),
            "project": tuple(raw["project-bound"]["facts"]),
        }
        stages = {**{name: tuple(table) for name, table in MACHINES.items()}}
        stages |= {name: tuple(each) for name, each in raw["stages"].items()}
        sheet = {
            Action(name): _act(Action(name), each, forms, common, stages)
            for name, each in raw["actions"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyInvalid("facts-malformed", f"{error}") from error
    if missing := set(Action) - set(sheet):
        raise PolicyInvalid("facts-malformed", f"acts without a sheet: {sorted(missing)}")
    return MappingProxyType(sheet)


def _form(name: str, raw: Mapping[str, Any]) -> FactForm:  # Any: parsed TOML
    kind = raw["type"]
    if kind not in ("bool", "int", "str", "strings"):
        raise PolicyInvalid("facts-malformed", f"{name}: unknown type {kind}")
    good = _typed(kind, raw["good"])
    values = (True, False) if kind == "bool" else raw.get("values", (good,))
    typed = tuple(_typed(kind, each) for each in values)
    if good is None or None in typed:
        raise PolicyInvalid("facts-malformed", f"{name}: a value is not of type {kind}")
    return FactForm(name, kind, good, typed, raw["means"])


def _act(
    action: Action,
    raw: Mapping[str, Any],  # Any: parsed TOML
    forms: Mapping[str, FactForm],
    common: Mapping[str, tuple[str, ...]],
    stages: Mapping[str, tuple[str, ...]],
) -> ActForm:
    if unknown := set(raw) - _FIELDS:
        raise PolicyInvalid("facts-malformed", f"{action}: unknown fields {sorted(unknown)}")
    bound = (name for kind, each in common.items() if raw.get(kind, False) for name in each)
    names = (*raw["facts"], *bound)
    facts = {name: forms[name] for name in dict.fromkeys(names)}
    for name, good in raw.get("good", {}).items():
        form = facts[name]
        facts[name] = FactForm(name, form.type, _typed(form.type, good), form.values, form.means)
    if ("stage" in facts) != ("stage" in raw):
        raise PolicyInvalid("facts-malformed", f"{action}: a stage needs its machine")
    found = stages[raw["stage"]] if "stage" in raw else ()
    if raw.get("unborn", False):
        found = (NOT_YET, *found)
    return ActForm(
        action,
        MappingProxyType(facts),
        found,
        tuple(raw.get("reaches", ())),
        bool(raw.get("system", False)),
    )
