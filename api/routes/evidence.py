"""Evidence packs for regulator, steward and security auditor."""

import io

from fastapi import APIRouter, Response

from api.authentication import ActorHere
from api.requests import RequestKey
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
    def export(ledger: str, dataset: HexId, actor: ActorHere, key: RequestKey) -> Response:
        """The evidence on a dataset as one ZIP; that it was handed out is in it."""
        command = ExportEvidence(ledger=ledger, dataset=dataset, request_key=key)
        house.gate.perform(actor, command)
        out = io.BytesIO()
        packs.write(out, ledger, dataset, house.clock())
        return Response(out.getvalue(), media_type="application/zip")

    return routes
