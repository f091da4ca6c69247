"""Files that hold secrets: made 0600, refused when anybody else could have read them."""

import os
import stat
from pathlib import Path
from typing import Final

from crypto.errors import VerificationError

MODE: Final = 0o600
_MAX_BYTES: Final = 65_536


def write(path: Path, octets: bytes) -> None:
    """Make the file with these bytes, durable, readable by its owner only.

    Raises:
        VerificationError: `key-exists`: a secret is never written over.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, MODE)
    except FileExistsError as error:
        raise VerificationError("key-exists") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> bytes:
    """The bytes of a secret file.

    Raises:
        VerificationError: `file-exposed` when group or others have any right to it or it is a
            symbolic link or no plain file; `file-missing`.
    """
    try:
        # The open file is what is examined: no other can be slipped in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise VerificationError("file-missing") from error
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or stat.S_IMODE(state.st_mode) & 0o077:
            raise VerificationError("file-exposed")
        return file.read(_MAX_BYTES)
