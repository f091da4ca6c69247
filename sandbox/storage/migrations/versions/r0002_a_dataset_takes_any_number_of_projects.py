"""a dataset takes any number of projects."""

from typing import Final

from sandbox.storage.migrations import steps

revision: Final = "0002"
down_revision: Final = "0001"

STEPS: Final = (
    steps.DropUnique(table="project", columns=("dataset",)),
    steps.AddIndex(table="project", column="dataset"),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
