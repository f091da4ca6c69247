"""How much and how often: request bodies and requests per account or address."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import of_status

_MOST_KEPT = 100_000
_TOO_LARGE = 413


class Buckets:
    """Token buckets by name; safe to use from many threads."""

    def __init__(
        self, per_s: float, burst: float, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock_s = clock_s
        self._lock = threading.Lock()  # guards `_levels`
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Take one token of `name`'s bucket; false when it is empty."""
        now = self._clock_s()
        with self._lock:
            level, since = self._levels.pop(name, (self._burst, now))
            level = min(self._burst, level + (now - since) * self._per_s)
            allowed = level >= 1
            self._levels[name] = (level - 1 if allowed else level, now)
            while len(self._levels) > _MOST_KEPT:
                self._levels.popitem(last=False)
        return allowed


class BodyLimit:
    """Refuses a body over its route's limit, announced or not; ASGI middleware."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[Scope], int]) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through as long as its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            status = _TOO_LARGE if announced.isdigit() else 400
            await of_status(status).response()(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # FastAPI hands on an HTTPException from a body it reads; any other would be 400.
                raise HTTPException(_TOO_LARGE)
            return message

        await self._app(scope, counted, send)
