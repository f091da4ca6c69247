"""Forms of requests and answers of the release, evidence and catalogue routes."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.shapes import Base64, Form, HexId, ReceiptShape, SignedForm

Text = Annotated[str, StringConstraints(max_length=4000)]


class RequestForm(Form):
    """Labels are to leave, to a recipient named by pseudonym; `release` sends one again."""

    recipient: HexId
    context: Text = ""
    control_statement: Text = ""
    release: HexId | None = None


class VoteForm(SignedForm):
    """A signed vote; an approval brings the signature over the statement's envelope."""

    signing_key: Base64
    envelope_signature: Base64 | None = None


class RecallForm(Form):
    """Why a release is called back."""

    reason: Text = ""


class ReleaseActShape(BaseModel):
    """An act on a release."""

    release: str
    state: str
    receipt: ReceiptShape


class VoteCastShape(BaseModel):
    """A vote just cast; `state` tells whether it was the one that decided."""

    vote: str
    state: str
    receipt: ReceiptShape


class VoteShape(BaseModel):
    """A vote, shown once all reviews are in."""

    member: str
    organisation: str
    role: str
    verdict: str
    index: int


class ReleaseShape(BaseModel):
    """Where a release stands; `votes` is null while they are hidden."""

    release: str
    project: str
    dataset: str
    recipient: str
    context: str
    control_statement: str
    grade: int
    state: str
    findings: list[str]
    package: str | None
    recall_reason: str | None
    requested_at: datetime
    votes: list[VoteShape] | None


class PackageShape(BaseModel):
    """A package under inspection: its files as text, and the statement a vote signs."""

    release: str
    package: str
    statement: str
    files: dict[str, str]
    receipt: ReceiptShape


class PublicReleaseShape(BaseModel):
    """A release that left."""

    id: str
    state: str
    recall_reason: str


class PublicProjectShape(BaseModel):
    """A labelling job in the public register."""

    id: str
    title: str
    firm: str
    goal: str
    releases: list[PublicReleaseShape]


class PublicDatasetShape(BaseModel):
    """A dataset in the public register."""

    id: str
    ledger: str
    hospital: str
    title: str
    category: str
    grade: int
    purpose: str
    legal_basis: str
    retain_until: datetime
    state: str
    projects: list[PublicProjectShape]


class CatalogueShape(BaseModel):
    """The public register."""

    items: Annotated[list[PublicDatasetShape], Field()]
    next: str | None
