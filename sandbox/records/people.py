"""Rows of the room `people`: accounts and sessions (platform), memberships (every ledger)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import Role


@dataclass(frozen=True)
class Account:
    """One person or one service. Platform ledger only.

    `state` is `invited`, `enrolling` (password set, second factor not yet confirmed), `active`
    or `removed`. `password` is an Argon2id PHC string. `totp_sealed` is under the serving root.
    `epoch` grows with every change that must end sessions at once. `purposes` are those that a
    service is enrolled for; a person declares one with each session.
    """

    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("name",),)

    id: str
    name: str
    kind: str
    organisation: str
    state: str
    password: str | None
    totp_sealed: bytes | None
    totp_step: int
    recovery_hashes: tuple[str, ...]
    invitation_hash: str | None
    signing_key: bytes | None
    sealing_key: bytes | None
    created_at: datetime
    epoch: int
    purposes: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """A login; `id` is the SHA-256 (hex) of the bearer token, which is stored nowhere."""

    INDEXED: ClassVar[tuple[str, ...]] = ("account",)

    id: str
    account: str
    purpose: str
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class LoginDelay:
    """Failures in a row from one account or address; `id` is `account:<id>` or `address:<hmac>`."""

    id: str
    failures: int
    not_before: datetime
    reported_at: datetime | None


@dataclass(frozen=True)
class Hospital:
    """A hospital and its ledger. Platform ledger only; `id` is the ledger's id."""

    id: str
    name: str
    steward: str
    opened_at: datetime


@dataclass(frozen=True)
class Membership:
    """One role of one account in one domain of one ledger; `granted_index` is its entry."""

    INDEXED: ClassVar[tuple[str, ...]] = ("account", "pseudonym")

    id: str
    account: str
    pseudonym: str
    organisation: str
    role: Role
    domain: str
    signing_key: bytes | None
    sealing_key: bytes | None
    granted_index: int
    granted_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class Pseudonym:
    """The name an account (`id`) bears in one ledger's entries; another in every ledger."""

    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("pseudonym",),)

    id: str
    pseudonym: str


@dataclass(frozen=True)
class UsedNonce:
    """The nonce of a signed act; a second use is refused as a replay."""

    id: str
    index: int


@dataclass(frozen=True)
class Acknowledged:
    """A finished request under its idempotency key: `id` = SHA-256(account, action, key)."""

    id: str
    command: str
    index: int
    reply: bytes


@dataclass(frozen=True)
class Epoch:
    """The revocation epoch of a ledger, one row `epoch`; part of every cached decision's key."""

    id: str
    value: int
