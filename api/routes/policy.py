"""The policy itself: its versions, changes by two people, and who holds the platform's roles."""

from fastapi import APIRouter

from api.authentication import ActorHere
from api.requests import RequestKey, from_base64
from api.shapes import HexId, SignedForm, with_receipt
from api.shapes_policy import (
    AdoptForm,
    ChangeForm,
    DecisionForm,
    PlatformRoleForm,
    PlatformRoleShape,
    PoliciesShape,
    PolicyActShape,
    PolicyShape,
    PreviewShape,
    ProposalForm,
)
from sandbox.people.changes import Asked, Told
from sandbox.people.stewardship import Signed
from sandbox.wiring import House


def router(house: House) -> APIRouter:
    """Routes for whoever has a session; the gate and the room ask for the role."""
    routes = APIRouter(tags=["policy"])
    _reading_routes(routes, house)
    _changing_routes(routes, house)
    _role_routes(routes, house)
    return routes


def _reading_routes(routes: APIRouter, house: House) -> None:
    changes = house.people.changes

    @routes.get("/policies")
    def policies(actor: ActorHere) -> PoliciesShape:
        """Versions and proposals with readable differences; for the platform's roles."""
        told = changes.versions(actor)
        return PoliciesShape(
            in_force=house.gate.decision_point.digest, items=[_policy(each) for each in told]
        )

    @routes.post("/policies/preview")
    def preview(form: ChangeForm, actor: ActorHere) -> PreviewShape:
        """What a change would come to; nothing is kept of it."""
        seen = changes.preview(actor, Asked(form.add, form.remove, form.anew))
        return PreviewShape(
            base=seen.change.base,
            table=seen.change.table,
            diff=list(seen.diff),
            diff_digest=seen.change.diff,
            proof=seen.change.proof,
            paths=seen.change.paths,
            floors=list(seen.change.broken),
            found=list(seen.found),
        )


def _changing_routes(routes: APIRouter, house: House) -> None:
    changes = house.people.changes

    @routes.post("/policies", status_code=201)
    def adopt_policy(form: AdoptForm, actor: ActorHere, key: RequestKey) -> PolicyActShape:
        """Take the policy that ships with the program for the house's first; once."""
        return PolicyActShape(**with_receipt(changes.adopt(actor, form.policy, key)))

    @routes.post("/policies/proposals", status_code=201)
    def propose(form: ProposalForm, actor: ActorHere, key: RequestKey) -> PolicyActShape:
        """Propose a change of the policy in force, by a policy admin's signature."""
        asked = Asked(form.add, form.remove, form.anew)
        receipt = changes.propose(actor, form.policy, asked, _signed(form), key)
        return PolicyActShape(**with_receipt(receipt))

    @routes.post("/policies/proposals/{policy}/approve")
    def approve(policy: HexId, form: DecisionForm, actor: ActorHere) -> PolicyActShape:
        """Put another's proposal in force, by a second policy admin's signature."""
        return PolicyActShape(**with_receipt(changes.approve(actor, policy, _signed(form))))

    @routes.post("/policies/proposals/{policy}/reject")
    def reject(policy: HexId, form: DecisionForm, actor: ActorHere) -> PolicyActShape:
        """Turn a proposal down, by a policy admin's signature."""
        return PolicyActShape(**with_receipt(changes.reject(actor, policy, _signed(form))))


def _role_routes(routes: APIRouter, house: House) -> None:
    stewardship = house.people.stewardship

    @routes.post("/platform/members", status_code=201)
    def grant_role(form: PlatformRoleForm, actor: ActorHere, key: RequestKey) -> PlatformRoleShape:
        """Give an account a role on the platform, by an operator's signature."""
        receipt = stewardship.grant_platform(
            actor, form.account, form.membership, _signed(form), key
        )
        return PlatformRoleShape(**with_receipt(receipt))

    @routes.delete("/platform/members/{membership}")
    def revoke_role(membership: HexId, actor: ActorHere) -> PlatformRoleShape:
        """Take a role on the platform away; for the operator."""
        return PlatformRoleShape(**with_receipt(stewardship.revoke_platform(actor, membership)))


def _policy(told: Told) -> PolicyShape:
    row = told.row
    return PolicyShape(
        policy=row.id,
        version=row.version,
        state=row.state,
        table=row.table,
        base=row.base,
        diff=list(told.diff),
        diff_digest=row.diff,
        proof=row.proof,
        author=row.author,
        decided_by=row.decided_by,
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        index=row.index,
    )


def _signed(form: SignedForm) -> Signed:
    return Signed(form.nonce, from_base64(form.signature), form.terms)
