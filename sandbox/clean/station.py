"""Cleans one file of a batch in a child process: reads it, cleans it, writes it beside its place.

- Nothing outside SRC is read: links and names that lead elsewhere are quarantined unread.
- A cleaned file is whole before anybody hears of it; its name is given by the parent (`folder`).
  It isn't forced onto the disk one by one: to wait for that takes longer than to clean it. What a
  power cut loses has another size than the journal says, and is done again.
- What is too large is refused before it is read; what needs more memory than there is, when it
  does.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.clean.batch import Batch
from sandbox.clean.item import HEAD, MAX_TEXT_BYTES, clean_item, refused_unread, too_large
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Result, Verdict
from sandbox.deid.pseudonyms import Pseudonyms

PARTIAL = ".partial-"
"""How a file's name begins until it is given its own."""

_SUFFIXES = {FileKind.DICOM: ".dcm", FileKind.TEXT: ".txt"}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PIECES = 512
_STAMP = 12
_NAME = 16


@dataclass(frozen=True)
class Outcome:
    """What a child says of one file; cleaned bytes lie in `partial`.

    Attributes:
        result: cleaned, held or quarantined.
        kind: what the file is by its bytes.
        reason: code of a hold or quarantine, or None.
        actions: how often each action was carried out.
        removed: identifiers taken out, by kind.
        stamp: which state of the source was read.
        partial: where the cleaned bytes are, or None.
        name: how they are to be called.
        size: how many bytes they are.
        failure: code of why DST couldn't be written; the batch ends.
    """

    result: Result
    kind: FileKind
    reason: str | None = None
    actions: Mapping[str, int] | None = None
    removed: Mapping[str, int] | None = None
    stamp: str = ""
    partial: str | None = None
    name: str = ""
    size: int = 0
    failure: str | None = None


class Station:
    """Cleans files of one batch in one process; writes nothing if it is a rehearsal."""

    def __init__(self, batch: Batch, *, rehearsal: bool = False) -> None:
        self._batch = batch
        self._recipe = recipe_named(batch.recipe)
        self._pseudonyms = Pseudonyms(batch.key)
        self._rehearsal = rehearsal

    def clean(self, name: str) -> Outcome:
        """Clean one file of the batch and leave the result beside its place."""
        stamp, verdict = self._judged(name)
        told = Outcome(
            verdict.result,
            verdict.kind,
            verdict.reason,
            dict(verdict.actions),
            dict(verdict.removed),
            stamp,
        )
        if verdict.pieces is None or self._rehearsal:
            return told
        return self._left(told, verdict, verdict.pieces)

    def _left(
        self, told: Outcome, verdict: Verdict, pieces: Sequence[bytes | memoryview]
    ) -> Outcome:
        partial = PARTIAL + secrets.token_hex(16)
        try:
            size = _write(self._batch.target / partial, pieces)
        except OSError as error:
            return Outcome(told.result, told.kind, failure=failure_code(error))
        mark = verdict.mark or _digest(pieces)
        name = self._pseudonyms.digest("output", mark)[:_NAME].hex() + _SUFFIXES[verdict.kind]
        return Outcome(
            told.result,
            told.kind,
            None,
            told.actions,
            told.removed,
            told.stamp,
            partial,
            name,
            size,
        )

    def _judged(self, name: str) -> tuple[str, Verdict]:
        """A file's stamp, taken before it is read, and the verdict on it."""
        path = self._batch.source / name
        stamp = stamp_of(path, self._pseudonyms)
        if not _safe(name):
            return stamp, _quarantined("unsafe-name")
        try:
            return stamp, self._verdict(path, name)
        except MemoryError:
            return stamp, _quarantined("too-large")
        except Exception:  # noqa: BLE001 - the edge of a process: one file's trouble stays its own, and a trace could quote it
            return stamp, _quarantined("engine-failed")

    def _verdict(self, path: Path, name: str) -> Verdict:
        data = _read(path)
        if isinstance(data, str):
            return _quarantined(data)
        if isinstance(data, _Large):
            return refused_unread(data.head, name, self._recipe)
        return clean_item(data, name, self._recipe, self._pseudonyms, self._batch.register)


def stamp_of(path: Path, pseudonyms: Pseudonyms) -> str:
    """What tells one state of a file from another, without reading it; keyed, so it says nothing.

    The time of the last change of the inode is in it: what writes a file can't set that one back.
    """
    try:
        status = path.lstat()
    except OSError:
        return ""
    told = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
    return pseudonyms.digest("stamp", repr(told))[:_STAMP].hex()


def failure_code(error: OSError) -> str:
    """The code of why DST can't be written."""
    return "target-full" if error.errno in _FULL else "target-unwritable"


@dataclass(frozen=True)
class _Large:
    """The first bytes of a file that is too large to be read."""

    head: bytes


def _quarantined(reason: str) -> Verdict:
    return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason)


def _safe(name: str) -> bool:
    """Whether a name stays inside its folder on every system, and prints as it is."""
    parts = name.replace("\\", "/").split("/")
    odd = any(ord(c) < 0x20 or 0xDC80 <= ord(c) <= 0xDCFF for c in name)  # noqa: PLR2004 - control characters, and bytes that are no UTF-8
    return ".." not in parts and not odd


def _read(path: Path) -> bytes | str | _Large:
    """A regular file's bytes, or the code of why it isn't read. No link is followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "unsafe-name" if path.is_symlink() else "unreadable"
    try:
        return _content(descriptor)
    except OSError:
        return "unreadable"
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> bytes | str | _Large:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        return "unreadable"
    if before.st_size > MAX_TEXT_BYTES:
        head = os.pread(descriptor, HEAD, 0)
        if too_large(head, before.st_size):
            return _Large(head)
    data = os.read(descriptor, before.st_size)
    while len(data) < before.st_size and (more := os.read(descriptor, before.st_size - len(data))):
        data += more
    after = os.fstat(descriptor)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return data if same and len(data) == before.st_size else "source-changed"


def _digest(pieces: Sequence[bytes | memoryview]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _write(path: Path, pieces: Sequence[bytes | memoryview]) -> int:
    """A new file that only this user reads; its size.

    Raises:
        OSError: it can't be written; nothing of it is left.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for first in range(0, len(pieces), _PIECES):
            _write_all(descriptor, pieces[first : first + _PIECES])
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)
    return sum(map(len, pieces))


def _write_all(descriptor: int, pieces: Sequence[bytes | memoryview]) -> None:
    """A call may write less than it was given: of a gigabyte, or where the disk is nearly full."""
    left = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
    while left:
        written = os.writev(descriptor, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]
