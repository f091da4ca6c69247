"""Forms of requests and answers of the routes of datasets and deposits."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from api.shapes import Base64, Form, HexId, Name, ReceiptShape
from policies.vocabulary import Category, DatasetState, LegalBasis, Purpose

LongBase64 = Annotated[str, StringConstraints(max_length=2**26)]
"""Bytes in base64 whose length only the request limit bounds."""


class DatasetForm(Form):
    """A new dataset; what is missing is refused inside, by name, and leaves an entry."""

    title: Name | None = None
    owner: Name | None = None
    contract: Name | None = None
    contract_expires_at: AwareDatetime | None = None
    ethics_approval: Name | None = None
    ethics_expires_at: AwareDatetime | None = None
    legal_basis: LegalBasis | None = None
    purpose: Purpose | None = None
    retain_until: AwareDatetime | None = None
    category: Category | None = None
    grade: Annotated[int, Field(ge=1, le=5)] | None = None
    recipe: Name | None = None


class DepositForm(Form):
    """A signed outer manifest, exact bytes in base64."""

    deposit: HexId
    manifest: LongBase64
    nonce: HexId
    signature: Base64


class DatasetActShape(BaseModel):
    """An act on a dataset."""

    dataset: str
    state: str
    receipt: ReceiptShape


class DatasetShape(BaseModel):
    """A dataset as it stands."""

    dataset: str
    title: str
    owner: str
    contract: str
    contract_expires_at: datetime
    ethics_approval: str
    ethics_expires_at: datetime
    legal_basis: LegalBasis
    purpose: Purpose
    retain_until: datetime
    category: Category
    grade: int
    recipe: str
    state: DatasetState
    created_at: datetime
    items: dict[str, int]


class NamingKeyShape(BaseModel):
    """A dataset's naming key, sealed to whoever asks and signed by the worker's identity key."""

    sealed: str
    signature: str


class IntakeKeyShape(BaseModel):
    """A dataset's intake key, signed by the worker's identity key, and its naming key."""

    intake_key: str
    dataset: str
    public_key: str
    identity_key: str
    signature: str
    naming: NamingKeyShape | None


class AnnouncedShape(BaseModel):
    """An open deposit that brings some of the objects asked for.

    Nothing was heard of it for `idle_s`; from `left_after_s` on others may abandon it.
    """

    deposit: str
    own: bool
    idle_s: float
    left_after_s: float
    objects: list[str]


class KnownShape(BaseModel):
    """Which of the objects asked for are items already, and which are on their way."""

    deposited: list[str]
    announced: list[AnnouncedShape]


class DepositOpenedShape(BaseModel):
    """A deposit just opened."""

    deposit: str
    objects: int
    state: str
    receipt: ReceiptShape


class DepositCompletedShape(BaseModel):
    """A deposit whose objects have all arrived."""

    deposit: str
    items: int
    state: str
    receipt: ReceiptShape


class DepositShape(BaseModel):
    """Where a deposit stands, and which objects have not arrived."""

    deposit: str
    dataset: str
    state: str
    objects: int
    missing: list[str]
    opened_at: datetime


class DepositAbandonedShape(BaseModel):
    """A deposit that was given up."""

    deposit: str
    state: str
    receipt: ReceiptShape


class ArrivedShape(BaseModel):
    """An object that was kept."""

    object_id: str
    size_bytes: int


class ParcelShape(BaseModel):
    """How many objects were kept."""

    objects: int
    size_bytes: int
