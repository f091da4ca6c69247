"""How long to wait after failed logins: per name and per address, exponential, never for ever.

- The first two failures cost nothing, then 1, 2, 4, ... seconds up to the longest delay.
- An attempt that comes too early is refused unread and lengthens nothing, so that nobody can
  keep a person out by knocking.
- Names are counted whether an account bears them or not: the delay does not tell them apart.
- Names and addresses are kept as a MAC under the door's own key.
- Where several processes serve one house, they count in one book: otherwise each of them would
  give a guesser its own first tries.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sandbox.errors import TooManyRequests

_FREE_FAILURES = 2
FORGET_AFTER = timedelta(minutes=15)
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


class FailureBook(Protocol):
    """Failures by subject's MAC; safe to use from many threads."""

    def get(self, key: bytes) -> Failures | None:
        """The failures of a subject, if any are kept."""
        ...

    def change(self, key: bytes, count: Callable[[Failures | None], Failures]) -> None:
        """Put what `count` makes of a subject's failures in their place; one at a time."""
        ...

    def drop(self, key: bytes) -> None:
        """Forget a subject's failures; harmless when there are none."""
        ...


class MemoryBook:
    """A book of one process; nothing here is written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards `_kept`
        self._kept: OrderedDict[bytes, Failures] = OrderedDict()

    def get(self, key: bytes) -> Failures | None:
        """The failures of a subject, if any are kept."""
        with self._lock:
            return self._kept.get(key)

    def change(self, key: bytes, count: Callable[[Failures | None], Failures]) -> None:
        """Put what `count` makes of a subject's failures in their place."""
        with self._lock:
            self._kept[key] = count(self._kept.get(key))
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def drop(self, key: bytes) -> None:
        """Forget a subject's failures."""
        with self._lock:
            self._kept.pop(key, None)


class Delays:
    """Failed logins of the last quarter of an hour; safe to use from many threads."""

    def __init__(
        self, longest_s: float, book: FailureBook | None = None, key: bytes | None = None
    ) -> None:
        self._longest_s = longest_s
        self._book = MemoryBook() if book is None else book
        self._key = key or secrets.token_bytes(32)

    def admit(self, now: datetime, *subjects: str) -> None:
        """Let an attempt through unless one of its subjects has to wait.

        Raises:
            TooManyRequests: `login-delayed`.
        """
        for subject in subjects:
            failures = _lately(self._book.get(self._mac(subject)), now)
            if failures is not None:
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
        kept = self._book.get(self._mac(subject))
        return kept.not_before if kept else None

    def failed(self, now: datetime, *subjects: str) -> None:
        """Count a failure for each subject."""

        def one_more(before: Failures | None) -> Failures:
            lately = _lately(before, now)
            count = 1 + (lately.count if lately else 0)
            return Failures(count, now + wait_after(count, self._longest_s), now)

        for subject in subjects:
            self._book.change(self._mac(subject), one_more)

    def succeeded(self, subject: str) -> None:
        """Forget a name's failures. Addresses are never cleared by a success.

        Otherwise whoever has one account could clear its address between guesses at another's.
        """
        self._book.drop(self._mac(subject))

    def _mac(self, subject: str) -> bytes:
        return hmac.digest(self._key, subject.encode(), hashlib.sha256)


def _lately(kept: Failures | None, now: datetime) -> Failures | None:
    return kept if kept and now - kept.last_at < FORGET_AFTER else None
