"""What a revision changes, in few words; the same words for every database.

- A step says what to do (`run`), and what there is afterwards (`change`): so the tables of any
  revision are known without a database.
- Which tables a database holds depends on whose ledgers it keeps: a file of the platform's
  ledger has no table `task`, and a step on it passes that file by.
- New columns are filled by a value, never by a default that stays behind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from alembic.operations import Operations
from sqlalchemy import ColumnClause, MetaData, Table, column, table, update

from sandbox.storage.fields import Stored
from sandbox.storage.rows import LedgerKind
from sandbox.storage.schema import (
    ENTRIES,
    ColumnForm,
    TableForm,
    column_of,
    combined,
    imprint_column,
    index_name,
    make_entries,
    make_ledgers,
    make_moments,
    make_table,
    unique_name,
)


@dataclass(frozen=True)
class Kept:
    """A table, and in which kinds of ledger it is kept."""

    form: TableForm
    kinds: frozenset[LedgerKind]


Known = Mapping[str, Kept]
"""All tables of rows at one revision, by name."""


class Step(Protocol):
    """One change of the tables."""

    def run(self, place: "Workplace") -> None:
        """Do it in a database."""
        ...

    def change(self, known: Known) -> Known:
        """What there is afterwards."""
        ...


@dataclass
class Workplace:
    """One database in the midst of its migration.

    Attributes:
        operations: Alembic's, on the database's connection.
        kinds: whose ledgers it keeps.
        shared: whether several ledgers share its tables.
        known: its tables as they are now, and those of the other kinds.
    """

    operations: Operations
    kinds: frozenset[LedgerKind]
    shared: bool
    known: Known = field(default_factory=dict)

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Do what a revision says."""
        for step in steps:
            step.run(self)
            self.known = step.change(self.known)

    def has(self, name: str) -> bool:
        """Whether this database keeps the table."""
        return bool(self.known[name].kinds & self.kinds)

    def make(self, made: Table) -> None:
        """Create a table with its indexes."""
        made.create(self.operations.get_bind())

    def fill(self, name: str, column_name: str, value: Stored) -> None:
        """Give the column a value in each row that has none."""
        filled: ColumnClause[Stored] = column(column_name)
        statement = update(table(name, filled)).where(filled.is_(None)).values({filled: value})
        self.operations.execute(statement)


@dataclass(frozen=True)
class MakeLog:
    """The tables that are no rows: entries, and the list of ledgers."""

    def run(self, place: Workplace) -> None:
        """Make them."""
        place.make(make_entries(MetaData(), shared=place.shared, imprints=False))
        if place.shared:
            place.make(make_ledgers(MetaData()))

    def change(self, known: Known) -> Known:
        """They are not among the tables of rows."""
        return known


@dataclass(frozen=True)
class AddImprints:
    """Beside each entry, what its act left in the rows."""

    def run(self, place: Workplace) -> None:
        """Add the column; entries that are there have none."""
        place.operations.add_column(ENTRIES, imprint_column())

    def change(self, known: Known) -> Known:
        """Entries are not among the tables of rows."""
        return known


@dataclass(frozen=True)
class MakeMoments:
    """The tables of what processes tell one another, where they share a database."""

    def run(self, place: Workplace) -> None:
        """Make them."""
        if place.shared:
            for made in make_moments(MetaData()):
                place.make(made)

    def change(self, known: Known) -> Known:
        """They are not among the tables of rows."""
        return known


@dataclass(frozen=True)
class MakeTable:
    """A new table of rows."""

    form: TableForm
    kinds: tuple[LedgerKind, ...]

    def run(self, place: Workplace) -> None:
        """Make it."""
        if place.kinds & set(self.kinds):
            place.make(make_table(MetaData(), self.form, shared=place.shared))

    def change(self, known: Known) -> Known:
        """It is there."""
        return {**known, self.form.name: Kept(self.form, frozenset(self.kinds))}


@dataclass(frozen=True)
class DropTable:
    """A table that is no more, and its rows with it."""

    table: str

    def run(self, place: Workplace) -> None:
        """Drop it."""
        if place.has(self.table):
            place.operations.drop_table(self.table)

    def change(self, known: Known) -> Known:
        """It is gone."""
        return {name: kept for name, kept in known.items() if name != self.table}


