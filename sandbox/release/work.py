"""The worker's part in releases: those in SCREENING and in SEALING *are* the queue."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from policies.pack import Pack
from policies.vocabulary import ReleaseState
from sandbox.enclave import Enclave, Step
from sandbox.errors import VerificationFailed
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Project
from sandbox.records.port import Tables
from sandbox.records.releases import Release
from sandbox.records.standing import permit_valid, processable
from sandbox.release.building import Builder
from sandbox.release.screening import Scan
from sandbox.release.sealing import Sealer


@dataclass(frozen=True)
class ReleaseWork:
    """All steps of this room over one house's ledgers."""

    enclave: Enclave
    builder: Builder
    sealer: Sealer

    @classmethod
    def over(cls, enclave: Enclave, scan: Scan, quorum: Pack) -> "ReleaseWork":
        """The work of one enclave."""
        return cls(enclave, Builder(enclave, scan), Sealer(enclave, quorum))

    def steps(self, ledger: str) -> Iterator[Step]:
        """What is to be done now in one ledger."""
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            screening = self._waiting(tables, ReleaseState.SCREENING)
            sealing = self._waiting(tables, ReleaseState.SEALING)
        # One whose witnesses did not answer yet is no step: it would be put off, longer each time.
        sealing = [row for row in sealing if self._ready(ledger, row.id)]
        for row in screening:
            act = partial(self.builder.screen, ledger, row.id)
            yield f"screen:{row.id}:{row.requested_index}", act
        for row in sealing:
            act = partial(self.sealer.seal, ledger, row.id)
            yield f"seal:{row.id}:{row.requested_index}", act

    def _ready(self, ledger: str, release: str) -> bool:
        """Whether to try; what can't be believed is tried, so that one release is put off alone."""
        try:
            return self.sealer.ready(ledger, release)
        except VerificationFailed:
            return True

    def _waiting(self, tables: Tables, state: ReleaseState) -> list[Release]:
        # What policy would refuse is not tried: each refusal is an entry.
        found = tables.of(Release).find(state=state)
        return [row for row in found if self._live(tables, row)]

    def _live(self, tables: Tables, release: Release) -> bool:
        dataset = tables.of(Dataset).require(release.dataset)
        project, now = tables.of(Project).require(release.project), self.enclave.clock()
        valid = permit_valid(tables, project, now)
        return valid and processable(dataset, self.enclave.actor.purposes, now)
