"""The worker's part in cleaning: rows that are not done yet *are* the queue.

A step names one thing to do; doing it ends in an act, after which it is no longer found. A
worker killed anywhere finds the same step again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from policies.vocabulary import ItemState
from sandbox.clean.approvals import APPROVED, OPEN
from sandbox.clean.cleaning import Cleaner, Task
from sandbox.clean.codes import SUBJECT_ERASED
from sandbox.clean.engine import Engine
from sandbox.clean.handover import Handover, Papers, project_item_id
from sandbox.clean.opening import MOST_BYTES, Opener
from sandbox.clean.sampling import Sampler
from sandbox.enclave import Enclave, Step
from sandbox.exchange import header_name
from sandbox.records.deposits import Approval, Dataset, Deposit, Item
from sandbox.records.labels import Project, ProjectItem
from sandbox.records.port import Tables
from sandbox.records.standing import permit_valid, processable

AT_ONCE = 64


@dataclass(frozen=True)
class CleanWork:
    """All steps of this room over one house's ledgers."""

    enclave: Enclave
    opener: Opener
    cleaner: Cleaner
    sampler: Sampler
    handover: Handover
    # By project: the counts at which nothing was left to issue; of the worker's one thread.
    _settled: dict[str, tuple[int, int, int]] = field(default_factory=dict, init=False)

    @classmethod
    def over(cls, enclave: Enclave, engine: Engine, most_bytes: int = MOST_BYTES) -> "CleanWork":
        """The work of one enclave; longer content than `most_bytes` is not cleaned."""
        opener = Opener(enclave, most_bytes)
        return cls(
            enclave,
            opener,
            Cleaner(enclave, engine, opener),
            Sampler(enclave, opener),
            Handover(enclave, opener),
        )

    def steps(self, ledger: str) -> Iterator[Step]:
        """What is to be done now in one ledger, at most `AT_ONCE` of a kind."""
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            live = [d for d in tables.of(Dataset).find() if self._live(d)]
            found = [
                *(step for d in live for step in self._to_clean(tables, d)),
                *(step for d in live for step in self._to_sample(tables, d)),
                *(step for d in live for step in self._to_issue(tables, d)),
            ]
        yield from found

    def sweep(self, ledger: str) -> int:
        """Destroy headers of items that are done, left by a crash; how many there were.

        Of items that came in of somebody who was erased, the ciphertext as well.
        """
        gone = 0
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            items = tables.of(Item).find()
        refused = [item for item in items if item.reason == SUBJECT_ERASED]
        for item in refused:
            self.enclave.blobs.delete(item.source_blob)
        done = [
            header_name(ledger, item.deposit, item.object_id)
            for item in (*(item for item in items if item.subject is not None), *refused)
        ]
        for name in done:
            if self.enclave.exchange.get(name) is not None:
                self.enclave.exchange.destroy(name)
                gone += 1
        return gone

    def _live(self, dataset: Dataset) -> bool:
        # What policy would refuse is not tried: each refusal is an entry.
        return processable(dataset, self.enclave.actor.purposes, self.enclave.clock())

    def _to_clean(self, tables: Tables, dataset: Dataset) -> Iterator[Step]:
        sealed = tables.of(Item).find(dataset=dataset.id, state=ItemState.SEALED, limit=AT_ONCE)
        # A deposit's row holds its whole manifest: one copy for all of its items.
        deposits = {key: tables.of(Deposit).require(key) for key in {i.deposit for i in sealed}}
        tasks = [Task(tables.ledger, item, dataset, deposits[item.deposit]) for item in sealed]
        for place, task in enumerate(tasks):
            act = partial(self.cleaner.clean, task, tasks[place + 1 :])
            yield f"clean:{task.item.id}:{task.item.version}", act

    def _to_sample(self, tables: Tables, dataset: Dataset) -> Iterator[Step]:
        for approval in tables.of(Approval).find(dataset=dataset.id, state=OPEN):
            yield (
                f"sample:{approval.id}",
                partial(self.sampler.sample, tables.ledger, approval),
            )

    def _to_issue(self, tables: Tables, dataset: Dataset) -> Iterator[Step]:
        for project in tables.of(Project).find(dataset=dataset.id):
            if permit_valid(tables, project, self.enclave.clock()):
                yield from self._unissued(tables, dataset, project)

    def _unissued(self, tables: Tables, dataset: Dataset, project: Project) -> Iterator[Step]:
        """Approved items that the project has not got, in an order of the project's own.

        In the order of the rows, the fifth item of one project would be the fifth of another.
        """
        counts = _counts(tables, dataset, project)
        if self._settled.get(project.id) == counts:
            return
        given = {row.source_item for row in tables.of(ProjectItem).find(project=project.id)}
        key = self.enclave.vault.keys(tables.ledger, dataset.id).project(project.id)
        items = tables.of(Item).find(dataset=dataset.id, state=ItemState.APPROVED)
        waiting = [item for item in items if item.id not in given]
        if not waiting:
            self._settled[project.id] = counts
        chosen = sorted(waiting, key=lambda item: project_item_id(key, item))[:AT_ONCE]
        # A deposit's row holds its manifest, an approval's its batch: one copy for all items.
        deposits = {name: tables.of(Deposit).require(name) for name in {i.deposit for i in chosen}}
        names = {item.approval or "" for item in chosen}
        approvals = {name: tables.of(Approval).get(name) for name in names}
        for item in chosen:
            approval = approvals[item.approval or ""]
            if approval is not None:
                papers = Papers(item, deposits[item.deposit], approval)
                act = partial(self.handover.issue, tables.ledger, papers, project)
                yield f"issue:{item.id}:{item.version}:{project.id}", act


def _counts(tables: Tables, dataset: Dataset, project: Project) -> tuple[int, int, int]:
    """What changes whenever an item of the dataset may have to be issued to the project.

    Nothing becomes APPROVED but by an approval, and an approval stays one.
    """
    return (
        tables.of(Item).count(dataset=dataset.id, state=ItemState.APPROVED),
        tables.of(ProjectItem).count(project=project.id),
        tables.of(Approval).count(dataset=dataset.id, state=APPROVED),
    )
