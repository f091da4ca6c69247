"""Forms of requests and answers about the policy itself."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.shapes import Form, HexId, ReceiptShape, SignedForm
from sandbox.people.changes import Anew

Row = Annotated[str, StringConstraints(max_length=500)]
Rows = Annotated[list[Row], Field(max_length=100)]


class AdoptForm(Form):
    """The digest of the decision table that is adopted as the first."""

    policy: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class ChangeForm(Form):
    """A change of the policy in force: rows to add, ids of rows to take away.

    Or `anew`: the whole as this program makes it, of the rows in force or of those that ship.
    """

    add: Rows = Field(default_factory=list)
    remove: Rows = Field(default_factory=list)
    anew: Anew | None = None


class ProposalForm(SignedForm):
    """A change, proposed by signature over the digests in the terms."""

    policy: HexId
    add: Rows = Field(default_factory=list)
    remove: Rows = Field(default_factory=list)
    anew: Anew | None = None


class DecisionForm(SignedForm):
    """A proposal approved or rejected, by signature."""


class PolicyActShape(BaseModel):
    """A version of the policy after an act on it."""

    policy: str
    state: str
    version: int | None = None
    table: str | None = None
    receipt: ReceiptShape


class PreviewShape(BaseModel):
    """What a change would come to; `floors` and `found` are empty where it may be proposed."""

    base: str
    table: str
    diff: list[str]
    diff_digest: str
    proof: str
    paths: int
    floors: list[str]
    found: list[str]


class PolicyShape(BaseModel):
    """A version or proposal; the diff is against the policy it was made from."""

    policy: str
    version: int
    state: str
    table: str
    base: str
    diff: list[str]
    diff_digest: str
    proof: str
    author: str
    decided_by: str | None
    proposed_at: datetime
    decided_at: datetime | None
    index: int


class PoliciesShape(BaseModel):
    """All versions and proposals, the newest first, and which table is in force."""

    in_force: str
    items: list[PolicyShape]


class PlatformRoleForm(SignedForm):
    """A role on the platform for an account, by an operator's signature."""

    account: HexId
    membership: HexId


class PlatformRoleShape(BaseModel):
    """A role on the platform just granted or revoked."""

    membership: str
    receipt: ReceiptShape
