"""The one-time code that makes the first account of an empty store, and nothing else.

It lies in a file that only the operator of the machine can read (0600); whoever can read it could
read every key beside it, so it gives nothing away that was not given.
"""

import hmac
import os
from pathlib import Path

from sandbox.people.tokens import new_token


class SetupCode:
    """A code in a file, from the first start on an empty store until it is used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def offer(self) -> None:
        """Write a code unless one lies there already."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_token() + "\n")

    def matches(self, code: str) -> bool:
        """Whether this is the code; false when none is offered."""
        try:
            kept = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return False
        return bool(kept) and hmac.compare_digest(kept.encode(), code.encode())

    def spend(self) -> None:
        """Take the code away; harmless a second time."""
        self._path.unlink(missing_ok=True)
