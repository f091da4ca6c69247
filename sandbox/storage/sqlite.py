"""Ledgers in SQLite: one file each, `<ledger>.sqlite`.

- WAL and synchronous=FULL: a commit that returned survives a power cut.
- A unit is BEGIN IMMEDIATE on the ledger's one writing connection, guarded by a lock among
  threads and by SQLite's own among processes; snapshots read on other connections.
- Transactions are begun by hand: the driver's own way begins too late for savepoints and for
  reads (SQLAlchemy, "Pysqlite: serializable isolation, savepoints").
- Triggers keep `entries` insert-only, and let in the next index only: without that, INSERT OR
  REPLACE would delete the old row without asking the DELETE trigger.
- Files are 0600 in a 0700 folder; deleted rows are overwritten (secure_delete), and nothing
  is spilled to temporary files.
- A ledger appears under its name only when it is complete (staging, fsync, rename).
- Each file is brought to this program's revision (`migrations`) when it is opened, in one
  transaction; one of a newer program is refused.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from sandbox.acts import PLATFORM
from sandbox.errors import LedgerUnavailable, NotFound
from sandbox.records.port import Row
from sandbox.storage.folders import exclusive, file_rights, make_folder, sync_path
from sandbox.storage.migrations import run
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS, ROWS_OF, kind_of
from sandbox.storage.schema import ENTRIES, is_ledger_id
from sandbox.storage.statements import Prepared, Statements, statements_for
from sandbox.storage.tables import SqlTables, SqlUnit, Transaction

BUSY_TIMEOUT_S = 10.0

_SUFFIX = ".sqlite"
_STAGING = ".new"
_STATEMENTS_KEPT = 512  # parsed statements per connection
_READERS_KEPT = 4  # snapshots beyond these open a connection of their own

_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
)

_TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS entries_refuse_update BEFORE UPDATE ON entries
       BEGIN SELECT RAISE(ABORT, 'entries are insert-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS entries_refuse_delete BEFORE DELETE ON entries
       BEGIN SELECT RAISE(ABORT, 'entries are insert-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS entries_next_only BEFORE INSERT ON entries
       WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM entries)
       BEGIN SELECT RAISE(ABORT, 'entries grow by the next index'); END""",
)


