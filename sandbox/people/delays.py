"""How long to wait after failed logins: per name and per address, exponential, never for ever.

- The first two failures cost nothing, then 1, 2, 4, ... seconds up to the longest delay.
- An attempt that comes too early is refused unread and lengthens nothing, so that nobody can
  keep a person out by knocking.
- Names are counted whether an account bears them or not: the delay does not tell them apart.
- Addresses are kept as a MAC under a key of this process; nothing here is written down.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.errors import TooManyRequests

_FREE_FAILURES = 2
_FORGET_AFTER = timedelta(minutes=15)
_MOST_KEPT = 50_000


@dataclass(frozen=True)
class Failures:
    """Failures in a row, when the next attempt may come, and when the last one was."""

    count: int
    not_before: datetime
    last_at: datetime


def wait_after(failures: int, longest_s: float) -> timedelta:
    """The delay that follows the given number of failures in a row."""
    if failures <= _FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - _FREE_FAILURES - 1, 30)
    return timedelta(seconds=min(float(2**doublings), longest_s))


class Delays:
    """Failed logins of the last quarter of an hour; safe to use from many threads."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()  # guards `_kept`
        self._kept: OrderedDict[bytes, Failures] = OrderedDict()

    def admit(self, now: datetime, *subjects: str) -> None:
        """Let an attempt through unless one of its subjects has to wait.

        Raises:
            TooManyRequests: `login-delayed`.
        """
        with self._lock:
            waiting = [f for s in subjects if (f := self._current(s, now)) and now < f.not_before]
        for failures in waiting:
            self.admit_from(now, failures.not_before)

    def admit_from(self, now: datetime, not_before: datetime) -> None:
        """Let an attempt through unless it comes before a time kept elsewhere.

        Raises:
            TooManyRequests: `login-delayed`.
        """
        if now < not_before:
            seconds = int((not_before - now).total_seconds()) + 1
            raise TooManyRequests("login-delayed", f"wait {seconds} s before the next try")

    def until(self, subject: str) -> datetime | None:
        """When the next attempt of a subject may come, if it ever failed lately."""
        with self._lock:
            kept = self._kept.get(self._mac(subject))
        return kept.not_before if kept else None

    def failed(self, now: datetime, *subjects: str) -> None:
        """Count a failure for each subject."""
        with self._lock:
            for subject in subjects:
                before = self._current(subject, now)
                count = 1 + (before.count if before else 0)
                until = now + wait_after(count, self._longest_s)
                self._kept[self._mac(subject)] = Failures(count, until, now)
                self._kept.move_to_end(self._mac(subject))
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def succeeded(self, subject: str) -> None:
        """Forget a name's failures. Addresses are never cleared by a success.

        Otherwise whoever has one account could clear its address between guesses at another's.
        """
        with self._lock:
            self._kept.pop(self._mac(subject), None)

    def _current(self, subject: str, now: datetime) -> Failures | None:
        kept = self._kept.get(self._mac(subject))
        return kept if kept and now - kept.last_at < _FORGET_AFTER else None

    def _mac(self, subject: str) -> bytes:
        return hmac.digest(self._key, subject.encode(), hashlib.sha256)
