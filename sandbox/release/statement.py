"""The statement that voters sign: which files, for whom, from which ledger, under what controls.

It is an in-toto Statement in canonical JSON; its digest stands in each signed vote, and its DSSE
signatures make the passport's envelope.

Source: in-toto Attestation Framework, Statement v1; docs/spec/passport.md.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from crypto.canonical import decode, encode
from sandbox.custody import translated
from sandbox.release.package import APPLIED, GUIDELINE, SCHEMA, digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:anbiao:release-passport:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class Subject:
    """What a release is about, by ids; `recipient` is the pseudonym in this ledger.

    `witness` is the digest of the policy of witnesses that the hospital asks for, or `unwitnessed`.
    """

    ledger: str
    release: str
    project: str
    dataset: str
    recipient: str
    grade: int
    category: str
    witness: str


def statement(subject: Subject, files: Mapping[str, bytes], labels: int) -> bytes:
    """The exact bytes of the statement over `files`."""
    return encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": hashlib.sha256(files[name]).hexdigest()}}
                for name in sorted(files)
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "release": subject.release,
                "project": subject.project,
                "dataset": subject.dataset,
                "ledger": subject.ledger,
                "recipient": subject.recipient,
                "grade": subject.grade,
                "category": subject.category,
                "package": digest(files),
                "guideline": digest_of(files[GUIDELINE]),
                "schema": digest_of(files[SCHEMA]),
                "labels": labels,
                "controls": list(APPLIED),
                "witness": subject.witness,
            },
        }
    )


def witness_of(said: bytes) -> str:
    """Which policy of witnesses a statement names; empty where it is none.

    Raises:
        VerificationFailed: `not-canonical`: it is no statement.
    """
    with translated():
        value = decode(said)
    predicate = value.get("predicate") if isinstance(value, dict) else None
    return str(predicate.get("witness", "")) if isinstance(predicate, dict) else ""


def digest_of(data: bytes) -> str:
    """`sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
