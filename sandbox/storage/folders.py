"""Folders, durable names in them, and locks among processes.

What is made takes the rights of the folder that it is made in (`layout.rights_in`): its owner's
alone, and its group's where a house's processes share the folder.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.layout import rights_in


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, with the rights of what is there.

    An existing folder keeps its mode, which is its owner's choice.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=rights_in(folder.parent), exist_ok=True)


def file_rights(path: Path) -> int:
    """The mode of a file that is to be made under this name."""
    return rights_in(path.parent) & 0o666


def sync_path(path: Path) -> None:
    """Make a file's bytes, or the names in a folder, durable; neither does it for the other."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Hold the lock that `lock_file` stands for, among threads and processes.

    The file stays: removing a lock file lets two holders in.
    """
    mode = file_rights(lock_file)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
