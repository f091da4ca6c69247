r"""Files of a folder, found safely: no links, no devices, names as they come.

- Links (to files, folders, in loops or out of the folder), pipes, sockets and devices are never
  opened or followed; each is named in what was left out, so that nobody believes it came along.
- A name is told as text without loss: bytes that are no UTF-8 are written as `\xff`.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

LINK: Final = "a link, which is not followed"
SPECIAL: Final = "no regular file"
UNREADABLE: Final = "it can't be read"
GONE: Final = "it is gone"
CHANGED: Final = "it changed while it was read"
TOO_LARGE: Final = "it is over the size limit"


@dataclass(frozen=True)
class Found:
    """A regular file below a folder; `name` is its path from there, with `/`."""

    path: Path
    name: str


@dataclass(frozen=True)
class LeftOut:
    """Something below a folder that is not taken, and why."""

    name: str
    why: str


Leave = Callable[[LeftOut], None]


def _unheard(_left: LeftOut) -> None:
    return


def walk(folder: Path, leave: Leave = _unheard) -> Iterator[Found]:
    """Regular files below `folder`, sorted; `leave` is told of everything else."""
    yield from _walk(folder, "", leave)


def _walk(folder: Path, prefix: str, leave: Leave) -> Iterator[Found]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    except OSError:
        if not prefix:
            raise
        leave(LeftOut(prefix, UNREADABLE))
        return
    for entry in entries:
        name = prefix + text_of(entry.name)
        if entry.is_symlink():
            leave(LeftOut(name, LINK))
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/", leave)
        elif entry.is_file(follow_symlinks=False):
            yield Found(Path(entry.path), name)
        else:
            leave(LeftOut(name, SPECIAL))


def text_of(name: str) -> str:
    """A file's name as text that can be written down anywhere, without loss."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def shown(name: str) -> str:
    """A name fit for a terminal: what could move a cursor or break a line is written out."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name
    )


def open_regular(path: Path) -> tuple[BinaryIO, int]:
    """The open file and its size; a link or device put in its place meanwhile is refused.

    Raises:
        OSError: it can't be opened, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise OSError(f"not a regular file: {path.name}")
    return os.fdopen(descriptor, "rb"), state.st_size
