"""Cleans a folder offline: every file of SRC gets a line; cleaned ones lie in DST under new names.

- Nothing but cleaned bytes is written to DST, each file under a keyed digest of its cleaned
  bytes, so a name says nothing and the same input and key give the same folder.
- A file appears under its name only when it is complete.
- One bad file never ends the batch; one that kills its process twice is set apart.
- A run that was cut off goes on where it was: `journal` says how.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.clean.batch import Batch, Line
from sandbox.clean.crew import Crew
from sandbox.clean.journal import NAME, Entry, Journal, is_begun, key_mark, open_journal
from sandbox.clean.recipes import recipe_named
from sandbox.clean.station import PARTIAL, Outcome, Station, failure_code, stamp_of
from sandbox.deid.forms import FileKind, Result
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.errors import Unacceptable, Unavailable

__all__ = ["Run", "check_folders", "inputs", "key_mark", "rehearse"]

_OURS = re.compile(r"[0-9a-f]{32}(?:-[0-9]+)?\.(?:dcm|txt)")
_PASSING = frozenset({"engine-crashed", "engine-failed", "source-changed", "unreadable"})
"""Reasons that may be gone the next time: such a file is tried again when a run goes on."""

_CRASHED = Outcome(Result.QUARANTINED, FileKind.UNKNOWN, "engine-crashed")


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
    if target.is_dir() and any(target.iterdir()) and not is_begun(target):
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


def rehearse(batch: Batch, names: Sequence[str]) -> Iterator[Line]:
    """What would become of each file, in the order given; nothing is written.

    Raises:
        Unacceptable: `recipe-unknown`, and what `check_folders` raises.
    """
    check_folders(batch.source, batch.target)
    recipe_named(batch.recipe)
    crew = Crew[str, Outcome](partial(_station, batch, rehearsal=True), batch.workers)
    with closing(crew.answers(names)) as told:
        answers = ((name, _line(name, None, one or _CRASHED)) for name, one in told)
        yield from _in_order(names, {}, answers)


class Run:
    """A batch at work on its DST; a context that ends with DST tidy and unlocked.

    Attributes:
        kept: how many inputs an earlier run had done, and are not done again.
    """

    def __init__(self, batch: Batch) -> None:
        """Make DST, or go on with the one that an earlier run of the same batch left.

        Raises:
            Unacceptable: `recipe-unknown`, and what `check_folders` and `open_journal` raise.
            Unavailable: `target-busy`, `target-full` or `target-unwritable`.
        """
        check_folders(batch.source, batch.target)
        recipe_named(batch.recipe)
        self.kept = 0
        self._batch = batch
        self._pseudonyms = Pseudonyms(batch.key)
        self._taken: set[str] = set()
        self._told: Generator[tuple[str, Outcome | None], None, None] | None = None
        with _told():
            batch.target.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._journal: Journal = open_journal(batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # First the children: one that still works would leave another half file behind the sweep.
        if self._told is not None:
            self._told.close()
        self._sweep(lambda name: name.startswith(PARTIAL))
        self._journal.close()

    def lines(self, names: Sequence[str]) -> Iterator[Line]:
        """Clean the named files, one line each in the order given.

        Raises:
            Unavailable: `target-full` or `target-unwritable`; the same command goes on later.
        """
        done = self._done(names)
        self.kept = len(done)
        self._sweep(lambda name: _is_stray(name, self._taken))
        left = [name for name in names if name not in done]
        crew = Crew[str, Outcome](partial(_station, self._batch), self._batch.workers)
        self._told = crew.answers(left)
        answers = ((name, self._placed(name, told or _CRASHED)) for name, told in self._told)
        with _told():
            yield from _in_order(names, done, answers)

    def finish(self) -> None:
        """Say that the run is complete and its report written: it can't go on any more.

        Raises:
            Unavailable: `target-unwritable`.
        """
        with _told():
            self._journal.remove()
            descriptor = os.open(self._batch.target, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _done(self, names: Sequence[str]) -> dict[str, Line]:
        """Lines of what an earlier run did and still holds: the input is as it was, so is DST."""
        found: dict[str, Line] = {}
        for name in names if self._journal.entries else ():
            entry = self._journal.entries.get(self._journal.id_of(name))
            if entry is not None and self._holds(name, entry):
                told = Outcome(entry.result, entry.kind, entry.reason, entry.actions, entry.removed)
                found[name] = _line(name, entry.output, told)
                self._taken.update({entry.output} if entry.output else ())
        return found

    def _holds(self, name: str, entry: Entry) -> bool:
        if entry.stamp != stamp_of(self._batch.source / name, self._pseudonyms):
            return False
        if entry.output is None:
            return True
        with suppress(OSError):
            return (self._batch.target / entry.output).lstat().st_size == entry.size
        return False

    def _placed(self, name: str, told: Outcome) -> Line:
        """Give a cleaned file its name; a second one with the same bytes gets a number."""
        if told.failure is not None:
            raise _stopped(told.failure)
        output = self._free(told.name) if told.partial is not None else None
        if not self._batch.ephemeral and told.reason not in _PASSING:
            self._journal.add(_entry(self._journal.id_of(name), output, told))
        if output is not None and told.partial is not None:
            (self._batch.target / told.partial).rename(self._batch.target / output)
        return _line(name, output, told)

    def _free(self, wanted: str) -> str:
        stem, _, suffix = wanted.partition(".")
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{stem}-{count}.{suffix}"
        self._taken.add(name)
        return name

    def _sweep(self, unwanted: Callable[[str], bool]) -> None:
        """Remove what a killed run left half done, and outputs of inputs that are no more."""
        for path in self._batch.target.iterdir():
            if path.name != NAME and unwanted(path.name):
                with suppress(OSError):
                    path.unlink()


def _station(batch: Batch, *, rehearsal: bool = False) -> Callable[[str], Outcome]:
    return Station(batch, rehearsal=rehearsal).clean


def _is_stray(name: str, taken: set[str]) -> bool:
    return name.startswith(PARTIAL) or (_OURS.fullmatch(name) is not None and name not in taken)


def _in_order(
    names: Sequence[str], done: dict[str, Line], answers: Iterator[tuple[str, Line]]
) -> Iterator[Line]:
    """Lines in the order of the names, whichever comes first."""
    for name in names:
        while name not in done:
            arrived, line = next(answers)
            done[arrived] = line
        yield done.pop(name)


def _line(name: str, output: str | None, told: Outcome) -> Line:
    return Line(
        name, output, told.result, told.kind, told.reason, told.actions or {}, told.removed or {}
    )


def _entry(key: str, output: str | None, told: Outcome) -> Entry:
    return Entry(
        key,
        told.stamp,
        output,
        told.size,
        told.result,
        told.kind,
        told.reason,
        told.actions or {},
        told.removed or {},
    )


@contextmanager
def _told() -> Iterator[None]:
    """What the disk refuses, as an error with a code."""
    try:
        yield
    except OSError as error:
        raise _stopped(failure_code(error)) from None


def _stopped(code: str) -> Unavailable:
    if code == "target-full":
        return Unavailable("target-full", "The disk of DST is full; make room and run it again.")
    return Unavailable("target-unwritable", "DST can't be written; make it so and run it again.")
