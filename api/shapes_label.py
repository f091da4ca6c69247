"""Forms of requests and answers of the labelling routes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from api.shapes import Form, HexId, ReceiptShape

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
Title = Annotated[str, StringConstraints(max_length=1000)]
Text = Annotated[str, StringConstraints(max_length=4000)]
Document = Annotated[dict[str, Any], Field(max_length=16)]  # Any: the room checks it field by field


class ProjectForm(Form):
    """A labelling job; `project` is an id of the asker's own making."""

    project: HexId
    dataset: HexId
    title: Title
    firm: Code
    guideline: Document
    schema_: Annotated[Document, Field(alias="schema")]
    lease_s: Annotated[int, Field(ge=30, le=86_400)] | None = None
    overlap: Annotated[int, Field(ge=1, le=9)] = 1


class NextForm(Form):
    """The next task, or the one that is named."""

    task: HexId | None = None


class LabelForm(Form):
    """A label: what the schema lets one say, and a comment that stays inside."""

    value: Document
    comment: Text = ""


class ReviewForm(Form):
    """A verdict on a label; `value` is the adjudicator's own label when they decide."""

    verdict: Literal["accept", "return", "adjudicate", "decide"]
    reason: Text = ""
    value: Document | None = None


class ReopenForm(Form):
    """Why a locked task is looked at again."""

    reason: Text = ""


class ProjectCreatedShape(BaseModel):
    """A project just opened."""

    project: str
    receipt: ReceiptShape


class ProjectShape(BaseModel):
    """A labelling job and how far it is."""

    project: str
    dataset: str
    title: str
    firm: str
    guideline: dict[str, Any]
    guideline_digest: str
    label_schema: dict[str, Any]
    schema_digest: str
    lease_s: int
    overlap: int
    created_at: datetime
    tasks: dict[str, int]


class LeaseGivenShape(BaseModel):
    """A lease just given."""

    task: str
    lease: str
    item: str
    version: int
    receipt: ReceiptShape


class JudgedShape(BaseModel):
    """A label of the item under review, by the task that it is of."""

    task: str
    version: int
    label: dict[str, Any]


class LeaseShape(BaseModel):
    """A live lease of the actor's own.

    A reviewer judges `labels`, all labels of the item; `label` is that of the lease's own task.
    """

    lease: str
    task: str
    project: str
    item: str
    work: str
    kind: str
    modality: str
    frames: int
    version: int
    expires_at: datetime
    guideline: dict[str, Any]
    label_schema: dict[str, Any]
    label: dict[str, Any] | None
    labels: list[JudgedShape]


class LeasesShape(BaseModel):
    """Ids of the actor's live leases; never more than a few."""

    items: list[str]
    next: None


class TextShape(BaseModel):
    """A text item under a lease, with the mark of who saw it when."""

    text: str
    viewer: str
    seen_at: datetime


class LabelSavedShape(BaseModel):
    """A label just saved."""

    label: str
    version: int
    receipt: ReceiptShape


class ReviewSavedShape(BaseModel):
    """A verdict just given."""

    review: str
    state: str
    receipt: ReceiptShape


class LeaseClosedShape(BaseModel):
    """A lease just ended."""

    lease: str
    receipt: ReceiptShape


class LabelVersionShape(BaseModel):
    """One saved version of a label, as it was."""

    label: str
    version: int
    made_by: str
    saved_at: datetime
    index: int
    value: dict[str, Any]


class FigureShape(BaseModel):
    """How far labellers agree in one measure: a value, or the reason why there is none.

    `pair` names two labellers by their pseudonyms in this ledger; null means all of them.
    """

    label_type: str
    measure: str
    pair: list[str] | None
    items: int
    units: int
    value: float | None
    reason: str | None
    low: float | None
    high: float | None


class AgreementShape(BaseModel):
    """Agreement over the items that have all their labels, in whole tens."""

    project: str
    overlap: int
    items: int
    figures: list[FigureShape]


class VersionLine(BaseModel):
    """One version of a label, without what it says."""

    label: str
    version: int
    index: int
    saved_at: datetime


class TaskShape(BaseModel):
    """Where a task stands."""

    task: str
    project: str
    item: str
    state: str
    version: int
    versions: list[VersionLine]
