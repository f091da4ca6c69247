"""Row types as SQLAlchemy Core tables, for any database.

- One table per row type, named after it; one column per field (`fields`); an index per name in
  `INDEXED`, a unique constraint per combination in `UNIQUE`.
- `entries` holds the log: index, exact entry, leaf hash, imprint. Its insert-only triggers are
  written by the adapter, because every database says them in its own words.
- All names are quoted: `release` and `index` are words of SQL.
- Only portable types; the key sorts by code point everywhere, so that paging agrees.
- Where all ledgers share one database, every table has a column `ledger` in front, which is part
  of its key, of every unique combination and of every index.
- `TableForm` says a table in few words; rows of today and the revisions of long ago
  (`migrations`) become tables by the same way.
"""

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from sandbox.acts import PLATFORM
from sandbox.records.port import Row
from sandbox.storage.fields import Form, Kind

R = TypeVar("R", bound=Row)

ENTRIES = "entries"
IMPRINT = "imprint"
LEDGERS = "ledgers"
LEDGER = "ledger"
SIGHTINGS = "sightings"
FAILURES = "failures"

_LEDGER_ID = re.compile(r"[0-9a-f]{32}")

_COLUMN_TYPES: Mapping[Kind, TypeEngine[Any]] = types.MappingProxyType(  # Any: of any value
    {
        Kind.TEXT: Text(),
        Kind.NUMBER: BigInteger(),
        Kind.TRUTH: Boolean(),
        Kind.OCTETS: LargeBinary(),
    }
)
# SQLite compares text by code point; PostgreSQL only under this collation.
_KEY_TYPE = Text().with_variant(Text(collation="C"), "postgresql")


def is_ledger_id(ledger: str) -> bool:
    """Whether `ledger` can be one: `platform` or 32 lowercase hex digits."""
    return ledger == PLATFORM or _LEDGER_ID.fullmatch(ledger) is not None


def table_name(row_type: type[Row]) -> str:
    """`IntakeKey` -> `intake_key`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", row_type.__name__).lower()


@dataclass(frozen=True)
class ColumnForm:
    """One column in few words."""

    name: str
    kind: Kind
    nullable: bool = False


@dataclass(frozen=True)
class TableForm:
    """One table in few words; the first column is the key."""

    name: str
    columns: tuple[ColumnForm, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexed: tuple[str, ...] = ()


def columns_of(text: str) -> tuple[ColumnForm, ...]:
    """Columns as a revision writes them: `id text, version number, key octets null`."""
    words = [each.split() for each in text.split(",")]
    return tuple(ColumnForm(name, Kind(kind), bool(null)) for name, kind, *null in words)


def form_of_table(form: Form[R]) -> TableForm:
    """The table of a row type."""
    return TableForm(
        table_name(form.row_type),
        tuple(ColumnForm(field.name, field.kind, field.nullable) for field in form.fields),
        form.unique,
        form.indexed,
    )


def column_of(form: ColumnForm, *, key: bool = False) -> Column[Any]:  # Any: of any value
    """The column that `form` tells of."""
    return Column(
        quoted_name(form.name, quote=True),
        _KEY_TYPE if key else _COLUMN_TYPES[form.kind],
        primary_key=key,
        nullable=form.nullable,
    )


def unique_name(table: str, combination: Sequence[str]) -> str:
    """The name of a unique constraint."""
    return f"unique_{table}_{'_'.join(combination)}"


def index_name(table: str, field: str) -> str:
    """The name of an index."""
    return f"index_{table}_{field}"


def combined(names: Sequence[str], *, shared: bool) -> list[str]:
    """The columns of a key, a constraint or an index, with the ledger where there are several."""
    return [LEDGER, *names] if shared else list(names)


def make_table(metadata: MetaData, form: TableForm, *, shared: bool) -> Table:
    """The table that `form` tells of, with its constraints and indexes."""
    table = Table(
        quoted_name(form.name, quote=True),
        metadata,
        *([_ledger_column()] if shared else ()),
        *(column_of(each, key=each is form.columns[0]) for each in form.columns),
        *(
            UniqueConstraint(
                *combined(combination, shared=shared), name=unique_name(form.name, combination)
            )
            for combination in form.unique
        ),
    )
    for name in form.indexed:
        # With the key behind it, a page of a search is read in order, without sorting.
        columns = combined((name, form.columns[0].name), shared=shared)
        Index(index_name(form.name, name), *(table.c[column] for column in columns))
    return table


def _ledger_column() -> Column[str]:
    return Column(quoted_name(LEDGER, quote=True), _KEY_TYPE, primary_key=True)


def make_entries(metadata: MetaData, *, shared: bool, imprints: bool = True) -> Table:
    """The table of the log; the first revisions knew no imprints."""
    return Table(
        ENTRIES,
        metadata,
        *([_ledger_column()] if shared else ()),
        # Only an INTEGER key is SQLite's own row number, which needs no index beside the table.
        Column(
            "idx",
            BigInteger().with_variant(Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("entry", LargeBinary, nullable=False),
        Column("leaf_hash", LargeBinary, nullable=False),
        *([imprint_column()] if imprints else ()),
    )


def imprint_column() -> Column[bytes]:
    """What an entry's act left in the rows (`sandbox.records.imprint`); null for no trace."""
    return Column(IMPRINT, LargeBinary, nullable=True)


def make_ledgers(metadata: MetaData) -> Table:
    """The list of ledgers, where they share one database."""
    return Table(LEDGERS, metadata, Column("id", _KEY_TYPE, primary_key=True))


def make_moments(metadata: MetaData) -> tuple[Table, Table]:
    """What processes tell one another and no ledger holds: sightings of sessions, failed logins."""
    sightings = Table(
        SIGHTINGS,
        metadata,
        Column("id", _KEY_TYPE, primary_key=True),
        Column("at", Text, nullable=False),
    )
    failures = Table(
        FAILURES,
        metadata,
        Column("id", _KEY_TYPE, primary_key=True),
        Column("count", BigInteger, nullable=False),
        Column("not_before", Text, nullable=False),
        Column("last_at", Text, nullable=False),
    )
    return sightings, failures


class Schema:
    """The tables of one kind of ledger, or of all ledgers where they share one database."""

    def __init__(self, row_types: Sequence[type[Row]], *, shared: bool = False) -> None:
        self.metadata = MetaData()
        self.shared = shared
        self.entries = make_entries(self.metadata, shared=shared)
        self.ledgers = make_ledgers(self.metadata) if shared else None
        if shared:
            make_moments(self.metadata)
        self.forms = types.MappingProxyType({each: Form(each) for each in row_types})
        self.tables = types.MappingProxyType(
            {
                each: make_table(self.metadata, form_of_table(form), shared=shared)
                for each, form in self.forms.items()
            }
        )

    def form_of(self, row_type: type[R]) -> Form[R]:
        """How a row type of this kind of ledger is written."""
        return cast("Form[R]", self.forms[row_type])
