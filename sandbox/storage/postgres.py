"""Ledgers in PostgreSQL: all of them in one schema, told apart by a column.

- A unit holds the ledger's advisory lock until its transaction ends, and is READ COMMITTED: what
  it reads after it got the lock is what the one before committed. (REPEATABLE READ would look
  back to the moment at which the wait for the lock began.)
- A snapshot is REPEATABLE READ and read only.
- Two things keep ledgers apart: every statement asks for its own ledger's rows, and row-level
  security shows a transaction no others (`postgres_schema`).
- The role of the application has no DDL, and of `entries` only SELECT and INSERT. With a role that
  may more, and on tables of another revision, nothing is opened.
- Any number of processes may share the ledgers; nothing is kept here from one unit to the next.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from sandbox.errors import LedgerUnavailable, NotFound
from sandbox.records.port import Row
from sandbox.storage.postgres_link import Manner, begun, failure, pool_of
from sandbox.storage.postgres_schema import check_start
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS, LedgerKind, kind_of
from sandbox.storage.schema import LEDGERS, is_ledger_id
from sandbox.storage.statements import ROW_LEDGER, Prepared, Statements, statements_for
from sandbox.storage.tables import SqlTables, SqlUnit, Transaction

BUSY_TIMEOUT_S: Final = 10.0
CONNECTIONS: Final = 20
"""Most connections of one process: 8 that write, 12 that read."""

_SHOW: Final = "SELECT set_config('anbiao.ledger', %(ledger)s, true)"
_LOCK: Final = (
    "SELECT set_config('anbiao.ledger', %(ledger)s, true),"
    " pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || %(ledger)s, 0))"
)
_ADD: Final = f"INSERT INTO {LEDGERS} (id) VALUES (%(ledger)s) ON CONFLICT DO NOTHING"  # noqa: S608 - a constant
_LIST: Final = f"SELECT id FROM {LEDGERS} ORDER BY id"  # noqa: S608 - a constant


class PostgresLedger:
    """One ledger among those of a schema."""

    def __init__(self, house: "PostgresLedgers", ledger: str, statements: Statements) -> None:
        self._house = house
        self._ledger = ledger
        self._statements = statements
        self._writing = threading.Lock()  # held by the thread that has a unit open

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
        # Threads of this process queue here, so that none of them takes a connection to wait.
        if not self._writing.acquire(timeout=self._house.busy_timeout_s):
            raise LedgerUnavailable("ledger-busy", "another unit of work holds the ledger")
        try:
            with begun(self._house.writer, _LOCK, {"ledger": self._ledger}) as connection:
                own = {ROW_LEDGER: self._ledger}
                transaction = Transaction(connection, writable=True, given=own)
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
        with self._reading() as transaction:
            yield SqlTables(self._ledger, transaction, self._statements)

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        with begun(self._house.reader, _SHOW, {"ledger": self._ledger}) as connection:
            own = {ROW_LEDGER: self._ledger}
            transaction = Transaction(connection, writable=False, given=own)
            try:
                yield transaction
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
        with self._reading() as transaction:
            found = transaction.rows(prepared, {"start": start, "stop": stop})
            return [bytes(value) for (value,) in found]


class PostgresLedgers:
    """All ledgers in one schema, which is the first of the connection's search path.

    Raises:
        Unavailable: `database-unreachable`, `database-refused`, `database-unsafe`,
            `database-role-unfit`, `schema-missing`, `schema-older`, `schema-newer`.
    """

    def __init__(
        self,
        url: URL,
        *,
        platform_rows: Sequence[type[Row]] = PLATFORM_ROWS,
        hospital_rows: Sequence[type[Row]] = HOSPITAL_ROWS,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.busy_timeout_s = busy_timeout_s
        self._statements = {
            LedgerKind.PLATFORM: statements_for(tuple(platform_rows), "postgresql"),
            LedgerKind.HOSPITAL: statements_for(tuple(hospital_rows), "postgresql"),
        }
        self._opened: dict[str, PostgresLedger] = {}  # under _opening
        self._opening = threading.Lock()
        level = psycopg.IsolationLevel
        limit = {"lock_timeout": f"{int(busy_timeout_s * 1000)}ms"}
        writing = Manner(
            level.READ_COMMITTED, read_only=False, kept=2, most=8, wait_s=busy_timeout_s
        )
        reading = Manner(
            level.REPEATABLE_READ, read_only=True, kept=4, most=12, wait_s=busy_timeout_s
        )
        # What was committed is on the disk, whatever the server's default says.
        self.writer = pool_of(url, writing, {**limit, "synchronous_commit": "on"})
        self.reader = pool_of(url, reading, limit)
        try:
            check_start(self.reader)
        except BaseException:
            self.close()
            raise

    def open(self, ledger: str) -> PostgresLedger:
        """The store of an existing ledger.

        Raises:
            NotFound: there is none.
            LedgerUnavailable: the database fails.
        """
        if not is_ledger_id(ledger):
            raise NotFound
        with self._opening:
            known = self._opened.get(ledger)
            if known is None:
                if ledger not in self.names():
                    raise NotFound
                known = PostgresLedger(self, ledger, self._statements[kind_of(ledger)])
                self._opened[ledger] = known
            return known

    def create(self, ledger: str) -> PostgresLedger:
        """The store of a ledger, made when there is none yet.

        Raises:
            NotFound: `ledger` is neither `platform` nor 32 lowercase hex digits.
            LedgerUnavailable: the database fails.
        """
        if not is_ledger_id(ledger):
            raise NotFound
        with begun(self.writer, _ADD, {"ledger": ledger}) as connection:
            try:
                connection.commit()
            except DBAPIError as error:
                raise failure(error) from error
        return self.open(ledger)

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        with begun(self.reader, "SELECT 1", {}) as connection:
            try:
                return [ledger for (ledger,) in connection.exec_driver_sql(_LIST)]
            except DBAPIError as error:
                raise failure(error) from error

    def close(self) -> None:
        """Close all connections."""
        with self._opening:
            self._opened.clear()
        self.reader.dispose()
        self.writer.dispose()
