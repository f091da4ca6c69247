"""Accounts, sessions and keys."""

from base64 import b64encode

from fastapi import APIRouter, Response

from api.authentication import ActorHere, AddressHere
from api.requests import RequestKey, from_base64
from api.shapes import (
    AcceptForm,
    AccountActShape,
    AccountCreatedShape,
    AccountForm,
    CardShape,
    ConfirmForm,
    HexId,
    HospitalRolesShape,
    KeysForm,
    LoginForm,
    MeShape,
    NewFactorShape,
    RenewForm,
    ServiceForm,
    ServiceLoginForm,
    SessionShape,
    SetupForm,
    membership_shape,
    with_receipt,
)
from sandbox.people.checks import Credentials
from sandbox.people.enrolment import NewFactor
from sandbox.people.entrance import Opened
from sandbox.people.registry import KeyOffer, fingerprint_of
from sandbox.people.services import ServiceLogin
from sandbox.records.people import Account
from sandbox.wiring import House


def entrance_router(house: House) -> APIRouter:
    """Routes that answer without credentials: setup, enrolment, login."""
    routes = APIRouter(tags=["entrance"])
    enrolments, entrance = house.people.enrolments, house.people.entrance

    @routes.post("/setup", status_code=201)
    def set_up(form: SetupForm, address: AddressHere) -> NewFactorShape:
        """Make the first account, by the code that the server wrote on an empty store."""
        return _factor(enrolments.set_up(form.code, form.name, form.password, address))

    @routes.post("/invitations/accept", status_code=201)
    def accept(form: AcceptForm, address: AddressHere) -> NewFactorShape:
        """Take up an invitation; the second factor shown has to be confirmed."""
        return _factor(enrolments.accept(form.invitation, form.password, address))

    @routes.post("/totp/renew", status_code=201)
    def renew(form: RenewForm, address: AddressHere) -> NewFactorShape:
        """Show another second factor, as long as none was confirmed."""
        given = Credentials(form.name, form.password, address)
        return _factor(enrolments.renew_factor(given))

    @routes.post("/totp/confirm", status_code=201)
    def confirm(form: ConfirmForm, address: AddressHere) -> SessionShape:
        """Confirm a second factor by its first code; opens the first session."""
        name = house.people.enrolments.name_of(form.account)
        given = Credentials(name, form.password, address, code=form.code)
        return _session(entrance.confirm(given, str(form.purpose or "")))

    @routes.post("/sessions", status_code=201)
    def log_in(form: LoginForm, address: AddressHere) -> SessionShape:
        """Open a session by password and second factor."""
        given = Credentials(form.name, form.password, address, form.code, form.recovery)
        return _session(entrance.log_in(given, str(form.purpose or "")))

    @routes.post("/service-sessions", status_code=201)
    def log_in_service(form: ServiceLoginForm, address: AddressHere) -> SessionShape:
        """Open a session for a service by a signature."""
        signature = from_base64(form.signature)
        given = ServiceLogin(form.account, form.at, form.nonce, signature, address)
        return _session(house.people.services.log_in(given))

    return routes


def router(house: House) -> APIRouter:
    """Routes for whoever has a session."""
    routes = APIRouter(tags=["people"])
    registry = house.people.registry

    @routes.delete("/sessions/current", status_code=204)
    def log_out(actor: ActorHere) -> Response:
        """End this session."""
        house.people.entrance.log_out(actor)
        return Response(status_code=204)

    @routes.post("/accounts", status_code=201)
    def create_account(form: AccountForm, actor: ActorHere, key: RequestKey) -> AccountCreatedShape:
        """Create a person's account and its invitation."""
        made = registry.invite(actor, form.name, form.organisation, key)
        return AccountCreatedShape(**with_receipt(made.receipt, invitation=made.invitation))

    @routes.get("/accounts/{account}")
    def show_account(account: HexId, actor: ActorHere) -> CardShape:
        """Whose keys an account's are; for operators, stewards and the account itself."""
        return _card(house.people.readers.card(actor, account))

    @routes.delete("/accounts/{account}")
    def remove_account(account: HexId, actor: ActorHere) -> AccountActShape:
        """Remove an account; its sessions are over with this answer."""
        return AccountActShape(**with_receipt(registry.remove(actor, account)))

    @routes.post("/service-accounts", status_code=201)
    def create_service(form: ServiceForm, actor: ActorHere, key: RequestKey) -> AccountActShape:
        """Create a service's account under its public key."""
        public_key = from_base64(form.public_key)
        receipt = registry.register_service(actor, form.name, public_key, form.purposes, key)
        return AccountActShape(**with_receipt(receipt))

    @routes.post("/keys", status_code=201)
    def enrol_keys(form: KeysForm, actor: ActorHere, key: RequestKey) -> AccountActShape:
        """Enrol the actor's own public keys."""
        sealing_key = from_base64(form.sealing_key) if form.sealing_key else None
        offer = KeyOffer(from_base64(form.signing_key), sealing_key, from_base64(form.proof))
        return AccountActShape(**with_receipt(registry.enrol_key(actor, offer, key)))

    @routes.get("/me")
    def me(actor: ActorHere) -> MeShape:
        """The actor's own account, and where it is a member."""
        return MeShape(
            **_card(registry.account(actor.account)).model_dump(),
            purpose=actor.purpose,
            platform_roles=sorted(registry.platform_roles(actor.account)),
            hospitals=[
                HospitalRolesShape(
                    ledger=ledger, member=held[0].pseudonym, roles=list(map(membership_shape, held))
                )
                for ledger, held in house.people.readers.everywhere(actor)
            ],
        )

    return routes


def _factor(made: NewFactor) -> NewFactorShape:
    return NewFactorShape(
        account=made.account,
        name=made.name,
        totp_secret=made.totp_secret,
        otpauth=made.otpauth,
        recovery_codes=list(made.recovery_codes),
    )


def _session(opened: Opened) -> SessionShape:
    return SessionShape(
        token=opened.token,
        account=opened.account,
        idle_until=opened.idle_until,
        ends_at=opened.ends_at,
    )


def _card(account: Account) -> CardShape:
    return CardShape(
        account=account.id,
        name=account.name,
        kind=account.kind,
        organisation=account.organisation,
        state=account.state,
        signing_key=_text(account.signing_key),
        sealing_key=_text(account.sealing_key),
        fingerprint=fingerprint_of(account),
    )


def _text(key: bytes | None) -> str | None:
    return b64encode(key).decode() if key else None
