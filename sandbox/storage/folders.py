"""Folders that only this user can enter, and how a new name in them is made durable."""

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make `folder`, mode 0700; an existing one keeps its mode, which is its owner's choice."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: an fsync of a file alone does not keep its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
