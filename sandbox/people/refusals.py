"""Failed logins of known accounts on their way into the log: one entry per account and minute.

A request only counts; a tick of the process enters what is due, and its clean end enters the rest.
So the answer to a name that an account bears takes no longer than to one that nobody bears. Unknown
names stay a number: strangers must not be able to grow the log.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

_ONCE_IN = timedelta(minutes=1)
_MOST_KEPT = 10_000


class Refusals:
    """Counts what was not yet entered; safe to use from many threads."""

    def __init__(self, enter: Callable[[str, int], None]) -> None:
        self._enter = enter
        self._lock = threading.Lock()  # guards `_pending`, `_entered_at` and `strangers`
        self._pending: Counter[str] = Counter()
        self._entered_at: dict[str, datetime] = {}
        self.strangers = 0

    def of_stranger(self) -> None:
        """A name that no account bears was tried."""
        with self._lock:
            self.strangers += 1

    def of_account(self, account: str) -> None:
        """A login of a known account failed."""
        with self._lock:
            self._pending[account] += 1

    def report(self, now: datetime, *, all_of_them: bool = False) -> None:
        """Enter every count whose minute is over, or simply all at the end of the process.

        Raises:
            Unavailable: the log can't take it now; the counts are kept.
        """
        while (due := self._take_next(now, all_of_them=all_of_them)) is not None:
            try:
                self._enter(*due)
            except BaseException:
                self._give_back(*due)
                raise

    def _take_next(self, now: datetime, *, all_of_them: bool) -> tuple[str, int] | None:
        with self._lock:
            for account, count in self._pending.items():
                if all_of_them or self._is_due(account, now):
                    del self._pending[account]
                    self._remember(account, now)
                    return account, count
        return None

    def _remember(self, account: str, now: datetime) -> None:
        if len(self._entered_at) >= _MOST_KEPT:
            self._entered_at = {a: at for a, at in self._entered_at.items() if now - at < _ONCE_IN}
        self._entered_at[account] = now

    def _is_due(self, account: str, now: datetime) -> bool:
        entered_at = self._entered_at.get(account)
        return entered_at is None or now - entered_at >= _ONCE_IN

    def _give_back(self, account: str, count: int) -> None:
        with self._lock:
            self._pending[account] += count
            self._entered_at.pop(account, None)
