"""Rows of `release`: requests, findings and votes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import ReleaseState


@dataclass(frozen=True)
class Release:
    """A request for a label set to leave, and what became of it.

    `package_blob` is the package, sealed for inspection (file key in the exchange under
    `release:<id>`); `package_digest` is `sha256:<hex>` over the canonical list of files and their
    SHA-256; `statement` is the exact in-toto statement that voters sign; `sealed_blob` the package
    sealed to the recipient; `passport` its passport.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("project", "state", "dataset")

    id: str
    project: str
    dataset: str
    requester: str
    recipient: str
    context: str
    control_statement: str
    grade: int
    state: ReleaseState
    findings: tuple[str, ...]
    package_blob: str | None
    package_digest: str | None
    statement: bytes | None
    sealed_blob: str | None
    passport: bytes | None
    requested_index: int
    screened_index: int | None
    recall_reason: str | None
    requested_at: datetime


@dataclass(frozen=True)
class Vote:
    """One signed verdict on one package: `approve`, `reject` or `return`."""

    INDEXED: ClassVar[tuple[str, ...]] = ("release",)
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("release", "account", "package_digest"),)

    id: str
    release: str
    account: str
    pseudonym: str
    organisation: str
    role: str
    verdict: str
    package_digest: str
    envelope_signature: bytes | None
    index: int
    cast_at: datetime
