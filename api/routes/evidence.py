"""Evidence packs for regulator, steward and security auditor."""

import io

from fastapi import APIRouter, Response

from api.authentication import ActorHere
from api.shapes import HexId
from sandbox.provenance.publishing import Publisher
from sandbox.release.commands import ExportEvidence
from sandbox.release.evidence import EvidencePacks
from sandbox.wiring import House


def router(house: House) -> APIRouter:
    """The one route of evidence."""
    routes = APIRouter(tags=["evidence"])
    packs = EvidencePacks(house.ledgers, Publisher(house.log), house.policy)

    @routes.post("/datasets/{dataset}/evidence", response_class=Response)
    def export(ledger: str, dataset: HexId, actor: ActorHere) -> Response:
        """The evidence on a dataset as one ZIP; that it was handed out is in it.

        Each export is ruled on and told anew: an answer remembered from before would hand out
        today's log to somebody who may not read it any more.
        """
        command = ExportEvidence(ledger=ledger, dataset=dataset)
        house.gate.perform(actor, command)
        out = io.BytesIO()
        packs.write(out, ledger, dataset, house.clock())
        return Response(out.getvalue(), media_type="application/zip")

    return routes
