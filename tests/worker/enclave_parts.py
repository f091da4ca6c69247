"""What an `EnclaveHouse` is peopled and fed with."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

from api.client.manifest import (
    IntakeKey,
    SealedObject,
    seal_object,
)
from crypto.signing import PersonKey, sign_act
from policies.vocabulary import Action, Category, LegalBasis, Purpose
from sandbox.acts import Actor, SignedAct
from sandbox.people.commands import RecordTraining, Trainee
from sandbox.people.signed_terms import training_terms

LEDGER = "ab" * 16
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
PREFIX = "anbiao.test"


def new_id() -> str:
    return secrets.token_hex(16)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class Member:
    """Someone with an account, a signing key and a role."""

    account: str = field(default_factory=new_id)
    member: str = field(default_factory=new_id)
    key: PersonKey = field(default_factory=PersonKey.generate)
    purpose: str | None = "research"
    purposes: tuple[str, ...] = ()

    @property
    def actor(self) -> Actor:
        return Actor(self.account, purpose=self.purpose, purposes=self.purposes)

    def sign(
        self, action: Action, objects: Mapping[str, str], terms: Mapping[str, str]
    ) -> SignedAct:
        nonce = new_id()
        signature = sign_act(self.key, LEDGER, action, objects, terms, nonce)
        return SignedAct(self.key.public_bytes, signature, nonce, objects, terms)


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


@dataclass
class Sealed:
    """A deposit ready to be sent."""

    dataset: str
    deposit: str
    manifest: bytes
    objects: dict[str, bytes]
    names: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)


def sealed_bytes(
    data: bytes, key: IntakeKey, deposit: str, object_id: str
) -> tuple[bytes, SealedObject]:
    sink = BytesIO()
    row = seal_object(BytesIO(data), len(data), sink, key, deposit, object_id)
    return sink.getvalue(), row


def dataset_fields() -> dict[str, object]:
    return {
        "dataset": new_id(),
        "title": "Chest films",
        "owner": "Radiology",
        "contract": "C-1",
        "contract_expires_at": START + timedelta(days=365),
        "ethics_approval": "E-1",
        "ethics_expires_at": START + timedelta(days=365),
        "legal_basis": LegalBasis.CONTRACT,
        "purpose": Purpose.RESEARCH,
        "retain_until": START + timedelta(days=700),
        "category": Category.GENERAL,
        "grade": 3,
        "recipe": "basic",
    }


def training_record(
    teller: Member, member: Member, passed_at: datetime, expires_at: datetime
) -> RecordTraining:
    """That somebody passed the course, as the teller signs it."""
    command = RecordTraining(
        ledger=LEDGER,
        training=new_id(),
        course="data-handling",
        people=(Trainee(member.account, member.member, ""),),
        passed_at=passed_at,
        expires_at=expires_at,
    )
    signed = teller.sign(Action.TRAINING_RECORD, command.objects(), training_terms(command))
    return replace(command, signed=signed)
