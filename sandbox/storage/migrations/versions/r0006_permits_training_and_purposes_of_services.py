"""permits, training and purposes of services."""

from typing import Final

from sandbox.storage.fields import Kind
from sandbox.storage.migrations import steps
from sandbox.storage.rows import LedgerKind
from sandbox.storage.schema import ColumnForm, TableForm, columns_of

revision: Final = "0006"
down_revision: Final = "0005"

STEPS: Final = (
    steps.MakeTable(
        TableForm(
            "training",
            columns_of(
                "id text, record text, account text, pseudonym text, course text, "
                "passed_at text, expires_at text, index number"
            ),
            indexed=("account",),
        ),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.AddColumn(
        table="account",
        column=ColumnForm(name="purposes", kind=Kind.TEXT, nullable=False),
        fill="[]",
    ),
    steps.MakeTable(
        TableForm(
            "permit",
            columns_of(
                "id text, dataset text, valid_from text, valid_until text, "
                "revoked_at text null, index number"
            ),
        ),
        (LedgerKind.HOSPITAL,),
    ),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
