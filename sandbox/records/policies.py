"""Rows of the policy's versions. Platform ledger only."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

PROPOSED: Final = "PROPOSED"
APPROVED: Final = "APPROVED"
REJECTED: Final = "REJECTED"
OVERTAKEN: Final = "OVERTAKEN"


@dataclass(frozen=True)
class PolicyVersion:
    """A policy, or the proposal of one; `state` is one of those above.

    `document` holds its rows, `table` is the digest of what they compile to, `base` that of the
    table it was made from (empty for the first), `diff` the digest of the difference. `author` is
    an account, `author_key` the key it signed by; `proof` is the digest of the report on it.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("state",)

    id: str
    version: int
    state: str
    document: bytes
    table: str
    base: str
    diff: str
    proof: str
    author: str
    author_key: bytes | None
    decided_by: str | None
    proposed_at: datetime
    decided_at: datetime | None
    index: int


@dataclass(frozen=True)
class PolicyInForce:
    """The version that the house rules by, one row `policy`; read in every unit of work."""

    id: str
    version: str
    table: str


IN_FORCE: Final = "policy"
"""Key of the one `PolicyInForce`."""
