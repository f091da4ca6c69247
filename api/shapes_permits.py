"""Forms of requests and answers about permits and training."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.shapes import Form, HexId, ReceiptShape, SignedForm

_MOST_PEOPLE = 100


class PermitForm(SignedForm):
    """A permit for a project on a dataset; its window stands in the terms."""

    project: HexId
    dataset: HexId


class PermitEndForm(SignedForm):
    """The end of a permit."""


class WitnessForm(SignedForm):
    """Which witnesses are asked for; the digest of their policy stands in the terms."""


class WitnessActShape(BaseModel):
    """What is asked for from now on."""

    policy: str
    receipt: ReceiptShape


class PermitActShape(BaseModel):
    """A permit just issued or revoked."""

    project: str
    receipt: ReceiptShape


class PermitShape(BaseModel):
    """A project's permit, as it is now."""

    project: str
    dataset: str
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None
    index: int


class TraineeForm(Form):
    """Who passed: the account, and its pseudonym in this ledger."""

    account: HexId
    member: HexId


class TrainingForm(SignedForm):
    """A training record for one or more people; course and times stand in the terms.

    `domain` is where the teller's role counts: a firm's lead in one project names it.
    """

    training: HexId
    people: Annotated[list[TraineeForm], Field(min_length=1, max_length=_MOST_PEOPLE)]
    domain: Annotated[str, StringConstraints(max_length=64)] = "hospital"


class TrainingActShape(BaseModel):
    """A training record just kept."""

    training: str
    receipt: ReceiptShape


class PseudonymShape(BaseModel):
    """The name that an account bears in this ledger."""

    member: str


class TrainingShape(BaseModel):
    """One person's training record, by pseudonym."""

    training: str
    member: str
    course: str
    passed_at: datetime
    expires_at: datetime
    index: int
