"""Erasures and legal holds, as a hospital's steward signs them.

Whom an order is about never reaches the server in the clear: the hospital's own reference to the
person (a record number, an id of its register) is sealed to the dataset's intake key, once that
proved to be the worker's, and padded, so that its length says nothing.
"""

import base64
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.client.enrolment import signed_body
from api.client.errors import ClientError
from api.client.http import Door, Json, new_id
from api.client.intake import worker_intake_key
from api.client.keys import PersonKeys
from crypto import canonical, sealing

REFERENCE_BYTES: Final = 256
"""A reference is filled up with zeros to this length."""


@dataclass(frozen=True)
class Order:
    """What is to be erased: of which dataset, whom, and why.

    `reference` is the hospital's own word for a person, `subject` an id as the log names it; with
    neither, the whole dataset is meant. `ground` is a code, such as `gdpr-17`.
    """

    dataset: str
    ground: str
    reference: str = ""
    subject: str = ""


def order(door: Door, keys: PersonKeys, ledger: str, asked: Order, worker: str) -> Json:
    """Order an erasure, as the hospital's steward.

    Args:
        door: the server.
        keys: the steward's own.
        ledger: the hospital's.
        asked: what is to be erased.
        worker: fingerprint of the worker's identity key, as told out of band.

    Raises:
        ClientError: the reference is too long, the intake key is not the worker's, or the server
            refused, or can't be reached.
    """
    erasure, sealed = new_id(), b""
    if asked.reference:
        sealed = _sealed(door, ledger, asked, erasure, worker)
    objects = {"dataset": asked.dataset, "erasure": erasure}
    terms = {
        "scope": "subject" if asked.reference or asked.subject else "dataset",
        "subject": asked.subject,
        "sealed": f"sha256:{sha256(sealed).hexdigest()}" if sealed else "",
        "ground": asked.ground,
    }
    signed = signed_body(keys, ledger, "erasure.order", objects, terms)
    body = {**objects, "sealed": base64.b64encode(sealed).decode(), "terms": terms, **signed}
    return door.create(f"/hospitals/{ledger}/erasures", body)


def erasures(door: Door, ledger: str) -> list[Json]:
    """All erasures of a hospital, and how far they are."""
    return list(door.items(f"/hospitals/{ledger}/erasures"))


def certificate(door: Door, ledger: str, erasure: str, out: Path) -> int:
    """Fetch the certificate of an erasure into a file; its length in bytes.

    Raises:
        ClientError: it is not final yet, or the server refused, or can't be reached.
    """
    answer = door.get(f"/hospitals/{ledger}/erasures/{erasure}/certificate")
    return out.write_bytes(canonical.encode(answer))


def place_hold(door: Door, keys: PersonKeys, ledger: str, dataset: str, reason: str) -> Json:
    """Have nothing of a dataset be erased, as the hospital's steward; `reason` is a code.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    objects, terms = {"dataset": dataset, "hold": new_id()}, {"reason": reason}
    signed = signed_body(keys, ledger, "hold.place", objects, terms)
    return door.create(f"/hospitals/{ledger}/holds", {**objects, "terms": terms, **signed})


def lift_hold(
    door: Door, keys: PersonKeys, ledger: str, dataset: str, hold: str, reason: str
) -> Json:
    """End a legal hold, as the hospital's steward; `reason` is a code.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    objects, terms = {"dataset": dataset, "hold": hold}, {"reason": reason}
    signed = signed_body(keys, ledger, "hold.lift", objects, terms)
    body = {"dataset": dataset, "terms": terms, **signed}
    return door.delete(f"/hospitals/{ledger}/holds/{hold}", body)


def _sealed(door: Door, ledger: str, asked: Order, erasure: str, worker: str) -> bytes:
    reference = asked.reference.encode()
    if len(reference) > REFERENCE_BYTES:
        raise ClientError("reference-too-long", f"a reference has at most {REFERENCE_BYTES} bytes")
    key = worker_intake_key(door, ledger, asked.dataset, worker)
    info = sealing.reference_info(ledger, asked.dataset, erasure)
    return sealing.seal(key.public_key, info, reference.ljust(REFERENCE_BYTES, b"\0"))
