"""Child processes that do tasks, started once; one that dies costs at most the task it died on.

- Tasks go to a child a few at a time, two lots ahead, so that it never waits; answers come back
  lot by lot. What a task works on, the child reads and writes by itself.
- A child that dies (the kernel for memory, a fault in a decoder) is replaced. The task that it was
  at is done again alone, and given up when that kills a child too; the rest of its lot goes on.
- A child ignores the terminal's interrupt: the parent ends it. It ends by itself when the parent
  is gone, and the kernel takes a child before the parent when memory is short.
- Each child may use its share of the memory that is free, and no more.
- Children are forked by a parent that has one thread: they start with what it has read in, so that
  nothing is imported twice, and no key passes through a pipe.
"""

import gc
import mmap
import multiprocessing
import resource
import signal
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_LOT = 8
_LOTS_PER_CHILD = 4
_AHEAD = 2
_USABLE = 0.8
_LEAST_MEMORY = 1 << 28
_SOONER = "500"
_MEMINFO = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


@dataclass(eq=False)
class _Child(Generic[Task]):
    """One child process, the lots that it was given and hasn't answered, and where it is.

    `at` is memory shared with the child: the place in the first lot of the task that it does.
    """

    process: BaseProcess
    at: mmap.mmap
    pipe: "Connection[list[Task], list[Any]]"
    lots: deque[list[Task]] = field(default_factory=deque)


class Crew(Generic[Task, Answer]):
    """A number of children that all do the same kind of task; used by one thread.

    Args:
        opened: called once in each child; gives the function that does one task and never raises.
        size: how many children work at once.
    """

    def __init__(self, opened: Callable[[], Callable[[Task], Answer]], size: int) -> None:
        self._opened = opened
        self._size = size
        self._memory = memory_share(size)
        self._children: list[_Child[Task]] = []
        self._again: deque[list[Task]] = deque()
        self._suspects: set[Task] = set()

    def answers(self, tasks: Sequence[Task]) -> Generator[tuple[Task, Answer | None], None, None]:
        """Each task with its answer as it comes, in any order; None where two children died.

        The children start with the first answer asked for, and are gone with the last.

        Raises:
            OSError: no process can be started.
        """
        lots = _lots(tasks, self._size)
        try:
            for _ in range(min(self._size, len(tasks))):
                self._children.append(self._hired())
            while self._feed(lots):
                ready = wait([child.pipe for child in self._children if child.lots])
                for child in [child for child in self._children if child.pipe in ready]:
                    yield from self._heard(child)
        finally:
            self._dismiss()

    def _feed(self, lots: Iterator[list[Task]]) -> bool:
        """Give every child enough to do; whether anything is under way."""
        for _ in range(_AHEAD):
            for child in self._children:
                if len(child.lots) < _AHEAD:
                    lot = self._again.popleft() if self._again else next(lots, None)
                    if lot is not None:
                        child.lots.append(lot)
                        with suppress(OSError):  # it died just now: that is seen when it is heard
                            child.pipe.send(lot)
        return any(child.lots for child in self._children)

    def _heard(self, child: _Child[Task]) -> Iterator[tuple[Task, Answer | None]]:
        try:
            answers: list[Answer] = child.pipe.recv()
        except (EOFError, OSError):
            yield from self._missed(child)
            return
        yield from zip(child.lots.popleft(), answers, strict=True)

    def _missed(self, child: _Child[Task]) -> Iterator[tuple[Task, Answer | None]]:
        """Replace a child that died, and see to what it had been given."""
        child.pipe.close()
        child.process.join()
        self._children.remove(child)
        self._children.append(self._hired())
        broken, *unbegun = child.lots
        fatal = broken.pop(child.at[0])
        child.at.close()
        self._again.extend(lot for lot in (broken, *unbegun) if lot)
        if fatal in self._suspects:
            yield fatal, None
            return
        self._suspects.add(fatal)
        self._again.append([fatal])

    def _hired(self) -> _Child[Task]:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        # A sibling that kept these ends open would hide from the others that the parent is gone.
        foreign = [ours, *(child.pipe for child in self._children)]
        at = mmap.mmap(-1, 1)
        process = context.Process(
            target=_work, args=(theirs, at, foreign, self._opened, self._memory), daemon=True
        )
        with warnings.catch_warnings():
            # Python 3.12 on warns of threads. The command has none; a test runner's holds nothing
            # that a child asks for.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded")
            process.start()
        theirs.close()
        return _Child(process, at, ours)

    def _dismiss(self) -> None:
        """End all children at once, whatever they are doing."""
        for child in self._children:
            child.pipe.close()
            child.process.kill()
        for child in self._children:
            child.process.join()
        self._children.clear()


def _lots(tasks: Sequence[Task], size: int) -> Iterator[list[Task]]:
    """Tasks by the lot; smaller ones to the end, so that all children end at about one time."""
    at = 0
    while at < len(tasks):
        step = max(1, min(_LOT, (len(tasks) - at) // (_LOTS_PER_CHILD * size)))
        yield list(tasks[at : at + step])
        at += step


def _work(
    pipe: "Connection[list[Any], list[Task]]",
    at: mmap.mmap,
    foreign: Sequence["Connection[Any, Any]"],
    opened: Callable[[], Callable[[Task], Answer]],
    memory_bytes: int,
) -> None:
    """A child's life: lots in, answers out, until the parent is gone."""
    for end in foreign:
        end.close()
    settle(memory_bytes)
    work = opened()
    with suppress(EOFError, OSError):
        while True:
            answers = []
            for at[0], task in enumerate(pipe.recv()):
                answers.append(work(task))
            pipe.send(answers)


def settle(memory_bytes: int) -> None:
    """Make this process a child as the module's rules want it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or memory_bytes < most:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, most))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_SOONER, encoding="ascii")
    # What is there stays there: collections need not look at tables and patterns again.
    gc.freeze()


def memory_share(size: int) -> int:
    """Bytes that each of `size` children may use of what is free on this machine now."""
    free = resource.RLIM_INFINITY
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        free = int(found.split()[1]) << 10
    with suppress(OSError, ValueError):  # `max` is no number: no limit
        limit = int(_CONTAINER.read_text(encoding="ascii"))
        free = limit if free == resource.RLIM_INFINITY else min(free, limit)
    if free == resource.RLIM_INFINITY:
        return free
    return max(_LEAST_MEMORY, int(free * _USABLE / size))
