"""What is asked of the log: evidence packs, and who was let see a subject.

Each answer is ruled on and told anew: one remembered from before would hand out today's log to
somebody who may not read it any more. Whoever has no role that reads is refused before the log is
read for them; the refusal is an entry all the same.
"""

import io
from collections.abc import Mapping
from datetime import UTC

from fastapi import APIRouter, Response

from api.authentication import ActorHere
from api.shapes import HexId
from api.shapes_evidence import PeriodForm, SubjectReportShape, report_shape
from crypto.verifier import Scope
from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, Actor, project_domain
from sandbox.errors import AccessError
from sandbox.provenance.entry import time_text
from sandbox.provenance.publishing import Publisher
from sandbox.release.commands import Answered, ExportEvidence, ReportSubject
from sandbox.release.evidence import Evidence, created
from sandbox.wiring import House

EXPORTED_BY = frozenset({Role.REGULATOR, Role.SECURITY_AUDITOR, Role.STEWARD})
REPORTED_TO = EXPORTED_BY | {Role.PRIVACY_OFFICER}


def router(house: House) -> APIRouter:
    """The routes of evidence."""
    routes = APIRouter(tags=["evidence"])
    evidence = Evidence(house.ledgers, Publisher(house.log), house.policy, house.custody.key)
    _pack_routes(routes, house, evidence)
    _report_routes(routes, house, evidence)
    return routes


def _pack_routes(routes: APIRouter, house: House, evidence: Evidence) -> None:
    @routes.post("/datasets/{dataset}/evidence", response_class=Response)
    def export(ledger: str, dataset: HexId, actor: ActorHere) -> Response:
        """The evidence on a dataset as one ZIP; that it was handed out is in it."""
        return _pack(house, evidence, actor, ledger, Scope("dataset", dataset))

    @routes.post("/projects/{project}/evidence", response_class=Response)
    def export_project(ledger: str, project: HexId, actor: ActorHere) -> Response:
        """The evidence on a project."""
        scope = Scope("project", project)
        in_sight = _is_in_sight(house, actor, ledger, project)
        return _pack(house, evidence, actor, ledger, scope, in_sight=in_sight)

    @routes.post("/subjects/{subject}/evidence", response_class=Response)
    def export_subject(ledger: str, subject: HexId, actor: ActorHere) -> Response:
        """The evidence on a subject, by the id that the log calls it; it opens no other subject."""
        return _pack(house, evidence, actor, ledger, Scope("subject", subject))

    @routes.post("/evidence", response_class=Response)
    def export_period(ledger: str, form: PeriodForm, actor: ActorHere) -> Response:
        """The evidence on a period."""
        start, stop = (time_text(at.astimezone(UTC)) for at in (form.since, form.until))
        scope = Scope("period", start=start, stop=stop)
        return _pack(house, evidence, actor, ledger, scope)


def _report_routes(routes: APIRouter, house: House, evidence: Evidence) -> None:
    @routes.post("/subjects/{subject}/report")
    def report(ledger: str, subject: HexId, actor: ActorHere) -> SubjectReportShape:
        """Who was let see anything of a subject, when, why and by which rule (R72)."""
        scope = Scope("subject", subject)
        if not _reads(house, actor, ledger, REPORTED_TO):
            house.gate.perform(actor, ReportSubject(ledger=ledger, about=scope.document()))
        inquiry = evidence.inquire(ledger, scope)
        counts: Mapping[str, int] = {"looks": len(inquiry.looks())}
        answered = Answered(inquiry.log.note.size, counts=counts)
        receipt = house.gate.perform(
            actor, ReportSubject(ledger=ledger, about=scope.document(), answer=answered)
        )
        return report_shape(inquiry, receipt)


def _pack(
    house: House,
    evidence: Evidence,
    actor: Actor,
    ledger: str,
    scope: Scope,
    *,
    in_sight: bool = True,
) -> Response:
    about = scope.document()
    if not in_sight or not _reads(house, actor, ledger, EXPORTED_BY):
        refused = ExportEvidence(ledger=ledger, about=about, in_sight=in_sight)
        house.gate.perform(actor, refused)
    draft = evidence.draft(ledger, scope)
    command = ExportEvidence(ledger=ledger, about=about, answer=draft.answered)
    receipt = house.gate.perform(actor, command)
    out = io.BytesIO()
    evidence.write(out, created(house.clock(), ledger, scope, receipt.index), draft, scope)
    return Response(out.getvalue(), media_type="application/zip")


def _is_in_sight(house: House, actor: Actor, ledger: str, project: str) -> bool:
    """Whether the actor may know of the project: others are like what never was (R16)."""
    domains = (project_domain(project), HOSPITAL_DOMAIN)
    return any(m.domain in domains for m in house.people.readers.memberships(actor, ledger))


def _reads(house: House, actor: Actor, ledger: str, roles: frozenset[Role]) -> bool:
    """Whether it is worth reading the log for the actor; the gate rules on it all the same."""
    try:
        house.people.readers.require(actor, ledger, roles)
    except AccessError:
        return False
    return True
