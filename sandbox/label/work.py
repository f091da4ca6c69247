"""The worker's part in labelling: it closes the leases that nobody closed."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from sandbox.acts import Actor, Command, Receipt, project_domain
from sandbox.errors import StateError
from sandbox.label.commands import CloseLease
from sandbox.records.labels import Lease
from sandbox.records.port import Ledgers, Tables


class Performer(Protocol):
    """The gate, as far as this room needs it."""

    def perform(self, actor: Actor, command: Command) -> Receipt:
        """Carry out `command` or refuse it."""
        ...


def expired(tables: Tables, now: datetime) -> Iterator[CloseLease]:
    """A closing for every lease that has run out; all of its item counts as seen."""
    for lease in tables.of(Lease).find(ended_at=None):
        if now >= lease.expires_at:
            yield CloseLease(
                ledger=tables.ledger,
                domain=project_domain(lease.project),
                project=lease.project,
                lease=lease.id,
            )


def steps(
    gate: Performer, ledgers: Ledgers, ledger: str, actor: Actor, clock: Callable[[], datetime]
) -> int:
    """Close the leases of one ledger that have run out; how many were closed."""
    with ledgers.open(ledger).snapshot() as tables:
        closings = list(expired(tables, clock()))
    closed = 0
    for closing in closings:
        try:
            gate.perform(actor, closing)
            closed += 1
        except StateError:
            # Its holder handed the work in between our look and our act.
            continue
    return closed
