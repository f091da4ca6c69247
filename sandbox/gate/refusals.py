"""How a ruling against an act is told: some denials have a code of their own.

Only to whoever holds a role here: a stranger learns that they may not, and nothing else.
"""

from collections.abc import Collection, Mapping
from typing import Final

from policies.ruling import Ruling
from policies.vocabulary import Role
from sandbox.errors import Forbidden

TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "expired": ("contract-expired", "contract or ethics approval are not in force"),
    "in-use": ("deposit-in-use", "its client was heard of a moment ago: only its own may"),
    "no-permit": ("permit-missing", "the project has no permit that is in force now"),
    "other-purpose": ("purpose-differs", "the session's purpose is not the contract's"),
    "untrained": ("training-missing", "a training record is missing or has run out"),
}
"""Code and message by the name of the denying row."""


def refusal_of(ruling: Ruling, roles: Collection[Role]) -> Forbidden:
    """The refusal to raise for a ruling that does not allow the act."""
    told = TOLD.get(ruling.rule.partition("/")[2])
    return Forbidden(*told) if told and roles else Forbidden()
