"""The hospital's side of a deposit: seal a folder locally, then send what was sealed.

1. The intake key counts only when the worker's identity key signed it for this dataset, and the
   identity key only by the fingerprint that the depositor was told out of band: a server that
   hands out a key of its own gets nothing.
2. Everything is sealed into a spool before anything is sent. The spool holds ciphertext and the
   signed outer manifest; no file key outlives the sealing.
3. Sending goes on where it stopped: the server says what is missing, and putting an object twice
   is putting it once.
"""

import base64
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from api.client.enrolment import signed_body
from api.client.errors import ClientError
from api.client.folders import Found, open_regular, walk
from api.client.http import Door, Json, new_id
from api.client.keys import PersonKeys
from api.client.manifest import (
    Entry,
    IntakeKey,
    SealedObject,
    inner_manifest,
    outer_manifest,
    seal_object,
)
from crypto.errors import VerificationError
from crypto.signing import fingerprint, verify_act

MOST_FILES: Final = 2_000
"""Files in one deposit; the outer manifest of more would not fit one request."""

_ANNOUNCED = "deposit.json"
_OBJECTS = "objects"
_PIECE: Final = 2**20

Progress = Callable[[str, int, int], None]
"""Told what is done: `seal` or `send`, how many bytes now, how many in all."""


@dataclass(frozen=True)
class Source:
    """What is to be deposited, and about whom it is."""

    files: Sequence[Found]
    register: Sequence[Mapping[str, object]] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None

    @classmethod
    def of(
        cls,
        folder: Path,
        register: Sequence[Mapping[str, object]] = (),
        subjects: Mapping[str, str] | None = None,
        subject: str | None = None,
    ) -> "Source":
        """The regular files below a folder.

        Raises:
            ClientError: `nothing-to-deposit`.
        """
        files = list(walk(folder))
        if not files:
            raise ClientError("nothing-to-deposit", "the folder holds no regular file")
        return cls(files, register, subjects or {}, subject)

    def about(self, name: str) -> str | None:
        """The subject of a file, as far as the depositor says."""
        return self.subjects.get(name, self.subject)


def _silent(_what: str, _now: int, _total: int) -> None:
    return


def trusted_intake_key(door: Door, ledger: str, dataset: str, worker: str) -> IntakeKey:
    """The dataset's intake key, once it proved to be the worker's.

    Args:
        door: the server.
        ledger: the hospital's ledger.
        dataset: the dataset.
        worker: fingerprint of the worker's identity key, as told out of band.

    Raises:
        ClientError: `fingerprint-differs`, `intake-key-not-signed`, or the server refused.
    """
    offer = door.get(f"/hospitals/{ledger}/datasets/{dataset}/intake-key")
    identity = _octets(offer, "identity_key")
    if fingerprint(identity) != worker:
        raise ClientError("fingerprint-differs", "the server shows another worker's identity key")
    key = str(offer.get("intake_key"))
    try:
        verify_act(
            identity,
            ledger,
            "dataset.open-intake",
            {"dataset": dataset, "intake_key": key},
            {"public_key": str(offer.get("public_key"))},
            key,
            _octets(offer, "signature"),
        )
    except VerificationError as error:
        raise ClientError("intake-key-not-signed", "the worker did not sign this key") from error
    return IntakeKey(ledger, dataset, key, _octets(offer, "public_key"))


def seal_folder(
    source: Source, key: IntakeKey, keys: PersonKeys, spool: Path, progress: Progress = _silent
) -> list[Path]:
    """Seal everything into `spool`; the folders of the deposits that it makes.

    Raises:
        ClientError: a file changed while it was read.
        OSError: a file can't be read, or the spool not written.
    """
    total = sum(found.path.lstat().st_size for found in source.files)
    done = 0
    made = []
    for start in range(0, len(source.files), MOST_FILES):
        part = source.files[start : start + MOST_FILES]

        def tell(size: int) -> None:
            nonlocal done
            done += size
            progress("seal", done, total)

        made.append(_seal_part(part, source, key, keys, spool, tell))
    return made


def _seal_part(
    files: Sequence[Found],
    source: Source,
    key: IntakeKey,
    keys: PersonKeys,
    spool: Path,
    tell: Callable[[int], None],
) -> Path:
    deposit = new_id()
    folder = spool / deposit
    (folder / _OBJECTS).mkdir(mode=0o700, parents=True)
    entries = []
    for found in files:
        opened, size = open_regular(found.path)
        with opened:
            sealed = _spooled(opened, size, folder, key, deposit, new_id())
        entries.append(Entry(sealed, found.name, source.about(found.name)))
        tell(size)
    listed = inner_manifest(key.dataset, deposit, entries, source.register)
    inner = _spooled(BytesIO(listed), len(listed), folder, key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner, [entry.sealed for entry in entries])
    objects = {"dataset": key.dataset, "deposit": deposit}
    terms = {"manifest": f"sha256:{sha256(manifest).hexdigest()}"}
    body = {
        "deposit": deposit,
        "manifest": base64.b64encode(manifest).decode(),
        **signed_body(keys, key.ledger, "deposit.open", objects, terms),
    }
    announced = {
        "ledger": key.ledger,
        "dataset": key.dataset,
        "request_key": secrets.token_urlsafe(24),
        "body": body,
    }
    # Written last: a folder without it was not sealed to its end and is never sent.
    beside = folder / f".{_ANNOUNCED}"
    beside.write_text(json.dumps(announced), encoding="utf-8")
    beside.replace(folder / _ANNOUNCED)
    return folder


def _spooled(
    source: BinaryIO,
    size: int,
    folder: Path,
    key: IntakeKey,
    deposit: str,
    object_id: str,
) -> SealedObject:
    with (folder / _OBJECTS / object_id).open("wb") as sink:
        return seal_object(source, size, sink, key, deposit, object_id)


def send(door: Door, folder: Path, progress: Progress = _silent) -> Json:
    """Send a sealed deposit, or what is missing of it; the answer to its completion.

    Raises:
        ClientError: the server refused, or can't be reached; sending again goes on from there.
    """
    try:
        announced = json.loads((folder / _ANNOUNCED).read_text(encoding="utf-8"))
        dataset = f"/hospitals/{announced['ledger']}/datasets/{announced['dataset']}"
        deposit = f"{dataset}/deposits/{announced['body']['deposit']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClientError("spool-malformed", "this folder holds no sealed deposit") from error
    opening = {"Idempotency-Key": announced["request_key"]}
    opened = door.create(f"{dataset}/deposits", announced["body"], opening)
    state = door.get(deposit)
    if state["state"] == "OPEN":
        _send_objects(door, deposit, folder, state["missing"], progress)
    closing = {"Idempotency-Key": f"{announced['request_key']}-complete"}
    completed = door.create(f"{deposit}/complete", {}, closing)
    return {**completed, "opened": opened["receipt"]}


def forget(folder: Path) -> None:
    """Remove a deposit that was sent from the spool."""
    shutil.rmtree(folder)


def _send_objects(
    door: Door, deposit: str, folder: Path, missing: Sequence[str], progress: Progress
) -> None:
    paths = [folder / _OBJECTS / object_id for object_id in missing]
    total, done = sum(path.stat().st_size for path in paths), 0
    for path in paths:
        door.put(f"{deposit}/objects/{path.name}", partial(_pieces, path))
        done += path.stat().st_size
        progress("send", done, total)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _octets(answer: Json, name: str) -> bytes:
    try:
        return base64.b64decode(str(answer[name]), validate=True)
    except (KeyError, ValueError) as error:
        raise ClientError("answer-malformed", f"the server's {name} is not base64") from error
