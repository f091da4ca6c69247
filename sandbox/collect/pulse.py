"""When something of an open deposit last came in: whether its client seems to live.

Policy rests on it: while a client lives, nobody but its own depositor abandons its deposit.

- Where several processes serve one house they tell one another by way of the database, so often
  that what they say is late by a third of the silence that policy asks for, at most.
- Where one process serves it, it keeps the times in memory: after a restart every deposit seems
  to have been heard of just then, which makes another client wait longer and nothing worse.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from sandbox.errors import Unavailable

_MOST_KEPT: Final = 10_000
_TELLINGS: Final = 3
"""So often within the silence that policy asks for is a sign of life told to the others."""


class Sightings(Protocol):
    """Times that all processes of a house share, by name."""

    def get(self, name: str, /) -> datetime | None:
        """The last time that anybody told."""
        ...

    def tell(self, name: str, at: datetime, /) -> None:
        """Something was heard; an earlier time never takes the place of a later one."""
        ...


class Pulse:
    """The last sign of life of each deposit; safe to use from many threads.

    Args:
        clock: gives the time.
        idle: so long nothing may be heard before a deposit seems left.
        shared: where several processes serve the house, what they tell one another.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        idle: timedelta,
        shared: Sightings | None = None,
    ) -> None:
        self.idle = idle
        self._clock = clock
        self._shared = shared
        self._began_at = clock()
        self._lock = threading.Lock()  # guards `_last` and `_told`
        self._last: OrderedDict[str, datetime] = OrderedDict()
        self._told: OrderedDict[str, datetime] = OrderedDict()

    def beat(self, deposit: str) -> None:
        """Something of this deposit has come in."""
        now = self._clock()
        with self._lock:
            _keep(self._last, deposit, now)
            told = self._told.get(deposit)
        if self._shared is None or (told is not None and now - told < self.idle / _TELLINGS):
            return
        # Not told, the deposit looks older to the others until the next piece comes in.
        with suppress(Unavailable):
            self._shared.tell(_name(deposit), now)
            with self._lock:
                _keep(self._told, deposit, now)

    def heard_at(self, deposit: str) -> datetime | None:
        """When something of a deposit last came in, as far as anybody knows.

        Raises:
            Unavailable: the database fails.
        """
        with self._lock:
            own = self._last.get(deposit)
        others = self._began_at if self._shared is None else self._shared.get(_name(deposit))
        return max((at for at in (own, others) if at is not None), default=None)


def idle_since(opened_at: datetime, heard_at: datetime | None) -> datetime:
    """Since when nothing was heard of a deposit."""
    return opened_at if heard_at is None else max(opened_at, heard_at)


def _keep(times: OrderedDict[str, datetime], deposit: str, at: datetime) -> None:
    times[deposit] = at
    times.move_to_end(deposit)
    while len(times) > _MOST_KEPT:
        times.popitem(last=False)


def _name(deposit: str) -> str:
    return f"deposit:{deposit}"
