"""Files of a folder, found safely: no links, no devices, names as they come."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Found:
    """A regular file below a folder; `name` is its path from there, with `/`."""

    path: Path
    name: str


def walk(folder: Path) -> Iterator[Found]:
    """Regular files below `folder`, sorted; links are not followed and not taken."""
    yield from _walk(folder, "")


def _walk(folder: Path, prefix: str) -> Iterator[Found]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = prefix + os.fsencode(entry.name).decode("utf-8", "replace")
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        elif entry.is_file(follow_symlinks=False):
            yield Found(Path(entry.path), name)


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
