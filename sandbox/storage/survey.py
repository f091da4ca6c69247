"""A ledger's stored rows and entries as they lie there, read and never written.

- What is read here may have been changed behind the gate: nothing is decoded, no type is believed,
  and text that is no UTF-8 is read all the same.
- One survey sees one moment, whatever is committed meanwhile.
- Entries and imprints are only ever added, so that those below a size seen before may also be read
  outside of that moment (`store`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from sandbox.errors import LedgerUnavailable, NotFound
from sandbox.records.imprint import Stored
from sandbox.storage.fields import Form
from sandbox.storage.migrations import run
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import begun
from sandbox.storage.schema import ENTRIES, IMPRINT, is_ledger_id, table_name

_SHOW: Final = "SELECT set_config('anbiao.ledger', %(ledger)s, true)"
StoredEntry = tuple[int, Stored, Stored, Stored]
"""Index, entry, leaf hash and imprint."""


class Survey(Protocol):
    """What one ledger holds at one moment."""

    def size(self) -> int:
        """One more than the highest index of an entry; 0 without any."""
        ...

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """Entries `start` <= index < `stop`, in order, as far as they are there."""
        ...

    def rows(self, form: Form[Any], after: Stored, limit: int) -> Sequence[tuple[Stored, ...]]:
        """Rows in their written form, in the order of their keys, from behind `after` if given."""
        ...


class Surveyor(Protocol):
    """Where surveys come from."""

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        ...

    def survey(self, ledger: str) -> AbstractContextManager[Survey]:
        """A survey of this moment, as a context."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class _Statements:
    """The few statements, in the words that both databases understand."""

    def __init__(self, here: str, value: str) -> None:
        self._here = here
        self._value = value
        self.size = f"SELECT max(idx) FROM {ENTRIES} WHERE {here}"  # noqa: S608 - constants
        self.entries = (
            f"SELECT idx, entry, leaf_hash, {IMPRINT} FROM {ENTRIES} WHERE {here}"  # noqa: S608
            f" AND idx >= {value} AND idx < {value} ORDER BY idx"
        )

    def rows(self, form: Form[Any], after: str = "") -> str:
        columns = ", ".join(f'"{name}"' for name in form.names)
        behind = f'AND "id" > {after}' if after else ""
        return (
            f'SELECT {columns} FROM "{table_name(form.row_type)}" WHERE {self._here}'  # noqa: S608
            f' {behind} ORDER BY "id" LIMIT {self._value}'
        )


_SQLITE: Final = _Statements("true", "?")
_POSTGRES: Final = _Statements("ledger = current_setting('anbiao.ledger')", "%s")


class _SqliteSurvey:
    """A transaction on a connection that can't write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        ((highest,),) = self._run(_SQLITE.size)
        return 0 if highest is None else int(highest) + 1

    def entries(self, start: int, stop: int) -> list[StoredEntry]:
        return self._run(_SQLITE.entries, start, stop)

    def rows(self, form: Form[Any], after: Stored, limit: int) -> list[tuple[Stored, ...]]:
        if after is None:
            return self._run(_SQLITE.rows(form), limit)
        if isinstance(after, str):
            # As octets: the driver would refuse a key that is no UTF-8.
            octets = after.encode("utf-8", "surrogateescape")
            return self._run(_SQLITE.rows(form, "CAST(? AS TEXT)"), octets, limit)
        return self._run(_SQLITE.rows(form, "?"), after, limit)

    def _run(self, text: str, *values: Stored) -> list[Any]:  # Any: rows of any width
        try:
            return self._connection.execute(text, values).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise LedgerUnavailable from error


class SqliteSurveyor:
    """The ledgers in a folder of files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        stems = (path.name.removesuffix(".sqlite") for path in self._folder.glob("*.sqlite"))
        return sorted(stem for stem in stems if is_ledger_id(stem))

    @contextmanager
    def survey(self, ledger: str) -> Iterator[Survey]:
        """A survey of this moment.

        Raises:
            NotFound: there is no such ledger.
            LedgerUnavailable: its file can't be read, or is of another revision.
        """
        path = self._folder / f"{ledger}.sqlite"
        if not path.is_file():
            raise NotFound
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
            )
        except sqlite3.Error as error:
            raise LedgerUnavailable from error
        connection.text_factory = _any_text
        with closing(connection):
            try:
                connection.execute("PRAGMA query_only=ON")
                connection.execute("BEGIN")
                found = connection.execute(f"SELECT version_num FROM {run.VERSION_TABLE}")  # noqa: S608
                revision = found.fetchone()
            except sqlite3.Error as error:
                raise LedgerUnavailable from error
            if revision != (run.head(),):
                message = "the ledger's file is of another revision than this program"
                raise LedgerUnavailable("ledger-schema-differs", message)
            yield _SqliteSurvey(connection)

    def close(self) -> None:
        """Nothing is held from one survey to the next."""


def _any_text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


class _PostgresSurvey:
    """A REPEATABLE READ transaction of a role that may read this ledger's rows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        ((highest,),) = self._run(_POSTGRES.size)
        return 0 if highest is None else int(highest) + 1

    def entries(self, start: int, stop: int) -> list[StoredEntry]:
        return self._run(_POSTGRES.entries, start, stop)

    def rows(self, form: Form[Any], after: Stored, limit: int) -> list[tuple[Stored, ...]]:
        if after is None:
            return self._run(_POSTGRES.rows(form), limit)
        return self._run(_POSTGRES.rows(form, "%s"), after, limit)

    def _run(self, text: str, *values: Stored) -> list[Any]:  # Any: rows of any width
        try:
            found = self._connection.exec_driver_sql(text, values)
            return [tuple(row) for row in found]
        except SQLAlchemyError as error:
            raise LedgerUnavailable from error


class PostgresSurveyor:
    """The ledgers in one schema of PostgreSQL.

    Raises:
        Unavailable: as `PostgresLedgers`.
    """

    def __init__(self, address: URL) -> None:
        self._ledgers = PostgresLedgers(address)

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        return self._ledgers.names()

    @contextmanager
    def survey(self, ledger: str) -> Iterator[Survey]:
        """A survey of this moment.

        Raises:
            NotFound: there is no such ledger.
            LedgerUnavailable: the database fails.
        """
        if ledger not in self.names():
            raise NotFound
        with begun(self._ledgers.reader, _SHOW, {"ledger": ledger}) as connection:
            yield _PostgresSurvey(connection)

    def close(self) -> None:
        """Close all connections."""
        self._ledgers.close()
