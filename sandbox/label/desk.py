"""What is made ready before the gate: parsed, scanned for identifiers, sealed.

The gate's acts do no heavy work, so what a person hands in is checked and sealed here. A fault is
not raised here but carried in the command: it is refused inside the gate, where it is logged and
where only someone who may act learns of it.

R47: comments and reasons are scanned for identifiers before they are kept.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from crypto.canonical import encode
from crypto.commitments import commit
from crypto.errors import VerificationError
from sandbox.acts import project_domain
from sandbox.errors import InputError, NotFound, Unacceptable
from sandbox.formats.extents import Extent
from sandbox.formats.guideline import parse_guideline
from sandbox.formats.label_schema import parse_schema
from sandbox.formats.label_value import check_value
from sandbox.label.commands import (
    CloseLease,
    CreateProject,
    Decision,
    Fault,
    Looked,
    ReopenTask,
    SubmitLabel,
    SubmitReview,
)
from sandbox.label.digests import shown_payload
from sandbox.label.leases import shown_words
from sandbox.label.verdicts import ACCEPT, DECIDE, VERDICTS
from sandbox.records.documents import schema_of
from sandbox.records.labels import Lease, Project, ProjectItem, Task
from sandbox.records.port import Ledgers, Tables
from sandbox.records.sealed_labels import (
    LabelPayload,
    LabelSecret,
    review_place,
    salted,
    seal_label,
    seal_record,
    shown_salt,
)

Scan = Callable[[str], Sequence[str]]
"""Kinds of identifiers found in a text."""

MAX_COMMENT = 500
MAX_TITLE = 120


class RecordKeys(Protocol):
    """Where the desk gets an item's record key, and how large an item is."""

    def record_key(self, item: str) -> bytes:
        """The 32-byte key under which what is said of a project item is kept."""
        ...

    def extent(self, item: ProjectItem) -> Extent:
        """The limits within which marks of the item can lie."""
        ...


@dataclass(frozen=True)
class ProjectDraft:
    """What a project is to be, as it came through the door."""

    project: str
    dataset: str
    title: str
    firm: str
    guideline: Mapping[str, object]
    schema: Mapping[str, object]
    lease_s: int
    overlap: int = 1


@dataclass(frozen=True)
class LabelDraft:
    """A label as it came through the door; `version` is the one its labeller saw last."""

    project: str
    task: str
    version: int
    value: Mapping[str, object]
    comment: str
    shown: Looked | None


