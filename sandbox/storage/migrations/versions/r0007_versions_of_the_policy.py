"""versions of the policy."""

from typing import Final

from sandbox.storage.migrations import steps
from sandbox.storage.rows import LedgerKind
from sandbox.storage.schema import TableForm, columns_of

revision: Final = "0007"
down_revision: Final = "0006"

STEPS: Final = (
    steps.MakeTable(
        TableForm(
            "policy_version",
            columns_of(
                "id text, version number, state text, document octets, table text, "
                "base text, diff text, proof text, author text, "
                "author_key octets null, decided_by text null, proposed_at text, "
                "decided_at text null, index number"
            ),
            indexed=("state",),
        ),
        (LedgerKind.PLATFORM,),
    ),
    steps.MakeTable(
        TableForm("policy_in_force", columns_of("id text, version text, table text")),
        (LedgerKind.PLATFORM,),
    ),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
