"""Runs a program and lets it fail at its N-th step towards the disk or the database.

Usage: tracer.py [--below FOLDER]... [--at N --side SIDE --fault FAULT [--times K]] [--steps FILE]
                 -- PROGRAM [ARGUMENT...]

A step is a system call that changes what is kept: a write, sync, rename, link, unlink, truncation
or creation in one of the folders, or what is sent over a socket (to notary or PostgreSQL). Steps
are numbered from 1, over all threads.

    --side   before: the call never happens; after: it happened, and that is all
    --fault  kill: SIGKILL to the whole program
             ENOSPC, EROFS, EIO: the call answers with this error, where it is about a file
             ECONNRESET: the same, where it is about a socket, and the connection is over (errors
             on x86-64 only)
    --times  so many steps from the N-th on fail, as on a disk that stays full

The kernel does it (ptrace), so the program is the very one that runs in earnest. With `--steps`
each step is written as one line `number name what`. Exit code: the program's; 137 if it was killed.
"""

import argparse
import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

TRACEME, POKEUSER, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 6, 24, 0x4200, 0x420E
# Threads and processes that it starts are traced, too, and nothing outlives its tracer.
OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x100000
SYSCALL_STOP = signal.SIGTRAP | 0x80
WALL = 0x40000000
ENTRY, EXIT = 1, 2
INFO = struct.Struct("<B3xIQQ7Q")
PIDFD_GETFD = 438
ORIG_RAX, RAX = 15 * 8, 10 * 8
O_CREAT, O_WRONLY, O_RDWR = os.O_CREAT, os.O_WRONLY, os.O_RDWR

# Which argument is a descriptor or a path: on x86-64, and as most other machines number them.
X86_64 = {
    1: ("write", "fd", 0), 18: ("pwrite64", "fd", 0), 20: ("writev", "fd", 0),
    296: ("pwritev", "fd", 0), 328: ("pwritev2", "fd", 0), 74: ("fsync", "fd", 0),
    75: ("fdatasync", "fd", 0), 77: ("ftruncate", "fd", 0), 285: ("fallocate", "fd", 0),
    44: ("sendto", "socket", 0), 46: ("sendmsg", "socket", 0), 40: ("sendfile", "fd", 0),
    76: ("truncate", "path", 0), 82: ("rename", "path", 1), 83: ("mkdir", "path", 0),
    84: ("rmdir", "path", 0), 85: ("creat", "path", 0), 86: ("link", "path", 1),
    87: ("unlink", "path", 0), 2: ("open", "opened", 0), 257: ("openat", "opened", 1),
    258: ("mkdirat", "path", 1), 263: ("unlinkat", "path", 1), 264: ("renameat", "path", 3),
    265: ("linkat", "path", 3), 316: ("renameat2", "path", 3),
}  # fmt: skip
AARCH64 = {
    64: ("write", "fd", 0), 68: ("pwrite64", "fd", 0), 66: ("writev", "fd", 0),
    70: ("pwritev", "fd", 0), 287: ("pwritev2", "fd", 0), 82: ("fsync", "fd", 0),
    83: ("fdatasync", "fd", 0), 46: ("ftruncate", "fd", 0), 47: ("fallocate", "fd", 0),
    206: ("sendto", "socket", 0), 211: ("sendmsg", "socket", 0), 71: ("sendfile", "fd", 0),
    45: ("truncate", "path", 0), 34: ("mkdirat", "path", 1), 35: ("unlinkat", "path", 1),
    37: ("linkat", "path", 3), 38: ("renameat", "path", 3), 276: ("renameat2", "path", 3),
    56: ("openat", "opened", 1),
}  # fmt: skip
CALLS = AARCH64 if os.uname().machine == "aarch64" else X86_64

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, pid: int, address: int | None = None, data: object = None) -> int:
    """One call of ptrace(2).

    Raises:
        ProcessLookupError: the thread is gone.
    """
    answer = _libc.ptrace(request, pid, address, data)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(answer)


@dataclass
class Plan:
    """What shall go wrong: `at` 0 means nothing."""

    below: tuple[str, ...]
    at: int = 0
    side: str = "before"
    fault: str = "kill"
    times: int = 1
    steps: TextIO | None = None


