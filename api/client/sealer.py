"""Sealing on all cores: one file per call, in processes of their own where there is much to do.

What was read while sealing must be what was read while naming, to the byte: a file that grew,
shrank, was rewritten or went away in between is told, and nothing of it is kept.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Final

from api.client.batch import Named
from api.client.errors import ClientError
from api.client.folders import CHANGED, GONE, UNREADABLE, open_regular
from api.client.manifest import IntakeKey, seal_object
from api.client.spool import SealedRow

WORTH_S: Final = 2.0
"""So much work for one core is done sooner by several processes, which take a moment to start."""

_FILE_S: Final = 0.0003
_BYTE_S: Final = 2e-9

_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Job:
    """One file to seal, and where to."""

    named: Named
    key: IntakeKey
    deposit: str
    target: Path


@dataclass(frozen=True)
class Done:
    """A sealed file's row, or why there is none."""

    named: Named
    row: SealedRow | None
    why: str = ""


def seal(job: Job) -> Done:
    """Seal one file.

    Raises:
        OSError: the spool can't be written.
    """
    try:
        opened, size = open_regular(job.named.path)
    except FileNotFoundError:
        return Done(job.named, None, GONE)
    except OSError:
        return Done(job.named, None, UNREADABLE)
    with opened, job.target.open("wb") as sink:
        try:
            sealed = seal_object(opened, size, sink, job.key, job.deposit, job.named.object_id)
        except ClientError:
            sealed = None
    if sealed is None or sealed.content_sha256 != job.named.content_sha256:
        job.target.unlink()
        return Done(job.named, None, CHANGED)
    row = SealedRow(sealed.object_id, sealed.padded_size, sealed.body_sha256, sealed.header_sha256)
    return Done(job.named, row)


class Sealer:
    """Seals many files; `close` ends its processes."""

    def __init__(self, worth_s: float = WORTH_S) -> None:
        self._worth_s = worth_s
        self._pool: ProcessPoolExecutor | None = None

    def each(self, jobs: list[Job]) -> Iterator[Done]:
        """What became of each, in their order.

        Raises:
            ClientError: `sealing-ended`: a sealing process was killed; nothing is lost.
            OSError: the spool can't be written.
        """
        work_s = _FILE_S * len(jobs) + _BYTE_S * sum(job.named.size for job in jobs)
        if len(jobs) == 1 or work_s < self._worth_s:
            yield from map(seal, jobs)
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                len(os.sched_getaffinity(0)), get_context("spawn"), _end_with_parent
            )
        try:
            yield from self._pool.map(seal, jobs, chunksize=_AT_ONCE)
        except BrokenProcessPool as error:
            raise ClientError("sealing-ended", "a process that sealed was ended") from error

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


@contextmanager
def sealer() -> Iterator[Sealer]:
    """A sealer that ends with the body."""
    made = Sealer()
    try:
        yield made
    finally:
        made.close()


def _end_with_parent() -> None:
    """A killed parent leaves nobody behind who waits for work for ever."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
