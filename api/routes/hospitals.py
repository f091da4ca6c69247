"""Hospitals, their ledgers and their members."""

from fastapi import APIRouter

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import (
    GrantedShape,
    GrantForm,
    HexId,
    HospitalForm,
    HospitalShape,
    LedgerOpenedShape,
    MembershipShape,
    OpenLedgerForm,
    Page,
    RevokedShape,
    RevokeForm,
    SignedForm,
    membership_shape,
    page,
    with_receipt,
)
from policies.vocabulary import Role
from sandbox.people.stewardship import Seat, Signed
from sandbox.records.people import Membership
from sandbox.wiring import House

MEMBERS_READ_BY = frozenset(
    {Role.STEWARD, Role.PRIVACY_OFFICER, Role.REGULATOR, Role.SECURITY_AUDITOR}
)


def founding_router(house: House) -> APIRouter:
    """Routes for whoever has a session and is not a member yet."""
    routes = APIRouter(prefix="/hospitals", tags=["hospitals"])
    stewardship = house.people.stewardship

    @routes.post("", status_code=201)
    def open_hospital(form: HospitalForm, actor: ActorHere, key: RequestKey) -> HospitalShape:
        """Have a hospital join; for the operator."""
        receipt = stewardship.open_hospital(actor, form.name, form.steward, key)
        return HospitalShape(**with_receipt(receipt))

    @routes.post("/{ledger}/open", status_code=201)
    def open_ledger(
        ledger: str, form: OpenLedgerForm, actor: ActorHere, key: RequestKey
    ) -> LedgerOpenedShape:
        """Open the hospital's ledger by the steward's signature: its entry 0."""
        receipt = stewardship.open_ledger(actor, ledger, form.member, _signed(form), key)
        return LedgerOpenedShape(**with_receipt(receipt))

    return routes


def router(house: House) -> APIRouter:
    """Routes for members of the hospital."""
    routes = APIRouter(prefix="/members", tags=["hospitals"])
    stewardship = house.people.stewardship

    @routes.post("", status_code=201)
    def grant(ledger: str, form: GrantForm, actor: ActorHere, key: RequestKey) -> GrantedShape:
        """Give an account a role, by the steward's signature."""
        seat = Seat(form.account, form.member, form.membership)
        receipt = stewardship.grant(actor, ledger, seat, _signed(form), key)
        return GrantedShape(**with_receipt(receipt))

    @routes.delete("/{membership}")
    def revoke(ledger: str, membership: HexId, form: RevokeForm, actor: ActorHere) -> RevokedShape:
        """Take a role away, by the steward's signature."""
        receipt = stewardship.revoke(actor, ledger, membership, _signed(form))
        return RevokedShape(**with_receipt(receipt))

    @routes.get("")
    def members(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[MembershipShape]:
        """Who is a member here, by pseudonym; stewards see the accounts too."""
        held = house.people.readers.require(actor, ledger, MEMBERS_READ_BY)
        steward = any(m.role == Role.STEWARD for m in held)
        with house.gate.snapshot(ledger) as tables:
            rows = tables.of(Membership).find(after=asked.after, limit=asked.limit + 1)
        return page(rows, asked, lambda row: _seen(row, steward=steward))

    return routes


def _seen(row: Membership, *, steward: bool) -> MembershipShape:
    shown = membership_shape(row)
    return shown.model_copy(update={"account": row.account}) if steward else shown


def _signed(form: SignedForm) -> Signed:
    return Signed(form.nonce, from_base64(form.signature), form.terms)
