"""Ciphertexts by the SHA-256 of their bytes, in memory: the other adapter of the same port."""

import hashlib
import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Self

from sandbox.errors import NotFound, Unavailable
from sandbox.storage.blobs import UNAVAILABLE, checked, rehashed


class MemoryBlobWriter:
    """A blob on its way into memory."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self._blobs = blobs
        self._written: bytearray | None = bytearray()

    def write(self, data: bytes, /) -> int:
        """Take the next bytes.

        Raises:
            Unavailable: after the end.
        """
        self._open().extend(data)
        return len(data)

    def commit(self) -> str:
        """Keep the blob and return its digest.

        Raises:
            Unavailable: after the end.
        """
        data = bytes(self._open())
        digest = hashlib.sha256(data).hexdigest()
        self._blobs[digest] = data
        self._written = None
        return digest

    def abort(self) -> None:
        """Drop what was written."""
        self._written = None

    def _open(self) -> bytearray:
        if self._written is None:
            raise Unavailable(UNAVAILABLE, "the writer is closed")
        return self._written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.abort()


class MemoryBlobBatch:
    """Blobs that come into memory together."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self._blobs = blobs
        self._writers: list[MemoryBlobWriter] = []

    def writer(self) -> MemoryBlobWriter:
        """A writer for one more blob."""
        self._writers.append(MemoryBlobWriter(self._blobs))
        return self._writers[-1]

    def commit(self) -> list[str]:
        """Keep them all and return their digests."""
        return [writer.commit() for writer in self._writers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for writer in self._writers:
            writer.abort()


class MemoryBlobs:
    """Blobs that end with the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def writer(self) -> MemoryBlobWriter:
        """A writer for one blob of any size."""
        return MemoryBlobWriter(self._blobs)

    def batch(self) -> MemoryBlobBatch:
        """Writers for blobs that end together."""
        return MemoryBlobBatch(self._blobs)

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def open(self, digest: str) -> BinaryIO:
        """The blob as a seekable file, not re-hashed.

        Raises:
            NotFound: there is none.
        """
        try:
            return BytesIO(self._blobs[checked(digest)])
        except KeyError as error:
            raise NotFound("blob-unknown") from error

    def read(self, digest: str) -> bytes:
        """The whole blob, hashed again.

        Raises:
            NotFound: there is none.
            VerificationFailed: it was altered.
        """
        with self.open(digest) as source:
            return rehashed(digest, source.read())

    def size(self, digest: str) -> int:
        """Length in bytes.

        Raises:
            NotFound: there is none.
        """
        with self.open(digest) as source:
            return source.seek(0, os.SEEK_END)

    def exists(self, digest: str) -> bool:
        """Whether there is such a blob."""
        return digest in self._blobs

    def delete(self, digest: str) -> None:
        """Remove the blob; harmless when there is none."""
        self._blobs.pop(digest, None)

    def digests(self) -> Iterator[str]:
        """Digests of all blobs, sorted."""
        return iter(sorted(self._blobs))
