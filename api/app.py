"""The HTTP door: which routes there are, and what stands before them.

From the outside in: `Edge` (headers, access log, incidents), `BodyLimit`, `Authentication`, then
routing. Authentication is closed by default; a hospital's routes answer 404 to whoever is no
member there. To add a room's routes, add its `router` to the list it belongs to.
"""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Path
from starlette.types import Scope

from api import problems
from api.authentication import ActorHere, Authentication
from api.edge import Edge
from api.limits import BodyLimit, Buckets
from api.routes import (
    agreement,
    catalogue,
    clean,
    collect,
    erasure,
    evidence,
    health,
    hospitals,
    label,
    log,
    people,
    permits,
    policy,
    release,
)
from sandbox.wiring import House

Routers = Sequence[Callable[[House], APIRouter]]

PUBLIC_ROUTERS: Routers = (
    health.router,
    log.router,
    people.entrance_router,
    catalogue.router,
)
"""Routes that answer without credentials (each path also stands in `authentication.PUBLIC`)."""

SESSION_ROUTERS: Routers = (people.router, policy.router, hospitals.founding_router)
"""Routes for whoever has a session."""

HOSPITAL_ROUTERS: Routers = (
    hospitals.router,
    permits.router,
    collect.router,
    clean.router,
    label.router,
    agreement.router,
    release.router,
    erasure.router,
    evidence.router,
)
"""Routes below `/v1/hospitals/{ledger}`, for its members only."""

_UPLOAD = "/objects"


def create_app(house: House) -> FastAPI:
    """The door over everything that `wiring.serving` built."""
    app = FastAPI(
        title="Anbiao",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        separate_input_output_schemas=False,
    )
    problems.install(app)
    for routers, prefix, guards in (
        (PUBLIC_ROUTERS, "/v1", []),
        (SESSION_ROUTERS, "/v1", []),
        (HOSPITAL_ROUTERS, "/v1/hospitals/{ledger}", [Depends(_membership(house))]),
    ):
        for router in routers:
            app.include_router(router(house), prefix=prefix, dependencies=guards)
    settings = house.settings
    buckets = Buckets(settings.requests_per_s, settings.request_burst)
    authenticate = house.people.entrance.authenticate
    # The one added last stands outermost.
    app.add_middleware(Authentication, authenticate=authenticate, buckets=buckets)
    app.add_middleware(BodyLimit, limit_of=_limit_of(settings.request_bytes, settings.object_bytes))
    app.add_middleware(Edge)
    return app


def _membership(house: House) -> Callable[[str, ActorHere], None]:
    def require_member(
        ledger: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], actor: ActorHere
    ) -> None:
        """Answer 404 to whoever is no member of this hospital."""
        house.people.readers.memberships(actor, ledger)

    return require_member


def _limit_of(request_bytes: int, object_bytes: int) -> Callable[[Scope], int]:
    def limit(scope: Scope) -> int:
        upload = scope["method"] == "PUT" and _UPLOAD in scope["path"]
        return object_bytes if upload else request_bytes

    return limit
