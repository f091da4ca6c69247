"""Rows of `collect` and `clean`: datasets, deposits, objects, items, approvals."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import Category, DatasetState, ItemState, LegalBasis, Purpose


@dataclass(frozen=True)
class Dataset:
    """What a hospital made available, with everything the law wants said about it."""

    id: str
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


@dataclass(frozen=True)
class IntakeKey:
    """Public half of a dataset's X-Wing intake key, signed by the worker's identity key."""

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset",)

    id: str
    dataset: str
    public_key: bytes
    identity_key: bytes
    signature: bytes
    created_at: datetime


@dataclass(frozen=True)
class Deposit:
    """Sealed objects announced by one signed outer manifest; OPEN, COMPLETE or ABANDONED.

    `manifest` is the exact outer manifest; `inner_blob` the blob digest of the sealed inner part;
    `opened_index` the entry that carries the depositor's signature.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset", "state")
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset", "manifest_digest"),)

    id: str
    dataset: str
    intake_key: str
    manifest: bytes
    manifest_digest: str
    inner_blob: str
    depositor: str
    state: str
    objects: int
    opened_at: datetime
    opened_index: int


@dataclass(frozen=True)
class Item:
    """One deposited file.

    `blob` is the digest of the ciphertext now held: the hospital's sealed body while SEALED,
    HELD or QUARANTINED, and also kept as `source_blob`; the cleaned master from CLEANED on.
    `kind` is `unknown` until the worker has looked. `record_blob` is the sealed
    de-identification record. `reason` is the code of a hold or quarantine.
    `record_commitment` and `master_commitment` are hex, as in the `item.clean` entry.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset", "state", "deposit", "subject")
    # Depositors name objects by their content: a file is an item of its dataset once.
    UNIQUE: ClassVar[tuple[tuple[str, ...], ...]] = (("dataset", "object_id"),)

    id: str
    dataset: str
    deposit: str
    object_id: str
    source_blob: str
    size_bytes: int
    state: ItemState
    kind: str
    reason: str | None
    subject: str | None
    blob: str | None
    record_blob: str | None
    master_commitment: str | None
    record_commitment: str | None
    recipe_digest: str | None
    cleaned_index: int | None
    approval: str | None
    version: int


@dataclass(frozen=True)
class Approval:
    """An officer's look at a sample of a batch; `state` OPEN, SAMPLED, APPROVED or REJECTED.

    `batch` lists the item ids under judgement, `batch_digest` binds them to their masters'
    ciphertext digests and commitments; `samples` are `<item id>:<blob digest>` of the sealed
    before-and-after bundles.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("dataset", "state")

    id: str
    dataset: str
    officer: str
    session_key: bytes
    state: str
    batch: tuple[str, ...]
    batch_digest: str | None
    samples: tuple[str, ...]
    opened_index: int
    signed_index: int | None
