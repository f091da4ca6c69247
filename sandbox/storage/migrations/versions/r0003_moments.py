"""Sightings of sessions and failed logins, where several processes serve one house."""

from typing import Final

from sandbox.storage.migrations import steps

revision: Final = "0003"
down_revision: Final = "0002"

STEPS: Final = (steps.MakeMoments(),)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
