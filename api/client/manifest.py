"""A deposit's manifest in two parts, and the sealing of its files; the hospital's side.

- Outer part: random object ids, padded sizes, digests of ciphertext. It is signed, and the
  sandbox's API sees it.
- Inner part: names, subjects, digests of plaintext, the register. It is sealed like any object,
  under the deposit's own id, and only the worker opens it.
- A file is read once and sealed as it is read; memory stays flat.

Source: docs/spec/sealed-object.md.
"""

import csv
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from api.client.errors import ClientError
from crypto.canonical import encode
from crypto.chunked import Writer
from crypto.padding import padded_size, prefix, zeroes
from crypto.sealing import FILE_KEY_SIZE, object_context, object_info, seal_header

READ_BYTES: Final = 2**20
MAX_NAME_CHARS: Final = 1024


@dataclass(frozen=True)
class IntakeKey:
    """The key that a dataset's deposits are sealed to; only ever one that was checked.

    `naming` is the dataset's naming key, by which files get their objects' ids.
    """

    ledger: str
    dataset: str
    id: str
    public_key: bytes
    naming: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class SealedObject:
    """What is known of an object once it is sealed."""

    object_id: str
    padded_size: int
    body_sha256: str
    header_sha256: str
    content_sha256: str
    content_size: int

    def row(self) -> dict[str, object]:
        """Its row in the outer manifest."""
        return {
            "object_id": self.object_id,
            "padded_size": self.padded_size,
            "body_sha256": self.body_sha256,
            "header_sha256": self.header_sha256,
        }


@dataclass(frozen=True)
class Entry:
    """One file's line in the inner manifest."""

    sealed: SealedObject
    name: str
    subject: str | None

    def row(self) -> dict[str, object]:
        """The line as the inner manifest has it."""
        return {
            "object_id": self.sealed.object_id,
            "name": self.name[-MAX_NAME_CHARS:],
            "subject": self.subject,
            "sha256": self.sealed.content_sha256,
            "size": self.sealed.content_size,
        }


class _Hashing:
    """A sink that hashes what passes through it."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._hash = sha256()

    def write(self, octets: bytes, /) -> None:
        self._hash.update(octets)
        self._sink.write(octets)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def seal_object(
    source: BinaryIO, size: int, sink: BinaryIO, key: IntakeKey, deposit: str, object_id: str
) -> SealedObject:
    """Seal `size` bytes of `source` into `sink`: header, then body.

    Raises:
        ClientError: the file got shorter or longer while it was read (`file-changed`).
        VerificationError: the intake key is none.
    """
    padded = padded_size(size)
    head = encode({"object_id": object_id, "padded_size": padded})
    context = object_context(key.dataset, object_id, f"sha256:{sha256(head).hexdigest()}")
    file_key = secrets.token_bytes(FILE_KEY_SIZE)
    header = seal_header(key.public_key, object_info(key.dataset, deposit, key.id), file_key)
    sink.write(header)
    body = _Hashing(sink)
    writer = Writer(body, file_key, context)
    writer.write(prefix(size))
    content = _seal_content(source, size, writer)
    writer.write(zeroes(size))
    writer.close()
    return SealedObject(
        object_id=object_id,
        padded_size=padded,
        body_sha256=body.digest,
        header_sha256=f"sha256:{sha256(header).hexdigest()}",
        content_sha256=content,
        content_size=size,
    )


def _seal_content(source: BinaryIO, size: int, writer: Writer) -> str:
    hashed, left = sha256(), size
    while left:
        piece = source.read(min(left, READ_BYTES))
        if not piece:
            raise ClientError("file-changed", "a file got shorter while it was read")
        hashed.update(piece)
        writer.write(piece)
        left -= len(piece)
    if source.read(1):
        raise ClientError("file-changed", "a file got longer while it was read")
    return f"sha256:{hashed.hexdigest()}"


def inner_manifest(
    dataset: str, deposit: str, entries: Sequence[Entry], register: Sequence[Mapping[str, object]]
) -> bytes:
    """The inner part, to be sealed."""
    return encode(
        {
            "v": 1,
            "dataset": dataset,
            "deposit": deposit,
            "files": sorted((e.row() for e in entries), key=lambda row: str(row["object_id"])),
            "register": [dict(row) for row in register],
        }
    )


def outer_manifest(
    key: IntakeKey, deposit: str, inner: SealedObject, objects: Sequence[SealedObject]
) -> bytes:
    """The outer part, to be signed."""
    return encode(
        {
            "v": 1,
            "ledger": key.ledger,
            "dataset": key.dataset,
            "deposit": deposit,
            "intake_key": key.id,
            "inner": inner.row(),
            "objects": [o.row() for o in sorted(objects, key=lambda o: o.object_id)],
        }
    )


def read_subjects(path: Path) -> dict[str, str]:
    """Which file is about whom: UTF-8 CSV with columns `file,subject`, paths with `/`.

    Raises:
        ClientError: `subjects-malformed`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if set(reader.fieldnames or ()) != {"file", "subject"}:
                raise ClientError("subjects-malformed", "the columns are file,subject")
            return {row["file"]: row["subject"] for row in reader}
    except (csv.Error, UnicodeDecodeError) as error:
        raise ClientError("subjects-malformed", "it is not a UTF-8 CSV file") from error
