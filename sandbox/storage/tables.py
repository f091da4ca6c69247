"""The port of rows over a database connection, for any database.

- `Transaction` is one transaction on one connection and translates what the driver raises.
  After a failure of the database it is broken: nothing runs in it any more and it can't be
  committed, because SQLite may have rolled back by itself and would keep every later statement
  alone. A refused row (`Conflict`) breaks nothing: where a database would give the transaction up
  for it, the statement is written so that the row is passed over instead (`statements`).
- It does not open, lock or choose a database: that is the adapter's part.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sandbox.errors import Conflict, LedgerUnavailable, NotFound, SandboxError, Unacceptable
from sandbox.records.imprint import Written
from sandbox.records.port import Records, Row
from sandbox.storage.fields import Stored
from sandbox.storage.schema import IMPRINT
from sandbox.storage.statements import Prepared, RowStatements, Statements, Values

R = TypeVar("R", bound=Row)

StoredRow = Sequence[Any]  # Any: stored values of any type
_NOTHING: Final[Values] = MappingProxyType({})


class Transaction:
    """One transaction on one connection, from its begin to its end."""

    def __init__(self, connection: Connection, *, writable: bool, given: Values = _NOTHING) -> None:
        self._connection = connection
        self._given = given  # values that every statement gets: whose rows are asked for
        self._driver = connection.connection  # the pool's stand-in for the driver's connection
        # One for all statements: to make one costs as much as a small statement does.
        self._cursor: Any = None  # Any: the driver's
        self._errors = connection.dialect.loaded_dbapi
        self._writable = writable
        self._gives_up = connection.dialect.name == "postgresql"  # at the first refused row
        self._later: list[str] = []  # savepoints of a far database, sent with what comes next
        self.usable = True

    def rows(self, prepared: Prepared, values: Values) -> list[StoredRow]:
        """What a query finds.

        Raises:
            LedgerUnavailable: the database fails, or the transaction is over.
        """
        return self._run(prepared.text, self._bound(prepared, values), fetch=True)[0]

    def change(self, prepared: Prepared, values: Values) -> int:
        """Execute a change; returns how many rows it met.

        Raises:
            Conflict: a constraint refuses it.
            LedgerUnavailable: the database fails, or this is a snapshot.
        """
        self._check_writable()
        return self._run(prepared.text, self._bound(prepared, values))[1]

    def change_all(self, prepared: Prepared, many: Sequence[Values]) -> None:
        """Execute a change once per item of `many`.

        Raises:
            Conflict: a constraint refuses one.
            LedgerUnavailable: the database fails, or this is a snapshot.
        """
        self._check_writable()
        self.check_usable()
        self._send_later()
        try:
            with closing(self._driver.cursor()) as cursor:
                cursor.executemany(
                    prepared.text, [self._bound(prepared, values) for values in many]
                )
        except self._errors.Error as error:
            raise self._told(error) from error

    def run_text(self, text: str) -> None:
        """Execute a statement without values that every database says alike.

        To a far database it goes with the next statement: each way there and back counts.

        Raises:
            LedgerUnavailable: the database fails, or the transaction is over.
        """
        self.check_usable()
        if self._gives_up:
            self._later.append(text)
        else:
            self._run(text, ())

    def _send_later(self) -> None:
        if self._later:
            text, self._later = "; ".join(self._later), []
            self._run(text, None)

    def commit(self) -> None:
        """Make it durable; the transaction is over then, however it went.

        Raises:
            LedgerUnavailable: it could not be made durable.
        """
        self.check_usable()
        self._send_later()
        self.usable = False
        try:
            self._connection.commit()
        except SQLAlchemyError as error:
            raise LedgerUnavailable from error

    def check_usable(self) -> None:
        """Refuse whatever comes after the end, or after a failure of the database.

        Raises:
            LedgerUnavailable: it is over.
        """
        if not self.usable:
            raise LedgerUnavailable("unit-closed", "the unit of work is over")

    def _check_writable(self) -> None:
        if not self._writable:
            raise LedgerUnavailable("snapshot-read-only", "a snapshot can't be written to")

    def _run(
        self, text: str, values: Sequence[Stored] | Values | None, *, fetch: bool = False
    ) -> tuple[list[StoredRow], int]:
        """Rows found, if they are to be fetched, and the number of rows met."""
        # Plain calls, no context managers: these cost more than a small statement does.
        self.check_usable()
        if self._later:
            self._send_later()
        try:
            if self._cursor is None:
                self._cursor = self._driver.cursor()
            self._cursor.execute(text, values)
            found = list(self._cursor.fetchall()) if fetch else []
        except self._errors.Error as error:
            raise self._told(error) from error
        return found, self._cursor.rowcount

    def _bound(self, prepared: Prepared, values: Values) -> Any:  # Any: as the driver wants them
        return prepared.bind({**values, **self._given} if self._given else values)

    def _told(self, error: Exception) -> SandboxError:
        """What the driver raised, in this house's words."""
        if isinstance(error, self._errors.IntegrityError):
            self.usable = self.usable and not self._gives_up
            return _taken()
        self.usable = False
        return LedgerUnavailable()


