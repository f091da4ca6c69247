"""Several people may label one item, each in a slot of their own."""

from typing import Final

from sandbox.storage.fields import Kind
from sandbox.storage.migrations import steps
from sandbox.storage.schema import ColumnForm

revision: Final = "0005"
down_revision: Final = "0004"

STEPS: Final = (
    steps.AddColumn(
        table="project", column=ColumnForm(name="overlap", kind=Kind.NUMBER, nullable=False), fill=1
    ),
    steps.DropUnique(table="task", columns=("item",)),
    steps.AddColumn(
        table="task", column=ColumnForm(name="slot", kind=Kind.NUMBER, nullable=False), fill=1
    ),
    steps.AddUnique(table="task", columns=("item", "slot")),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
