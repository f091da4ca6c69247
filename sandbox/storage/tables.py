"""The port of rows over a SQLAlchemy connection, for any database.

- Statements are built once per schema and bound to values at every call.
- `Transaction` is one transaction on one connection and translates what the driver raises.
  After a failure of the database it is broken: nothing runs in it any more and it can't be
  committed, because SQLite may have rolled back by itself and would keep every later statement
  alone. A refused row (`Conflict`) breaks nothing here; PostgreSQL wants the savepoint around it
  to be left.
- It does not open, lock or choose a database: that is the adapter's part.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    Executable,
    Select,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from sandbox.errors import Conflict, LedgerUnavailable, NotFound, Unacceptable
from sandbox.records.port import Records, Row
from sandbox.storage.fields import Form
from sandbox.storage.schema import Schema

R = TypeVar("R", bound=Row)

_SHAPES_KEPT = 64  # different searches per row type of which the statement is kept


class RowStatements(Generic[R]):
    """The statements of one row type."""

    def __init__(self, schema: Schema, row_type: type[R]) -> None:
        self.form: Form[R] = schema.form_of(row_type)
        self.table = schema.tables[row_type]
        self._key = self.table.c.id
        self.get = select(self.table).where(self._key == bindparam("row_key"))
        self.insert = self.table.insert()
        self.replace = update(self.table).where(self._key == bindparam("row_key"))
        self.find = lru_cache(_SHAPES_KEPT)(self._build_find)
        self.count = lru_cache(_SHAPES_KEPT)(self._build_count)

    def _build_find(
        self, names: tuple[str, ...], nulls: frozenset[str], *, after: bool, limit: bool
    ) -> Select[Any]:  # Any: columns of any value
        statement = self._where(select(self.table), names, nulls).order_by(self._key)
        if after:
            statement = statement.where(self._key > bindparam("row_after"))
        if limit:
            statement = statement.limit(bindparam("row_limit"))
        return statement

    def _build_count(self, names: tuple[str, ...], nulls: frozenset[str]) -> Select[tuple[int]]:
        return self._where(select(func.count()).select_from(self.table), names, nulls)

    def _where(
        self,
        statement: Select[Any],  # Any: columns of any value
        names: tuple[str, ...],
        nulls: frozenset[str],
    ) -> Select[Any]:
        for name in names:
            column = self.table.c[name]
            equal = column.is_(None) if name in nulls else column == bindparam(f"equal_{name}")
            statement = statement.where(equal)
        return statement


class Statements:
    """The statements of one kind of ledger; shared by its units and snapshots."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        entries = schema.entries
        self._of = {each: RowStatements(schema, each) for each in schema.forms}
        self.size = select(func.coalesce(func.max(entries.c.idx) + 1, 0))
        self.entry = select(entries.c.entry).where(entries.c.idx == bindparam("at"))
        self.append = entries.insert()
        span = (entries.c.idx >= bindparam("start"), entries.c.idx < bindparam("stop"))
        self.entries = select(entries.c.entry).where(*span).order_by(entries.c.idx)
        self.leaf_hashes = select(entries.c.leaf_hash).where(*span).order_by(entries.c.idx)

    def of(self, row_type: type[R]) -> RowStatements[R]:
        """The statements of a row type; `TypeError` when this kind of ledger keeps none."""
        if row_type not in self._of:
            raise TypeError(f"this ledger keeps no {row_type.__name__}")
        return cast("RowStatements[R]", self._of[row_type])


