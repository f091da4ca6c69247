"""Ledgers in memory: the same behaviour as in a database, for tests and trials.

- What was committed is never changed in place: a unit copies a table before its first write and
  commits by putting the copy in the old one's place, so that snapshots stay as they were.
- Rows are kept in their written form (`fields`), so that nothing passes here that a database
  would refuse.
- Nothing here survives the process.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar, cast

from sandbox.acts import PLATFORM
from sandbox.errors import Conflict, LedgerUnavailable, NotFound
from sandbox.records import imprint as imprints
from sandbox.records.port import Records, Row
from sandbox.storage.fields import Form, Stored
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS
from sandbox.storage.schema import is_ledger_id
from sandbox.storage.tables import checked_limit

R = TypeVar("R", bound=Row)
Written = tuple[Stored, ...]

BUSY_TIMEOUT_S = 10.0


class _Table:
    """Written rows by key, and who holds which unique combination."""

    def __init__(self, form: Form[Any]) -> None:  # Any: of every row type
        self.form = form
        self.rows: dict[str, Written] = {}
        self.holders: tuple[dict[Written, str], ...] = tuple({} for _ in form.unique)

    def copy(self) -> Self:
        twin = type(self)(self.form)
        twin.rows = dict(self.rows)
        twin.holders = tuple(dict(held) for held in self.holders)
        return twin

    def put(self, key: str, written: Written | None) -> Written | None:
        """Set or remove a row; returns what stood there."""
        old = self.rows.get(key)
        if old is not None:
            for held, combination in self._combinations(old):
                del held[combination]
            del self.rows[key]
        if written is not None:
            for held, combination in self._combinations(written):
                held[combination] = key
            self.rows[key] = written
        return old

    def refuse_taken(self, key: str, written: Written) -> None:
        for held, combination in self._combinations(written):
            if held.get(combination, key) != key:
                raise Conflict("row-exists", "the key or a unique combination is taken")

    def _combinations(self, written: Written) -> Iterator[tuple[dict[Written, str], Written]]:
        for held, names in zip(self.holders, self.form.unique, strict=True):
            combination = tuple(written[self.form.positions[name]] for name in names)
            if None not in combination:  # as in SQL, None is like nothing else
                yield held, combination


class _Committed:
    """A state of the ledger; never changed once it is the ledger's."""

    def __init__(self, tables: Mapping[type[Row], _Table], entries: list[bytes]) -> None:
        self.tables = tables
        self.entries = entries  # grows beyond `size` by later commits
        self.size = len(entries)


class _View:
    """What a unit or a snapshot sees: a committed state and, in a unit, its own changes."""

    def __init__(self, ledger: str, committed: _Committed, *, writable: bool) -> None:
        self._ledger = ledger
        self.committed = committed
        self.changed: dict[type[Row], _Table] = {}
        self.undo: list[tuple[_Table, str, Written | None]] = []
        self.pending: list[tuple[bytes, bytes, bytes]] = []  # entry, leaf hash, imprint
        self.written: list[imprints.Written] = []
        self.writable = writable
        self.usable = True

    @property
    def ledger(self) -> str:
        return self._ledger

    def of(self, row_type: type[R]) -> Records[R]:
        if row_type not in self.committed.tables:
            raise TypeError(f"this ledger keeps no {row_type.__name__}")
        return MemoryRecords(self, row_type)

    def entry(self, index: int) -> bytes:
        self.check_usable()
        if 0 <= index < self.size():
            return self.committed.entries[index]
        if 0 <= index - self.size() < len(self.pending):
            return self.pending[index - self.size()][0]
        raise NotFound

    def size(self) -> int:
        return self.committed.size

    def table(self, row_type: type[Row]) -> _Table:
        self.check_usable()
        return self.changed.get(row_type) or self.committed.tables[row_type]

    def table_to_write(self, row_type: type[Row]) -> _Table:
        self.check_usable()
        if not self.writable:
            raise LedgerUnavailable("snapshot-read-only", "a snapshot can't be written to")
        if row_type not in self.changed:
            self.changed[row_type] = self.committed.tables[row_type].copy()
        return self.changed[row_type]

    def put(self, table: _Table, key: str, written: Written) -> None:
        self.undo.append((table, key, table.put(key, written)))
        self.written.append((table.form.shape, written))

    def check_usable(self) -> None:
        if not self.usable:
            raise LedgerUnavailable("unit-closed", "the unit of work is over")


