"""The owner's part in PostgreSQL: tables, guards and rights; and what the application checks.

- The owner's role migrates. It owns the tables and is not used by any process of the house.
- After every migration the guards are laid down again from the list of tables: triggers that keep
  `entries` insert-only and in order, row-level security by ledger, and the rights of the
  application's role. So a revision has to say nothing about them.
- The application checks at its start that its role can't change tables or entries, and that the
  tables are of this program's revision.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from sandbox.errors import StateError, Unavailable
from sandbox.records.port import Row
from sandbox.storage.migrations import run
from sandbox.storage.postgres_link import role_name, start_failure
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS, LedgerKind
from sandbox.storage.schema import ENTRIES, FAILURES, LEDGER, LEDGERS, SIGHTINGS, Schema

_ALL_ROWS: Final = tuple(dict.fromkeys((*PLATFORM_ROWS, *HOSPITAL_ROWS)))

# Integrity violations, so that they are told apart from a server that fails.
_TRIGGERS: Final = (
    """CREATE OR REPLACE FUNCTION entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION 'entries are insert-only'
           USING ERRCODE = 'integrity_constraint_violation';
       END $$""",
    """CREATE OR REPLACE FUNCTION entries_next_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.idx IS DISTINCT FROM
            (SELECT coalesce(max(idx) + 1, 0) FROM entries WHERE ledger = NEW.ledger) THEN
           RAISE EXCEPTION 'entries grow by the next index'
             USING ERRCODE = 'integrity_constraint_violation';
         END IF;
         RETURN NEW;
       END $$""",
    # Without it a temporary table, whosever, would be searched first.
    """DO $$
       DECLARE place text := quote_ident(current_schema()) || ', pg_temp';
       BEGIN
         EXECUTE 'ALTER FUNCTION entries_refuse_change() SET search_path = ' || place;
         EXECUTE 'ALTER FUNCTION entries_next_only() SET search_path = ' || place;
       END $$""",
    """CREATE OR REPLACE TRIGGER entries_refuse_change BEFORE UPDATE OR DELETE ON entries
       FOR EACH ROW EXECUTE FUNCTION entries_refuse_change()""",
    """CREATE OR REPLACE TRIGGER entries_refuse_truncate BEFORE TRUNCATE ON entries
       FOR EACH STATEMENT EXECUTE FUNCTION entries_refuse_change()""",
    """CREATE OR REPLACE TRIGGER entries_next_only BEFORE INSERT ON entries
       FOR EACH ROW EXECUTE FUNCTION entries_next_only()""",
)

# One row: what a role may that the application's must not, or lacks that it needs.
_RIGHTS: Final = f"""
SELECT
  r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls
    OR pg_has_role(c.relowner, 'MEMBER')
    OR has_schema_privilege(c.relnamespace, 'CREATE')
    OR has_database_privilege(current_database(), 'CREATE')
    OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') AS mighty,
  has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
  NOT has_table_privilege(c.oid, 'INSERT') OR NOT has_table_privilege(c.oid, 'SELECT')
    OR NOT has_table_privilege('{run.VERSION_TABLE}', 'SELECT') AS weak
FROM pg_roles r, pg_class c
WHERE r.rolname = current_user AND c.oid = to_regclass('{ENTRIES}')
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Migrated:
    """From which revision to which a database was brought."""

    before: str | None
    after: str


def migrate(
    url: URL, role: str | None = None, *, guests: Sequence[type[Row]] = (), to: str = "head"
) -> Migrated:
    """Bring the tables to this program's revision, as their owner, and lay the guards down.

    Args:
        url: the database, with the owner's role.
        role: the application's role, which gets its rights; none changes nobody's.
        guests: rows that are no part of the house, as trials and tests bring along.
        to: the last revision to carry out.

    Raises:
        Unavailable: `database-unreachable`, `database-refused`, `schema-newer`, `migration-failed`.
        StateError: `database-in-use`: processes of the house still use tables that would change.
    """
    with _owning(url) as connection:
        # Two that migrate at once: the second waits, and finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
        before = run.revision_of(connection)
        standing = run.standing_of(before)
        if standing is run.Standing.NEWER:
            raise Unavailable("schema-newer", "a newer version made these tables")
        if standing is run.Standing.OLDER:
            _refuse_in_use(connection)
        if standing is not run.Standing.CURRENT:
            run.upgrade(connection, LedgerKind, shared=True, to=to)
        schema = Schema(guests, shared=True)
        schema.metadata.create_all(connection, [schema.tables[each] for each in guests])
        for statement in _guards(role, guests):
            connection.exec_driver_sql(statement)
        return Migrated(before, run.revision_of(connection) or "")


def prepare(url: URL, name: str) -> str:
    """Make schema and application's role of one name, and the tables, as somebody who may.

    Returns:
        The address for the application, its new password in it: to be kept in a file of mode 0600.

    Raises:
        Unavailable: `database-unreachable`, `database-refused`, `migration-failed`.
        StateError: `role-exists`, `schema-exists`.
    """
    password = secrets.token_urlsafe(24)
    with _owning(url) as connection:
        _make_role(connection, role_name(name), password)
        if connection.scalar(text("SELECT to_regnamespace(:name)"), {"name": name}):
            raise StateError("schema-exists", "there is a schema of this name already")
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    options = " ".join(filter(None, (str(url.query.get("options", "")), f"-csearch_path={name}")))
    inside = url.update_query_dict({"options": options})
    migrate(inside, name)
    return inside.set(username=name, password=password).render_as_string(hide_password=False)


