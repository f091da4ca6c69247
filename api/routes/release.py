"""Releases: request, inspection, votes, download, passport, recall, withdrawal."""

import hashlib
import secrets
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Response

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, page, with_receipt
from api.shapes_release import (
    PackageShape,
    RecallForm,
    ReleaseActShape,
    ReleaseShape,
    RequestForm,
    VoteCastShape,
    VoteForm,
    VoteShape,
)
from sandbox.acts import Actor, SignedAct, project_domain
from sandbox.errors import NotFound
from sandbox.records.people import Pseudonym
from sandbox.records.port import Tables
from sandbox.records.releases import Release, Vote
from sandbox.release import commands as c
from sandbox.release.delivery import fault_in_reason
from sandbox.release.requests import fault_in
from sandbox.release.views import Packages, visible_votes
from sandbox.scanning import identifiers_in
from sandbox.wiring import House

C = TypeVar("C", bound=c.ReleaseCommand)
ReleaseId = Annotated[HexId, Path()]


def router(house: House) -> APIRouter:
    """Routes for requesters, voters, stewards and recipients."""
    routes = APIRouter(tags=["release"])
    room = _Room(house)
    _request_routes(routes, room)
    _voting_routes(routes, room)
    _delivery_routes(routes, room)
    return routes


class _Room:
    """The airlock as its routes see it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.gate = house.gate
        self.packages = Packages(house.ledgers, house.blobs, house.custody)

    def find(self, tables: Tables, actor: Actor, release: str) -> Release:
        """A release that the actor may know of; others are answered like unknown ones.

        Recipients know only what is addressed to them.
        """
        row = tables.of(Release).require(release)
        if not self.knows(tables, actor, row):
            raise NotFound
        return row

    def knows(self, tables: Tables, actor: Actor, row: Release) -> bool:
        """Whether the actor is its recipient, of its project, or has another hospital role."""
        held = self.house.people.readers.memberships(actor, tables.ledger)
        own = tables.of(Pseudonym).get(actor.account)
        if own is not None and own.pseudonym == row.recipient:
            return True
        domains = (project_domain(row.project), "hospital")
        return any(m.domain in domains and m.role != "recipient" for m in held)

    def row(self, ledger: str, actor: Actor, release: str) -> Release:
        """As `find`, in a snapshot of its own."""
        with self.gate.snapshot(ledger) as tables:
            return self.find(tables, actor, release)

    def command(
        self,
        kind: type[C],
        ledger: str,
        row: Release,
        **parts: Any,  # Any: the fields that the kind of command adds
    ) -> C:
        """A command on a release, in its project's domain."""
        domain = project_domain(row.project)
        return kind(ledger=ledger, domain=domain, project=row.project, release=row.id, **parts)


