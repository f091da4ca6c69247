"""Files that a witness's word hangs on: whole and durable before anything is answered."""

import os
from pathlib import Path


def put(path: Path, octets: bytes) -> None:
    """Make the file hold these bytes: at once, as a whole, and on the disk when this returns.

    One writer at a time for each path.

    Raises:
        OSError: it can't be written; the file holds what it held.
    """
    draft = path.with_name(f".{path.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: it can't be done.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def made(folder: Path) -> Path:
    """The folder, made for its owner alone where it was not there.

    Raises:
        OSError: it can't be made.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        sync(folder.parent)
    return folder
