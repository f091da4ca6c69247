"""How far the labellers of a project agree, for who leads, inspects or owns it."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.authentication import ActorHere
from api.shapes import HexId
from api.shapes_label import AgreementShape, FigureShape
from sandbox.acts import project_domain
from sandbox.label.agreement import Agreements
from sandbox.label.commands import ReadAgreement
from sandbox.label.custody import IssuedKeys
from sandbox.label.scoring import Score
from sandbox.wiring import House


def router(house: House) -> APIRouter:
    """The one route; each reading is an act of its own."""
    routes = APIRouter(tags=["label"])
    agreements = Agreements(house.ledgers, IssuedKeys(house.custody, house.blobs))

    @routes.get("/projects/{project}/agreement")
    def agreement(
        ledger: str, project: Annotated[HexId, Path()], actor: ActorHere
    ) -> AgreementShape:
        """How far the labellers agree, over items whose labels are all in; never for labellers."""
        house.people.readers.memberships(actor, ledger)
        labelled = agreements.gather(ledger, project)
        command = ReadAgreement(
            ledger=ledger,
            domain=project_domain(project),
            project=project,
            items=labelled.counting,
        )
        house.gate.perform(actor, command)
        return AgreementShape(
            project=project,
            overlap=labelled.project.overlap,
            items=labelled.counting,
            figures=[_figure(score) for score in agreements.scores(labelled)],
        )

    return routes


def _figure(score: Score) -> FigureShape:
    return FigureShape(
        label_type=score.label_type,
        measure=score.measure,
        pair=None if score.pair is None else list(score.pair),
        items=score.items,
        units=score.figure.units,
        value=score.figure.value,
        reason=score.figure.reason,
        low=score.interval.low if score.interval else None,
        high=score.interval.high if score.interval else None,
    )