def _request_routes(routes: APIRouter, room: _Room) -> None:
    @routes.post("/projects/{project}/releases", status_code=201)
    def request_release(
        ledger: str, project: HexId, form: RequestForm, actor: ActorHere, key: RequestKey
    ) -> ReleaseActShape:
        """Ask for the accepted labels of a project to leave."""
        command = c.RequestRelease(
            ledger=ledger,
            domain=project_domain(project),
            request_key=key,
            project=project,
            release=form.release or _new_release(actor, key),
            recipient=form.recipient,
            context=form.context,
            control_statement=form.control_statement,
            fault=fault_in(form.context, form.control_statement, identifiers_in),
        )
        return ReleaseActShape(**with_receipt(room.gate.perform(actor, command)))

    @routes.get("/releases")
    def releases(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[ReleaseShape]:
        """Releases that the actor may know of."""
        with room.gate.snapshot(ledger) as tables:
            rows = [r for r in tables.of(Release).find() if room.knows(tables, actor, r)]
            behind = [r for r in rows if asked.after is None or r.id > asked.after]
            return page(behind[: asked.limit + 1], asked, lambda row: _release(tables, row))

    @routes.get("/releases/{release}")
    def release(ledger: str, release: ReleaseId, actor: ActorHere) -> ReleaseShape:
        """Where a release stands."""
        with room.gate.snapshot(ledger) as tables:
            return _release(tables, room.find(tables, actor, release))

    @routes.post("/releases/{release}/withdraw", status_code=201)
    def withdraw(
        ledger: str, release: ReleaseId, actor: ActorHere, key: RequestKey
    ) -> ReleaseActShape:
        """Give up a request that came back."""
        row = room.row(ledger, actor, release)
        command = room.command(c.WithdrawRelease, ledger, row, request_key=key)
        return ReleaseActShape(**with_receipt(room.gate.perform(actor, command)))


def _voting_routes(routes: APIRouter, room: _Room) -> None:
    @routes.get("/releases/{release}/package")
    def package(ledger: str, release: ReleaseId, actor: ActorHere) -> PackageShape:
        """Look at a package before voting; every look is in the log."""
        row = room.row(ledger, actor, release)
        receipt = room.gate.perform(actor, room.command(c.InspectRelease, ledger, row))
        row = room.row(ledger, actor, release)
        files = room.packages.open(ledger, row)
        parts = {
            "statement": (row.statement or b"").decode(),
            "files": {name: data.decode() for name, data in files.items()},
        }
        return PackageShape(**with_receipt(receipt, **parts))

    @routes.post("/releases/{release}/votes", status_code=201)
    def vote(
        ledger: str, release: ReleaseId, form: VoteForm, actor: ActorHere, key: RequestKey
    ) -> VoteCastShape:
        """Cast a signed vote."""
        row = room.row(ledger, actor, release)
        signed = SignedAct(
            public_key=from_base64(form.signing_key),
            signature=from_base64(form.signature),
            nonce=form.nonce,
            objects={"release": release},
            terms=form.terms,
        )
        envelope = form.envelope_signature
        command = room.command(
            c.VoteRelease,
            ledger,
            row,
            request_key=key,
            vote=secrets.token_hex(16),
            envelope_signature=None if envelope is None else from_base64(envelope),
            signed=signed,
        )
        return VoteCastShape(**with_receipt(room.gate.perform(actor, command)))


def _delivery_routes(routes: APIRouter, room: _Room) -> None:
    @routes.get("/releases/{release}/sealed", response_class=Response)
    def sealed(ledger: str, release: ReleaseId, actor: ActorHere) -> Response:
        """The package, sealed to its recipient."""
        row = room.row(ledger, actor, release)
        room.gate.perform(actor, room.command(c.DownloadRelease, ledger, row))
        data = room.packages.sealed(room.row(ledger, actor, release))
        return Response(data, media_type="application/octet-stream")

    @routes.get("/releases/{release}/passport", response_class=Response)
    def passport(ledger: str, release: ReleaseId, actor: ActorHere) -> Response:
        """The passport: whoever may know of the release may check it."""
        row = room.row(ledger, actor, release)
        if row.passport is None:
            raise NotFound
        return Response(row.passport, media_type="application/json")

    @routes.post("/releases/{release}/recall", status_code=201)
    def recall(
        ledger: str, release: ReleaseId, form: RecallForm, actor: ActorHere, key: RequestKey
    ) -> ReleaseActShape:
        """Call a release back; the reason is seen by everyone who sees the release."""
        row = room.row(ledger, actor, release)
        fault = fault_in_reason(form.reason, identifiers_in)
        command = room.command(
            c.RecallRelease, ledger, row, request_key=key, reason=form.reason, fault=fault
        )
        return ReleaseActShape(**with_receipt(room.gate.perform(actor, command)))


def _new_release(actor: Actor, key: str) -> str:
    """The id of a new release: the same when the same request comes again."""
    return hashlib.sha256(f"anbiao-release-id\n{actor.account}\n{key}".encode()).hexdigest()[:32]


def _release(tables: Tables, row: Release) -> ReleaseShape:
    votes = visible_votes(tables, row)
    return ReleaseShape(
        release=row.id,
        project=row.project,
        dataset=row.dataset,
        recipient=row.recipient,
        context=row.context,
        control_statement=row.control_statement,
        grade=row.grade,
        state=str(row.state),
        findings=list(row.findings),
        package=row.package_digest,
        recall_reason=row.recall_reason,
        requested_at=row.requested_at,
        votes=None if votes is None else [_vote(vote) for vote in votes],
    )


def _vote(vote: Vote) -> VoteShape:
    return VoteShape(
        member=vote.pseudonym,
        organisation=vote.organisation,
        role=vote.role,
        verdict=vote.verdict,
        index=vote.index,
    )
