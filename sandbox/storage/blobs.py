"""Ciphertexts by the SHA-256 of their bytes, in a folder.

- A blob is written under a random name in `staging`, fsynced, renamed to `ab/cdef...` and its
  folder fsynced: under a digest's name there is a whole blob or none, at every moment.
- A large blob is made durable as it comes, so that its end is not one long wait; many small ones
  that end together share the waits for the disk.
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
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Self

from sandbox.errors import NotFound, Unavailable, VerificationFailed
from sandbox.storage.folders import file_rights, make_folder, sync_path

_STAGING = "staging"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_DIGEST = re.compile(r"[0-9a-f]{64}")
UNAVAILABLE = "blob-store-unavailable"
_SYNCED_BYTES = 32 * 2**20


def checked(digest: str) -> str:
    """`digest`, when it is one; anything else names no blob, and never a path."""
    if _DIGEST.fullmatch(digest) is None:
        raise NotFound("blob-unknown")
    return digest


def rehashed(digest: str, data: bytes) -> bytes:
    """`data`, when `digest` is theirs.

    Raises:
        VerificationFailed: `blob-altered`.
    """
    if hashlib.sha256(data).hexdigest() != digest:
        raise VerificationFailed("blob-altered", f"blob {digest} was altered")
    return data


class FileBlobWriter:
    """A blob on its way from `staging` to the place of its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hash = hashlib.sha256()
        self._unsynced = 0
        self._path, self._file = _stage(folder / _STAGING)

    def write(self, data: bytes, /) -> int:
        """Take the next bytes.

        Raises:
            Unavailable: they can't be kept.
        """
        try:
            self._file.write(data)
            self._unsynced += len(data)
            if self._unsynced >= _SYNCED_BYTES:
                self._flush()
        except (OSError, ValueError) as error:  # ValueError: after the end
            self.abort()
            raise Unavailable(UNAVAILABLE, "the bytes can't be kept") from error
        self._hash.update(data)
        return len(data)

    def commit(self) -> str:
        """Make the blob durable and return its digest.

        Raises:
            Unavailable: it could not be made durable; nobody may rely on it.
        """
        return commit_files([self])[0]

    def start_flush(self) -> None:
        """Have the bytes on their way to the disk, without waiting for them."""
        self._file.flush()
        # The kernel writes what it is to forget: dozens of small files then wait together.
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def finish_flush(self) -> None:
        """Wait until all bytes are on the disk."""
        self._flush()

    def take_place(self) -> Path:
        """Bear the digest's name from now on; the folder whose names are to be made durable."""
        target = self._target
        if not target.parent.is_dir():
            make_folder(target.parent)
            sync_path(self._folder)
        self._path.replace(target)
        self._file.close()
        return target.parent

    @property
    def digest(self) -> str:
        """Digest of what was written so far."""
        return self._hash.hexdigest()

    @property
    def _target(self) -> Path:
        return self._folder / self.digest[:2] / self.digest[2:]

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0

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


def commit_files(writers: Sequence[FileBlobWriter]) -> list[str]:
    """Make several blobs durable together and return their digests.

    Raises:
        Unavailable: not all of them could be made durable; nobody may rely on any.
    """
    try:
        for writer in writers:
            writer.start_flush()
        for writer in writers:
            writer.finish_flush()
        for folder in {writer.take_place() for writer in writers}:
            sync_path(folder)
    except (OSError, ValueError) as error:
        for writer in writers:
            writer.abort()
        raise Unavailable(UNAVAILABLE, "the blob can't be made durable") from error
    return [writer.digest for writer in writers]


class FileBlobBatch:
    """Blobs that become durable together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: list[FileBlobWriter] = []

    def writer(self) -> FileBlobWriter:
        """A writer for one more blob; it is not committed by itself.

        Raises:
            Unavailable: no new file can be made.
        """
        self._writers.append(FileBlobWriter(self._folder))
        return self._writers[-1]

    def commit(self) -> list[str]:
        """Make all of them durable and return their digests, in the order of their writers.

        Raises:
            Unavailable: not all of them could be made durable; nobody may rely on any.
        """
        return commit_files(self._writers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for writer in self._writers:
            writer.abort()


def _stage(staging: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = staging / secrets.token_hex(16)
        try:
            descriptor = os.open(path, _NEW, file_rights(path))
        except OSError as error:
            raise Unavailable(UNAVAILABLE, "no new file can be made") from error
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

    def batch(self) -> FileBlobBatch:
        """Writers for blobs that end together."""
        return FileBlobBatch(self._folder)

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
            raise Unavailable(UNAVAILABLE, "the blob can't be read") from error

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
                raise Unavailable(UNAVAILABLE, "the blob can't be read") from error
        return rehashed(digest, data)

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
            raise Unavailable(UNAVAILABLE, "the blob can't be removed") from error

    def digests(self) -> Iterator[str]:
        """Digests of all blobs, sorted."""
        for folder in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
            names = sorted(folder.name + path.name for path in folder.iterdir())
            yield from (name for name in names if _DIGEST.fullmatch(name))

    def resting(self, rest: timedelta) -> Iterator[str]:
        """Digests of blobs that were put at least so long ago, sorted."""
        return (digest for digest in self.digests() if self._rests(digest, rest))

    def delete_resting(self, digest: str, rest: timedelta) -> bool:
        """Remove the blob unless it was put again meanwhile; whether it was removed.

        Raises:
            Unavailable: it can't be removed.
        """
        if not self._rests(digest, rest):
            return False
        self.delete(digest)
        return True

    def _rests(self, digest: str, rest: timedelta) -> bool:
        try:
            return time.time() - self._path(digest).stat().st_mtime >= rest.total_seconds()
        except FileNotFoundError:
            return False

    def _path(self, digest: str) -> Path:
        return self._folder / checked(digest)[:2] / digest[2:]
