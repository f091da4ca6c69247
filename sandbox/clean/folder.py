"""Cleans a folder offline: every file of SRC gets a line; cleaned ones lie in DST under new names.

- Nothing outside SRC is read: links and names that lead elsewhere are quarantined unread.
- Nothing but cleaned bytes is written to DST, each file under a keyed digest of its cleaned
  bytes, so a name says nothing and the same input and key give the same folder.
- A file appears under its name only when it is complete.
- One bad file never ends the batch.
"""

import hashlib
import multiprocessing
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.clean.item import MAX_BYTES, clean_item
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Register, Result, Verdict
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.errors import Unacceptable

_FEW_FILES = 32
_CHUNK = 4
_SUFFIXES = {FileKind.DICOM: ".dcm", FileKind.TEXT: ".txt"}
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class Batch:
    """One run over a folder.

    Attributes:
        source: folder that is read.
        target: folder that is made, or empty.
        recipe: name of the recipe.
        key: 32 bytes of the pseudonym key.
        register: values that must not be left.
        workers: processes that clean.
    """

    source: Path
    target: Path
    recipe: str
    key: bytes = field(repr=False)
    register: Register = field(repr=False)
    workers: int = 1


@dataclass(frozen=True)
class Line:
    """What became of one input.

    Attributes:
        source: path relative to SRC.
        output: path relative to DST, or None.
        state: `cleaned`, `held` or `quarantined`.
        kind: what the file is by its bytes.
        reason: code of a hold or quarantine, or None.
        actions: how often each action was carried out.
        removed: identifiers taken out, by kind.
    """

    source: str
    output: str | None
    state: Result
    kind: FileKind
    reason: str | None
    actions: Mapping[str, int]
    removed: Mapping[str, int]


@dataclass(frozen=True)
class _Done:
    """What a worker process says of one file; cleaned bytes lie in `partial`."""

    verdict: Verdict
    partial: str | None = None
    name: str | None = None