@dataclass
class Tracer:
    """One program under the eyes of the kernel."""

    plan: Plan
    root: int = 0
    seen: int = 0
    code: int = 0
    failing: dict[int, int] = field(
        default_factory=dict
    )  # thread whose call fails: its socket or -1

    def run(self, act: Callable[[], int]) -> int:
        """Run `act` in a process of its own to its end; its exit code."""
        self.root = os.fork()
        if not self.root:
            ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(act())
        os.waitpid(self.root, 0)
        ptrace(SETOPTIONS, self.root, None, OPTIONS)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, lambda given, _frame: os.kill(self.root, given))
        self._resume(self.root, 0)
        while self._next():
            pass
        return self.code

    def _next(self) -> bool:
        try:
            pid, status = os.waitpid(-1, WALL)
        except ChildProcessError:
            return False
        if not os.WIFSTOPPED(status):
            self.failing.pop(pid, None)
            if pid == self.root:
                self.code = os.waitstatus_to_exitcode(status)
            return True
        stopped_by = os.WSTOPSIG(status)
        if stopped_by == SYSCALL_STOP:
            self._look(pid)
            self._resume(pid, 0)
        else:
            # A trap is the tracing's own; a new thread begins with a stop.
            own = stopped_by in {signal.SIGTRAP, signal.SIGSTOP}
            self._resume(pid, 0 if own else stopped_by)
        return True

    def _resume(self, pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # killed meanwhile: its end is told next
            ptrace(SYSCALL, pid, None, number)

    def _look(self, pid: int) -> None:
        raw = ctypes.create_string_buffer(INFO.size + 16)
        with contextlib.suppress(ProcessLookupError):
            ptrace(GET_SYSCALL_INFO, pid, len(raw), raw)
            kind, _arch, _ip, _sp, number, *arguments = INFO.unpack(raw.raw[: INFO.size])
            if kind == ENTRY:
                self._enter(pid, number, arguments)
            elif kind == EXIT and pid in self.failing:
                self._leave(pid)

    def _enter(self, pid: int, number: int, arguments: list[int]) -> None:
        if number not in CALLS:
            return
        name, kind, which = CALLS[number]
        what = self._target(pid, kind, arguments, which)
        if what is None:
            return
        self.seen += 1
        if self.plan.steps is not None:
            print(self.seen, name, what, file=self.plan.steps, flush=True)
        plan = self.plan
        if not plan.at or not plan.at <= self.seen < plan.at + plan.times:
            return
        # Disks fail in other ways than connections do; and a program may speak to itself over one.
        if plan.fault != "kill" and (what == "socket") != (plan.fault == "ECONNRESET"):
            return
        if plan.side == "before":
            self._fail_before(pid)
        self.failing[pid] = arguments[which] if plan.fault == "ECONNRESET" else -1
        if plan.fault == "ECONNRESET" and plan.side == "before":
            self._cut(self.failing[pid])

    def _cut(self, number: int) -> None:
        """End the connection in earnest: who waits for more of it must hear that it is over."""
        process = os.pidfd_open(self.root)
        try:
            number = _libc.syscall(PIDFD_GETFD, process, number, 0)
            with socket.socket(fileno=number) as connection, contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        finally:
            os.close(process)

    def _fail_before(self, pid: int) -> None:
        if self.plan.fault == "kill":
            os.kill(self.root, signal.SIGKILL)
        else:
            ptrace(POKEUSER, pid, ORIG_RAX, 2**64 - 1)  # no such call: the kernel does nothing

    def _leave(self, pid: int) -> None:
        number = self.failing.pop(pid)
        if number >= 0 and self.plan.side == "after":
            self._cut(number)
        if self.plan.fault == "kill":
            os.kill(self.root, signal.SIGKILL)
        else:
            ptrace(POKEUSER, pid, RAX, 2**64 - getattr(errno, self.plan.fault))

    def _target(self, pid: int, kind: str, arguments: list[int], which: int) -> str | None:
        """What the call is about, if that counts."""
        if kind in {"fd", "socket"}:
            return self._counted(self._descriptor(pid, arguments[which]), sockets=True)
        if kind == "opened" and not arguments[which + 1] & O_CREAT:
            return None
        return self._counted(self._path(pid, arguments[which]), sockets=False)

    def _descriptor(self, pid: int, number: int) -> str:
        try:
            return str(Path(f"/proc/{pid}/fd/{number}").readlink())
        except OSError:
            return ""

    def _path(self, pid: int, address: int) -> str:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            text = memory.read(4096 - address % 4096)
            text += b"" if b"\0" in text else memory.read(4096)
        # A path that is absolute replaces the folder before it.
        return str(Path(f"/proc/{pid}/cwd").readlink() / os.fsdecode(text.partition(b"\0")[0]))

    def _counted(self, what: str, *, sockets: bool) -> str | None:
        if sockets and what.startswith("socket:"):
            return "socket"
        for folder in self.plan.below:
            if what.startswith(folder + "/"):
                return what.removeprefix(folder + "/").removesuffix(" (deleted)")
        return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="tracer.py", description=__doc__)
    parser.add_argument("--below", action="append", default=[], help="folder whose files count")
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--side", choices=("before", "after"), default="before")
    parser.add_argument(
        "--fault", choices=("kill", "ENOSPC", "EROFS", "EIO", "ECONNRESET"), default="kill"
    )
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--steps", type=argparse.FileType("w", encoding="utf-8"))
    parser.add_argument("program", nargs="+")
    given = parser.parse_args()
    below = tuple(os.path.realpath(folder) for folder in given.below)
    plan = Plan(below, given.at, given.side, given.fault, given.times, given.steps)

    def become() -> int:
        return os.execvp(given.program[0], given.program)  # noqa: S606 - the program asked for

    code = Tracer(plan).run(become)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
