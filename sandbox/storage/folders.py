"""Folders that only this user can enter, durable names in them, and locks among processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, mode 0700.

    An existing folder keeps its mode, which is its owner's choice.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


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
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