class Station:
    """Cleans files of one batch in one process."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._recipe = recipe_named(batch.recipe)
        self._pseudonyms = Pseudonyms(batch.key)

    def clean(self, name: str) -> _Done:
        """Clean one file of the batch and leave the result beside its place."""
        verdict = self._verdict(name)
        if verdict.data is None:
            return _Done(verdict)
        partial = _PARTIAL + secrets.token_hex(16)
        _write(self._batch.target / partial, verdict.data)
        digest = self._pseudonyms.digest("output", hashlib.sha256(verdict.data).hexdigest()).hex()
        output = digest[:32] + _SUFFIXES[verdict.kind]
        return _Done(replace(verdict, data=None), partial, output)

    def _verdict(self, name: str) -> Verdict:
        if not _safe(name):
            return _quarantined("unsafe-name")
        data = _read(self._batch.source / name)
        if isinstance(data, str):
            return _quarantined(data)
        try:
            return clean_item(data, name, self._recipe, self._pseudonyms, self._batch.register)
        except Exception:  # noqa: BLE001 - the edge of a process: one file's trouble stays its own, and a trace could quote it
            return _quarantined("engine-failed")


def check_folders(source: Path, target: Path) -> None:
    """Make sure that a batch can't write into what it reads, or over what is there.

    Raises:
        Unacceptable: `source-missing`, `folders-overlap` or `target-not-empty`.
    """
    if not source.is_dir():
        raise Unacceptable("source-missing", "SRC is no folder.", field="SRC")
    inner, outer = source.resolve(), target.resolve()
    if inner == outer or inner in outer.parents or outer in inner.parents:
        raise Unacceptable("folders-overlap", "SRC and DST lie in one another.", field="DST")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise Unacceptable("target-not-empty", "DST is there and is no folder.", field="DST")
    if target.is_dir() and any(target.iterdir()):
        raise Unacceptable("target-not-empty", "DST has files in it.", field="DST")


def inputs(source: Path) -> list[str]:
    """Every file and link below a folder, relative to it, in a fixed order; no link is followed.

    A folder that can't be listed stands for what is in it, so that nothing is passed over.
    """
    found: list[str] = []

    def closed(error: OSError) -> None:
        found.append(str(Path(error.filename).relative_to(source)))

    for folder, folders, files in os.walk(source, onerror=closed):
        folders.sort()
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        found += [str((here / name).relative_to(source)) for name in [*files, *links]]
    return sorted(found)


def clean_folder(batch: Batch, names: Sequence[str]) -> Iterator[Line]:
    """Clean the named files, one line each in the order given.

    Raises:
        Unacceptable: `recipe-unknown`, and what `check_folders` raises.
        OSError: DST can't be written.
    """
    check_folders(batch.source, batch.target)
    recipe_named(batch.recipe)
    batch.target.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken: dict[str, int] = {}
    try:
        for name, done in zip(names, _cleaned(batch, names), strict=True):
            yield _placed(batch.target, name, done, taken)
    finally:
        for left in batch.target.glob(_PARTIAL + "*"):
            left.unlink(missing_ok=True)


def _cleaned(batch: Batch, names: Sequence[str]) -> Iterator[_Done]:
    if batch.workers <= 1 or len(names) < _FEW_FILES:
        yield from map(Station(batch).clean, names)
        return
    at = 0
    try:
        for done in _in_processes(batch, names):
            at += 1
            yield done
    except BrokenProcessPool:
        # Something killed a process, the kernel for memory say. The rest goes one by one, each
        # in a process of its own, so that only the culprit is lost.
        for name in names[at:]:
            yield _alone(batch, name)


def _in_processes(batch: Batch, names: Sequence[str]) -> Iterator[_Done]:
    with ProcessPoolExecutor(
        batch.workers, multiprocessing.get_context("spawn"), _open_station, (batch,)
    ) as pool:
        yield from pool.map(_clean_at_station, names, chunksize=_CHUNK)


def _alone(batch: Batch, name: str) -> _Done:
    try:
        return next(_in_processes(replace(batch, workers=1), [name]))
    except BrokenProcessPool:
        return _Done(_quarantined("engine-failed"))


_STATION: list[Station] = []
"""The one station of a worker process; the pool gives its initialiser no other place."""


def _open_station(batch: Batch) -> None:
    _STATION[:] = [Station(batch)]


def _clean_at_station(name: str) -> _Done:
    return _STATION[0].clean(name)


def _placed(target: Path, name: str, done: _Done, taken: dict[str, int]) -> Line:
    """Give a cleaned file its name; a second one with the same bytes gets a number."""
    output = None
    if done.partial is not None and done.name is not None:
        count = taken[done.name] = taken.get(done.name, 0) + 1
        first = Path(done.name)
        output = done.name if count == 1 else f"{first.stem}-{count}{first.suffix}"
        (target / done.partial).rename(target / output)
    verdict = done.verdict
    return Line(
        name, output, verdict.result, verdict.kind, verdict.reason, verdict.actions, verdict.removed
    )


def _quarantined(reason: str) -> Verdict:
    return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason)


def _safe(name: str) -> bool:
    """Whether a name stays inside its folder on every system, and prints as it is."""
    parts = name.replace("\\", "/").split("/")
    odd = any(ord(c) < 0x20 or 0xDC80 <= ord(c) <= 0xDCFF for c in name)  # noqa: PLR2004 - control characters, and bytes that are no UTF-8
    return ".." not in parts and not odd


def _read(path: Path) -> bytes | str:
    """A regular file's bytes, or the code of why it isn't read. No link is followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "unsafe-name" if path.is_symlink() else "unreadable"
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return "unreadable"
        if status.st_size > MAX_BYTES:
            return "too-large"
        try:
            return file.read(MAX_BYTES + 1)
        except OSError:
            return "unreadable"


def _write(path: Path, data: bytes) -> None:
    """A new file that only this user reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
