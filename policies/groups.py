"""Groups of acts, from `groups.toml`: one row of the templates for each, in place of many.

A group says nothing of its own. Decision tables name each act, so that whoever replays a verdict
needs no groups; Casbin matches them by `g2`, so that it looks at fewer rows.
"""

from collections.abc import Mapping
from types import MappingProxyType

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.vocabulary import Action

MARK = "@"
"""What a group's name begins with in the `act` column."""

Groups = Mapping[str, frozenset[Action]]


def read_groups(text: str | None = None) -> Groups:
    """Read the groups, from `groups.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `groups-malformed` for a field or act that nobody knows,
            an act named twice, or a group without any.
    """
    raw = toml_from(text_of("groups.toml") if text is None else text)
    return MappingProxyType({name: _group(name, each) for name, each in raw.items()})


def _group(name: str, raw: object) -> frozenset[Action]:
    if not isinstance(raw, dict) or set(raw) != {"means", "acts"} or not raw["acts"]:
        raise PolicyInvalid("groups-malformed", f"{name}: means and acts are needed")
    try:
        acts = frozenset(Action(act) for act in raw["acts"])
    except (ValueError, TypeError) as error:
        raise PolicyInvalid("groups-malformed", f"{name}: {error}") from error
    if len(acts) != len(raw["acts"]):
        raise PolicyInvalid("groups-malformed", f"{name} names an act twice")
    return acts


def acts_of(groups: Groups, act: str) -> frozenset[Action]:
    """The acts that an `act` cell stands for.

    Raises:
        KeyError, ValueError: there is no such group or act.
    """
    if act.startswith(MARK):
        return groups[act.removeprefix(MARK)]
    return frozenset({Action(act)})
