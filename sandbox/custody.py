"""The border between `crypto` and the sandbox: its one error becomes ours, nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager

from crypto.errors import VerificationError
from sandbox.errors import KeyDestroyed, VerificationFailed


@contextmanager
def translated() -> Iterator[None]:
    """Have `crypto`'s error leave the body as the sandbox's.

    Raises:
        KeyDestroyed: a key was destroyed on purpose.
        VerificationFailed: any other check failed, under the same code.
    """
    try:
        yield
    except VerificationError as error:
        if error.code == "key-destroyed":
            raise KeyDestroyed(error.code) from error
        raise VerificationFailed(error.code) from error
