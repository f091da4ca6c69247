"""Whether it lives, and what it is: for anyone."""

from fastapi import APIRouter

from api import VERSION
from api.shapes import HealthShape, VersionShape
from sandbox.acts import PLATFORM
from sandbox.errors import Unavailable
from sandbox.wiring import House


def router(house: House) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health")
    def health() -> HealthShape:
        """Whether the door answers (`ok`) and the platform's ledger can be read."""
        try:
            with house.gate.snapshot(PLATFORM):
                return HealthShape(status="ok")
        except Unavailable:
            return HealthShape(status="waiting")

    @routes.get("/version")
    def what_runs() -> VersionShape:
        """Name, version, and the digest of the decision table in force."""
        return VersionShape(
            name="anbiao",
            version=VERSION,
            api="v1",
            policy=house.gate.decision_point.digest,
        )

    return routes
