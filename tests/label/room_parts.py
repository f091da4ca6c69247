"""What a house is furnished with: texts, datasets, people, a clock."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydicom.data import get_testdata_file

from crypto.sealing import SealingPrivateKey
from crypto.signing import PersonKey, sign_act
from policies.vocabulary import Action, Category, LegalBasis, Purpose
from sandbox.acts import Actor, SignedAct
from sandbox.people.commands import RecordTraining, Trainee
from sandbox.people.signed_terms import training_terms

LEDGER = "ab" * 16
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

GUIDELINE: Mapping[str, object] = {
    "goal": "Tell whether a film shows an effusion.",
    "format": "One class per film.",
    "method": "Look at the costophrenic angles.",
    "positive_examples": ["A blunted angle."],
    "negative_examples": ["A sharp angle."],
    "quality_index": "Agreement of two readers above 0.9.",
}
SCHEMA: Mapping[str, object] = {
    "kind": "classification",
    "classes": ["effusion", "none"],
    "multiple": False,
}
MARKS: Mapping[str, object] = {
    "types": [
        {
            "name": "lesion",
            "title": {"zh": "病灶", "en": "Lesion"},
            "kind": "box",
            "classes": ["nodule", "mass"],
            "least": 0,
            "most": 20,
            "required": False,
            "per": "frame",
            "decimals": 1,
        },
        {
            "name": "outline",
            "title": {"zh": "轮廓", "en": "Outline"},
            "kind": "polygon",
            "classes": ["lung"],
            "least": 0,
            "most": 2,
            "required": False,
            "per": "item",
        },
        {
            "name": "mention",
            "title": {"zh": "提及", "en": "Mention"},
            "kind": "span",
            "classes": ["finding", "drug"],
            "least": 0,
            "most": 20,
            "required": False,
            "per": "item",
        },
    ]
}
"""A schema of places in images and texts."""


def new_id() -> str:
    return secrets.token_hex(16)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Person:
    """Someone with an account and keys; `member` is the pseudonym in the ledger."""

    account: str = field(default_factory=new_id)
    member: str = field(default_factory=new_id)
    key: PersonKey = field(default_factory=PersonKey.generate)
    sealing: SealingPrivateKey | None = None
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


def ct_file() -> bytes:
    """A CT image that ships with pydicom."""
    return Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()


def training_record(
    teller: Person, person: Person, passed_at: datetime, expires_at: datetime
) -> RecordTraining:
    """That somebody passed the course, as the teller signs it."""
    command = RecordTraining(
        ledger=LEDGER,
        training=new_id(),
        course="data-handling",
        people=(Trainee(person.account, person.member, ""),),
        passed_at=passed_at,
        expires_at=expires_at,
    )
    signed = teller.sign(Action.TRAINING_RECORD, command.objects(), training_terms(command))
    return replace(command, signed=signed)