class MemoryRecords(Generic[R]):
    """All rows of one type, seen from a unit or a snapshot."""

    def __init__(self, view: _View, row_type: type[R]) -> None:
        self._view = view
        self._row_type = row_type
        self._form = cast("Form[R]", view.committed.tables[row_type].form)

    def get(self, key: str) -> R | None:
        """The row, or None."""
        written = self._view.table(self._row_type).rows.get(key)
        return None if written is None else self._form.decode(written)

    def require(self, key: str) -> R:
        """The row.

        Raises:
            NotFound: there is none.
        """
        row = self.get(key)
        if row is None:
            raise NotFound
        return row

    def insert(self, row: R) -> None:
        """Add a row.

        Raises:
            Conflict: its key or a unique combination is taken.
            Unacceptable: a value can't be kept.
        """
        written = self._form.encode(row)
        table = self._view.table_to_write(self._row_type)
        if row.id in table.rows:
            raise Conflict("row-exists", "the key or a unique combination is taken")
        table.refuse_taken(row.id, written)
        self._view.put(table, row.id, written)

    def replace(self, row: R) -> None:
        """Put `row` in the place of the one with the same key.

        Raises:
            NotFound: there is none.
            Conflict: a unique combination is taken.
            Unacceptable: a value can't be kept.
        """
        written = self._form.encode(row)
        table = self._view.table_to_write(self._row_type)
        if row.id not in table.rows:
            raise NotFound
        table.refuse_taken(row.id, written)
        self._view.put(table, row.id, written)

    def find(
        self, *, after: str | None = None, limit: int | None = None, **equal: object
    ) -> Sequence[R]:
        """Rows whose fields equal `equal`, in the order of their keys, from behind `after`.

        Raises:
            Unacceptable: a value can't be kept, or `limit` is negative.
        """
        keys = sorted(key for key in self._matching(equal) if after is None or key > after)
        rows = self._view.table(self._row_type).rows
        wanted = keys if limit is None else keys[: checked_limit(limit)]
        return [self._form.decode(rows[key]) for key in wanted]

    def count(self, **equal: object) -> int:
        """How many rows `find` would give.

        Raises:
            Unacceptable: a value can't be kept.
        """
        return len(self._matching(equal))

    def _matching(self, equal: Mapping[str, object]) -> list[str]:
        wanted = [
            (self._form.positions[name], stored)
            for name, stored in self._form.encode_equal(equal).items()
        ]
        return [
            key
            for key, written in self._view.table(self._row_type).rows.items()
            if all(written[position] == stored for position, stored in wanted)
        ]


