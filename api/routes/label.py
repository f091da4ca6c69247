"""Projects, tasks, leases, labels and reviews."""

import secrets
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere
from api.shapes import HexId, Page, page, with_receipt
from api.shapes_label import (
    JudgedShape,
    LabelForm,
    LabelSavedShape,
    LabelVersionShape,
    LeaseClosedShape,
    LeaseGivenShape,
    LeaseShape,
    LeasesShape,
    NextForm,
    ProjectCreatedShape,
    ProjectForm,
    ProjectShape,
    ReopenForm,
    ReviewForm,
    ReviewSavedShape,
    TaskShape,
    TextShape,
    VersionLine,
)
from sandbox.acts import Actor, Receipt, project_domain
from sandbox.errors import Malformed, NotFound
from sandbox.label import blindness
from sandbox.label import commands as c
from sandbox.label.custody import IssuedKeys
from sandbox.label.desk import LabelDesk, LabelDraft, ProjectDraft
from sandbox.label.leases import held
from sandbox.label.viewing import LeaseView, Viewing
from sandbox.records.documents import guideline_of, schema_of
from sandbox.records.labels import Label, Lease, Project, Task
from sandbox.records.port import Tables
from sandbox.scanning import identifiers_in
from sandbox.wiring import House

NO_STORE = {"Cache-Control": "no-store", "Content-Disposition": "inline"}
ProjectId = Annotated[HexId, Path()]
Seen = Annotated[str | None, Header(alias="If-Match")]


def router(house: House) -> APIRouter:
    """Routes for the people of labelling projects."""
    routes = APIRouter(tags=["label"])
    room = _Room(house)
    _project_routes(routes, room)
    _next_routes(routes, room)
    _task_routes(routes, room)
    _review_routes(routes, room)
    _lease_routes(routes, room)
    return routes


class _Room:
    """The labelling room as its routes see it."""

    def __init__(self, house: House) -> None:
        keys = IssuedKeys(house.custody, house.blobs)
        self.house = house
        self.gate = house.gate
        self.desk = LabelDesk(house.ledgers, keys, identifiers_in)
        self.viewing = Viewing(house.ledgers, keys, house.clock, marks=house.exchange)

    def project(self, tables: Tables, actor: Actor, project: str) -> Project:
        """A project that the actor may know of; others are answered like unknown ones."""
        row = tables.of(Project).require(project)
        if not self.knows(actor, tables.ledger, project):
            raise NotFound
        return row

    def knows(self, actor: Actor, ledger: str, project: str) -> bool:
        """Whether the actor has a role in the project or in the whole hospital."""
        domains = (project_domain(project), "hospital")
        return any(
            m.domain in domains for m in self.house.people.readers.memberships(actor, ledger)
        )

    def task(self, tables: Tables, actor: Actor, task: str) -> Task:
        """A task of a project that the actor may know of."""
        row = tables.of(Task).require(task)
        self.project(tables, actor, row.project)
        return row

    def counts(self, tables: Tables, actor: Actor, project: Project) -> Mapping[str, int]:
        """How many tasks are in each state, as far as the actor may know (R41)."""
        return blindness.counts(tables, project, actor.account, self.house.clock())

    def is_blind(self, tables: Tables, actor: Actor, task: Task) -> bool:
        """Whether the task is another labeller's slot, of which the actor may know nothing."""
        return blindness.hides(tables, task, actor.account, self.house.clock())

    def shown(self, task: Task) -> c.Looked | None:
        """What was looked at under the task's lease; None when nobody can say."""
        return self.viewing.tally.look(task.lease) if task.lease else None

    def give(self, actor: Actor, command: c.OpenTask | c.OpenReview | c.ReopenTask) -> Receipt:
        """Carry out what gives a lease, and count from then on what is shown under it."""
        receipt = self.gate.perform(actor, command)
        # A repeated request brings the receipt of a lease that another process may count.
        if receipt.reply["lease"] == command.lease:
            self.viewing.tally.begin(command.lease)
        return receipt


