"""What processes tell one another in PostgreSQL and no ledger holds.

- Sightings of sessions and failed logins: lost in a crash, they only end sessions early and
  shorten delays by moments, so their commits don't wait for the disk.
- Times are text in UTC with microseconds, in order as text.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import psycopg
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from sandbox.people.delays import FORGET_AFTER, Failures
from sandbox.storage.postgres_link import Manner, begun, failure, pool_of

_LOCK = """SELECT set_config('synchronous_commit', 'off', true),
    pg_advisory_xact_lock(hashtextextended(current_schema() || '/failures/' || %(id)s, 0))"""
_FAILURES = "SELECT count, not_before, last_at FROM failures WHERE id = %(id)s"
_COUNT = """INSERT INTO failures (id, count, not_before, last_at)
    VALUES (%(id)s, %(count)s, %(not_before)s, %(last_at)s)
    ON CONFLICT (id) DO UPDATE SET count = EXCLUDED.count,
        not_before = EXCLUDED.not_before, last_at = EXCLUDED.last_at"""
_OLD_FAILURES = "DELETE FROM failures WHERE last_at < %(before)s"
_DROP = "DELETE FROM failures WHERE id = %(id)s"
_SEEN = "SELECT at FROM sightings WHERE id = %(id)s"
_TELL = """INSERT INTO sightings (id, at) VALUES (%(id)s, %(at)s)
    ON CONFLICT (id) DO UPDATE SET at = greatest(sightings.at, EXCLUDED.at)"""
_FORGET = "DELETE FROM sightings WHERE at < %(before)s"
_LAZY = "SELECT set_config('synchronous_commit', 'off', true)"


Begin = Callable[..., AbstractContextManager[Connection]]


class PostgresMoments:
    """One small pool for both books; each call is a transaction of its own."""

    def __init__(self, url: URL) -> None:
        level = psycopg.IsolationLevel.READ_COMMITTED
        manner = Manner(level, read_only=False, kept=1, most=4, wait_s=5.0)
        self._pool = pool_of(url, manner, {"lock_timeout": "5s"})
        self.sightings = PostgresSightings(self._transaction)
        self.failures = PostgresFailures(self._transaction)

    @contextmanager
    def _transaction(self, first: str, **values: str) -> Iterator[Connection]:
        with begun(self._pool, first, values) as connection:
            try:
                yield connection
                connection.commit()
            except DBAPIError as error:
                raise failure(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


class PostgresSightings:
    """Last-seen times of sessions."""

    def __init__(self, transaction: Begin) -> None:
        self._transaction = transaction

    def get(self, session: str) -> datetime | None:
        """When a session was last seen, as far as anybody told.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LAZY) as connection:
            at = connection.exec_driver_sql(_SEEN, {"id": session}).scalar()
        return None if at is None else datetime.fromisoformat(at)

    def tell(self, session: str, at: datetime) -> None:
        """A session was seen; an earlier time never takes the place of a later one.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LAZY) as connection:
            connection.exec_driver_sql(_TELL, {"id": session, "at": _text(at)})

    def forget(self, before: datetime) -> None:
        """Let go of what was seen before a time.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LAZY) as connection:
            connection.exec_driver_sql(_FORGET, {"before": _text(before)})


class PostgresFailures:
    """Failed logins by subject's MAC."""

    def __init__(self, transaction: Begin) -> None:
        self._transaction = transaction

    def get(self, key: bytes) -> Failures | None:
        """The failures of a subject, if any are kept.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LAZY) as connection:
            return _failures(connection, key)

    def change(self, key: bytes, count: Callable[[Failures | None], Failures]) -> None:
        """Put what `count` makes of a subject's failures in their place; one at a time.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LOCK, id=key.hex()) as connection:
            changed = count(_failures(connection, key))
            row = {
                "id": key.hex(),
                "count": changed.count,
                "not_before": _text(changed.not_before),
                "last_at": _text(changed.last_at),
            }
            connection.exec_driver_sql(_COUNT, row)
            old = _text(changed.last_at - 2 * FORGET_AFTER)
            connection.exec_driver_sql(_OLD_FAILURES, {"before": old})

    def drop(self, key: bytes) -> None:
        """Forget a subject's failures; harmless when there are none.

        Raises:
            LedgerUnavailable: the database fails.
        """
        with self._transaction(_LOCK, id=key.hex()) as connection:
            connection.exec_driver_sql(_DROP, {"id": key.hex()})


def _failures(connection: Connection, key: bytes) -> Failures | None:
    found = connection.exec_driver_sql(_FAILURES, {"id": key.hex()}).one_or_none()
    if found is None:
        return None
    not_before, last_at = (datetime.fromisoformat(each) for each in found[1:])
    return Failures(int(found[0]), not_before, last_at)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
