"""Erasures and legal holds, as the hospital's steward signs them, and the certificates."""

from collections.abc import Mapping

from fastapi import APIRouter

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, SignedForm, page, with_receipt
from api.shapes_erasure import (
    CertificateShape,
    ErasureActShape,
    ErasureForm,
    ErasureShape,
    HoldActShape,
    HoldEndForm,
    HoldForm,
    HoldShape,
)
from policies.vocabulary import ErasureState, Role
from sandbox.acts import Actor, SignedAct
from sandbox.erasure.certificates import Certificates
from sandbox.erasure.commands import LiftHold, OrderErasure, PlaceHold
from sandbox.erasure.orders import is_held
from sandbox.people.stewardship import Signed
from sandbox.provenance.publishing import Publisher
from sandbox.records.erasures import Erasure, LegalHold
from sandbox.wiring import House

ERASURES_READ_BY = frozenset(
    {Role.PRIVACY_OFFICER, Role.REGULATOR, Role.SECURITY_AUDITOR, Role.STEWARD}
)


def router(house: House) -> APIRouter:
    """Routes for members of the hospital."""
    routes = APIRouter(tags=["erasure"])
    _erasure_routes(routes, house)
    _hold_routes(routes, house)
    return routes


def _erasure_routes(routes: APIRouter, house: House) -> None:
    certificates = Certificates(house.ledgers, Publisher(house.log))

    @routes.post("/erasures", status_code=201)
    def order_erasure(
        ledger: str, form: ErasureForm, actor: ActorHere, key: RequestKey
    ) -> ErasureActShape:
        """Order that a dataset, or one person's data in it, be erased, by a steward's signature."""
        about = {"dataset": form.dataset, "erasure": form.erasure}
        command = OrderErasure(
            ledger=ledger,
            scope=form.terms.get("scope", ""),
            subject=form.terms.get("subject", ""),
            sealed=from_base64(form.sealed),
            ground=form.terms.get("ground", ""),
            signed=_signed(house, actor, form, about),
            request_key=key,
            **about,
        )
        return ErasureActShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.get("/erasures")
    def erasures(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[ErasureShape]:
        """What was ordered, how far it is, and what is overdue."""
        house.people.readers.require(actor, ledger, ERASURES_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            rows = tables.of(Erasure).find(after=asked.after, limit=asked.limit + 1)
            held = {row.dataset for row in rows if is_held(tables, row.dataset)}
        now = house.clock()

        def shape(row: Erasure) -> ErasureShape:
            late = row.state is not ErasureState.FINAL and row.due_at <= now
            return _erasure(row, overdue=late, held=row.dataset in held)

        return page(rows, asked, shape)

    @routes.get("/erasures/{erasure}/certificate")
    def certificate(ledger: str, erasure: HexId, actor: ActorHere) -> CertificateShape:
        """The certificate of an erasure that is final: what was signed, and where it stands."""
        house.people.readers.require(actor, ledger, ERASURES_READ_BY)
        return CertificateShape.model_validate(certificates.of(ledger, erasure))


def _hold_routes(routes: APIRouter, house: House) -> None:
    @routes.post("/holds", status_code=201)
    def place_hold(ledger: str, form: HoldForm, actor: ActorHere, key: RequestKey) -> HoldActShape:
        """Have nothing of a dataset be erased, by a steward's signature."""
        about = {"dataset": form.dataset, "hold": form.hold}
        signed = _signed(house, actor, form, about)
        command = PlaceHold(ledger=ledger, signed=signed, request_key=key, **about)
        return HoldActShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.delete("/holds/{hold}")
    def lift_hold(ledger: str, hold: HexId, form: HoldEndForm, actor: ActorHere) -> HoldActShape:
        """End a legal hold, by a steward's signature."""
        about = {"dataset": form.dataset, "hold": hold}
        command = LiftHold(ledger=ledger, signed=_signed(house, actor, form, about), **about)
        return HoldActShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.get("/holds")
    def holds(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[HoldShape]:
        """Legal holds, those that were lifted among them."""
        house.people.readers.require(actor, ledger, ERASURES_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            rows = tables.of(LegalHold).find(after=asked.after, limit=asked.limit + 1)
        return page(rows, asked, _hold)


def _signed(house: House, actor: Actor, form: SignedForm, objects: Mapping[str, str]) -> SignedAct:
    signed = Signed(form.nonce, from_base64(form.signature), form.terms)
    return house.people.stewardship.signed_act(actor, signed, objects)


def _erasure(row: Erasure, *, overdue: bool, held: bool) -> ErasureShape:
    return ErasureShape(
        erasure=row.id,
        dataset=row.dataset,
        scope=row.scope,
        ground=row.ground,
        state=str(row.state),
        ordered_at=row.ordered_at,
        due_at=row.due_at,
        overdue=overdue,
        held=held,
        ordered_index=row.ordered_index,
        completed_index=row.completed_index,
        rotated_index=row.rotated_index,
        epoch=row.epoch,
    )


def _hold(row: LegalHold) -> HoldShape:
    return HoldShape(
        hold=row.id,
        dataset=row.dataset,
        placed_at=row.placed_at,
        placed_index=row.placed_index,
        lifted_index=row.lifted_index,
    )
