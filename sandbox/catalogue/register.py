"""The public register: datasets and projects, for anyone, without personal data (R81).

It reads rows of every ledger and shows what the law wants public: who owns the data, of what
kind and grade it is, for which purpose it is processed on which ground, who labels it, and what
was released or recalled. It shows no item, no member, no count of patients.

Titles are words that people chose: one in which the scan finds an identifier is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policies.vocabulary import ReleaseState
from sandbox.acts import PLATFORM
from sandbox.records.deposits import Dataset
from sandbox.records.documents import guideline_of
from sandbox.records.labels import Project
from sandbox.records.people import Hospital
from sandbox.records.port import Ledgers, Tables
from sandbox.records.releases import Release

Scan = Callable[[str], Sequence[str]]
WITHHELD = ""
_LEFT = (ReleaseState.RELEASED, ReleaseState.RECALLED, ReleaseState.EXPIRED)


@dataclass(frozen=True)
class PublicRelease:
    """A release that left, by id."""

    id: str
    state: str
    recall_reason: str


@dataclass(frozen=True)
class PublicProject:
    """A labelling job and what left of it."""

    id: str
    title: str
    firm: str
    goal: str
    releases: tuple[PublicRelease, ...]


@dataclass(frozen=True)
class PublicDataset:
    """A dataset, its hospital, and its projects."""

    id: str
    ledger: str
    hospital: str
    title: str
    category: str
    grade: int
    purpose: str
    legal_basis: str
    retain_until: datetime
    state: str
    projects: tuple[PublicProject, ...]


class Register:
    """Reads the register anew at each call."""

    def __init__(self, ledgers: Ledgers, scan: Scan) -> None:
        self._ledgers = ledgers
        self._scan = scan

    def datasets(self) -> tuple[PublicDataset, ...]:
        """All datasets of all hospitals, sorted by id."""
        with self._ledgers.open(PLATFORM).snapshot() as tables:
            hospitals = tables.of(Hospital).find()
        known = set(self._ledgers.names())
        found = [
            dataset
            for hospital in hospitals
            if hospital.id in known
            for dataset in self._of(hospital)
        ]
        return tuple(sorted(found, key=lambda dataset: dataset.id))

    def _of(self, hospital: Hospital) -> list[PublicDataset]:
        with self._ledgers.open(hospital.id).snapshot() as tables:
            return [self._dataset(tables, hospital, row) for row in tables.of(Dataset).find()]

    def _dataset(self, tables: Tables, hospital: Hospital, row: Dataset) -> PublicDataset:
        return PublicDataset(
            id=row.id,
            ledger=tables.ledger,
            hospital=hospital.name,
            title=self._shown(row.title),
            category=str(row.category),
            grade=int(row.grade),
            purpose=str(row.purpose),
            legal_basis=str(row.legal_basis),
            retain_until=row.retain_until,
            state=str(row.state),
            projects=tuple(self._projects(tables, row.id)),
        )

    def _projects(self, tables: Tables, dataset: str) -> Iterator[PublicProject]:
        for row in tables.of(Project).find(dataset=dataset):
            releases = tables.of(Release).find(project=row.id)
            yield PublicProject(
                id=row.id,
                title=self._shown(row.title),
                firm=row.firm,
                goal=self._shown(guideline_of(row).goal),
                releases=tuple(
                    PublicRelease(r.id, str(r.state), self._shown(r.recall_reason or ""))
                    for r in releases
                    if r.state in _LEFT
                ),
            )

    def _shown(self, text: str) -> str:
        return WITHHELD if self._scan(text) else text