class LabelDesk:
    """Makes commands of what people hand in."""

    def __init__(self, ledgers: Ledgers, keys: RecordKeys, scan: Scan) -> None:
        self._ledgers = ledgers
        self._keys = keys
        self._scan = scan

    def create_project(
        self, ledger: str, draft: ProjectDraft, request_key: str | None
    ) -> CreateProject:
        """A `project.create` of the draft."""
        guideline = schema = b""
        fault = None
        try:
            guideline, schema = self._documents(draft)
        except InputError as error:
            fault = Fault.of(error)
        return CreateProject(
            ledger=ledger,
            domain=project_domain(draft.project),
            request_key=request_key,
            project=draft.project,
            dataset=draft.dataset,
            title=draft.title,
            firm=draft.firm,
            guideline=guideline,
            schema=schema,
            lease_s=draft.lease_s,
            overlap=draft.overlap,
            fault=fault,
        )

    def submit_label(self, ledger: str, draft: LabelDraft, request_key: str | None) -> SubmitLabel:
        """A `label.submit` of the draft, sealed.

        Raises:
            NotFound: no such project or task.
        """
        command = SubmitLabel(
            ledger=ledger,
            domain=project_domain(draft.project),
            request_key=request_key,
            project=draft.project,
            task=draft.task,
            label="",
            version=draft.version,
            asked=_asked(draft.value, draft.comment),
            shown=draft.shown,
        )
        with self._ledgers.open(ledger).snapshot() as tables:
            project = tables.of(Project).require(draft.project)
            item = _item(tables, draft.project, draft.task)
        try:
            label, sealed, commitments = self._seal(project, item, draft)
        except InputError as error:
            return replace(command, label=secrets.token_hex(16), fault=Fault.of(error))
        return replace(command, label=label, sealed=sealed, commitments=commitments)

    def submit_review(
        self,
        ledger: str,
        review: SubmitReview,
        reason: str,
        value: Mapping[str, object] | None = None,
    ) -> SubmitReview:
        """`review` with its reason, and the label of a decision, checked and sealed.

        Raises:
            NotFound: no such project or task.
        """
        review = replace(review, ledger=ledger, asked=_asked(value or {}, reason))
        decision = None
        try:
            _check_verdict(review.verdict, reason, value)
            self._check_text(reason, "reason")
            if value is not None:
                decision = self._decide(ledger, review, reason, value)
        except InputError as error:
            return replace(review, fault=Fault.of(error))
        sealed, commitment = self._seal_reason(
            ledger, review.task, review.project, review.review, reason
        )
        with self._ledgers.open(ledger).snapshot() as tables:
            task = tables.of(Task).require(review.task)
            item = tables.of(ProjectItem).require(task.item)
        bound = self._bind_shown(item, task.lease or "", review.shown)
        return replace(
            review, sealed=sealed, commitment=commitment, decision=decision, shown_commitment=bound
        )

    def close_lease(self, closing: CloseLease) -> CloseLease:
        """`closing` with a commitment to what was looked at, if anybody counted.

        Raises:
            NotFound: no such lease.
        """
        if closing.shown is None:
            return closing
        with self._ledgers.open(closing.ledger).snapshot() as tables:
            item = tables.of(ProjectItem).require(tables.of(Lease).require(closing.lease).item)
        bound = self._bind_shown(item, closing.lease, closing.shown)
        return replace(closing, shown_commitment=bound)

    def _bind_shown(self, item: ProjectItem, lease: str, shown: Looked | None) -> bytes:
        """What the log commits to of what was looked at; the salt is the lease's own.

        It is derived from the item's record key: what was shown stands in the row, and erasing
        the key leaves a commitment that says nothing.
        """
        salt = shown_salt(self._keys.record_key(item.id), lease)
        return commit(salt, shown_payload(item, shown_words(shown)))

    def _decide(
        self, ledger: str, review: SubmitReview, reason: str, value: Mapping[str, object]
    ) -> Decision:
        with self._ledgers.open(ledger).snapshot() as tables:
            project = tables.of(Project).require(review.project)
            version = tables.of(Task).require(review.task).version
            draft = LabelDraft(project.id, review.task, version, value, reason, review.shown)
            item = _item(tables, draft.project, draft.task)
        label, sealed, commitments = self._seal(project, item, draft)
        return Decision(label, version, sealed, commitments)

    def reopen(self, ledger: str, reopening: ReopenTask, reason: str) -> ReopenTask:
        """`reopening` with its reason checked and sealed."""
        reopening = replace(reopening, ledger=ledger, asked=_asked({}, reason))
        try:
            self._check_text(reason, "reason")
        except InputError as error:
            return replace(reopening, fault=Fault.of(error))
        sealed, commitment = self._seal_reason(
            ledger, reopening.task, reopening.project, reopening.review, reason
        )
        return replace(reopening, sealed=sealed, commitment=commitment)

    def _documents(self, draft: ProjectDraft) -> tuple[bytes, bytes]:
        guideline = parse_guideline(draft.guideline)
        schema = parse_schema(draft.schema)
        if not 0 < len(draft.title.strip()) <= MAX_TITLE:
            raise Unacceptable("title-wrong", f"1 to {MAX_TITLE} characters", field="title")
        self._check_clean(draft.title, "title")
        for text in guideline.texts():
            self._check_clean(text, "guideline")
        for text in schema.texts():
            self._check_clean(text, "schema")
        return encode(guideline.document()), encode(schema.document())

    def _seal(
        self, project: Project, item: ProjectItem, draft: LabelDraft
    ) -> tuple[str, bytes, dict[str, bytes]]:
        """A new label's id, its sealed record, and what the log commits to of it."""
        secret = self._secret(project, item, draft)
        label = secrets.token_hex(16)
        key = self._keys.record_key(item.id)
        commitments = {
            "label": secret.label.commitment,
            "comment": secret.comment.commitment,
            "shown": secret.shown.commitment,
        }
        return label, seal_label(key, project.id, label, secret), commitments

    def _secret(self, project: Project, item: ProjectItem, draft: LabelDraft) -> LabelSecret:
        schema = schema_of(project)
        # A choice among classes has no place in the item, so its bytes need not be opened.
        extent = None if schema.short else self._keys.extent(item)
        value = check_value(schema, draft.value, extent)
        self._check_text(draft.comment, "comment")
        payload = LabelPayload(project.id, item.id, draft.version + 1, value)
        return LabelSecret(
            label=salted(payload.encoded()),
            comment=salted(draft.comment.encode()),
            shown=salted(shown_payload(item, shown_words(draft.shown))),
        )

    def _seal_reason(
        self, ledger: str, task: str, project: str, review: str, reason: str
    ) -> tuple[bytes, bytes]:
        text = salted(reason.encode())
        with self._ledgers.open(ledger).snapshot() as tables:
            item = _item(tables, project, task)
        key = self._keys.record_key(item.id)
        return seal_record(key, review_place(project, review), {"reason": text}), text.commitment

    def _check_text(self, text: str, field: str) -> None:
        if len(text) > MAX_COMMENT:
            raise Unacceptable("text-too-long", f"at most {MAX_COMMENT} characters", field=field)
        self._check_clean(text, field)

    def _check_clean(self, text: str, field: str) -> None:
        if self._scan(text):
            raise Unacceptable("identifier-found", "this text holds an identifier", field=field)


def _check_verdict(verdict: str, reason: str, value: Mapping[str, object] | None) -> None:
    if verdict not in VERDICTS:
        raise Unacceptable("verdict-unknown", "there is no such verdict", field="verdict")
    if verdict != ACCEPT and not reason.strip():
        raise Unacceptable("reason-missing", "say why the label is not accepted", field="reason")
    if verdict == DECIDE and value is None:
        raise Unacceptable("decision-missing", "a decision is a label", field="value")
    if verdict != DECIDE and value is not None:
        raise Unacceptable("decision-unasked", "only a decision is a label", field="value")


def _asked(value: Mapping[str, object], text: str) -> bytes:
    """What was asked for, by digest; whatever has no canonical form differs from all else."""
    try:
        return hashlib.sha256(encode({"value": value, "text": text})).digest()
    except VerificationError:
        return secrets.token_bytes(32)


def _item(tables: Tables, project: str, named: str) -> ProjectItem:
    task = tables.of(Task).require(named)
    if task.project != project:
        raise NotFound
    return tables.of(ProjectItem).require(task.item)
