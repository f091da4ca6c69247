"""Wrapped keys in a SQLite file of their own, apart from ledgers and blobs.

- Several threads and processes may use one file; each call is durable once it returns.
- `destroy`, and `put` over an older blob, leave no old blob in the file or its WAL: the cell is
  overwritten, the row deleted under secure_delete, the WAL checkpointed and cut to nothing.
- What the file system or the disk keeps of overwritten blocks is beyond this file's power. That
  is why keys are stored wrapped, and why epochs are rotated (`crypto.keytree`).
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from crypto.errors import VerificationError
from sandbox.errors import Unavailable
from sandbox.storage.folders import exclusive, file_rights, make_folder, sync_path

BUSY_TIMEOUT_S = 10.0

_SETUP = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
    "CREATE TABLE IF NOT EXISTS keys (name TEXT NOT NULL PRIMARY KEY, blob BLOB NOT NULL)",
)
_AFTER_ALL_NAMES = "\U0010ffff"


class SqliteKeyStore:
    """A key store in one file."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._busy_timeout_s = busy_timeout_s
        self._lock_file = path.with_name(f"{path.name}.lock")
        self._using = threading.Lock()  # held by the thread that uses the connection
        try:
            make_folder(path.parent)
            # Two that turn on the WAL of one new file at once would be told "locked".
            with exclusive(self._lock_file):
                self._connection = _connect(path, busy_timeout_s)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable("key-store-unavailable", "the key store can't be opened") from error

    def get(self, name: str) -> bytes | None:
        """The blob of that name, or None.

        Raises:
            Unavailable: the file can't be read.
        """
        with self._used() as connection:
            return _get(connection, name)

    def put(self, name: str, blob: bytes) -> None:
        """Store a blob, in place of an older one if there is one, of which nothing stays.

        Raises:
            Unavailable: it could not be made durable, or the older one not yet be wiped out
                (`key-still-in-journal`); repeat it then.
        """
        self.put_all({name: blob})

    def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """Store several blobs in one transaction, each as `put` does.

        Raises:
            Unavailable: as `put`; all were stored or none.
        """
        with self._used() as connection:
            with _written(connection):
                replaced = [_wipe(connection, name) for name in blobs]
                connection.executemany("INSERT INTO keys VALUES (?, ?)", list(blobs.items()))
            if any(replaced):
                self._empty_journal(connection)

    def add(self, name: str, blob: bytes) -> None:
        """Store a blob under a new name.

        Raises:
            VerificationError: the name is taken (`key-exists`).
            Unavailable: it could not be made durable.
        """
        with self._used() as connection:
            try:
                connection.execute("INSERT INTO keys VALUES (?, ?)", (name, blob))
            except sqlite3.IntegrityError as error:
                raise VerificationError("key-exists") from error

    def destroy(self, name: str) -> None:
        """Erase the blob of that name; may be repeated, and harmless when there is none.

        Raises:
            Unavailable: it could not be erased, or not yet from the journal
                (`key-still-in-journal`); repeat it then.
        """
        with self._used() as connection:
            with _written(connection):
                _wipe(connection, name)
            # Also when there was none: an earlier call may have got no further than this.
            self._empty_journal(connection)

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`, sorted.

        Raises:
            Unavailable: the file can't be read.
        """
        with self._used() as connection:
            found = connection.execute(
                "SELECT name FROM keys WHERE name >= ? AND name < ? ORDER BY name",
                (prefix, prefix + _AFTER_ALL_NAMES),
            ).fetchall()
        return iter([name for (name,) in found])

    def close(self) -> None:
        """Let go of the file."""
        with self._using:
            self._connection.close()

    def _empty_journal(self, connection: sqlite3.Connection) -> None:
        give_up_at = time.monotonic() + self._busy_timeout_s
        # SQLite waits for readers, and not for another one that empties the journal: ours wait
        # at the lock, and a checkpoint that SQLite makes by itself is over in a moment.
        with exclusive(self._lock_file):
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > give_up_at:
                    raise Unavailable("key-still-in-journal", "someone is reading; repeat it")

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self._using:
            try:
                yield self._connection
            except (OSError, sqlite3.Error) as error:
                raise Unavailable("key-store-unavailable") from error


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    if not path.exists():
        # SQLite gives its WAL the mode of the file, so the file gets its mode first.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(path, flags, file_rights(path)))
        sync_path(path.parent)
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    for statement in _SETUP:
        connection.execute(statement)
    return connection


def _get(connection: sqlite3.Connection, name: str) -> bytes | None:
    found = connection.execute("SELECT blob FROM keys WHERE name = ?", (name,)).fetchone()
    return None if found is None else bytes(found[0])


@contextmanager
def _written(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    finally:
        connection.rollback()  # nothing, after a commit


def _wipe(connection: sqlite3.Connection, name: str) -> bool:
    # A blob of the same length is written over the old one in its very place.
    wiped = "UPDATE keys SET blob = zeroblob(length(blob)) WHERE name = ?"
    found = connection.execute(wiped, (name,)).rowcount > 0
    connection.execute("DELETE FROM keys WHERE name = ?", (name,))
    return found
