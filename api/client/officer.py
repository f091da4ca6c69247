"""The officer's side of an approval: samples opened here, and a signature for the whole batch.

1. The session key is made here, signed by the officer, and never leaves this machine.
2. What comes back counts only when the worker signed it: for this approval and item, with the
   digests of both contents and of the batch. The fingerprint of the worker's identity key was
   told out of band, so a server that makes up samples is found out.
3. The list that is signed is fetched, hashed here, and compared with what the samples say: what
   was looked at is what is signed for.
"""

import base64
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from api.client.enrolment import signed_body
from api.client.errors import ClientError
from api.client.http import Door, Json, new_id
from api.client.keys import PersonKeys
from crypto import chunked, sealing
from crypto.canonical import decode
from crypto.errors import VerificationError
from crypto.sealing import HEADER_SIZE, SealingPrivateKey
from crypto.signing import fingerprint, verify_act

WAIT_S: Final = 0.3
LONGEST_WAIT_S: Final = 600.0


@dataclass(frozen=True)
class Sitting:
    """An approval that was opened here, and the key that opens its samples."""

    ledger: str
    dataset: str
    approval: str
    session: SealingPrivateKey

    @property
    def path(self) -> str:
        """Where the server has it."""
        return f"/hospitals/{self.ledger}/datasets/{self.dataset}/approvals/{self.approval}"


@dataclass(frozen=True)
class Sample:
    """One item before and after, as the worker signed it."""

    item: str
    name: str
    kind: str
    before: bytes
    after: bytes
    batch: str
    master: str


@dataclass(frozen=True)
class Batch:
    """What is to be signed: its digest, its items, and the samples that were opened."""

    digest: str
    items: Sequence[Json]
    samples: Sequence[Sample]


def open_sitting(door: Door, keys: PersonKeys, ledger: str, dataset: str) -> Sitting:
    """Take up everything that is cleaned in a dataset.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    sitting = Sitting(ledger, dataset, new_id(), sealing.generate())
    session_key = base64.b64encode(sitting.session.public_bytes).decode()
    objects = {"dataset": dataset, "approval": sitting.approval}
    signed = signed_body(keys, ledger, "approval.open", objects, {"session_key": session_key})
    body = {"approval": sitting.approval, "session_key": session_key, **signed}
    door.create(f"/hospitals/{ledger}/datasets/{dataset}/approvals", body)
    return sitting


def fetch_batch(door: Door, sitting: Sitting, worker: str, pause: Callable[[float], None]) -> Batch:
    """Wait for the worker's samples, open and check them.

    Args:
        door: the server.
        sitting: the approval.
        worker: fingerprint of the worker's identity key, as told out of band.
        pause: waits so many seconds.

    Raises:
        ClientError: `sample-timeout`, `fingerprint-differs`, `sample-altered`, `batch-differs`,
            or the server refused.
    """
    state = _sampled(door, sitting, pause)
    samples = []
    for item in state["samples"]:
        sealed = door.get_bytes(f"{sitting.path}/samples/{item}")
        samples.append(open_sample(sealed, sitting, str(item), worker))
    return _checked_batch(state, sitting, samples)


def open_sample(sealed: bytes, sitting: Sitting, item: str, worker: str) -> Sample:
    """One sample, opened with the session key and checked against the worker's signature.

    Raises:
        ClientError: `fingerprint-differs`, `sample-altered`.
    """
    place = sealing.object_info(sitting.dataset, sitting.approval, item)
    try:
        file_key = sealing.open_header(sitting.session, place, sealed[:HEADER_SIZE])
        content = chunked.open_all(file_key, place, sealed[HEADER_SIZE:])
        size = int.from_bytes(content[:4], "big")
        head, rest = decode(content[4 : 4 + size]), content[4 + size :]
        identity = base64.b64decode(head["identity"], validate=True)
        if fingerprint(identity) != worker:
            raise ClientError("fingerprint-differs", "another identity key signed the sample")
        return _verified(head, rest, sitting, item, identity)
    except (VerificationError, KeyError, TypeError, ValueError) as error:
        raise ClientError("sample-altered", "a sample is not the worker's") from error


def write_samples(batch: Batch, folder: Path) -> list[Path]:
    """Write before and after of each sample into a folder, readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for sample in batch.samples:
        for what, content in (("before", sample.before), ("after", sample.after)):
            path = folder / f"{sample.item}-{what}{_SUFFIXES.get(sample.kind, '.bin')}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(content)
            written.append(path)
    return written


def sign(door: Door, keys: PersonKeys, sitting: Sitting, batch: Batch, verdict: str) -> Json:
    """Sign for the whole batch: `approve` or `reject`.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    objects = {"dataset": sitting.dataset, "approval": sitting.approval}
    terms = {"batch": batch.digest, "verdict": verdict}
    signed = signed_body(keys, sitting.ledger, "approval.sign", objects, terms)
    return door.create(f"{sitting.path}/sign", {**terms, **signed})


def _sampled(door: Door, sitting: Sitting, pause: Callable[[float], None]) -> Json:
    waited = 0.0
    while True:
        state = door.get(sitting.path)
        if state["state"] != "OPEN":
            return state
        if waited >= LONGEST_WAIT_S:
            raise ClientError("sample-timeout", "the worker gave no samples in time")
        pause(WAIT_S)
        waited += WAIT_S


def _verified(
    head: Any,  # Any: JSON, read field by field
    rest: bytes,
    sitting: Sitting,
    item: str,
    identity: bytes,
) -> Sample:
    before, after = rest[: head["before"]], rest[head["before"] :]
    objects = {"dataset": sitting.dataset, "approval": sitting.approval, "item": item}
    terms = head["terms"]
    verify_act(
        identity,
        sitting.ledger,
        "approval.sample",
        objects,
        terms,
        head["nonce"],
        base64.b64decode(head["signature"], validate=True),
    )
    if (_digest(before), _digest(after)) != (terms["before"], terms["after"]):
        raise VerificationError("chunk-altered")
    return Sample(
        item, str(head["name"]), str(head["kind"]), before, after, terms["batch"], terms["master"]
    )


def _checked_batch(state: Json, sitting: Sitting, samples: Sequence[Sample]) -> Batch:
    try:
        listed = base64.b64decode(str(state["batch"]), validate=True)
        batch = decode(listed)
        place = (batch["approval"], batch["dataset"])
        masters = {one["item"]: one["master"] for one in batch["items"]}
    except (VerificationError, KeyError, TypeError, ValueError) as error:
        raise ClientError("batch-differs", "the batch is not in its form") from error
    digest = _digest(listed)
    sound = place == (sitting.approval, sitting.dataset) and bool(samples)
    same = all(s.batch == digest and masters.get(s.item) == s.master for s in samples)
    if not sound or not same:
        raise ClientError("batch-differs", "the list to be signed is not the one sampled from")
    return Batch(digest, batch["items"], samples)


def _digest(octets: bytes) -> str:
    return f"sha256:{sha256(octets).hexdigest()}"


_SUFFIXES = {"dicom": ".dcm", "text": ".txt"}
