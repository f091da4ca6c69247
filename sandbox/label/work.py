"""The worker's part in labelling: it closes the leases that nobody closed.

Those that have run out, and those whose holder has left: their tasks are free for others.
"""

from collections.abc import Iterator
from functools import partial

from sandbox.acts import project_domain
from sandbox.enclave import Enclave, Step
from sandbox.label.commands import CloseLease
from sandbox.label.tasks import is_over
from sandbox.records.labels import Lease


def steps(enclave: Enclave, ledger: str) -> Iterator[Step]:
    """One step per lease that is over; all of its item counts as seen."""
    now = enclave.clock()
    with enclave.ledgers.open(ledger).snapshot() as tables:
        leases = [row for row in tables.of(Lease).find(ended_at=None) if is_over(tables, row, now)]
    for lease in leases:
        yield f"lease:{lease.id}", partial(_close, enclave, ledger, lease)


def _close(enclave: Enclave, ledger: str, lease: Lease) -> None:
    enclave.gate.perform(
        enclave.actor,
        CloseLease(
            ledger=ledger,
            domain=project_domain(lease.project),
            project=lease.project,
            lease=lease.id,
        ),
    )
