"""A file is an item of its dataset once."""

from typing import Final

from sandbox.storage.migrations import steps

revision: Final = "0004"
down_revision: Final = "0003"

STEPS: Final = (steps.AddUnique(table="item", columns=("dataset", "object_id")),)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
