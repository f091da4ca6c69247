"""Arrival of sealed objects: streamed to the blobs, checked against the outer manifest.

- Memory stays flat: an object passes through in the pieces in which it comes.
- Size, header digest and body digest are the manifest's, or nothing is kept.
- Keeping an object twice is keeping it once, so a cut connection is mended by putting it again.
- Nothing is opened: there is no key here that could.
"""

from hashlib import sha256
from types import TracebackType
from typing import Self

from crypto.keytree import KeyStore
from crypto.sealing import HEADER_SIZE
from sandbox.errors import DigestMismatch, NotFound, TooLarge
from sandbox.exchange import header_name
from sandbox.manifests import ObjectRow, parse_outer
from sandbox.records.deposits import Deposit
from sandbox.records.port import BlobStore


class Arrival:
    """One sealed object on its way in; without `finish` nothing of it stays."""

    def __init__(self, row: ObjectRow, name: str, blobs: BlobStore, exchange: KeyStore) -> None:
        self._row = row
        self._name = name
        self._exchange = exchange
        self._header = bytearray()
        self._body = blobs.writer()
        self._hash = sha256()
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._body.abort()

    def write(self, data: bytes) -> None:
        """Take the next octets of header and body.

        Raises:
            TooLarge: more came than was announced.
            Unavailable: they can't be kept.
        """
        self._taken += len(data)
        if self._taken > self._row.sealed_size:
            raise TooLarge("object-too-large", "the object is longer than announced")
        into_header = HEADER_SIZE - len(self._header)
        self._header += data[:into_header]
        body = data[into_header:]
        if body:
            self._hash.update(body)
            self._body.write(body)

    def finish(self) -> None:
        """Keep the object, its body first: a header counts only beside its body.

        Raises:
            DigestMismatch: it is not what was announced.
            Unavailable: it can't be kept.
        """
        if self._taken != self._row.sealed_size:
            raise DigestMismatch("object-truncated", "the object is shorter than announced")
        if f"sha256:{sha256(self._header).hexdigest()}" != self._row.header_sha256:
            raise DigestMismatch("object-altered", "the header is not the one announced")
        if f"sha256:{self._hash.hexdigest()}" != self._row.body_sha256:
            raise DigestMismatch("object-altered", "the body is not the one announced")
        self._body.commit()
        self._exchange.put(self._name, bytes(self._header))


def arrival(
    deposit: Deposit, ledger: str, object_id: str, blobs: BlobStore, exchange: KeyStore
) -> Arrival:
    """The arrival of one announced object of an open deposit.

    Raises:
        NotFound: no such object was announced.
    """
    row = parse_outer(deposit.manifest).row(object_id)
    if row is None:
        raise NotFound
    return Arrival(row, header_name(ledger, deposit.id, object_id), blobs, exchange)


def missing(deposit: Deposit, ledger: str, blobs: BlobStore, exchange: KeyStore) -> list[str]:
    """Ids of announced objects that have not arrived, sorted."""
    return [
        row.object_id
        for row in parse_outer(deposit.manifest).announced
        if not blobs.exists(row.body_sha256.removeprefix("sha256:"))
        or exchange.get(header_name(ledger, deposit.id, row.object_id)) is None
    ]


def arrived(deposit: Deposit, ledger: str, blobs: BlobStore, exchange: KeyStore) -> tuple[str, ...]:
    """Ids of announced objects that have arrived, sorted."""
    lacking = frozenset(missing(deposit, ledger, blobs, exchange))
    rows = parse_outer(deposit.manifest).announced
    return tuple(row.object_id for row in rows if row.object_id not in lacking)
