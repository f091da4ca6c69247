"""Ciphertexts by the SHA-256 of their bytes: in a folder, and in memory.

- A blob is written under a random name in `staging`, fsynced, renamed to `ab/cdef...` and its
  folder fsynced: under a digest's name there is a whole blob or none, at every moment.
- A crash leaves only a file in `staging`; it is swept when the store is opened. A file that a
  living process is still writing is locked by it, and left alone.
- `read` hashes again, so that an altered byte is refused; `open` does not, and is only for
  readers that authenticate every chunk.
- Nothing here knows what is inside, nor who refers to it.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Self

from sandbox.errors import NotFound, Unavailable, VerificationFailed
from sandbox.storage.folders import make_folder, sync_path

_STAGING = "staging"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNAVAILABLE = "blob-store-unavailable"


def _checked(digest: str) -> str:
    """`digest`, when it is one; anything else names no blob, and never a path."""
    if _DIGEST.fullmatch(digest) is None:
        raise NotFound("blob-unknown")
    return digest


def _rehashed(digest: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != digest:
        raise VerificationFailed("blob-altered", f"blob {digest} was altered")
    return data


class FileBlobWriter:
    """A blob on its way from `staging` to the place of its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hash = hashlib.sha256()
        self._path, self._file = _stage(folder / _STAGING)

    def write(self, data: bytes, /) -> int:
        """Take the next bytes.

        Raises:
            Unavailable: they can't be kept.
        """
        try:
            self._file.write(data)
        except (OSError, ValueError) as error:  # ValueError: after the end
            self.abort()
            raise Unavailable(_UNAVAILABLE, "the bytes can't be kept") from error
        self._hash.update(data)
        return len(data)

    def commit(self) -> str:
        """Make the blob durable and return its digest.

        Raises:
            Unavailable: it could not be made durable; nobody may rely on it.
        """
        digest = self._hash.hexdigest()
        target = self._folder / digest[:2] / digest[2:]
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            if not target.parent.is_dir():
                make_folder(target.parent)
                sync_path(self._folder)
            self._path.replace(target)
            sync_path(target.parent)
            self._file.close()
        except (OSError, ValueError) as error:
            self.abort()
            raise Unavailable(_UNAVAILABLE, "the blob can't be made durable") from error
        return digest

    def abort(self) -> None:
        """Drop what was written; harmless after `commit` or a second time."""
        self._path.unlink(missing_ok=True)
        try:
            self._file.close()
        except OSError:
            # Closing flushes what the full disk did not take; the name is gone already.
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.abort()


def _stage(staging: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = staging / secrets.token_hex(16)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(_UNAVAILABLE, "no new file can be made") from error
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, os.fdopen(descriptor, "wb")
        os.close(descriptor)  # another process swept it between its making and its lock


class FileBlobs:
    """Blobs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder / _STAGING)
        self._sweep()

    def _sweep(self) -> None:
        for path in (self._folder / _STAGING).iterdir():
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # its writer has just finished
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                continue  # its writer lives
            finally:
                os.close(descriptor)

    def writer(self) -> FileBlobWriter:
        """A writer for one blob of any size.

        Raises:
            Unavailable: no new file can be made.
        """
        return FileBlobWriter(self._folder)

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest.

        Raises:
            Unavailable: it could not be made durable.
        """
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def open(self, digest: str) -> BinaryIO:
        """The blob as a seekable file, not re-hashed.

        Raises:
            NotFound: there is none.
            Unavailable: it can't be read.
        """
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise NotFound("blob-unknown") from error
        except OSError as error:
            raise Unavailable(_UNAVAILABLE, "the blob can't be read") from error

    def read(self, digest: str) -> bytes:
        """The whole blob, hashed again.

        Raises:
            NotFound: there is none.
            VerificationFailed: it was altered.
            Unavailable: it can't be read.
        """
        with self.open(digest) as source:
            try:
                data = source.read()
            except OSError as error:
                raise Unavailable(_UNAVAILABLE, "the blob can't be read") from error
        return _rehashed(digest, data)

    def size(self, digest: str) -> int:
        """Length in bytes.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError as error:
            raise NotFound("blob-unknown") from error

    def exists(self, digest: str) -> bool:
        """Whether there is such a blob."""
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).is_file()

    def delete(self, digest: str) -> None:
        """Remove the blob durably; harmless when there is none.

        Raises:
            Unavailable: it can't be removed.
        """
        if not self.exists(digest):
            return
        path = self._path(digest)
        try:
            path.unlink(missing_ok=True)
            sync_path(path.parent)
        except OSError as error:
            raise Unavailable(_UNAVAILABLE, "the blob can't be removed") from error

    def digests(self) -> Iterator[str]:
        """Digests of all blobs, sorted."""
        for folder in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
            names = sorted(folder.name + path.name for path in folder.iterdir())
            yield from (name for name in names if _DIGEST.fullmatch(name))

    def _path(self, digest: str) -> Path:
        return self._folder / _checked(digest)[:2] / digest[2:]


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
            raise Unavailable(_UNAVAILABLE, "the writer is closed")
        return self._written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.abort()


class MemoryBlobs:
    """Blobs that end with the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def writer(self) -> MemoryBlobWriter:
        """A writer for one blob of any size."""
        return MemoryBlobWriter(self._blobs)

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
            return BytesIO(self._blobs[_checked(digest)])
        except KeyError as error:
            raise NotFound("blob-unknown") from error

    def read(self, digest: str) -> bytes:
        """The whole blob, hashed again.

        Raises:
            NotFound: there is none.
            VerificationFailed: it was altered.
        """
        with self.open(digest) as source:
            return _rehashed(digest, source.read())

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
