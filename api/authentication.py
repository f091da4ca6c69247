"""Who is at the door: closed by default, for every path but the literal list of public ones.

This stands before routing, so that no route can forget it and no stranger's body is read.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits import Buckets
from api.problems import of_error
from sandbox.acts import Actor
from sandbox.errors import SandboxError, TooManyRequests, Unauthenticated

PUBLIC: Sequence[tuple[str, str]] = (
    ("GET", r"/v1/health"),
    ("GET", r"/v1/version"),
    ("GET", r"/v1/catalogue"),
    ("GET", r"/v1/log/[a-z0-9]+/checkpoint"),
    ("GET", r"/v1/log/[a-z0-9]+/keys"),
    ("GET", r"/v1/log/[a-z0-9]+/tile/[0-9][a-z0-9./]*"),
    ("POST", r"/v1/setup"),
    ("POST", r"/v1/invitations/accept"),
    ("POST", r"/v1/totp/renew"),
    ("POST", r"/v1/totp/confirm"),
    ("POST", r"/v1/sessions"),
    ("POST", r"/v1/service-sessions"),
)
"""Method and whole path of what answers without credentials. Source: R01."""

_PUBLIC = tuple((method, re.compile(path)) for method, path in PUBLIC)
_ACTOR = "anbiao.actor"


def is_public(method: str, path: str) -> bool:
    """Whether this request needs no credentials."""
    return any(method == m and pattern.fullmatch(path) for m, pattern in _PUBLIC)


class Authentication:
    """ASGI middleware: finds the actor, or answers 401; limits the rate of each."""

    def __init__(
        self, app: ASGIApp, authenticate: Callable[[str], Actor], buckets: Buckets
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its actor, or as a public one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            name = await self._identified(scope)
            if not self._buckets.take(name):
                raise TooManyRequests
        except SandboxError as error:
            await of_error(error).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _identified(self, scope: Scope) -> str:
        """The name whose rate is limited; leaves the actor in the scope.

        Raises:
            Unauthenticated: the path is not public and there is no valid session.
            TooManyRequests: the same, too often from this address.
        """
        address = f"address:{(scope.get('client') or ('unknown', 0))[0]}"
        if is_public(scope["method"], scope["path"]):
            return address
        try:
            actor = await self._bearer(scope)
        except Unauthenticated:
            # A stranger pays from the bucket of its address. Whoever has a session does not, so
            # that nobody who guesses beside them, behind one proxy say, can keep them out.
            if not self._buckets.take(address):
                raise TooManyRequests from None
            raise
        scope[_ACTOR] = actor
        return f"account:{actor.account}"

    async def _bearer(self, scope: Scope) -> Actor:
        """Whose the token in the header is.

        Raises:
            Unauthenticated: there is none, or it opens no session.
        """
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        scheme, token = get_authorization_scheme_param(header)
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        return await run_sync(self._authenticate, token)


def acting(request: Request) -> Actor:
    """The actor of a request that is not public.

    Raises:
        Unauthenticated: the route was listed as public and asks for an actor all the same.
    """
    actor = request.scope.get(_ACTOR)
    if not isinstance(actor, Actor):
        raise Unauthenticated
    return actor


def address_of(request: Request) -> str:
    """The network address a request came from."""
    return request.client.host if request.client else "unknown"


# FastAPI sends a plain function to a thread, which costs more than all that these do.
async def _acting_here(request: Request) -> Actor:
    return acting(request)


async def _address_here(request: Request) -> str:
    return address_of(request)


ActorHere = Annotated[Actor, Depends(_acting_here)]
"""A route's actor."""

AddressHere = Annotated[str, Depends(_address_here)]
"""A route's peer address."""
