"""When each session was last seen, kept beside the ledger and not in it.

Every request moves a session's idle limit; an entry each would drown the log. So the times live
in memory and, at most once in `save_every`, in one small file: after a crash a session may look
up to that much older than it is, never younger. A disk without room stops nobody who is known:
the times are then written down later.

Where several processes serve one house, `SharedPresence` tells the others by way of the database,
as seldom. What a process knows itself it does not ask for: a session it saw a moment ago is alive.
"""

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sandbox.errors import Unavailable

SAVE_EVERY = timedelta(seconds=20)


class Presence:
    """Last-seen times by session id (a token's digest); safe to use from many threads."""

    def __init__(self, path: Path, keep: timedelta, save_every: timedelta = SAVE_EVERY) -> None:
        self._path = path
        self._keep = keep
        self._save_every = save_every
        self._lock = threading.Lock()  # guards `_seen` and `_saved_at`
        self._seen = _read(path)
        self._saved_at: datetime | None = None

    def seen(self, session: str) -> datetime | None:
        """When the session was last seen, as far as is known here."""
        with self._lock:
            return self._seen.get(session)

    def touch(self, session: str, now: datetime) -> None:
        """The session was seen just now."""
        with self._lock:
            self._seen[session] = now
            if self._saved_at is None or now - self._saved_at >= self._save_every:
                self._save(now)

    def save(self, now: datetime) -> None:
        """Write everything down, at the end of the process."""
        with self._lock:
            self._save(now)

    def _save(self, now: datetime) -> None:
        self._saved_at = now
        self._seen = {s: at for s, at in self._seen.items() if now - at < self._keep}
        text = json.dumps({s: at.isoformat() for s, at in self._seen.items()})
        # Not written, sessions only look older after a crash: they end early, not late.
        with suppress(OSError):
            self._write(text)

    def _write(self, text: str) -> None:
        beside = self._path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(self._path)


def _read(path: Path) -> dict[str, datetime]:
    """What was saved; an unreadable file means nobody was seen, which only ends sessions."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {str(s): datetime.fromisoformat(at) for s, at in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


class Sightings(Protocol):
    """Last-seen times that all processes of a house share."""

    def get(self, session: str) -> datetime | None:
        """When a session was last seen, as far as anybody told."""
        ...

    def tell(self, session: str, at: datetime) -> None:
        """A session was seen; an earlier time never takes the place of a later one."""
        ...

    def forget(self, before: datetime) -> None:
        """Let go of what was seen before a time."""
        ...


class SharedPresence:
    """Last-seen times that other processes hear of; safe to use from many threads."""

    def __init__(
        self, sightings: Sightings, clock: Callable[[], datetime], keep: timedelta
    ) -> None:
        self._sightings = sightings
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()  # guards what follows
        self._seen: dict[str, datetime] = {}
        self._told: dict[str, datetime] = {}
        self._swept_at: datetime | None = None

    def seen(self, session: str) -> datetime | None:
        """When the session was last seen by anybody, at most `SAVE_EVERY` late.

        Raises:
            Unavailable: the database fails.
        """
        with self._lock:
            own = self._seen.get(session)
        if own is not None and self._clock() - own < SAVE_EVERY:
            return own
        others = self._sightings.get(session)
        return max((at for at in (own, others) if at is not None), default=None)

    def touch(self, session: str, now: datetime) -> None:
        """The session was seen just now."""
        with self._lock:
            self._seen[session] = now
            told = self._told.get(session)
            due = told is None or now - told >= SAVE_EVERY
            if due:
                self._told[session] = now
            sweep = self._swept_at is None or now - self._swept_at >= SAVE_EVERY
            if sweep:
                self._swept_at = now
                self._seen = {s: at for s, at in self._seen.items() if now - at < self._keep}
                self._told = {s: at for s, at in self._told.items() if s in self._seen}
        # Not told, sessions only look older to the others: they end early there, not late.
        with suppress(Unavailable):
            if due:
                self._sightings.tell(session, now)
            if sweep:
                self._sightings.forget(now - self._keep)

    def save(self, now: datetime) -> None:
        """Tell everything, at the end of the process."""
        with self._lock:
            untold = {s: at for s, at in self._seen.items() if self._told.get(s) != at}
        with suppress(Unavailable):
            for session, at in untold.items():
                if now - at < self._keep:
                    self._sightings.tell(session, at)