def _project_routes(routes: APIRouter, room: _Room) -> None:
    @routes.post("/projects", status_code=201)
    def create_project(
        ledger: str, form: ProjectForm, actor: ActorHere, key: RequestKey
    ) -> ProjectCreatedShape:
        """Open the labelling job of a dataset."""
        draft = ProjectDraft(
            project=form.project,
            dataset=form.dataset,
            title=form.title,
            firm=form.firm,
            guideline=form.guideline,
            schema=form.schema_,
            lease_s=form.lease_s or room.house.settings.lease_s,
            overlap=form.overlap,
        )
        receipt = room.gate.perform(actor, room.desk.create_project(ledger, draft, key))
        return ProjectCreatedShape(**with_receipt(receipt))

    @routes.get("/projects")
    def projects(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[ProjectShape]:
        """Projects that the actor may know of."""
        with room.gate.snapshot(ledger) as tables:
            rows = [r for r in tables.of(Project).find() if room.knows(actor, ledger, r.id)]
            behind = [r for r in rows if asked.after is None or r.id > asked.after]
            return page(
                behind[: asked.limit + 1],
                asked,
                lambda row: _project(row, room.counts(tables, actor, row)),
            )

    @routes.get("/projects/{project}")
    def project(ledger: str, project: ProjectId, actor: ActorHere) -> ProjectShape:
        """One project."""
        with room.gate.snapshot(ledger) as tables:
            row = room.project(tables, actor, project)
            return _project(row, room.counts(tables, actor, row))

    @routes.get("/projects/{project}/leases")
    def own_leases(ledger: str, project: ProjectId, actor: ActorHere) -> LeasesShape:
        """The actor's live leases in a project, to go on after a break."""
        with room.gate.snapshot(ledger) as tables:
            room.project(tables, actor, project)
            now = room.house.clock()
            leases = [lease.id for lease in held(tables, project, actor.account, now)]
            return LeasesShape(items=leases, next=None)


def _next_routes(routes: APIRouter, room: _Room) -> None:
    def give(command: Callable[..., c.OpenTask | c.OpenReview]) -> Callable[..., LeaseGivenShape]:
        def next_one(
            ledger: str, project: ProjectId, actor: ActorHere, key: RequestKey, form: NextForm
        ) -> LeaseGivenShape:
            asked = command(
                ledger=ledger,
                domain=project_domain(project),
                request_key=key,
                project=project,
                lease=secrets.token_hex(16),
                task=form.task,
            )
            return LeaseGivenShape(**with_receipt(room.give(actor, asked)))

        next_one.__doc__ = command.__doc__
        return next_one

    routes.post("/projects/{project}/tasks/next", status_code=201, name="next_task")(
        give(c.OpenTask)
    )
    routes.post("/projects/{project}/reviews/next", status_code=201, name="next_review")(
        give(c.OpenReview)
    )


def _task_routes(routes: APIRouter, room: _Room) -> None:
    @routes.get("/tasks/{task}")
    def task(ledger: str, task: HexId, actor: ActorHere) -> TaskShape:
        """Where a task stands, and which versions of its label there are."""
        with room.gate.snapshot(ledger) as tables:
            row = room.task(tables, actor, task)
            if room.is_blind(tables, actor, row):
                raise NotFound
            return _task(row, list(tables.of(Label).find(task=task)))

    @routes.get("/tasks/{task}/labels/{version}")
    def label(ledger: str, task: HexId, version: int, actor: ActorHere) -> LabelVersionShape:
        """A saved version of a label: for who wrote it, and for who reviews the task now."""
        found = room.viewing.label_version(ledger, task, version, actor)
        return LabelVersionShape(
            label=found.row.id,
            version=found.row.version,
            made_by=found.row.made_by,
            saved_at=found.row.saved_at,
            index=found.row.index,
            value=dict(found.said),
        )

    @routes.post("/tasks/{task}/labels", status_code=201)
    def submit_label(
        ledger: str,
        task: HexId,
        form: LabelForm,
        actor: ActorHere,
        key: RequestKey,
        seen: Seen = None,
    ) -> LabelSavedShape:
        """Save a label; `If-Match` names the version that its labeller saw last."""
        version = _version(seen)
        with room.gate.snapshot(ledger) as tables:
            row = room.task(tables, actor, task)
            shown = room.shown(row)
        draft = LabelDraft(row.project, task, version, form.value, form.comment, shown)
        receipt = room.gate.perform(actor, room.desk.submit_label(ledger, draft, key))
        if row.lease:
            room.viewing.tally.forget(row.lease)
        return LabelSavedShape(**with_receipt(receipt))


def _review_routes(routes: APIRouter, room: _Room) -> None:
    @routes.post("/tasks/{task}/reviews", status_code=201)
    def submit_review(
        ledger: str, task: HexId, form: ReviewForm, actor: ActorHere, key: RequestKey
    ) -> ReviewSavedShape:
        """Accept a label, return it, send it to adjudication, or decide by a label of one's own."""
        with room.gate.snapshot(ledger) as tables:
            row = room.task(tables, actor, task)
            shown = room.shown(row)
        review = c.SubmitReview(
            ledger=ledger,
            domain=project_domain(row.project),
            request_key=key,
            project=row.project,
            task=task,
            review=secrets.token_hex(16),
            verdict=form.verdict,
            shown=shown,
        )
        command = room.desk.submit_review(ledger, review, form.reason, form.value)
        receipt = room.gate.perform(actor, command)
        if row.lease:
            room.viewing.tally.forget(row.lease)
        return ReviewSavedShape(**with_receipt(receipt))

    @routes.post("/tasks/{task}/reopen", status_code=201)
    def reopen_task(
        ledger: str, task: HexId, form: ReopenForm, actor: ActorHere, key: RequestKey
    ) -> LeaseGivenShape:
        """Take a locked task back into review."""
        with room.gate.snapshot(ledger) as tables:
            row = room.task(tables, actor, task)
        reopening = c.ReopenTask(
            ledger=ledger,
            domain=project_domain(row.project),
            request_key=key,
            project=row.project,
            task=task,
            review=secrets.token_hex(16),
            lease=secrets.token_hex(16),
            reason_given=bool(form.reason.strip()),
        )
        command = room.desk.reopen(ledger, reopening, form.reason)
        return LeaseGivenShape(**with_receipt(room.give(actor, command)))


def _lease_routes(routes: APIRouter, room: _Room) -> None:
    @routes.get("/leases/{lease}")
    def lease(ledger: str, lease: HexId, actor: ActorHere) -> LeaseShape:
        """A live lease of the actor's own."""
        return _lease(room.viewing.lease(ledger, lease, actor))

    @routes.get("/leases/{lease}/frames/{number}", response_class=Response)
    def frame(ledger: str, lease: HexId, number: int, actor: ActorHere) -> Response:
        """One frame as PNG, marked with its viewer and the time."""
        picture = room.viewing.frame(ledger, lease, actor, number)
        return Response(picture, media_type="image/png", headers=NO_STORE)

    @routes.get("/leases/{lease}/text")
    def text(ledger: str, lease: HexId, actor: ActorHere, response: Response) -> TextShape:
        """The text of a text item."""
        response.headers.update(NO_STORE)
        seen = room.viewing.text(ledger, lease, actor)
        return TextShape(text=seen.text, viewer=seen.viewer, seen_at=seen.seen_at)

    @routes.post("/leases/{lease}/close", status_code=201)
    def close_lease(
        ledger: str, lease: HexId, actor: ActorHere, key: RequestKey
    ) -> LeaseClosedShape:
        """End a lease early."""
        with room.gate.snapshot(ledger) as tables:
            row = tables.of(Lease).get(lease)
        if row is None or row.account != actor.account:
            raise NotFound
        command = c.CloseLease(
            ledger=ledger,
            domain=project_domain(row.project),
            request_key=key,
            project=row.project,
            lease=lease,
            shown=room.viewing.tally.look(lease),
        )
        receipt = room.gate.perform(actor, room.desk.close_lease(command))
        room.viewing.tally.forget(lease)
        return LeaseClosedShape(**with_receipt(receipt))


def _version(seen: str | None) -> int:
    """The version in `If-Match`, with or without quotation marks.

    Raises:
        Malformed: it is missing or no number.
    """
    text = (seen or "").strip().strip('"')
    if not text.isascii() or not text.isdigit():
        raise Malformed("if-match-missing", "name the version you saw in If-Match")
    return int(text)


def _project(row: Project, tasks: Mapping[str, int]) -> ProjectShape:
    return ProjectShape(
        project=row.id,
        dataset=row.dataset,
        title=row.title,
        firm=row.firm,
        guideline=guideline_of(row).document(),
        guideline_digest=row.guideline_digest,
        label_schema=schema_of(row).document(),
        schema_digest=row.schema_digest,
        lease_s=row.lease_s,
        overlap=row.overlap,
        created_at=row.created_at,
        tasks=dict(tasks),
    )


def _task(row: Task, labels: list[Label]) -> TaskShape:
    lines = [
        VersionLine(label=one.id, version=one.version, index=one.index, saved_at=one.saved_at)
        for one in sorted(labels, key=lambda label: label.version)
    ]
    return TaskShape(
        task=row.id,
        project=row.project,
        item=row.item,
        state=str(row.state),
        version=row.version,
        versions=lines,
    )


def _lease(view: LeaseView) -> LeaseShape:
    labels = [
        JudgedShape(task=one.task, version=one.version, label=dict(one.said)) for one in view.judged
    ]
    return LeaseShape(
        lease=view.lease.id,
        task=view.lease.task,
        project=view.lease.project,
        item=view.item.id,
        work=view.lease.work,
        kind=view.item.kind,
        modality=view.item.modality,
        frames=view.item.frames,
        version=view.version,
        expires_at=view.lease.expires_at,
        guideline=guideline_of(view.project).document(),
        label_schema=schema_of(view.project).document(),
        label=next((one.label for one in labels if one.task == view.lease.task), None),
        labels=labels,
    )
