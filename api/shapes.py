"""Forms of requests and answers of the routes of people; other rooms have `shapes_<room>.py`.

Every request form refuses unknown fields. Bytes are strict base64, ids 32 hex digits.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.requests import Window, from_base64
from policies.vocabulary import Purpose, Role
from sandbox.acts import Receipt
from sandbox.records.people import Membership
from sandbox.records.port import Row


def _is_base64(text: str) -> str:
    from_base64(text)
    return text


HexId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A random 128-bit id."""

Base64 = Annotated[str, StringConstraints(max_length=8192), AfterValidator(_is_base64)]
"""Bytes in standard base64 with padding."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Terms = Annotated[dict[str, str], Field(max_length=16)]


class Form(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SetupForm(Form):
    """The first account of an empty store."""

    code: Secret
    name: Name
    password: Secret


class AccountForm(Form):
    """A new person's account."""

    name: Name
    organisation: Name
    kind: Literal["person"] = "person"


class AcceptForm(Form):
    """An invitation taken up."""

    invitation: Secret
    password: Secret


class RenewForm(Form):
    """Another second factor for an account that never confirmed its first."""

    name: Name
    password: Secret


class ConfirmForm(Form):
    """The first code of a new second factor; `account` is the id, or `name` the name."""

    account: HexId
    password: Secret
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    purpose: Purpose | None = None


class LoginForm(Form):
    """A login: password and either a code or a recovery code."""

    name: Name
    password: Secret
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    recovery: Secret | None = None
    purpose: Purpose | None = None


class ServiceForm(Form):
    """A service's account, its Ed25519 public key, and the purposes that it works for."""

    name: Name
    public_key: Base64
    purposes: Annotated[list[Purpose], Field(min_length=1)]


class ServiceLoginForm(Form):
    """A service's login; `at` is an ISO 8601 time with offset, exactly as it was signed."""

    account: HexId
    at: Annotated[str, StringConstraints(max_length=40)]
    nonce: HexId
    signature: Base64


class KeysForm(Form):
    """A person's public keys, and a signature by the signing key over both."""

    signing_key: Base64
    sealing_key: Base64 | None = None
    proof: Base64


class HospitalForm(Form):
    """A new hospital; `steward` is the account that will open its ledger."""

    name: Name
    steward: HexId


class SignedForm(Form):
    """What every signed act brings: nonce, signature, and the terms that were signed."""

    terms: Terms
    nonce: HexId
    signature: Base64


class OpenLedgerForm(SignedForm):
    """Entry 0 of a hospital's ledger."""

    member: HexId


class GrantForm(SignedForm):
    """A role for an account."""

    account: HexId
    member: HexId
    membership: HexId


class RevokeForm(SignedForm):
    """The end of a membership."""


class ReceiptShape(BaseModel):
    """An entry and its proof."""

    entry: str
    proof: str


class NewFactorShape(BaseModel):
    """Shown once: the seed for an authenticator and ten recovery codes."""

    account: str
    name: str
    totp_secret: str
    otpauth: str
    recovery_codes: list[str]


class SessionShape(BaseModel):
    """A session just opened."""

    token: str
    account: str
    idle_until: datetime
    ends_at: datetime


class AccountCreatedShape(BaseModel):
    """A new account; a person's comes with its invitation."""

    account: str
    invitation: str | None = None
    receipt: ReceiptShape


class AccountActShape(BaseModel):
    """An act on an account."""

    account: str
    receipt: ReceiptShape


class HospitalShape(BaseModel):
    """A new hospital's ledger."""

    ledger: str
    receipt: ReceiptShape


class LedgerOpenedShape(BaseModel):
    """A ledger just opened."""

    ledger: str
    membership: str
    receipt: ReceiptShape


class GrantedShape(BaseModel):
    """A membership just granted."""

    member: str
    membership: str
    receipt: ReceiptShape


class RevokedShape(BaseModel):
    """A membership just revoked."""

    membership: str
    receipt: ReceiptShape


class CardShape(BaseModel):
    """The public side of an account: whose keys these are."""

    account: str
    name: str
    kind: str
    organisation: str
    state: str
    signing_key: str | None
    sealing_key: str | None
    fingerprint: str | None


class HospitalRolesShape(BaseModel):
    """A hospital in which the actor is a member, and as what."""

    ledger: str
    member: str
    roles: list["MembershipShape"]


class MeShape(CardShape):
    """The actor's own account, session and memberships."""

    purpose: str | None
    platform_roles: list[Role]
    hospitals: list[HospitalRolesShape]


class MembershipShape(BaseModel):
    """One role of one member; who is behind the pseudonym, stewards alone are told."""

    membership: str
    account: str | None = None
    member: str
    role: Role
    domain: str
    organisation: str
    granted_index: int
    granted_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class HealthShape(BaseModel):
    """Whether the door answers and acts can be carried out."""

    status: Literal["ok", "waiting"]


class VersionShape(BaseModel):
    """What runs here."""

    name: str
    version: str
    api: str
    policy: str


S = TypeVar("S", bound=BaseModel)
R = TypeVar("R", bound=Row)


class Page(BaseModel, Generic[S]):
    """Part of a list; `next` is the cursor (`after`) of the following part, or null."""

    items: list[S]
    next: str | None


def page(rows: Sequence[R], asked: Window, shape: Callable[[R], S]) -> Page[S]:
    """Part of a list, from rows read with one more than `asked.limit`."""
    shown = rows[: asked.limit]
    following = shown[-1].id if len(rows) > asked.limit else None
    return Page[S](items=[shape(row) for row in shown], next=following)


def with_receipt(
    receipt: Receipt, **members: object
) -> dict[str, Any]:  # Any: JSON, checked against the route's answer form
    """A mutating answer: the reply's members, what the door adds, and the receipt."""
    proof = ReceiptShape(entry=receipt.entry.decode(), proof=receipt.proof)
    return {**receipt.reply, **members, "receipt": proof}


def membership_shape(row: Membership) -> MembershipShape:
    """A membership as it goes out, by pseudonym."""
    return MembershipShape(
        membership=row.id,
        member=row.pseudonym,
        role=row.role,
        domain=row.domain,
        organisation=row.organisation,
        granted_index=row.granted_index,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
