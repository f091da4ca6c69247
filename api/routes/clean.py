"""Items, and their approval by an officer."""

import base64

from fastapi import APIRouter, Response

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, page, with_receipt
from api.shapes_clean import (
    ApprovalForm,
    ApprovalOpenedShape,
    ApprovalShape,
    ApprovalSignedShape,
    ItemActShape,
    ItemShape,
    VerdictForm,
)
from policies.vocabulary import Role
from sandbox.acts import Actor
from sandbox.clean import commands as c
from sandbox.clean.approvals import sampled_items
from sandbox.errors import NotFound
from sandbox.people.stewardship import Signed
from sandbox.records.deposits import Approval, Dataset, Item
from sandbox.wiring import House

ITEMS_READ_BY = frozenset(
    {
        Role.STEWARD,
        Role.DEPOSITOR,
        Role.DEID_OFFICER,
        Role.PRIVACY_OFFICER,
        Role.SECURITY_AUDITOR,
    }
)
APPROVALS_READ_BY = frozenset({Role.DEID_OFFICER, Role.STEWARD})


def router(house: House) -> APIRouter:
    """Routes for the hospital's people who answer for de-identification."""
    routes = APIRouter(prefix="/datasets/{dataset}", tags=["clean"])
    _item_routes(routes, house)
    _approval_routes(routes, house)
    _sample_routes(routes, house)
    return routes


def _item_routes(routes: APIRouter, house: House) -> None:
    @routes.get("/items")
    def items(ledger: str, dataset: HexId, actor: ActorHere, asked: WindowHere) -> Page[ItemShape]:
        """What became of each deposited item."""
        house.people.readers.require(actor, ledger, ITEMS_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            tables.of(Dataset).require(dataset)
            rows = tables.of(Item).find(dataset=dataset, after=asked.after, limit=asked.limit + 1)
        return page(rows, asked, _item)

    @routes.post("/items/{item}/requeue", status_code=201)
    def requeue(
        ledger: str, dataset: HexId, item: HexId, actor: ActorHere, key: RequestKey
    ) -> ItemActShape:
        """Have an item cleaned again."""
        command = c.RequeueItem(ledger=ledger, request_key=key, dataset=dataset, item=item)
        return ItemActShape(**with_receipt(house.gate.perform(actor, command)))


def _approval_routes(routes: APIRouter, house: House) -> None:
    @routes.post("/approvals", status_code=201)
    def open_approval(
        ledger: str, dataset: HexId, form: ApprovalForm, actor: ActorHere, key: RequestKey
    ) -> ApprovalOpenedShape:
        """Take up everything that is cleaned, by a signature over the session key."""
        signed = Signed(form.nonce, from_base64(form.signature), {"session_key": form.session_key})
        objects = {"dataset": dataset, "approval": form.approval}
        command = c.OpenApproval(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            approval=form.approval,
            session_key=from_base64(form.session_key),
            signed=house.people.stewardship.signed_act(actor, signed, objects),
        )
        return ApprovalOpenedShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.get("/approvals/{approval}")
    def approval(ledger: str, dataset: HexId, approval: HexId, actor: ActorHere) -> ApprovalShape:
        """Where an approval stands; once sampled, with the list that is to be signed for."""
        return _approval(house, _row(house, actor, ledger, dataset, approval))

    @routes.post("/approvals/{approval}/sign", status_code=201)
    def sign(
        ledger: str,
        dataset: HexId,
        approval: HexId,
        form: VerdictForm,
        actor: ActorHere,
        key: RequestKey,
    ) -> ApprovalSignedShape:
        """Approve or reject the whole batch."""
        terms = {"batch": form.batch, "verdict": form.verdict}
        signed = Signed(form.nonce, from_base64(form.signature), terms)
        objects = {"dataset": dataset, "approval": approval}
        command = c.SignApproval(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            approval=approval,
            verdict=form.verdict,
            batch=form.batch,
            signed=house.people.stewardship.signed_act(actor, signed, objects),
        )
        return ApprovalSignedShape(**with_receipt(house.gate.perform(actor, command)))


def _sample_routes(routes: APIRouter, house: House) -> None:
    @routes.get("/approvals/{approval}/samples/{item}", response_class=Response)
    def sample(
        ledger: str, dataset: HexId, approval: HexId, item: HexId, actor: ActorHere
    ) -> Response:
        """One sealed sample; only the officer's session key opens it."""
        command = c.ViewSample(ledger=ledger, dataset=dataset, approval=approval, item=item)
        receipt = house.gate.perform(actor, command)
        sealed = house.blobs.read(str(receipt.reply["blob"]))
        return Response(
            sealed,
            media_type="application/octet-stream",
            headers={"Cache-Control": "no-store", "Content-Disposition": "attachment"},
        )


def _row(house: House, actor: Actor, ledger: str, dataset: str, approval: str) -> Approval:
    house.people.readers.require(actor, ledger, APPROVALS_READ_BY)
    with house.gate.snapshot(ledger) as tables:
        row = tables.of(Approval).require(approval)
    if row.dataset != dataset:
        raise NotFound
    return row


def _approval(house: House, row: Approval) -> ApprovalShape:
    batch = None
    if row.batch_digest is not None:
        listed = house.blobs.read(row.batch_digest.removeprefix("sha256:"))
        batch = base64.b64encode(listed).decode()
    return ApprovalShape(
        approval=row.id,
        dataset=row.dataset,
        state=row.state,
        items=len(row.batch),
        batch_digest=row.batch_digest,
        batch=batch,
        samples=sampled_items(row),
    )


def _item(row: Item) -> ItemShape:
    return ItemShape(
        item=row.id,
        deposit=row.deposit,
        object_id=row.object_id,
        state=row.state,
        kind=row.kind,
        reason=row.reason,
        size_bytes=row.size_bytes,
        version=row.version,
    )
