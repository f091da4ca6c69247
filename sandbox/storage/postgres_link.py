"""The way to a PostgreSQL server: addresses, connections, and what their failures mean.

- An address may hold a password: it is printed nowhere, and no message of the driver is passed on.
- Whatever a server fails at is `LedgerUnavailable`. A connection that broke is thrown away with
  all others of its pool; the next one is made anew, so that a server that comes back is used
  again without a hand.
- The first statement on a connection is tried twice: one kept from before may be dead without our
  knowing, and nothing was done on it yet.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from crypto import secretfile
from crypto.errors import VerificationError
from sandbox.errors import LedgerUnavailable, Unacceptable, Unavailable, VerificationFailed
from sandbox.settings import is_loopback

Address = URL
"""Where a database is, and as whom; it may hold a password."""

_DRIVER: Final = "postgresql+psycopg"
_SCHEMES: Final = frozenset({"postgresql", "postgres", _DRIVER})
_ROLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_STATEMENTS_KEPT: Final = 512  # prepared statements per connection

# A machine that vanishes must not hold a ledger's lock for hours; an act takes milliseconds.
_LIMITS: Final = (("idle_in_transaction_session_timeout", "60s"), ("statement_timeout", "60s"))
_NETWORK: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
    "application_name": "anbiao",
}


def address_in(text: str) -> URL:
    """The address that `text` says.

    Raises:
        Unacceptable: `database-url-malformed`: it is no PostgreSQL URL. It is never repeated.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _SCHEMES or not url.database:
        message = "a database is postgresql://USER@HOST/DATABASE"
        raise Unacceptable("database-url-malformed", message, field="database")
    return url.set(drivername=_DRIVER)


def address_in_file(path: Path) -> URL:
    """The address in a file that only its owner can read.

    Raises:
        VerificationFailed: `file-exposed`, `file-missing`.
        Unacceptable: as `address_in`.
    """
    try:
        octets = secretfile.read(path)
    except VerificationError as error:
        message = "the file of the database's address must exist with mode 0600"
        raise VerificationFailed(error.code, message) from error
    return address_in(octets.decode("utf-8", errors="replace"))


def address_given(text: str | None, path: Path | None) -> URL | None:
    """The address that a house's settings name, by value or by file; None where there is none.

    Raises:
        VerificationFailed, Unacceptable: as `address_in_file` and `address_in`.
    """
    if path is not None:
        return address_in_file(path)
    return None if text is None else address_in(text)


def may_be_overheard(url: URL) -> bool:
    """Whether a network lies between, and the address does not demand a verified server.

    What the address leaves open, the environment of the process or a service file would fill in.
    """
    _, given = psycopg_dialect().create_connect_args(url)
    if given.get("sslmode") == "verify-full":
        return False
    implied = {each.keyword: each.val for each in psycopg.pq.Conninfo.get_defaults()}
    said = {name.encode(): str(value).encode() for name, value in given.items()}
    known = {name: value for name, value in (implied | said).items() if value}
    if b"service" in known:
        return True
    hosts = known.get(b"hostaddr") or known.get(b"host") or b""
    return any(_is_afar(host.strip()) for host in hosts.decode().split(","))


def _is_afar(host: str) -> bool:
    # Nothing, a path and an abstract name are Unix sockets.
    return bool(host) and host[0] not in "/@" and not is_loopback(host)


def psycopg_dialect() -> Any:  # Any: SQLAlchemy gives its drivers no types
    """How statements are written for the driver."""
    return postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]  # same


def role_name(text: str) -> str:
    """The name of a role or schema, when it is one that needs no quoting.

    Raises:
        Unacceptable: `role-refused`.
    """
    if not _ROLE.fullmatch(text):
        message = "a role or schema is small letters, digits and underscores"
        raise Unacceptable("role-refused", message, field="role")
    return text


@dataclass(frozen=True)
class Manner:
    """How the connections of a pool behave."""

    isolation: psycopg.IsolationLevel
    read_only: bool
    kept: int
    most: int
    wait_s: float


def pool_of(url: URL, manner: Manner, settings: Mapping[str, str]) -> Engine:
    """A pool of connections; each is made at its first use."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=manner.kept,
        max_overflow=manner.most - manner.kept,
        pool_timeout=manner.wait_s,
        connect_args=_NETWORK,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _behave(connection: Any, _record: object) -> None:  # Any: the driver's connection
        for name, value in (*_LIMITS, *settings.items()):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()
        connection.isolation_level = manner.isolation
        connection.read_only = manner.read_only
        connection.prepared_max = _STATEMENTS_KEPT

    return engine


@contextmanager
def begun(engine: Engine, first: str, values: Mapping[str, object]) -> Iterator[Connection]:
    """A connection whose transaction began with the statement `first`; rolled back at the end.

    Raises:
        LedgerUnavailable: `ledger-busy`: a lock was not to be had in time, or all connections
            are in use; otherwise the server fails.
    """
    connection = _begin(engine, first, values)
    try:
        yield connection
    finally:
        _let_go(connection)


def _begin(engine: Engine, first: str, values: Mapping[str, object]) -> Connection:
    try:
        return _try_begin(engine, first, values)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise failure(error) from error
    try:
        return _try_begin(engine, first, values)
    except DBAPIError as error:
        raise failure(error) from error


def _try_begin(engine: Engine, first: str, values: Mapping[str, object]) -> Connection:
    try:
        connection = engine.connect()
    except PoolTimeout as error:
        raise LedgerUnavailable("ledger-busy", "all connections are in use") from error
    try:
        connection.exec_driver_sql(first, dict(values))
    except BaseException:
        _let_go(connection)
        raise
    return connection


def _let_go(connection: Connection) -> None:
    """Roll back and give the connection to the pool, or throw it away when it broke."""
    # What fails here was told before, or undone by the server itself: nothing was committed.
    with suppress(SQLAlchemyError):
        if not connection.closed and not connection.invalidated and _broken(connection):
            connection.invalidate()
    with suppress(SQLAlchemyError):
        connection.close()


def _broken(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    return driver is None or bool(driver.broken or driver.closed)


def failure(error: DBAPIError) -> LedgerUnavailable:
    """What a failing statement means for its ledger."""
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return LedgerUnavailable("ledger-busy", "another unit of work holds the ledger")
    return LedgerUnavailable()


def start_failure(url: URL, error: DBAPIError) -> Unavailable:
    """What a failing first connection means for a program that starts."""
    # The driver gives no code for a connection that failed; the server is asked whether it is
    # there at all, which needs no credentials.
    _, given = psycopg_dialect().create_connect_args(url)
    ping = psycopg.pq.PGconn.ping(make_conninfo("", **given, connect_timeout=5).encode())
    if getattr(error.orig, "sqlstate", None) or ping == psycopg.pq.Ping.OK:
        return Unavailable("database-refused", "the database refuses this role or its password")
    return Unavailable("database-unreachable", "the database does not answer")
