"""Rows of `label`: projects, issued items, tasks, leases, labels, reviews."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import ItemState, TaskState


@dataclass(frozen=True)
class Project:
    """A labelling job on one dataset; `guideline` and `schema` are canonical JSON, public.

    A dataset may have any number of them; each gets items of its own (`ProjectItem`). `overlap`
    is how many people label each item independently (R41); it never changes.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset",)

    id: str
    dataset: str
    title: str
    firm: str
    guideline: bytes
    guideline_digest: str
    schema: bytes
    schema_digest: str
    lease_s: int
    created_at: datetime
    overlap: int = 1


@dataclass(frozen=True)
class ProjectItem:
    """An approved item, re-encrypted for one project under a new id.

    `blob` is the ciphertext's digest; the file key, sealed to `serve`, stands in the exchange
    under `item:<id>`, that of its labels and reviews under `record:<id>`. `frames` is 0 for text.
    `source_item` is known to worker rows only and never leaves by the API.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("project", "state")
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("project", "source_item"),)

    id: str
    project: str
    source_item: str
    subject: str
    kind: str
    modality: str
    frames: int
    blob: str
    commitment: str
    state: ItemState
    issued_index: int


@dataclass(frozen=True)
class Task:
    """One labelling of one project item, its slot of `overlap`; `version` counts saved labels."""

    INDEXED: ClassVar[tuple[str, ...]] = ("project", "state", "labeller")
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("item", "slot"),)

    id: str
    project: str
    item: str
    state: TaskState
    labeller: str | None
    reviewer: str | None
    lease: str | None
    label: str | None
    version: int
    slot: int = 1


@dataclass(frozen=True)
class Lease:
    """The short right of one account to see one item; `work` is `label` or `review`."""

    INDEXED: ClassVar[tuple[str, ...]] = ("account", "ended_at", "task")

    id: str
    task: str
    project: str
    item: str
    account: str
    work: str
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    shown: tuple[str, ...]
    opened_index: int


@dataclass(frozen=True)
class Label:
    """One version of one task's label; `sealed` is the payload and salt under the record key.

    Nothing is left of `sealed` once its subject was erased: the commitments stay, and say nothing.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("task", "project")
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("task", "version"),)

    id: str
    task: str
    project: str
    item: str
    version: int
    author: str
    sealed: bytes
    commitment: str
    shown_commitment: str
    made_by: str
    index: int
    saved_at: datetime

    @property
    def erased(self) -> bool:
        """Whether its subject, or the whole dataset, was erased."""
        return not self.sealed


@dataclass(frozen=True)
class Review:
    """Another person's verdict on one label version: accept, return, adjudicate or decide."""

    INDEXED: ClassVar[tuple[str, ...]] = ("task", "label")

    id: str
    task: str
    project: str
    label: str
    reviewer: str
    verdict: str
    sealed: bytes
    commitment: str
    index: int
    saved_at: datetime
