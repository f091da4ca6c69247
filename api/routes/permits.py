"""Permits of projects, training of people, witnesses of the log: as a steward signs them."""

from fastapi import APIRouter

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, SignedForm, page, with_receipt
from api.shapes_permits import (
    PermitActShape,
    PermitEndForm,
    PermitForm,
    PermitShape,
    PseudonymShape,
    TrainingActShape,
    TrainingForm,
    TrainingShape,
    WitnessActShape,
    WitnessForm,
)
from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, project_domain
from sandbox.cosigners import is_known
from sandbox.people.stewardship import Record, Signed
from sandbox.people.witnesses import NOBODY
from sandbox.records.permits import Permit, Training
from sandbox.wiring import House

TRAINING_READ_BY = frozenset(
    {Role.PRIVACY_OFFICER, Role.REGULATOR, Role.SECURITY_AUDITOR, Role.STEWARD}
)


def router(house: House) -> APIRouter:
    """Routes for members of the hospital."""
    routes = APIRouter(tags=["hospitals"])
    _permit_routes(routes, house)
    _training_routes(routes, house)
    _witness_routes(routes, house)
    return routes


def _permit_routes(routes: APIRouter, house: House) -> None:
    stewardship = house.people.stewardship

    @routes.post("/permits", status_code=201)
    def issue_permit(
        ledger: str, form: PermitForm, actor: ActorHere, key: RequestKey
    ) -> PermitActShape:
        """Permit a project on a dataset for a time, by the steward's signature."""
        about = {"dataset": form.dataset, "project": form.project}
        receipt = stewardship.issue_permit(actor, ledger, about, _signed(form), key)
        return PermitActShape(**with_receipt(receipt))

    @routes.delete("/permits/{project}")
    def revoke_permit(
        ledger: str, project: HexId, form: PermitEndForm, actor: ActorHere
    ) -> PermitActShape:
        """End a project's permit at once, by the steward's signature."""
        receipt = stewardship.revoke_permit(actor, ledger, project, _signed(form))
        return PermitActShape(**with_receipt(receipt))

    @routes.get("/permits")
    def permits(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[PermitShape]:
        """The permits of projects that the actor may know of."""
        domains = {m.domain for m in house.people.readers.memberships(actor, ledger)}
        with house.gate.snapshot(ledger) as tables:
            rows = [
                row
                for row in tables.of(Permit).find(after=asked.after)
                if domains & {HOSPITAL_DOMAIN, project_domain(row.id)}
            ]
        return page(rows[: asked.limit + 1], asked, _permit)


def _training_routes(routes: APIRouter, house: House) -> None:
    @routes.post("/training", status_code=201)
    def record_training(
        ledger: str, form: TrainingForm, actor: ActorHere, key: RequestKey
    ) -> TrainingActShape:
        """Tell that people passed a course, by one's signature; never of oneself."""
        people = tuple((each.account, each.member) for each in form.people)
        record = Record(form.training, form.domain, people)
        receipt = house.people.stewardship.record_training(
            actor, ledger, record, _signed(form), key
        )
        return TrainingActShape(**with_receipt(receipt))

    @routes.get("/pseudonyms/{account}")
    def pseudonym(ledger: str, account: HexId, actor: ActorHere) -> PseudonymShape:
        """The name that an account bears here, for those who sign about people."""
        return PseudonymShape(member=house.people.readers.pseudonym(actor, ledger, account))

    @routes.get("/training")
    def training(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[TrainingShape]:
        """Who passed what until when, by pseudonym."""
        house.people.readers.require(actor, ledger, TRAINING_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            rows = tables.of(Training).find(after=asked.after, limit=asked.limit + 1)
        return page(rows, asked, _training)


def _witness_routes(routes: APIRouter, house: House) -> None:
    @routes.post("/witnesses", status_code=201)
    def require_witnesses(
        ledger: str, form: WitnessForm, actor: ActorHere, key: RequestKey
    ) -> WitnessActShape:
        """Ask for a quorum of witnesses under what leaves, by the steward's signature.

        The policy is named by its digest, and has to be one that the operator configured; `none`
        asks for nobody.
        """
        digest = form.terms.get("policy", "")
        known = digest == NOBODY or is_known(house.settings, digest)
        stewardship = house.people.stewardship
        receipt = stewardship.require_witnesses(actor, ledger, _signed(form), key, known=known)
        return WitnessActShape(**with_receipt(receipt))


def _permit(row: Permit) -> PermitShape:
    return PermitShape(
        project=row.id,
        dataset=row.dataset,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        index=row.index,
    )


def _training(row: Training) -> TrainingShape:
    return TrainingShape(
        training=row.record,
        member=row.pseudonym,
        course=row.course,
        passed_at=row.passed_at,
        expires_at=row.expires_at,
        index=row.index,
    )


def _signed(form: SignedForm) -> Signed:
    return Signed(form.nonce, from_base64(form.signature), form.terms)
