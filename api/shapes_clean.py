"""Forms of requests and answers of the routes of items and their approval."""

from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from api.shapes import Base64, Form, HexId, ReceiptShape
from policies.vocabulary import ItemState

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class ApprovalForm(Form):
    """An officer takes up a batch; the session key is what was signed."""

    approval: HexId
    session_key: Base64
    nonce: HexId
    signature: Base64


class VerdictForm(Form):
    """An officer's signed verdict on the batch of this digest."""

    batch: Digest
    verdict: Literal["approve", "reject"]
    nonce: HexId
    signature: Base64


class ItemShape(BaseModel):
    """A deposited item: states and codes, never a name or a subject."""

    item: str
    deposit: str
    object_id: str
    state: ItemState
    kind: str
    reason: str | None
    size_bytes: int
    version: int


class ItemActShape(BaseModel):
    """An act on an item."""

    item: str
    state: str
    receipt: ReceiptShape


class ApprovalOpenedShape(BaseModel):
    """An approval just opened."""

    approval: str
    items: int
    state: str
    receipt: ReceiptShape


class ApprovalSignedShape(BaseModel):
    """An approval just signed."""

    approval: str
    state: str
    dataset_state: str
    receipt: ReceiptShape


class ApprovalShape(BaseModel):
    """Where an approval stands; `batch` is what its digest is of, exact bytes in base64."""

    approval: str
    dataset: str
    state: str
    items: int
    batch_digest: str | None
    batch: str | None
    samples: list[str]
