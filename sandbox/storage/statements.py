"""The statements of a schema, written by SQLAlchemy once and run by the driver directly.

SQLAlchemy writes the SQL for any database, but running a statement through it costs some 40
microseconds, the driver alone 6, and the gate runs a dozen statements per act.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    ClauseElement,
    Dialect,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from sandbox.records.port import Row
from sandbox.storage.fields import Form, Stored
from sandbox.storage.schema import Schema

R = TypeVar("R", bound=Row)

Values = Mapping[str, Stored]

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

    def bind_all(self, many: Sequence[Values]) -> Sequence[Any]:  # Any: of one form or the other
        """Each of `many` as the driver wants it."""
        return [self.bind(values) for values in many]


class RowStatements(Generic[R]):
    """The statements of one row type."""

    def __init__(self, schema: Schema, row_type: type[R], dialect: Dialect) -> None:
        self.form: Form[R] = schema.form_of(row_type)
        self._table = schema.tables[row_type]
        self._key = self._table.c.id
        self._dialect = dialect
        this_row = self._key == bindparam("row_key")
        self.get = Prepared(select(self._table).where(this_row), dialect)
        self.insert = Prepared(self._table.insert(), dialect)
        self.replace = Prepared(update(self._table).where(this_row), dialect, self.form.names[1:])
        self.find = lru_cache(_SHAPES_KEPT)(self._prepare_find)
        self.count = lru_cache(_SHAPES_KEPT)(self._prepare_count)

    def _prepare_find(
        self, names: tuple[str, ...], nulls: frozenset[str], *, after: bool, limit: bool
    ) -> Prepared:
        statement = self._where(select(self._table), names, nulls).order_by(self._key)
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
        for name in names:
            column = self._table.c[name]
            equal = column.is_(None) if name in nulls else column == bindparam(f"equal_{name}")
            statement = statement.where(equal)
        return statement


class Statements:
    """The statements of one kind of ledger; shared by its units and snapshots."""

    def __init__(self, schema: Schema, dialect: Dialect) -> None:
        self.schema = schema
        self._of = {each: RowStatements(schema, each, dialect) for each in schema.forms}
        entries = schema.entries
        size = func.coalesce(func.max(entries.c.idx) + literal_column("1"), literal_column("0"))
        span = (entries.c.idx >= bindparam("start"), entries.c.idx < bindparam("stop"))
        self.size = Prepared(select(size), dialect)
        self.entry = Prepared(
            select(entries.c.entry).where(entries.c.idx == bindparam("at")), dialect
        )
        self.append = Prepared(entries.insert(), dialect)
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