def _taken() -> Conflict:
    return Conflict("row-exists", "the key or a unique combination is taken")


class SqlRecords(Generic[R]):
    """All rows of one type, seen from a transaction."""

    def __init__(
        self, transaction: Transaction, statements: RowStatements[R], written: list[Written]
    ) -> None:
        self._transaction = transaction
        self._statements = statements
        self._written = written  # the unit's own list, of all its rows
        self._form = statements.form

    def get(self, key: str) -> R | None:
        """The row, or None."""
        found = self._transaction.rows(self._statements.get, {"row_key": key})
        return self._form.decode(found[0]) if found else None

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
        stored = self._form.encode(row)
        values = dict(zip(self._form.names, stored, strict=True))
        if self._transaction.change(self._statements.insert, values) == 0:
            raise _taken()
        self._written.append((self._form.shape, stored))

    def replace(self, row: R) -> None:
        """Put `row` in the place of the one with the same key.

        Raises:
            NotFound: there is none.
            Conflict: a unique combination is taken.
            Unacceptable: a value can't be kept.
        """
        stored = self._form.encode(row)
        values = dict(zip(self._form.names, stored, strict=True))
        values["row_key"] = values.pop("id")
        if self._transaction.change(self._statements.replace, values) == 0:
            raise NotFound if self.get(row.id) is None else _taken()
        self._written.append((self._form.shape, stored))

    def find(
        self, *, after: str | None = None, limit: int | None = None, **equal: object
    ) -> Sequence[R]:
        """Rows whose fields equal `equal`, in the order of their keys, from behind `after`.

        Raises:
            Unacceptable: a value can't be kept, or `limit` is negative.
        """
        names, nulls, values = self._binding(equal)
        if after is not None:
            values["row_after"] = after
        if limit is not None:
            values["row_limit"] = checked_limit(limit)
        statement = self._statements.find(
            names, nulls, after=after is not None, limit=limit is not None
        )
        return [self._form.decode(row) for row in self._transaction.rows(statement, values)]

    def count(self, **equal: object) -> int:
        """How many rows `find` would give.

        Raises:
            Unacceptable: a value can't be kept.
        """
        names, nulls, values = self._binding(equal)
        ((counted,),) = self._transaction.rows(self._statements.count(names, nulls), values)
        return int(counted)

    def _binding(
        self, equal: Mapping[str, object]
    ) -> tuple[tuple[str, ...], frozenset[str], dict[str, Stored]]:
        stored = self._form.encode_equal(equal)
        nulls = frozenset(name for name, value in stored.items() if value is None)
        values: dict[str, Stored] = {
            f"equal_{name}": value for name, value in stored.items() if value is not None
        }
        return tuple(sorted(stored)), nulls, values


def checked_limit(limit: int) -> int:
    """`limit`, when it is one.

    Raises:
        Unacceptable: it is negative, which SQLite would take for no limit at all.
    """
    if limit < 0:
        raise Unacceptable("limit-negative", "a limit is 0 or more")
    return limit


