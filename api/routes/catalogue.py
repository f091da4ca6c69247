"""The public register; answers without credentials."""

from dataclasses import asdict

from fastapi import APIRouter

from api.requests import WindowHere
from api.shapes_release import CatalogueShape, PublicDatasetShape
from sandbox.catalogue.register import Register
from sandbox.scanning import identifiers_in
from sandbox.wiring import House


def router(house: House) -> APIRouter:
    """The one route of the register."""
    routes = APIRouter(tags=["catalogue"])
    register = Register(house.ledgers, identifiers_in)

    @routes.get("/catalogue")
    def catalogue(asked: WindowHere) -> CatalogueShape:
        """Datasets and projects of all hospitals, without personal data."""
        rows = [d for d in register.datasets() if asked.after is None or d.id > asked.after]
        shown = rows[: asked.limit]
        following = shown[-1].id if len(rows) > asked.limit else None
        items = [PublicDatasetShape.model_validate(asdict(row)) for row in shown]
        return CatalogueShape(items=items, next=following)

    return routes
