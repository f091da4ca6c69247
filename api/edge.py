"""The outermost layer: security headers, the access log, and what nobody foresaw.

The access log names method, route, status and time. It holds no query, no body, no token and not
even the path: the route's template is enough, and a path may hold what a caller mistyped.
"""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

_log = logging.getLogger("anbiao.access")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Edge:
    """ASGI middleware; the process edge of every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.monotonic()
        status = 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, secure=scope["scheme"] == "https")
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:  # noqa: BLE001 - the edge: nothing may pass unanswered
            problem = problems.incident(error)
            if not status:
                await problem.response()(scope, receive, dressed)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            took_ms = 1000 * (time.monotonic() - began_s)
            _log.info("%s %s %d %.1f ms", scope["method"], route, status, took_ms)


def _dress(message: Message, *, secure: bool) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    if secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
