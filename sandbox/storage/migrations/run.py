"""Carrying revisions out, and saying where a database stands.

Alembic keeps the line of descent and the table `alembic_version`; it is used as a library, on a
connection that the adapter opened and in a transaction that the adapter began.
"""

from collections.abc import Iterable
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from sandbox.storage.migrations.steps import Known, Step, Workplace
from sandbox.storage.rows import LedgerKind

BASELINE: Final = "0001"
VERSION_TABLE: Final = "alembic_version"
_FOLDER = Path(__file__).parent


class Standing(Enum):
    """Where a database stands, seen from the revisions of this program."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


def head() -> str:
    """The newest revision."""
    newest = _scripts().get_current_head()
    assert newest is not None  # noqa: S101 - the baseline is always there
    return newest


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


def steps_of(revision: str) -> tuple[Step, ...]:
    """What a revision says."""
    script = _scripts().get_revision(revision)
    assert script is not None  # noqa: S101 - asked for by what `revisions` gave
    steps: tuple[Step, ...] = script.module.STEPS
    return steps


def known_at(revision: str | None) -> Known:
    """All tables of rows at a revision; none before the first."""
    known: Known = {}
    for each in revisions() if revision else ():
        for step in steps_of(each):
            known = step.change(known)
        if each == revision:
            break
    return known


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is of; None when it is of none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    revision: str | None = found.scalar()
    return revision


def standing_of(revision: str | None) -> Standing:
    """Where a database of this revision stands."""
    if revision is None:
        return Standing.EMPTY
    if revision == head():
        return Standing.CURRENT
    return Standing.OLDER if revision in revisions() else Standing.NEWER


def upgrade(
    connection: Connection,
    kinds: Iterable[LedgerKind],
    *,
    shared: bool,
    to: str = "head",
) -> None:
    """Bring a database up to a revision, in the transaction that is under way."""
    scripts = _scripts()

    def wanted(revision: Any, _context: MigrationContext) -> Any:  # Any: Alembic's own
        return scripts._upgrade_revs(to, revision)  # noqa: SLF001 - as Alembic's own cookbook does

    context = MigrationContext.configure(connection, opts={"fn": wanted})
    place = Workplace(
        Operations(context), frozenset(kinds), shared, known_at(revision_of(connection))
    )
    context.run_migrations(place=place)


def stamp(connection: Connection, revision: str) -> None:
    """Say of a database that it is of a revision, and change nothing else."""
    MigrationContext.configure(connection).stamp(_scripts(), revision)
