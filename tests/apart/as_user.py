"""`as_user.py UID GID GROUPS COMMAND...`: becomes that user for good, and runs `anbiao COMMAND`.

Where the interpreter lies in a folder that only root may enter (a home folder, say), this process
gets a view of the file system of its own first, in which the interpreter alone is to be reached: it
is our folders that are tested, not that one.
"""

import ctypes
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEW_MOUNTS = 0x0002_0000
PRIVATE_BELOW = 0x4000 | 0x4_0000
BIND = 0x1000


def private_above(path: Path) -> Path | None:
    """The topmost folder above `path` that others may not enter."""
    closed = [each for each in path.resolve().parents if not each.stat().st_mode & 0o001]
    return closed[-1] if closed else None


def uncover(path: Path, closed: Path) -> None:
    """Put an open folder over `closed`, for this process alone, that holds nothing but `path`."""
    libc = ctypes.CDLL(None, use_errno=True)

    def must(done: int) -> None:
        if done != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    must(libc.unshare(NEW_MOUNTS))
    must(libc.mount(None, b"/", None, PRIVATE_BELOW, None))
    kept = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    must(libc.mount(b"tmpfs", os.fsencode(closed), b"tmpfs", 0, b"mode=755"))
    path.mkdir(parents=True)
    must(libc.mount(b"/proc/self/fd/%d" % kept, os.fsencode(path), None, BIND, None))
    os.close(kept)


def main() -> None:
    user, group, groups, *command = sys.argv[1:]
    os.chdir(ROOT)
    interpreter = Path(sys.base_prefix)
    closed = private_above(interpreter)
    if closed is not None:
        uncover(interpreter, closed)
    os.setgroups([int(one) for one in groups.split(",") if one])
    os.setresgid(*[int(group)] * 3)
    os.setresuid(*[int(user)] * 3)
    os.execv(sys.executable, [sys.executable, "-m", "api.cli.main", *command])  # noqa: S606 - ours


if __name__ == "__main__":
    main()
