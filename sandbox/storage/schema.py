"""Row types as SQLAlchemy Core tables, for any database.

- One table per row type, named after it; one column per field (`fields`); an index per name in
  `INDEXED`, a unique constraint per combination in `UNIQUE`.
- `entries` holds the log: index, exact entry, leaf hash. Its insert-only triggers are written
  by the adapter, because every database says them in its own words.
- All names are quoted: `release` and `index` are words of SQL.
- Only portable types; the key sorts by code point everywhere, so that paging agrees.
"""

import re
import types
from collections.abc import Mapping, Sequence
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
from sandbox.storage.fields import Field, Form, Kind

R = TypeVar("R", bound=Row)

ENTRIES = "entries"

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


def _column(field: Field, *, key: bool) -> Column[Any]:  # Any: of any value
    column_type = _KEY_TYPE if key else _COLUMN_TYPES[field.kind]
    return Column(
        quoted_name(field.name, quote=True),
        column_type,
        primary_key=key,
        nullable=field.nullable,
    )


def _table(metadata: MetaData, form: Form[R]) -> Table:
    name = table_name(form.row_type)
    table = Table(
        quoted_name(name, quote=True),
        metadata,
        *(_column(field, key=field is form.fields[0]) for field in form.fields),
        *(
            UniqueConstraint(*combination, name=f"unique_{name}_{'_'.join(combination)}")
            for combination in form.unique
        ),
    )
    for field_name in form.indexed:
        # With the key behind it, a page of a search is read in order, without sorting.
        Index(f"index_{name}_{field_name}", table.c[field_name], table.c.id)
    return table


def _entries(metadata: MetaData) -> Table:
    return Table(
        ENTRIES,
        metadata,
        # Only an INTEGER key is SQLite's own row number, which needs no index beside the table.
        Column(
            "idx",
            BigInteger().with_variant(Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("entry", LargeBinary, nullable=False),
        Column("leaf_hash", LargeBinary, nullable=False),
    )


class Schema:
    """The tables of one kind of ledger."""

    def __init__(self, row_types: Sequence[type[Row]]) -> None:
        self.metadata = MetaData()
        self.entries = _entries(self.metadata)
        self.forms = types.MappingProxyType({each: Form(each) for each in row_types})
        self.tables = types.MappingProxyType(
            {each: _table(self.metadata, form) for each, form in self.forms.items()}
        )

    def form_of(self, row_type: type[R]) -> Form[R]:
        """How a row type of this kind of ledger is written."""
        return cast("Form[R]", self.forms[row_type])
