"""Looking at an item under a lease, and at nothing without one.

- The lease is looked up anew before every frame, with what it rests on: membership, training,
  contract, ethics approval, permit and the session's purpose. Whatever ended a moment ago, by an
  act or by itself, lets no further frame out.
- A lease that has ended, or is another account's, is answered like one that never was.
- What was shown is counted here, in memory; the act that ends the lease takes the count. After a
  restart there is none, and the whole item counts as seen; so it does when another process than
  the one that gave the lease showed anything under it, which leaves a mark for all to find.

Source: requirements R05, R13, R15, R34, R35, R97.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

from crypto.keytree import KeyStore, MemoryKeyStore
from policies.vocabulary import ItemState
from sandbox.acts import Actor
from sandbox.errors import NotFound
from sandbox.exchange import mark_name
from sandbox.formats.extents import TEXT, shown_text
from sandbox.label import groups
from sandbox.label.commands import Looked
from sandbox.label.desk import RecordKeys
from sandbox.label.leases import REVIEW_WORK, ROLES, live
from sandbox.label.render import MAX_PIXELS, render_frame
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Label, Lease, Project, ProjectItem, Task
from sandbox.records.people import Pseudonym
from sandbox.records.port import Ledgers, Tables
from sandbox.records.sealed_labels import LabelPayload, open_label
from sandbox.records.standing import STOPPED, contract_valid, permit_valid

_MARK = b"1"


class ItemKeys(RecordKeys, Protocol):
    """What opens issued items and records."""

    def open_item(self, item: ProjectItem) -> bytes:
        """The de-identified file."""
        ...


class Tally:
    """What was shown under each lease; one lock guards the whole count.

    A count is exact only in the process that gave the lease, and only while no other one shows
    anything under it. Another one says so by a mark in `marks`, which all processes see, before
    it shows the first thing.
    """

    def __init__(self, marks: KeyStore) -> None:
        self._lock = Lock()
        self._marks = marks
        self._shown: dict[str, Counter[str]] = {}
        self._given: set[str] = set()
        self._marked: set[str] = set()

    def begin(self, lease: str) -> None:
        """Count from now on: the lease was given here, and nothing shown yet."""
        with self._lock:
            self._given.add(lease)
            self._shown.setdefault(lease, Counter())

    def note(self, lease: str, what: str) -> None:
        """Count one look; called before anything is shown."""
        with self._lock:
            foreign = lease not in self._given and lease not in self._marked
            self._shown.setdefault(lease, Counter())[what] += 1
        if foreign:
            self._marks.put(mark_name(lease), _MARK)
            with self._lock:
                self._marked.add(lease)

    def look(self, lease: str) -> Looked | None:
        """What was shown so far; None when nobody can say: then all counts as seen."""
        with self._lock:
            shown = self._shown.get(lease)
            given = lease in self._given
        if shown is None or not given or self._marks.get(mark_name(lease)) is not None:
            return None
        return Looked(tuple(sorted(shown)), shown.total())

    def forget(self, lease: str) -> None:
        """Drop the count of a lease that has ended."""
        with self._lock:
            self._shown.pop(lease, None)
            self._given.discard(lease)
            self._marked.discard(lease)
        if self._marks.get(mark_name(lease)) is not None:
            self._marks.destroy(mark_name(lease))


@dataclass(frozen=True)
class Judged:
    """A label under review: whose task it is of, never whose it is."""

    task: str
    version: int
    said: Mapping[str, object]


@dataclass(frozen=True)
class LeaseView:
    """What its holder may know of a lease; `judged` are the labels of the item under review."""

    lease: Lease
    item: ProjectItem
    project: Project
    version: int
    judged: tuple[Judged, ...]


@dataclass(frozen=True)
class TextView:
    """A text item with the mark of who saw it when."""

    text: str
    viewer: str
    seen_at: datetime


@dataclass(frozen=True)
class VersionView:
    """A saved version of a label and what it says."""

    row: Label
    said: Mapping[str, object]


@dataclass(frozen=True)
class _Seat:
    """A lease found to be good at this moment, and what it stands on."""

    lease: Lease
    item: ProjectItem
    viewer: str


class Viewing:
    """Frames and texts under leases."""

    def __init__(
        self,
        ledgers: Ledgers,
        keys: ItemKeys,
        clock: Callable[[], datetime],
        max_pixels: int = MAX_PIXELS,
        marks: KeyStore | None = None,
    ) -> None:
        self._ledgers = ledgers
        self._keys = keys
        self._clock = clock
        self._max_pixels = max_pixels
        self.tally = Tally(MemoryKeyStore() if marks is None else marks)

    def lease(self, ledger: str, lease: str, actor: Actor) -> LeaseView:
        """The lease and, for a reviewer, the labels to be judged, by the ids of their tasks.

        Raises:
            NotFound: it is not a live lease of this account.
        """
        with self._ledgers.open(ledger).snapshot() as tables:
            seat = _seat(tables, lease, actor, self._clock())
            task = tables.of(Task).require(seat.lease.task)
            project = tables.of(Project).require(seat.lease.project)
            labels = _under_review(tables, task, seat.lease)
        judged = tuple(Judged(label.task, label.version, self._said(label)) for label in labels)
        return LeaseView(seat.lease, seat.item, project, task.version, judged)

    def label_version(self, ledger: str, task: str, version: int, actor: Actor) -> VersionView:
        """A former or present version of a label (R38).

        Raises:
            NotFound: there is none, or the account neither wrote it nor reviews its task now.
        """
        with self._ledgers.open(ledger).snapshot() as tables:
            found = tables.of(Label).find(task=task, version=version)
            if not found:
                raise NotFound
            _may_read(tables, found[0], actor, self._clock())
        return VersionView(found[0], self._said(found[0]))

    def _said(self, label: Label) -> Mapping[str, object]:
        key = self._keys.record_key(label.item)
        secret = open_label(key, label.project, label.id, label.sealed)
        return LabelPayload.decoded(secret.label.text).value

    def frame(self, ledger: str, lease: str, actor: Actor, number: int) -> bytes:
        """Frame `number` (from 0) as PNG, marked with the viewer's pseudonym and the time.

        Raises:
            NotFound: it is not a live lease of this account, or there is no such frame.
            TooLarge: `frame-too-large`.
            Unacceptable: `frame-undecodable`.
        """
        now = self._clock()
        seat = self._take_seat(ledger, lease, actor, now)
        if not 0 <= number < seat.item.frames:
            raise NotFound
        data = self._keys.open_item(seat.item)
        picture = render_frame(data, number, seat.viewer, now, self._max_pixels)
        self.tally.note(lease, f"frame:{number}")  # before it is handed out
        return picture

    def text(self, ledger: str, lease: str, actor: Actor) -> TextView:
        """The text of a text item.

        Raises:
            NotFound: it is not a live lease of this account, or the item is no text.
        """
        now = self._clock()
        seat = self._take_seat(ledger, lease, actor, now)
        if seat.item.kind != TEXT:
            raise NotFound
        text = shown_text(self._keys.open_item(seat.item))
        self.tally.note(lease, TEXT)
        return TextView(text, seat.viewer, now)

    def _take_seat(self, ledger: str, lease: str, actor: Actor, now: datetime) -> _Seat:
        with self._ledgers.open(ledger).snapshot() as tables:
            return _seat(tables, lease, actor, now)


def _seat(tables: Tables, lease_id: str, actor: Actor, now: datetime) -> _Seat:
    """The lease, when everything it rests on holds at `now`; else the same 404 for all."""
    lease = tables.of(Lease).get(lease_id)
    if lease is None or lease.account != actor.account or not live(lease, now):
        raise NotFound
    item = tables.of(ProjectItem).require(lease.item)
    project = tables.of(Project).require(lease.project)
    if item.state is not ItemState.ISSUED or not _goes_on(tables, project, actor, now):
        raise NotFound
    if not groups.holds_seat(tables, lease.project, lease.account, ROLES[lease.work], now):
        raise NotFound
    viewer = tables.of(Pseudonym).require(actor.account).pseudonym
    return _Seat(lease, item, viewer)


def _may_read(tables: Tables, label: Label, actor: Actor, now: datetime) -> None:
    """A label is read by who wrote it, while the project goes on, and under a review's lease.

    Raises:
        NotFound: else; whoever takes over a task learns nothing of what was said before.
    """
    if label.author == actor.account and groups.seats(tables, label.project, actor.account, now):
        if not _goes_on(tables, tables.of(Project).require(label.project), actor, now):
            raise NotFound
        return
    seat = _seat(tables, tables.of(Task).require(label.task).lease or "", actor, now)
    if seat.lease.work != REVIEW_WORK:
        raise NotFound


def _under_review(tables: Tables, task: Task, lease: Lease) -> list[Label]:
    """The labels that a review's lease shows, one per slot, in no order that tells of slots."""
    if lease.work != REVIEW_WORK:
        return []
    group = [one for one in groups.group_of(tables, task) if one.lease == lease.id and one.label]
    return [tables.of(Label).require(one.label or "") for one in sorted(group, key=_by_id)]


def _by_id(task: Task) -> str:
    return task.id


def _goes_on(tables: Tables, project: Project, actor: Actor, now: datetime) -> bool:
    """Whether the project's data may be looked at now, for the session's purpose."""
    dataset = tables.of(Dataset).require(project.dataset)
    purpose = str(dataset.purpose)
    return (
        dataset.state not in STOPPED
        and contract_valid(dataset, now)
        and permit_valid(tables, project, now)
        and actor.declared(purpose) == purpose
    )
