"""Cleans in child processes of the worker, so that a file that kills its reader kills no more.

- Children are programs started anew (`engine_child`), when the first file comes: they inherit no
  memory, no descriptor and no setting of the worker. Files reach them through a pipe, never
  through a file.
- A child that dies is replaced and its job done once more; when that kills a child too, the item
  is quarantined as `engine-crashed`.
- One thread uses it: it begins jobs, at most one per child, and asks for their verdicts later.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from sandbox.clean.crew import memory_share
from sandbox.clean.engine import Job, LocalEngine
from sandbox.clean.engine_wire import has_octets, order_of, verdict_of
from sandbox.deid.forms import FileKind, Register, Result, Verdict
from sandbox.deid.recipe import Recipe
from sandbox.errors import Malformed

MOST_PROCESSES = 4
_TREE = str(Path(__file__).resolve().parents[2])
_INHERITED = ("PATH", "PYTHONHOME", "LANG", "LC_ALL")
_CRASHED = Verdict(Result.QUARANTINED, FileKind.UNKNOWN, "engine-crashed")


@dataclass(eq=False)
class _Child:
    """One child, and the register that it was given last."""

    process: subprocess.Popen[bytes]
    pipe: "Connection[bytes, bytes]"
    register: Register | None = None

    def send(self, job: Job) -> None:
        """Hand over a job; a child that is gone is noticed when it is heard."""
        with suppress(OSError):
            new = self.register is not job.register
            self.pipe.send_bytes(order_of(job, with_register=new))
            self.pipe.send_bytes(job.data)
            self.register = job.register

    def heard(self) -> Verdict | None:
        """Its verdict; None when it died, or said what no child of ours says."""
        try:
            head = self.pipe.recv_bytes()
            return verdict_of(head, self.pipe.recv_bytes() if has_octets(head) else None)
        except (EOFError, OSError, Malformed):
            return None

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.pipe.close()
        self.process.kill()
        self.process.wait()


class PoolEngine:
    """An engine of several processes.

    Args:
        named: gives the recipe of a name.
        size: how many files are cleaned at once.
    """

    def __init__(self, named: Callable[[str], Recipe], size: int) -> None:
        self._recipes = LocalEngine(named)
        self._size = size
        self._memory = memory_share(size)
        self._idle: list[_Child] = []
        self._busy: list[_Child] = []

    @property
    def at_once(self) -> int:
        """How many jobs may be under way."""
        return self._size

    def digest(self, recipe: str) -> str:
        """`sha256:<hex>` of a recipe.

        Raises:
            Unacceptable: there is no such recipe.
        """
        return self._recipes.digest(recipe)

    def clean(self, job: Job) -> Verdict:
        """The verdict on one file."""
        return self.begin(job)()

    def begin(self, job: Job) -> Callable[[], Verdict]:
        """Begin a job in a child that has nothing to do; call what is returned for the verdict.

        Where every child has something to do, the job begins when its verdict is asked for.
        """
        child = self._spare()
        if child is None:
            return lambda: self.clean(job)
        child.send(job)
        return lambda: self._verdict(child, job)

    def close(self) -> None:
        """End all children; the next job starts new ones."""
        for child in (*self._idle, *self._busy):
            child.end()
        self._idle.clear()
        self._busy.clear()

    def _spare(self) -> _Child | None:
        if not self._idle and len(self._busy) < self._size:
            self._idle.append(_started(self._memory))
        if not self._idle:
            return None
        child = self._idle.pop()
        self._busy.append(child)
        return child

    def _verdict(self, child: _Child, job: Job) -> Verdict:
        verdict = child.heard()
        self._busy.remove(child)
        if verdict is not None:
            self._idle.append(child)
            return verdict
        child.end()
        return self._once_more(job)

    def _once_more(self, job: Job) -> Verdict:
        child = _started(self._memory)
        child.send(job)
        verdict = child.heard()
        if verdict is None:
            child.end()
            return _CRASHED
        self._idle.append(child)
        return verdict


def processes(wanted: int | None) -> int:
    """How many children to have: what is set, else one per core and four at most."""
    return wanted or min(MOST_PROCESSES, len(os.sched_getaffinity(0)))


def _started(memory_bytes: int) -> _Child:
    ours, theirs = multiprocessing.Pipe()
    number = theirs.fileno()
    os.set_inheritable(number, True)
    process = subprocess.Popen(  # noqa: S603 - our own program, by its name
        [sys.executable, "-m", "sandbox.clean.engine_child", str(number), str(memory_bytes)],
        pass_fds=(number,),
        env={n: os.environ[n] for n in _INHERITED if n in os.environ} | {"PYTHONPATH": _TREE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    theirs.close()
    return _Child(process, ours)