def _make_role(connection: Connection, role: str, password: str) -> None:
    taken = "SELECT 1 FROM pg_roles WHERE rolname = :name"
    if connection.scalar(text(taken), {"name": role}):
        raise StateError("role-exists", "there is a role of this name already")
    # The server gets a verifier, not the password: what it logs opens nothing.
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    octets = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{octets.decode()}'")


def check_start(engine: Engine) -> None:
    """What the application makes sure of before it opens a ledger.

    Raises:
        Unavailable: `database-unreachable`, `database-refused`, `database-unsafe`,
            `schema-missing`, `database-role-unfit`, `schema-older`, `schema-newer`.
    """
    try:
        with engine.connect() as connection:
            if connection.scalar(text("SELECT current_setting('fsync')")) != "on":
                message = "the server runs with fsync off: what it commits may be lost"
                raise Unavailable("database-unsafe", message)
            _check_role(connection)
            _check_revision(connection)
    except DBAPIError as error:
        raise start_failure(engine.url, error) from error


def _check_role(connection: Connection) -> None:
    if connection.scalar(text(f"SELECT to_regclass('{run.VERSION_TABLE}')")) is None:
        raise Unavailable("schema-missing", "no tables here: run `anbiao database migrate`")
    found = connection.execute(text(_RIGHTS)).one_or_none()
    if found is None or found.weak:
        message = "the role lacks rights: run `anbiao database migrate` with --role"
        raise Unavailable("database-role-unfit", message)
    if found.mighty:
        message = "the role may change tables or entries; serve with the application's own"
        raise Unavailable("database-role-unfit", message)
    if found.temporary:
        message = "the role may make temporary tables: REVOKE TEMPORARY ON DATABASE from it, PUBLIC"
        raise Unavailable("database-role-unfit", message)


def _check_revision(connection: Connection) -> None:
    match run.standing_of(run.revision_of(connection)):
        case run.Standing.NEWER:
            raise Unavailable("schema-newer", "a newer version made these tables")
        case run.Standing.OLDER | run.Standing.EMPTY:
            message = "the tables are of an older version: run `anbiao database migrate`"
            raise Unavailable("schema-older", message)
        case run.Standing.CURRENT:
            return


def _refuse_in_use(connection: Connection) -> None:
    """Nobody of the house may be connected while tables change under its statements."""
    others = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'anbiao' AND usename <> current_user"""
    if connection.scalar(text(others)):
        message = "stop serve and worker first: tables would change under them"
        raise StateError("database-in-use", message)


def _guards(role: str | None, guests: Sequence[type[Row]]) -> Iterator[str]:
    tables = [table.name for table in Schema((*_ALL_ROWS, *guests), shared=True).tables.values()]
    yield from _TRIGGERS
    for table in (ENTRIES, *tables):
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
        yield f'DROP POLICY IF EXISTS own_ledger ON "{table}"'
        yield (
            f'CREATE POLICY own_ledger ON "{table}"'
            f" USING ({LEDGER} = current_setting('anbiao.ledger', true))"
        )
    if role is not None:
        yield from _rights(role_name(role), tables)


def _rights(role: str, tables: Sequence[str]) -> Iterator[str]:
    yield f"""DO $$
        DECLARE place text := quote_ident(current_schema());
        BEGIN
          EXECUTE 'REVOKE CREATE ON SCHEMA ' || place || ' FROM PUBLIC';
          EXECUTE 'REVOKE ALL ON ALL TABLES IN SCHEMA ' || place || ' FROM {role}';
          EXECUTE 'REVOKE ALL ON SCHEMA ' || place || ' FROM {role}';
          EXECUTE 'GRANT USAGE ON SCHEMA ' || place || ' TO {role}';
          -- A temporary table could stand in for a real one.
          IF (SELECT pg_has_role(datdba, 'MEMBER') FROM pg_database
              WHERE datname = current_database()) THEN
            EXECUTE 'REVOKE TEMPORARY ON DATABASE ' || quote_ident(current_database())
              || ' FROM PUBLIC, {role}';
          END IF;
        END $$"""  # noqa: S608 - `role` is a checked name
    yield f"GRANT SELECT ON {run.VERSION_TABLE} TO {role}"
    yield f"GRANT SELECT, INSERT ON {ENTRIES}, {LEDGERS} TO {role}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {SIGHTINGS}, {FAILURES} TO {role}"
    for table in tables:
        yield f'GRANT SELECT, INSERT, UPDATE ON "{table}" TO {role}'


@contextmanager
def _owning(url: URL) -> Iterator[Connection]:
    """A transaction of the owner's, committed when the body ends well."""
    about = {"connect_timeout": 5, "application_name": "anbiao-owner"}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=about)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise start_failure(url, error) from error
    try:
        with connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise Unavailable("migration-failed", "the database refused; nothing changed") from error
    finally:
        engine.dispose()
