"""When something of an open deposit last came in: whether its client seems to live.

It is kept in memory only: after a restart every deposit seems to have been heard of just then,
which makes another client wait a little longer and nothing worse.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

_MOST_KEPT: Final = 10_000


class Pulse:
    """The last sign of life of each deposit; safe to use from many threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._began_at = clock()
        self._lock = threading.Lock()  # guards `_last`
        self._last: OrderedDict[str, datetime] = OrderedDict()

    def beat(self, deposit: str) -> None:
        """Something of this deposit has come in."""
        now = self._clock()
        with self._lock:
            self._last[deposit] = now
            self._last.move_to_end(deposit)
            while len(self._last) > _MOST_KEPT:
                self._last.popitem(last=False)

    def idle_s(self, deposit: str, opened_at: datetime) -> float:
        """Seconds since anything was heard of a deposit that was opened at `opened_at`."""
        with self._lock:
            last = self._last.get(deposit, self._began_at)
        return max(0.0, (self._clock() - max(last, opened_at)).total_seconds())