class SqlTables:
    """Everything one ledger keeps, seen from a transaction."""

    def __init__(self, ledger: str, transaction: Transaction, statements: Statements) -> None:
        self._ledger = ledger
        self._transaction = transaction
        self._statements = statements
        self._records: dict[type[Row], SqlRecords[Any]] = {}  # Any: of every row type
        # Read now: it also pins a snapshot, which SQLite takes at the first read only.
        ((size,),) = transaction.rows(statements.size, {})
        self._size: int = size
        self.pending: list[tuple[bytes, bytes, bytes]] = []  # entry, leaf hash, imprint
        self.written: list[Written] = []

    @property
    def ledger(self) -> str:
        """Id of the ledger."""
        return self._ledger

    def of(self, row_type: type[R]) -> Records[R]:
        """The rows of a type."""
        records = self._records.get(row_type)
        if records is None:
            records = SqlRecords(self._transaction, self._statements.of(row_type), self.written)
            self._records[row_type] = records
        return records

    def entry(self, index: int) -> bytes:
        """The entry at `index`, exact bytes; appended and not yet written ones too.

        Raises:
            NotFound: there is none.
        """
        if 0 <= index - self._size < len(self.pending):
            return self.pending[index - self._size][0]
        if not 0 <= index < self._size:
            raise NotFound
        ((entry,),) = self._transaction.rows(self._statements.entry, {"at": index})
        return cast("bytes", entry)

    def size(self) -> int:
        """How many entries the ledger has, those of this unit not counted."""
        return self._size


class SqlUnit:
    """A unit of work over a transaction that the adapter has begun."""

    def __init__(self, ledger: str, transaction: Transaction, statements: Statements) -> None:
        self._transaction = transaction
        self._statements = statements
        self._tables = SqlTables(ledger, transaction, statements)

    @property
    def tables(self) -> SqlTables:
        """What the ledger keeps, with this unit's own changes."""
        return self._tables

    @property
    def written(self) -> Sequence[Written]:
        """Rows that were inserted or replaced since the last `append`."""
        return self._tables.written

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint: when the body raises, its rows and entries are undone.

        Raises:
            LedgerUnavailable: the database fails.
        """
        # A name used again hides the outer savepoint of that name until it is left.
        mark, written = len(self._tables.pending), len(self._tables.written)
        self._transaction.run_text("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            del self._tables.pending[mark:]
            del self._tables.written[written:]
            # In a broken transaction the savepoint is gone, and the commit will be refused.
            if self._transaction.usable:
                self._transaction.run_text("ROLLBACK TO SAVEPOINT attempt")
                self._transaction.run_text("RELEASE SAVEPOINT attempt")
            raise
        self._transaction.run_text("RELEASE SAVEPOINT attempt")

    def append(self, index: int, entry: bytes, leaf_hash: bytes, imprint: bytes = b"") -> None:
        """Add the entry at `index` and its act's imprint; both are written at `commit`.

        Raises:
            Conflict: `index` is not the next one.
            LedgerUnavailable: the unit is over.
        """
        self._transaction.check_usable()
        if index != self._tables.size() + len(self._tables.pending):
            raise Conflict("entry-out-of-order", f"{index} is not the next index")
        self._tables.pending.append((entry, leaf_hash, imprint))
        self._tables.written.clear()

    def commit(self) -> None:
        """Make everything durable.

        Raises:
            LedgerUnavailable: it could not be made durable, so nothing was done.
        """
        self._transaction.check_usable()
        start = self._tables.size()
        rows: list[Values] = [
            {"idx": index, "entry": entry, "leaf_hash": leaf_hash, IMPRINT: imprint or None}
            for index, (entry, leaf_hash, imprint) in enumerate(self._tables.pending, start)
        ]
        try:
            if rows:
                self._transaction.change_all(self._statements.append, rows)
            self._transaction.commit()
        except Conflict as error:
            raise LedgerUnavailable("ledger-moved", "entries came from elsewhere") from error
        finally:
            self.close()

    def close(self) -> None:
        """Nothing runs in it from now on; what was not committed is for the adapter to undo."""
        self._transaction.usable = False
