"""The statements of a schema, written by SQLAlchemy once and run by the driver directly.

SQLAlchemy writes the SQL for any database, but running a statement through it costs some 40
microseconds, the driver alone 6, and the gate runs a dozen statements per act.

Where ledgers share their tables, every statement asks for one ledger's rows by the value
`row_ledger`, which the transaction gives. PostgreSQL gives a transaction up at the first refused
row: there a row that would be refused is passed over instead, and counts as none met.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    ColumnElement,
    Dialect,
    FromClause,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sandbox.records.port import Row
from sandbox.storage.fields import Form, Stored
from sandbox.storage.schema import IMPRINT, LEDGER, Schema

R = TypeVar("R", bound=Row)

Values = Mapping[str, Stored]

ROW_LEDGER = "row_ledger"

DialectName = Literal["sqlite", "postgresql"]

_KINDS_KEPT = 16  # of ledgers, in tests mostly
_SHAPES_KEPT = 64  # different searches per row type of which the statement is kept


class Prepared:
    """SQL text, and how this driver wants its values: in order, or by name."""

    def __init__(
        self, statement: ClauseElement, dialect: Dialect, columns: Iterable[str] | None = None
    ) -> None:
        compiled = statement.compile(
            dialect=dialect, column_keys=None if columns is None else list(columns)
        )
        self.text = str(compiled)
        order = getattr(compiled, "positiontup", None)
        self._order: tuple[str, ...] | None = None if order is None else tuple(order)
        # Values that SQLAlchemy adds by itself, such as the offset that SQLite gets with a limit.
        self._constants: Values = {
            name: value for name, value in (compiled.params or {}).items() if value is not None
        }

    def bind(self, values: Values) -> Sequence[Stored] | Values:
        """`values` as the driver wants them."""
        if self._constants:
            values = {**self._constants, **values}
        return values if self._order is None else [values[name] for name in self._order]


def _here(table: FromClause, *, shared: bool) -> ColumnElement[bool]:
    """Rows of the transaction's own ledger."""
    return table.c[LEDGER] == bindparam(ROW_LEDGER) if shared else true()


def _values(names: Iterable[str], *, shared: bool) -> dict[str, BindParameter[Any]]:  # Any: any
    """Columns and the values they get, that of the ledger among them where it is a column."""
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in names}
    return {**values, LEDGER: bindparam(ROW_LEDGER)} if shared else values


class RowStatements(Generic[R]):
    """The statements of one row type."""

    def __init__(self, schema: Schema, row_type: type[R], dialect: Dialect) -> None:
        self.form: Form[R] = schema.form_of(row_type)
        self._table = table = schema.tables[row_type]
        self._key = table.c.id
        self._dialect = dialect
        self._shared = schema.shared
        self._spares = dialect.name == "postgresql"
        self._columns = [table.c[name] for name in self.form.names]
        self.get = Prepared(select(*self._columns).where(self._this_row()), dialect)
        self.insert = Prepared(self._insertion(), dialect)
        self.replace = Prepared(self._replacement(), dialect)
        self.find = lru_cache(_SHAPES_KEPT)(self._prepare_find)
        self.count = lru_cache(_SHAPES_KEPT)(self._prepare_count)

    def _this_row(self) -> ColumnElement[bool]:
        return and_(_here(self._table, shared=self._shared), self._key == bindparam("row_key"))

    def _insertion(self) -> Insert:
        values = _values(self.form.names, shared=self._shared)
        if self._spares:
            return postgresql.insert(self._table).values(values).on_conflict_do_nothing()
        return self._table.insert().values(values)

    def _replacement(self) -> Update:
        values = _values(self.form.names[1:], shared=False)
        statement = update(self._table).where(self._this_row()).values(values)
        if self._spares and self.form.unique:
            statement = statement.where(~self._taken().exists())
        return statement

    def _taken(self) -> Select[Any]:  # Any: of any value
        """Another row that holds a unique combination of the new values."""
        others = self._table.alias("others")
        held = (
            and_(*(others.c[name] == bindparam(name) for name in combination))
            for combination in self.form.unique
        )
        same_ledger = _here(others, shared=self._shared)
        return select(others.c.id).where(
            same_ledger, others.c.id != bindparam("row_key"), or_(*held)
        )

    def _prepare_find(
        self, names: tuple[str, ...], nulls: frozenset[str], *, after: bool, limit: bool
    ) -> Prepared:
        statement = self._where(select(*self._columns), names, nulls).order_by(self._key)
        if after:
            statement = statement.where(self._key > bindparam("row_after"))
        if limit:
            statement = statement.limit(bindparam("row_limit"))
        return Prepared(statement, self._dialect)

    def _prepare_count(self, names: tuple[str, ...], nulls: frozenset[str]) -> Prepared:
        statement = select(func.count()).select_from(self._table)
        return Prepared(self._where(statement, names, nulls), self._dialect)

    def _where(
        self,
        statement: Select[Any],  # Any: columns of any value
        names: tuple[str, ...],
        nulls: frozenset[str],
    ) -> Select[Any]:
        if self._shared:
            statement = statement.where(_here(self._table, shared=True))
        for name in names:
            column = self._table.c[name]
            equal = column.is_(None) if name in nulls else column == bindparam(f"equal_{name}")
            statement = statement.where(equal)
        return statement


@lru_cache(_KINDS_KEPT)
def statements_for(row_types: tuple[type[Row], ...], dialect: DialectName) -> "Statements":
    """The statements of ledgers that keep these rows; written once per process.

    In PostgreSQL ledgers share their tables, in SQLite each has its own.
    """
    if dialect == "sqlite":
        return Statements(Schema(row_types), SQLiteDialect_pysqlite())
    shared = Schema(row_types, shared=True)
    return Statements(shared, postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]


class Statements:
    """The statements of one kind of ledger; shared by its units and snapshots."""

    def __init__(self, schema: Schema, dialect: Dialect) -> None:
        self.schema = schema
        self._of = {each: RowStatements(schema, each, dialect) for each in schema.forms}
        entries = schema.entries
        here = _here(entries, shared=schema.shared)
        size = func.coalesce(func.max(entries.c.idx) + literal_column("1"), literal_column("0"))
        span = (here, entries.c.idx >= bindparam("start"), entries.c.idx < bindparam("stop"))
        self.size = Prepared(select(size).where(here), dialect)
        self.entry = Prepared(
            select(entries.c.entry).where(here, entries.c.idx == bindparam("at")), dialect
        )
        values = _values(("idx", "entry", "leaf_hash", IMPRINT), shared=schema.shared)
        self.append = Prepared(entries.insert().values(values), dialect)
        self.entries = Prepared(
            select(entries.c.entry).where(*span).order_by(entries.c.idx), dialect
        )
        self.leaf_hashes = Prepared(
            select(entries.c.leaf_hash).where(*span).order_by(entries.c.idx), dialect
        )

    def of(self, row_type: type[R]) -> RowStatements[R]:
        """The statements of a row type; `TypeError` when this kind of ledger keeps none."""
        if row_type not in self._of:
            raise TypeError(f"this ledger keeps no {row_type.__name__}")
        return cast("RowStatements[R]", self._of[row_type])
