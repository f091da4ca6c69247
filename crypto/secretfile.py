"""Files that hold secrets: made 0600, refused when anybody else could have read them."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from crypto.errors import VerificationError

MODE: Final = 0o600
_MAX_BYTES: Final = 65_536


def write(path: Path, octets: bytes) -> None:
    """Make the file with these bytes: whole or not at all, durable, for its owner only.

    Raises:
        VerificationError: `key-exists`: a secret is never written over.
        OSError: the folder is missing or can't be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when the name is taken.
        os.link(draft, path)
    except FileExistsError as error:
        raise VerificationError("key-exists") from error
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def wipe(path: Path) -> None:
    """Write zeros over a secret file in its very place, durably; may be repeated.

    The file stays, and says by its zeros that it was wiped. What a file system or a disk keeps of
    overwritten blocks is beyond this: the medium under a secret must not keep copies.

    Raises:
        VerificationError: `file-missing`.
        OSError: the zeros could not be made durable.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise VerificationError("file-missing") from error
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """The bytes of a secret file.

    Raises:
        VerificationError: `file-exposed` when group or others have any right to it or it is no
            plain file; `file-missing`, also for a symbolic link.
    """
    try:
        # The open file is what is examined: no other can be slipped in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise VerificationError("file-missing") from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or stat.S_IMODE(state.st_mode) & 0o077:
            raise VerificationError("file-exposed")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