class MemoryUnit:
    """A unit of work over a view."""

    def __init__(self, store: "MemoryLedger", view: _View) -> None:
        self._store = store
        self._view = view

    @property
    def tables(self) -> _View:
        """What the ledger keeps, with this unit's own changes."""
        return self._view

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint: when the body raises, its rows and entries are undone.

        Raises:
            LedgerUnavailable: the unit is over.
        """
        self._view.check_usable()
        view = self._view
        entries, changes, written = len(view.pending), len(view.undo), len(view.written)
        try:
            yield
        except BaseException:
            del view.pending[entries:]
            del view.written[written:]
            while len(view.undo) > changes:
                table, key, old = view.undo.pop()
                table.put(key, old)
            raise
        self._view.check_usable()

    @property
    def written(self) -> Sequence[imprints.Written]:
        """Rows that were inserted or replaced since the last `append`."""
        return self._view.written

    def append(self, index: int, entry: bytes, leaf_hash: bytes, imprint: bytes = b"") -> None:
        """Add the entry at `index` and its act's imprint.

        Raises:
            Conflict: `index` is not the next one.
            LedgerUnavailable: the unit is over.
        """
        self._view.check_usable()
        if index != self._view.size() + len(self._view.pending):
            raise Conflict("entry-out-of-order", f"{index} is not the next index")
        self._view.pending.append((entry, leaf_hash, imprint))
        self._view.written.clear()

    def commit(self) -> None:
        """Make everything what others see.

        Raises:
            LedgerUnavailable: the unit is over.
        """
        self._view.check_usable()
        self._store.accept(self._view)
        self._view.usable = False


class MemoryLedger:
    """One ledger in memory."""

    def __init__(self, ledger: str, row_types: Sequence[type[Row]], busy_timeout_s: float) -> None:
        self._ledger = ledger
        self._busy_timeout_s = busy_timeout_s
        self._writing = threading.Lock()  # held by the thread that has a unit open
        self._leaf_hashes: list[bytes] = []  # grows under _writing
        self._committed = _Committed({each: _Table(Form(each)) for each in row_types}, [])

    @property
    def ledger(self) -> str:
        """Id of the ledger."""
        return self._ledger

    @contextmanager
    def unit(self) -> Iterator[MemoryUnit]:
        """A unit of work under the ledger's write lock.

        Raises:
            LedgerUnavailable: the lock was not to be had in time.
        """
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise LedgerUnavailable("ledger-busy", "another unit of work holds the ledger")
        view = _View(self._ledger, self._committed, writable=True)
        try:
            yield MemoryUnit(self, view)
        finally:
            view.usable = False
            self._writing.release()

    def accept(self, view: _View) -> None:
        """Take over a unit's changes; called by the unit that holds the write lock."""
        entries = self._committed.entries
        self._leaf_hashes.extend(leaf_hash for _, leaf_hash, _ in view.pending)
        entries.extend(entry for entry, _, _ in view.pending)
        self._committed = _Committed({**self._committed.tables, **view.changed}, entries)

    @contextmanager
    def snapshot(self) -> Iterator[_View]:
        """What was committed by now, unmoved by later commits."""
        view = _View(self._ledger, self._committed, writable=False)
        try:
            yield view
        finally:
            view.usable = False

    def size(self) -> int:
        """How many entries are committed."""
        return self._committed.size

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Committed entries `start` <= index < `stop`, as far as there are any."""
        committed = self._committed
        return committed.entries[max(start, 0) : max(0, min(stop, committed.size))]

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of the committed entries `start` <= index < `stop`."""
        return self._leaf_hashes[max(start, 0) : max(0, min(stop, self._committed.size))]


class MemoryLedgers:
    """All ledgers of a house that forgets."""

    def __init__(
        self,
        *,
        platform_rows: Sequence[type[Row]] = PLATFORM_ROWS,
        hospital_rows: Sequence[type[Row]] = HOSPITAL_ROWS,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self._platform_rows = platform_rows
        self._hospital_rows = hospital_rows
        self._busy_timeout_s = busy_timeout_s
        self._stores: dict[str, MemoryLedger] = {}  # under _opening
        self._opening = threading.Lock()

    def open(self, ledger: str) -> MemoryLedger:
        """The store of an existing ledger.

        Raises:
            NotFound: there is none.
        """
        with self._opening:
            if ledger not in self._stores:
                raise NotFound
            return self._stores[ledger]

    def create(self, ledger: str) -> MemoryLedger:
        """The store of a ledger, made when there is none yet.

        Raises:
            NotFound: `ledger` is neither `platform` nor 32 lowercase hex digits.
        """
        if not is_ledger_id(ledger):
            raise NotFound
        row_types = self._platform_rows if ledger == PLATFORM else self._hospital_rows
        with self._opening:
            if ledger not in self._stores:
                self._stores[ledger] = MemoryLedger(ledger, row_types, self._busy_timeout_s)
            return self._stores[ledger]

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        with self._opening:
            return sorted(self._stores)

    def close(self) -> None:
        """Nothing to let go of."""
