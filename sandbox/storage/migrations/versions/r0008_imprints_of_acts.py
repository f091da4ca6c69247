"""imprints of acts."""

from typing import Final

from sandbox.storage.migrations import steps

revision: Final = "0008"
down_revision: Final = "0007"

STEPS: Final = (steps.AddImprints(),)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
