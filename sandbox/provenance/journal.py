"""The notary's memory of one ledger: every leaf hash it ever signed over, on disk.

- One append-only file. A record is `U32 count || count * 32 bytes of leaf hashes || check`,
  where check = SHA-256(check of the record before || count || hashes); the first record's
  predecessor is SHA-256 of the file's header.
- A record is fsynced before anything is signed over it. So a torn record at the end was never
  signed over and is cut off; a broken record with more behind it is damage, and refused.
- One process at a time: the file is locked while it is open.
"""

import fcntl
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crypto.merkle import HASH_SIZE, Tree
from sandbox.errors import LedgerHalted, Unavailable

HEADER: Final = b"anbiao-journal-v1\n"
MAX_RECORD: Final = 1 << 16
_COUNT_SIZE: Final = 4


class Journal:
    """The leaf hashes of one ledger in a file; one thread at a time.

    Raises:
        LedgerHalted: `journal-damaged`: the file is not what was written to it.
        Unavailable: `notary-busy`: another process has the file.
    """

    def __init__(self, path: Path) -> None:
        self.tree = Tree()
        self._file = _open(path)
        try:
            self._end, self._check = self._load()
        except BaseException:
            os.close(self._file)
            raise

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Make leaf hashes durable, then count them as part of the tree.

        Raises:
            Unavailable: `notary-disk`: they could not be made durable; nothing was added.
        """
        for start in range(0, len(leaf_hashes), MAX_RECORD):
            self._append_record(leaf_hashes[start : start + MAX_RECORD])

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _append_record(self, leaf_hashes: Sequence[bytes]) -> None:
        body = len(leaf_hashes).to_bytes(_COUNT_SIZE, "big") + b"".join(leaf_hashes)
        check = _checked(self._check, body)
        try:
            # Always at the end that is known to be good: what a failed write left there before
            # is overwritten, and a longer leftover fails its check and is cut off.
            if os.fstat(self._file).st_size != self._end:
                os.ftruncate(self._file, self._end)
            _write_all(self._file, body + check, self._end)
            os.fsync(self._file)
        except OSError as error:
            raise Unavailable("notary-disk", "the notary can't write its journal") from error
        self._end += len(body) + len(check)
        self._check = check
        self.tree.extend(leaf_hashes)

    def _load(self) -> tuple[int, bytes]:
        """Take up every sound record; cut off a torn last one."""
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size, 0)
        if not data.startswith(HEADER):
            if not HEADER.startswith(data):
                raise LedgerHalted("journal-damaged", "the notary's journal has a wrong header")
            _write_all(self._file, HEADER, 0)  # new, or torn in its very first write
            data = HEADER
        end, check = len(HEADER), hashlib.sha256(HEADER).digest()
        while record := _record_at(data, end, check):
            hashes, end, check = record
            self.tree.extend(hashes)
        self._cut_torn_tail(data, end)
        return end, check

    def _cut_torn_tail(self, data: bytes, end: int) -> None:
        if end == len(data):
            return
        # Some file systems grow a file before they fill it: then the torn part is zeros.
        torn = end + _record_size(data, end) >= len(data) or not any(data[end:])
        if not torn or _count_at(data, end) > MAX_RECORD:
            raise LedgerHalted("journal-damaged", "a record of the notary's journal is altered")
        os.ftruncate(self._file, end)
        os.fsync(self._file)


def _open(path: Path) -> int:
    """The file, made when missing, its name durable, locked for this process."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(path.parent)
    except BlockingIOError as error:
        os.close(file)
        raise Unavailable("notary-busy", "another notary has this journal open") from error
    return file


def sync_folder(folder: Path) -> None:
    """Make names that were added to or removed from `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checked(before: bytes, body: bytes) -> bytes:
    return hashlib.sha256(before + body).digest()


def _record_size(data: bytes, start: int) -> int:
    """Size the record at `start` says it has; what is left when even that is cut off."""
    if len(data) - start < _COUNT_SIZE:
        return len(data) - start
    return _COUNT_SIZE + (_count_at(data, start) + 1) * HASH_SIZE


def _count_at(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + _COUNT_SIZE], "big")


def _record_at(data: bytes, start: int, before: bytes) -> tuple[list[bytes], int, bytes] | None:
    """Hashes, end and check of the record at `start`; None when it is cut off or altered."""
    size = _record_size(data, start)
    end = start + size
    if end > len(data) or not 0 < _count_at(data, start) <= MAX_RECORD:
        return None
    body, check = data[start : end - HASH_SIZE], data[end - HASH_SIZE : end]
    if check != _checked(before, body):
        return None
    hashes = [body[at : at + HASH_SIZE] for at in range(_COUNT_SIZE, len(body), HASH_SIZE)]
    return hashes, end, check


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written
