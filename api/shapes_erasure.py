"""Forms of requests and answers about erasures and legal holds."""

from datetime import datetime

from pydantic import BaseModel

from api.shapes import Base64, HexId, ReceiptShape, SignedForm


class ErasureForm(SignedForm):
    """An order to erase; scope, subject and ground stand in the terms.

    `sealed` is the hospital's own reference to a person, sealed to the dataset's intake key; empty
    where the order is about a dataset, or names the subject by its id.
    """

    erasure: HexId
    dataset: HexId
    sealed: Base64 = ""


class ErasureActShape(BaseModel):
    """An erasure just ordered."""

    erasure: str
    state: str
    receipt: ReceiptShape


class ErasureShape(BaseModel):
    """An erasure, as far as it is; whom it is about, only the sealed reference says."""

    erasure: str
    dataset: str
    scope: str
    ground: str
    state: str
    ordered_at: datetime
    due_at: datetime
    overdue: bool
    held: bool
    ordered_index: int
    completed_index: int | None
    rotated_index: int | None
    epoch: int | None


class CertificateShape(BaseModel):
    """Proof of an erasure: check it offline with `anbiao verify`."""

    v: int
    what: str
    ledger: str
    dataset: str
    erasure: str
    evidence: list[ReceiptShape]


class HoldForm(SignedForm):
    """A legal hold; the reason stands in the terms."""

    hold: HexId
    dataset: HexId


class HoldEndForm(SignedForm):
    """The end of a legal hold."""

    dataset: HexId


class HoldActShape(BaseModel):
    """A hold just placed or lifted."""

    hold: str
    receipt: ReceiptShape


class HoldShape(BaseModel):
    """A legal hold."""

    hold: str
    dataset: str
    placed_at: datetime
    placed_index: int
    lifted_index: int | None