@dataclass(frozen=True)
class AddColumn:
    """A new column; `fill` is its value in the rows that are there, None where it may be null."""

    table: str
    column: ColumnForm
    fill: Stored = None

    def run(self, place: Workplace) -> None:
        """Add and fill it."""
        if not place.has(self.table):
            return
        added = column_of(replace(self.column, nullable=True))
        place.operations.add_column(self.table, added)
        if not self.column.nullable:
            place.fill(self.table, self.column.name, self.fill)
            with place.operations.batch_alter_table(self.table) as batch:
                batch.alter_column(self.column.name, nullable=False)

    def change(self, known: Known) -> Known:
        """It stands behind the others."""
        form = known[self.table].form
        return _with(known, replace(form, columns=(*form.columns, self.column)))


@dataclass(frozen=True)
class DropColumn:
    """A column that is no more; what names it was dropped before."""

    table: str
    column: str

    def run(self, place: Workplace) -> None:
        """Drop it."""
        if place.has(self.table):
            with place.operations.batch_alter_table(self.table) as batch:
                batch.drop_column(self.column)

    def change(self, known: Known) -> Known:
        """It is gone."""
        form = known[self.table].form
        left = tuple(each for each in form.columns if each.name != self.column)
        return _with(known, replace(form, columns=left))


@dataclass(frozen=True)
class SetNullable:
    """A column may be null from now on, or no more; then `fill` stands where it was."""

    table: str
    column: str
    nullable: bool
    fill: Stored = None

    def run(self, place: Workplace) -> None:
        """Fill it where that is needed, and change the column."""
        if not place.has(self.table):
            return
        if not self.nullable:
            place.fill(self.table, self.column, self.fill)
        with place.operations.batch_alter_table(self.table) as batch:
            batch.alter_column(self.column, nullable=self.nullable)

    def change(self, known: Known) -> Known:
        """The column is another."""
        form = known[self.table].form
        columns = tuple(
            replace(each, nullable=self.nullable) if each.name == self.column else each
            for each in form.columns
        )
        return _with(known, replace(form, columns=columns))


@dataclass(frozen=True)
class AddUnique:
    """A combination that is single from now on."""

    table: str
    columns: tuple[str, ...]

    def run(self, place: Workplace) -> None:
        """Add the constraint; doubles that are there make the migration fail."""
        if place.has(self.table):
            with place.operations.batch_alter_table(self.table) as batch:
                batch.create_unique_constraint(
                    unique_name(self.table, self.columns),
                    combined(self.columns, shared=place.shared),
                )

    def change(self, known: Known) -> Known:
        """It is the last one."""
        form = known[self.table].form
        return _with(known, replace(form, unique=(*form.unique, self.columns)))


@dataclass(frozen=True)
class DropUnique:
    """A combination that may repeat from now on."""

    table: str
    columns: tuple[str, ...]

    def run(self, place: Workplace) -> None:
        """Drop the constraint."""
        if place.has(self.table):
            with place.operations.batch_alter_table(self.table) as batch:
                batch.drop_constraint(unique_name(self.table, self.columns), type_="unique")

    def change(self, known: Known) -> Known:
        """It is gone."""
        form = known[self.table].form
        left = tuple(each for each in form.unique if each != self.columns)
        return _with(known, replace(form, unique=left))


@dataclass(frozen=True)
class AddIndex:
    """A field by which rows are found fast from now on."""

    table: str
    column: str

    def run(self, place: Workplace) -> None:
        """Add the index."""
        if place.has(self.table):
            key = place.known[self.table].form.columns[0].name
            columns = combined((self.column, key), shared=place.shared)
            name = index_name(self.table, self.column)
            place.operations.create_index(name, self.table, columns)

    def change(self, known: Known) -> Known:
        """It is the last one."""
        form = known[self.table].form
        return _with(known, replace(form, indexed=(*form.indexed, self.column)))


@dataclass(frozen=True)
class DropIndex:
    """A field by which nobody looks any more."""

    table: str
    column: str

    def run(self, place: Workplace) -> None:
        """Drop the index."""
        if place.has(self.table):
            place.operations.drop_index(index_name(self.table, self.column), self.table)

    def change(self, known: Known) -> Known:
        """It is gone."""
        form = known[self.table].form
        left = tuple(each for each in form.indexed if each != self.column)
        return _with(known, replace(form, indexed=left))


def _with(known: Known, form: TableForm) -> Known:
    return {**known, form.name: replace(known[form.name], form=form)}
