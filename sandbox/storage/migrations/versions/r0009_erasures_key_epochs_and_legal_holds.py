"""erasures, key epochs and legal holds."""

from typing import Final

from sandbox.storage.migrations import steps
from sandbox.storage.rows import LedgerKind
from sandbox.storage.schema import TableForm, columns_of

revision: Final = "0009"
down_revision: Final = "0008"

STEPS: Final = (
    steps.MakeTable(
        TableForm(
            "erasure",
            columns_of(
                "id text, dataset text, scope text, subject text null, sealed octets null, "
                "ground text, state text, subjects text, kept text, ordered_at text, due_at text, "
                "ordered_index number, begun_index number null, completed_index number null, "
                "epoch number null, rotated_index number null"
            ),
            indexed=("dataset", "state"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm("key_epoch", columns_of("id text, epoch number, rotated_at text, index number")),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "legal_hold",
            columns_of(
                "id text, dataset text, placed_index number, placed_at text, "
                "lifted_index number null"
            ),
            indexed=("dataset",),
        ),
        (LedgerKind.HOSPITAL,),
    ),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
