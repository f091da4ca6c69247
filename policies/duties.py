"""Separation of duties: roles that nobody holds together, and acts that nobody does both of.

Pairs of roles are refused when a role is granted (the fact `conflicting`); pairs of acts on one
object are refused by rows of the templates, which `duties.toml` names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.vocabulary import Action, Role


@dataclass(frozen=True)
class RolePair:
    """Any role of `first` and any role of `second` are kept apart.

    `within` is `ledger` (one hospital's) or `house` (the platform's and any hospital's together).
    """

    name: str
    first: frozenset[Role]
    second: frozenset[Role]
    within: str
    means: str
    source: str

    def forbids(self, one: Role, other: Role) -> bool:
        """Whether nobody may hold both."""
        return (one in self.first and other in self.second) or (
            other in self.first and one in self.second
        )


@dataclass(frozen=True)
class ActPair:
    """Nobody does both acts on one object; `rows` are the templates that refuse it."""

    name: str
    first: Action
    second: Action
    of: str
    rows: tuple[str, ...]
    means: str
    source: str


@dataclass(frozen=True)
class Duties:
    """All duties that are kept apart."""

    pairs: tuple[RolePair, ...]
    acts: tuple[ActPair, ...]

    def broken_by(self, held: Collection[Role], new: Role) -> tuple[str, ...]:
        """Names of the duties that someone who holds `held` would break with `new`, sorted."""
        return tuple(
            sorted(
                pair.name for pair in self.pairs if any(pair.forbids(role, new) for role in held)
            )
        )


def conflicts(held: Collection[Role], new: Role) -> bool:
    """Whether duties keep `new` apart from a role already held.

    Args:
        held: roles in this ledger, and the account's platform roles with them.
        new: the role to be granted.
    """
    return bool(duties_in_force().broken_by(held, new))


@cache
def duties_in_force() -> Duties:
    """The duties that lie in this tree, read once."""
    return read_duties()


def read_duties(text: str | None = None) -> Duties:
    """Read the duties, from `duties.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed` or `duties-malformed`.
    """
    raw = toml_from(text_of("duties.toml") if text is None else text)
    try:
        if unknown := set(raw) - {"pairs", "acts"}:
            raise PolicyInvalid("duties-malformed", f"unknown fields {sorted(unknown)}")
        return Duties(
            tuple(_role_pair(each) for each in raw["pairs"]),
            tuple(_act_pair(each) for each in raw["acts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyInvalid("duties-malformed", f"{error}") from error


def _role_pair(raw: Mapping[str, Any]) -> RolePair:  # Any: parsed TOML
    pair = RolePair(
        raw["name"],
        frozenset(Role(role) for role in raw["first"]),
        frozenset(Role(role) for role in raw["second"]),
        raw["within"],
        raw["means"],
        raw["source"],
    )
    if pair.within not in ("ledger", "house") or not pair.first or not pair.second:
        raise PolicyInvalid("duties-malformed", pair.name)
    if pair.first & pair.second:
        raise PolicyInvalid("duties-malformed", f"{pair.name} keeps a role apart from itself")
    return pair


def _act_pair(raw: Mapping[str, Any]) -> ActPair:  # Any: parsed TOML
    return ActPair(
        raw["name"],
        Action(raw["first"]),
        Action(raw["second"]),
        raw["of"],
        tuple(raw["rows"]),
        raw["means"],
        raw["source"],
    )
