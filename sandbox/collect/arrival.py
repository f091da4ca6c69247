"""Arrival of sealed objects: streamed to the blobs, checked against the outer manifest.

- Memory stays flat: objects pass through in the pieces in which they come.
- Size, header digest and body digest are the manifest's, or nothing is kept.
- Objects that come in one request become durable together: bodies first, then headers, because
  a header counts only beside its body.
- Keeping an object twice is keeping it once, so a cut connection is mended by putting it again.
- Nothing is opened: there is no key here that could.
"""

from hashlib import sha256
from types import TracebackType
from typing import Final, Self

from crypto.keytree import KeyStore
from crypto.sealing import HEADER_SIZE
from sandbox.errors import DigestMismatch, NotFound, TooLarge
from sandbox.exchange import header_name, headers_prefix
from sandbox.manifests import ObjectRow, OuterManifest
from sandbox.records.port import BlobStore

MOST_IN_PARCEL: Final = 64
ID_BYTES: Final = 16


class _Taking:
    """One sealed object on its way in."""

    def __init__(self, row: ObjectRow) -> None:
        self.row = row
        self.header = bytearray()
        self._hash = sha256()
        self._left = row.sealed_size

    @property
    def left(self) -> int:
        """Octets that are still to come."""
        return self._left

    def part(self, data: bytes) -> bytes:
        """Take the next octets; what of them belongs to the body.

        Raises:
            TooLarge: more came than was announced.
        """
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge("object-too-large", "the object is longer than announced")
        into_header = HEADER_SIZE - len(self.header)
        self.header += data[:into_header]
        body = data[into_header:]
        self._hash.update(body)
        return body

    def check(self) -> None:
        """Nothing, when it is what was announced.

        Raises:
            DigestMismatch: it is not.
        """
        if self._left:
            raise DigestMismatch("object-truncated", "the object is shorter than announced")
        if f"sha256:{sha256(self.header).hexdigest()}" != self.row.header_sha256:
            raise DigestMismatch("object-altered", "the header is not the one announced")
        if f"sha256:{self._hash.hexdigest()}" != self.row.body_sha256:
            raise DigestMismatch("object-altered", "the body is not the one announced")


class Delivery:
    """Announced objects of one deposit on their way in; without `keep` nothing of them stays.

    For each object `begin`, any number of `write`, `end`; `keep` at last.
    """

    def __init__(
        self,
        ledger: str,
        manifest: OuterManifest,
        blobs: BlobStore,
        exchange: KeyStore,
    ) -> None:
        self._ledger = ledger
        self._manifest = manifest
        self._exchange = exchange
        self._batch = blobs.batch()
        self._headers: dict[str, bytes] = {}
        self._taking: _Taking | None = None

    def __enter__(self) -> Self:
        self._batch.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._batch.__exit__(kind, error, trace)

    @property
    def left(self) -> int:
        """Octets that are still to come of the object that was begun; none before one is."""
        return self._taking.left if self._taking else 0

    def begin(self, object_id: str) -> None:
        """Take in the object of that id from now on.

        Raises:
            NotFound: no such object was announced.
            TooLarge: `parcel-too-large`: more objects than may come together.
            Unavailable: no more can be kept.
        """
        row = self._manifest.row(object_id)
        if row is None:
            raise NotFound
        if len(self._headers) >= MOST_IN_PARCEL:
            raise TooLarge("parcel-too-large", "more objects than may come together")
        self._taking = _Taking(row)
        self._body = self._batch.writer()

    def write(self, data: bytes) -> None:
        """Take the next octets of header and body.

        Raises:
            TooLarge: more came than was announced.
            Unavailable: they can't be kept.
        """
        if self._taking is None:
            raise NotFound
        body = self._taking.part(data)
        if body:
            self._body.write(body)

    def end(self) -> None:
        """The object has come to its end.

        Raises:
            DigestMismatch: it is not what was announced.
        """
        if self._taking is None:
            raise NotFound
        self._taking.check()
        name = header_name(self._ledger, self._manifest.deposit, self._taking.row.object_id)
        self._headers[name] = bytes(self._taking.header)
        self._taking = None

    def keep(self) -> int:
        """Keep what came to its end; how many objects.

        Raises:
            Unavailable: they can't be kept.
        """
        self._batch.commit()
        # A header that is there already is not written again: that would empty the journal.
        fresh = {n: h for n, h in self._headers.items() if self._exchange.get(n) != h}
        if fresh:
            self._exchange.put_all(fresh)
        return len(self._headers)


class Parcel:
    """Reads a request that brings several objects: id (16 bytes), object, id, object, ..."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._id = bytearray()

    def write(self, data: bytes) -> None:
        """Take the next octets.

        Raises:
            NotFound: an id that was not announced.
            TooLarge: too many objects.
            DigestMismatch: an object is not what was announced.
            Unavailable: they can't be kept.
        """
        view = memoryview(data)
        while view:
            if self._delivery.left:
                part = view[: self._delivery.left]
                self._delivery.write(bytes(part))
                view = view[len(part) :]
                if not self._delivery.left:
                    self._delivery.end()
            else:
                part = view[: ID_BYTES - len(self._id)]
                self._id += part
                view = view[len(part) :]
                if len(self._id) == ID_BYTES:
                    self._delivery.begin(self._id.hex())
                    self._id.clear()

    def end(self) -> None:
        """The request has come to its end.

        Raises:
            DigestMismatch: in the midst of an object or an id.
        """
        if self._delivery.left or self._id:
            raise DigestMismatch("object-truncated", "the parcel ends within an object")


def missing(
    manifest: OuterManifest, ledger: str, blobs: BlobStore, exchange: KeyStore
) -> list[str]:
    """Ids of announced objects that have not arrived, the inner part's first."""
    prefix = headers_prefix(ledger, manifest.deposit)
    headers = {name.removeprefix(prefix) for name in exchange.names(prefix)}
    return [
        row.object_id
        for row in manifest.announced
        if row.object_id not in headers or not blobs.exists(row.body_sha256.removeprefix("sha256:"))
    ]


def arrived(
    manifest: OuterManifest, ledger: str, blobs: BlobStore, exchange: KeyStore
) -> tuple[str, ...]:
    """Ids of announced objects that have arrived."""
    lacking = frozenset(missing(manifest, ledger, blobs, exchange))
    return tuple(row.object_id for row in manifest.announced if row.object_id not in lacking)
