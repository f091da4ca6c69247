"""What every row must be by now: the last trace that the log's imprints hold of each.

Kept in a temporary database without a name, which goes to the disk when it grows and is gone with
the process: memory stays flat, however many rows there are. It holds keys and digests only.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sandbox.records.imprint import Trace, shape_of
from sandbox.records.port import Row
from sandbox.storage.fields import Form
from sandbox.storage.migrations import run
from sandbox.storage.schema import table_name

_MAKE = """CREATE TABLE bound (
    name TEXT, key BLOB, shape BLOB, digest BLOB, checks TEXT, proved INT, PRIMARY KEY (name, key)
) WITHOUT ROWID"""
_PUT = "INSERT OR REPLACE INTO bound VALUES (?, ?, ?, ?, ?, ?)"
_ALL = "SELECT key, shape, digest, checks, proved FROM bound WHERE name = ? ORDER BY key"


@dataclass(frozen=True)
class Bound:
    """The last trace of one row; `proved` is whether its imprint was the one committed to."""

    key: str
    shape: bytes
    digest: bytes
    checks: tuple[int, ...]
    proved: bool


class Shapes:
    """Which columns each shape speaks of: of today's rows and of those of every revision."""

    def __init__(self, row_types: Sequence[type[Row]]) -> None:
        self.forms: Mapping[str, Form[Any]] = MappingProxyType(
            {table_name(each): Form(each) for each in row_types}
        )
        self._known: dict[bytes, tuple[str, tuple[str, ...]]] = {}
        for revision in run.revisions():
            for name, kept in run.known_at(revision).items():
                if name in self.forms:
                    self._learn(name, tuple(column.name for column in kept.form.columns))
        for name, form in self.forms.items():
            self._learn(name, form.names)

    def _learn(self, name: str, columns: tuple[str, ...]) -> None:
        kind = self.forms[name].row_type.__name__
        self._known[shape_of(kind, columns)] = (name, columns)

    def table(self, shape: bytes) -> str | None:
        """The table that a shape is of; None when no revision ever knew it."""
        found = self._known.get(shape)
        return found and found[0]

    def positions(self, shape: bytes) -> tuple[int, ...] | None:
        """Where the shape's columns stand in today's row; None when one of them is gone."""
        name, columns = self._known[shape]
        today = self.forms[name].positions
        if not today.keys() >= set(columns):
            return None
        return tuple(today[column] for column in columns)


class Expected:
    """The last trace of every row of one ledger."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._kept = sqlite3.connect("", isolation_level=None)
        self._kept.execute(_MAKE)
        self._kept.execute("BEGIN")
        self.unknown = 0  # traces of tables that no revision knows

    def take(self, traces: Iterable[Trace], *, proved: bool) -> None:
        """Take what one imprint says; imprints come in the order of their entries."""
        for trace in traces:
            name = self._shapes.table(trace.shape)
            if name is None:
                self.unknown += 1
                continue
            key = trace.key.encode("utf-8", "surrogateescape")
            checks = " ".join(map(str, trace.checks))
            self._kept.execute(_PUT, (name, key, trace.shape, trace.digest, checks, proved))

    def of(self, table: str) -> Iterator[Bound]:
        """The traces of a table's rows, in the order of their keys."""
        for key, shape, digest, checks, proved in self._kept.execute(_ALL, (table,)):
            yield Bound(
                key.decode("utf-8", "surrogateescape"),
                shape,
                digest,
                tuple(map(int, checks.split())),
                bool(proved),
            )

    def close(self) -> None:
        """Forget it."""
        self._kept.close()