def _engine(path: Path, begin: str, pragmas: Sequence[str], *, pool_size: int) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: a file that went missing must not come back empty.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=0,  # set below by the pragma, in whole milliseconds
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS_KEPT,
        )
        for pragma in pragmas:
            connection.execute(pragma)
        return connection

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=pool_size, max_overflow=-1
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class SqliteLedger:
    """One ledger in one file."""

    def __init__(
        self, path: Path, ledger: str, statements: Statements, busy_timeout_s: float
    ) -> None:
        pragmas = (f"PRAGMA busy_timeout={int(busy_timeout_s * 1000)}", *_PRAGMAS)
        self._ledger = ledger
        self._statements = statements
        self._busy_timeout_s = busy_timeout_s
        self._writing = threading.Lock()  # held by the thread that has a unit open
        self._writer = _engine(path, "BEGIN IMMEDIATE", pragmas, pool_size=1)
        self._reader = _engine(
            path, "BEGIN", (*pragmas, "PRAGMA query_only=ON"), pool_size=_READERS_KEPT
        )

    @property
    def ledger(self) -> str:
        """Id of the ledger."""
        return self._ledger

    @contextmanager
    def unit(self) -> Iterator[SqlUnit]:
        """A unit of work under the ledger's write lock.

        Raises:
            LedgerUnavailable: the lock was not to be had in time, or the database fails.
        """
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise LedgerUnavailable("ledger-busy", "another unit of work holds the ledger")
        try:
            with _begun(self._writer) as connection:
                transaction = Transaction(connection, writable=True)
                unit = SqlUnit(self._ledger, transaction, self._statements)
                try:
                    yield unit
                finally:
                    unit.close()
        finally:
            self._writing.release()

    @contextmanager
    def snapshot(self) -> Iterator[SqlTables]:
        """What was committed by now, unmoved by later commits.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with _begun(self._reader) as connection:
            transaction = Transaction(connection, writable=False)
            try:
                yield SqlTables(self._ledger, transaction, self._statements)
            finally:
                transaction.usable = False

    def size(self) -> int:
        """How many entries are committed."""
        with self.snapshot() as tables:
            return tables.size()

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Committed entries `start` <= index < `stop`, as far as there are any."""
        return self._span(self._statements.entries, start, stop)

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of the committed entries `start` <= index < `stop`."""
        return self._span(self._statements.leaf_hashes, start, stop)

    def _span(self, prepared: Prepared, start: int, stop: int) -> list[bytes]:
        with _begun(self._reader) as connection:
            transaction = Transaction(connection, writable=False)
            found = transaction.rows(prepared, {"start": start, "stop": stop})
            return [bytes(value) for (value,) in found]

    def prepare(self) -> None:
        """Bring the tables up to this program's revision and make missing triggers.

        Raises:
            LedgerUnavailable: `schema-newer`: a newer program made the file;
                `ledger-schema-differs`: it holds other tables than its revision says.
        """
        with _begun(self._writer) as connection:
            try:
                self._migrate(connection)
                for trigger in _TRIGGERS:
                    connection.exec_driver_sql(trigger)
                self._check_columns(connection)
                connection.commit()
            except SQLAlchemyError as error:
                raise LedgerUnavailable from error

    def _migrate(self, connection: Connection) -> None:
        kind = kind_of(self._ledger)
        revision = run.revision_of(connection)
        if revision is None and inspect(connection).has_table(ENTRIES):
            revision = run.BASELINE  # made by a program that knew no revisions
            run.stamp(connection, revision)
        standing = run.standing_of(revision)
        if standing is run.Standing.NEWER:
            raise LedgerUnavailable("schema-newer", "a newer version made this ledger's file")
        if standing is not run.Standing.CURRENT:
            run.upgrade(connection, [kind], shared=False)
        # Rows that are no part of the house, as trials and tests bring along.
        schema = self._statements.schema
        guests = [schema.tables[each] for each in schema.forms if each not in ROWS_OF[kind]]
        schema.metadata.create_all(connection, guests)

    def _check_columns(self, connection: Connection) -> None:
        found = inspect(connection)
        for table in self._statements.schema.metadata.sorted_tables:
            columns = {column["name"] for column in found.get_columns(table.name)}
            if columns != set(table.columns.keys()):
                code = "ledger-schema-differs"
                raise LedgerUnavailable(code, f"table {table.name} was made by another version")

    def close(self) -> None:
        """Close all connections; the last one also empties the WAL."""
        self._reader.dispose()
        self._writer.dispose()


@contextmanager
def _begun(engine: Engine) -> Iterator[Connection]:
    """A connection with a transaction begun, rolled back unless it was committed."""
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise LedgerUnavailable from error
    with connection:
        try:
            connection.begin()
        except SQLAlchemyError as error:
            raise LedgerUnavailable("ledger-busy", "the write lock was not free") from error
        yield connection


class SqliteLedgers:
    """All ledgers in one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        platform_rows: Sequence[type[Row]] = PLATFORM_ROWS,
        hospital_rows: Sequence[type[Row]] = HOSPITAL_ROWS,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self._folder = folder
        self._busy_timeout_s = busy_timeout_s
        self._platform = statements_for(tuple(platform_rows), "sqlite")
        self._hospital = statements_for(tuple(hospital_rows), "sqlite")
        self._opened: dict[str, SqliteLedger] = {}  # under _opening
        self._opening = threading.Lock()
        make_folder(folder)

    def open(self, ledger: str) -> SqliteLedger:
        """The store of an existing ledger.

        Raises:
            NotFound: there is none.
            LedgerUnavailable: its file can't be used.
        """
        if not is_ledger_id(ledger):
            raise NotFound
        with self._opening:
            return self._opened.get(ledger) or self._open_file(ledger)

    def _open_file(self, ledger: str) -> SqliteLedger:
        path = self._folder / f"{ledger}{_SUFFIX}"
        if not path.is_file():
            raise NotFound
        store = self._store(path, ledger)
        try:
            store.prepare()
        except LedgerUnavailable:
            store.close()
            raise
        self._opened[ledger] = store
        return store

    def _store(self, path: Path, ledger: str) -> SqliteLedger:
        statements = self._platform if ledger == PLATFORM else self._hospital
        return SqliteLedger(path, ledger, statements, self._busy_timeout_s)

    def create(self, ledger: str) -> SqliteLedger:
        """The store of a ledger, made when there is none yet.

        Raises:
            NotFound: `ledger` is neither `platform` nor 32 lowercase hex digits.
            LedgerUnavailable: its file can't be made or used.
        """
        if not is_ledger_id(ledger):
            raise NotFound
        try:
            # Two founders of one ledger must not overwrite one another.
            with exclusive(self._folder / ".lock"):
                if not (self._folder / f"{ledger}{_SUFFIX}").exists():
                    self._make_file(ledger)
        except (OSError, sqlite3.Error) as error:
            raise LedgerUnavailable from error
        return self.open(ledger)

    def _make_file(self, ledger: str) -> None:
        staging = self._folder / _STAGING
        for leftover in self._folder.glob(f"{_STAGING}*"):  # of a creator that was killed
            leftover.unlink()
        # SQLite gives its WAL the mode of the file, so the file gets its mode first.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(staging, flags, file_rights(staging)))
        _make_wal(staging)
        store = self._store(staging, ledger)
        try:
            store.prepare()
        finally:
            store.close()
        sync_path(staging)
        staging.rename(self._folder / f"{ledger}{_SUFFIX}")
        sync_path(self._folder)

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        stems = (path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted(stem for stem in stems if is_ledger_id(stem))

    def close(self) -> None:
        """Close all connections."""
        with self._opening:
            for store in self._opened.values():
                store.close()
            self._opened.clear()


def _make_wal(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