class Transaction:
    """One transaction on one connection, from its begin to its end."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        self.connection = connection
        self.writable = writable
        self.usable = True

    def run(
        self,
        statement: Executable,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,  # Any: stored
    ) -> CursorResult[Any]:
        """Execute.

        Raises:
            Conflict: a constraint refuses it.
            LedgerUnavailable: the database fails, or the transaction is over.
        """
        self.check_usable()
        try:
            return self.connection.execute(statement, values)
        except IntegrityError as error:
            raise Conflict("row-exists", "the key or a unique combination is taken") from error
        except SQLAlchemyError as error:
            self.usable = False
            raise LedgerUnavailable from error

    def run_text(self, text: str) -> None:
        """Execute a statement without values that every database says alike.

        Raises:
            LedgerUnavailable: the database fails, or the transaction is over.
        """
        self.check_usable()
        try:
            self.connection.exec_driver_sql(text)
        except SQLAlchemyError as error:
            self.usable = False
            raise LedgerUnavailable from error

    def write(
        self,
        statement: Executable,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]],  # Any: stored
    ) -> CursorResult[Any]:
        """Execute a statement that changes something.

        Raises:
            Conflict: a constraint refuses it.
            LedgerUnavailable: the database fails, or this is a snapshot.
        """
        if not self.writable:
            raise LedgerUnavailable("snapshot-read-only", "a snapshot can't be written to")
        return self.run(statement, values)

    def check_usable(self) -> None:
        """Refuse whatever comes after the end, or after a failure of the database.

        Raises:
            LedgerUnavailable: it is over.
        """
        if not self.usable:
            raise LedgerUnavailable("unit-closed", "the unit of work is over")


class SqlRecords(Generic[R]):
    """All rows of one type, seen from a transaction."""

    def __init__(self, transaction: Transaction, statements: RowStatements[R]) -> None:
        self._transaction = transaction
        self._statements = statements
        self._form = statements.form

    def get(self, key: str) -> R | None:
        """The row, or None."""
        found = self._transaction.run(self._statements.get, {"row_key": key}).first()
        return None if found is None else self._form.decode(found)

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
        self._transaction.write(self._statements.insert, values)

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
        if self._transaction.write(self._statements.replace, values).rowcount == 0:
            raise NotFound

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
        return [self._form.decode(row) for row in self._transaction.run(statement, values)]

    def count(self, **equal: object) -> int:
        """How many rows `find` would give.

        Raises:
            Unacceptable: a value can't be kept.
        """
        names, nulls, values = self._binding(equal)
        counted = self._transaction.run(self._statements.count(names, nulls), values)
        return int(counted.scalar_one())

    def _binding(
        self, equal: Mapping[str, object]
    ) -> tuple[tuple[str, ...], frozenset[str], dict[str, object]]:
        stored = self._form.encode_equal(equal)
        nulls = frozenset(name for name, value in stored.items() if value is None)
        values: dict[str, object] = {
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
        self._size = int(transaction.run(statements.size).scalar_one())
        self.pending: list[tuple[bytes, bytes]] = []

    @property
    def ledger(self) -> str:
        """Id of the ledger."""
        return self._ledger

    def of(self, row_type: type[R]) -> Records[R]:
        """The rows of a type."""
        records = self._records.get(row_type)
        if records is None:
            records = SqlRecords(self._transaction, self._statements.of(row_type))
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
        return bytes(self._transaction.run(self._statements.entry, {"at": index}).scalar_one())

    def size(self) -> int:
        """How many entries the ledger has, those of this unit not counted."""
        return self._size


class SqlUnit:
    """A unit of work over a transaction that the adapter has begun."""

    def __init__(self, ledger: str, connection: Connection, statements: Statements) -> None:
        self._transaction = Transaction(connection, writable=True)
        self._statements = statements
        self._tables = SqlTables(ledger, self._transaction, statements)

    @property
    def tables(self) -> SqlTables:
        """What the ledger keeps, with this unit's own changes."""
        return self._tables

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint: when the body raises, its rows and entries are undone.

        Raises:
            LedgerUnavailable: the database fails.
        """
        # Plain text, because SQLAlchemy compiles its own savepoints anew each time, which is
        # half the cost of an act. A name used again hides the outer one until it is left.
        mark = len(self._tables.pending)
        self._transaction.run_text("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            del self._tables.pending[mark:]
            self._transaction.run_text("ROLLBACK TO SAVEPOINT attempt")
            self._transaction.run_text("RELEASE SAVEPOINT attempt")
            raise
        self._transaction.run_text("RELEASE SAVEPOINT attempt")

    def append(self, index: int, entry: bytes, leaf_hash: bytes) -> None:
        """Add the entry at `index`; it is written with all others at `commit`.

        Raises:
            Conflict: `index` is not the next one.
            LedgerUnavailable: the unit is over.
        """
        self._transaction.check_usable()
        if index != self._tables.size() + len(self._tables.pending):
            raise Conflict("entry-out-of-order", f"{index} is not the next index")
        self._tables.pending.append((entry, leaf_hash))

    def commit(self) -> None:
        """Make everything durable.

        Raises:
            LedgerUnavailable: it could not be made durable, so nothing was done.
        """
        self._transaction.check_usable()
        start = self._tables.size()
        rows = [
            {"idx": start + offset, "entry": entry, "leaf_hash": leaf_hash}
            for offset, (entry, leaf_hash) in enumerate(self._tables.pending)
        ]
        try:
            if rows:
                self._transaction.write(self._statements.append, rows)
            self._transaction.connection.commit()
        except Conflict as error:
            raise LedgerUnavailable("ledger-moved", "entries came from elsewhere") from error
        except SQLAlchemyError as error:
            raise LedgerUnavailable from error
        finally:
            self.close()

    def close(self) -> None:
        """Nothing runs in it from now on; what was not committed is for the adapter to undo."""
        self._transaction.usable = False
