"""What an erasure is about, by rows: items, what was issued of them, labels and releases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.records.deposits import Approval, Item
from sandbox.records.erasures import DATASET, Erasure
from sandbox.records.labels import Label, Project, ProjectItem, Review, Task
from sandbox.records.port import Tables
from sandbox.records.releases import Release


@dataclass(frozen=True)
class Concerned:
    """The rows that an erasure is about."""

    items: Sequence[Item]
    project_items: Sequence[ProjectItem]
    tasks: Sequence[Task]
    labels: Sequence[Label]
    reviews: Sequence[Review]
    releases: Sequence[Release]
    approvals: Sequence[Approval]

    def samples(self) -> Iterator[str]:
        """Blobs of sealed samples of these items."""
        wanted = {item.id for item in self.items}
        for approval in self.approvals:
            for sample in approval.samples:
                item, _, blob = sample.partition(":")
                if item in wanted:
                    yield blob

    def blobs(self) -> set[str]:
        """Digests of all ciphertexts that hold something of these items."""
        found = {
            blob
            for item in self.items
            for blob in (item.source_blob, item.blob, item.record_blob)
            if blob
        }
        found |= {issued.blob for issued in self.project_items}
        found |= {release.package_blob for release in self.releases if release.package_blob}
        return found | set(self.samples())


def concerned(tables: Tables, erasure: Erasure) -> Concerned:
    """The rows of an erasure whose subjects are known."""
    everything = tables.of(Item).find(dataset=erasure.dataset)
    if erasure.scope == DATASET:
        items = list(everything)
    else:
        items = [item for item in everything if item.subject in set(erasure.subjects)]
    return of_items(tables, erasure.dataset, items)


def of_items(tables: Tables, dataset: str, items: Sequence[Item]) -> Concerned:
    """The rows that hang on some of a dataset's items."""
    wanted = {item.id for item in items}
    projects = tables.of(Project).find(dataset=dataset)
    issued = [
        row
        for project in projects
        for row in tables.of(ProjectItem).find(project=project.id)
        if row.source_item in wanted
    ]
    names = {row.id for row in issued}
    touched = {row.project for row in issued}
    tasks = [t for p in touched for t in tables.of(Task).find(project=p) if t.item in names]
    labels = [x for p in touched for x in tables.of(Label).find(project=p) if x.item in names]
    said = {label.id for label in labels}
    return Concerned(
        items=items,
        project_items=issued,
        tasks=tasks,
        labels=labels,
        reviews=[
            review
            for task in tasks
            for review in tables.of(Review).find(task=task.id)
            if review.label in said
        ],
        releases=[r for p in touched for r in _releases(tables, p, labels)],
        approvals=[a for a in tables.of(Approval).find(dataset=dataset) if wanted & set(a.batch)],
    )


def _releases(tables: Tables, project: str, labels: Sequence[Label]) -> Iterator[Release]:
    """Releases that may hold one of the labels: built after the first of them was saved."""
    first = min((label.index for label in labels if label.project == project), default=None)
    for release in tables.of(Release).find(project=project):
        built = release.screened_index
        if first is not None and built is not None and built > first:
            yield release
