"""Keyed pseudonyms: the same subject gets the same names, UIDs and shift under one key.

- Everything is HMAC-SHA256 under a 32-byte key; without the key nothing can be linked back.
- Values that differ only in case of writing or spaces are one value (`fold`).
- Different keys give unlinkable results: a project has its own (R28).
"""

import hmac
import unicodedata

KEY_BYTES = 32
_SHIFT_DAYS = 365
_UID_ROOT = "2.25."


def fold(value: str) -> str:
    """`value` in NFKC, without spaces and format characters, case folded."""
    kept = (
        c
        for c in unicodedata.normalize("NFKC", value)
        if not c.isspace() and unicodedata.category(c) != "Cf"
    )
    return "".join(kept).casefold()


class Pseudonyms:
    """All pseudonyms under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a pseudonym key has 32 bytes")
        self._key = key

    @property
    def key(self) -> bytes:
        """The key itself, for a process that cleans under it."""
        return self._key

    def digest(self, kind: str, value: str) -> bytes:
        """32 bytes that stand for `value` among values of `kind`."""
        message = kind.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")

    def subject(self, identity: str) -> str:
        """`S-` and 12 upper-case hex digits for a subject's identity, a record number say."""
        return "S-" + self.digest("subject", fold(identity))[:6].hex().upper()

    def uid(self, original: str) -> str:
        """A DICOM UID below 2.25 for `original`, the same every time.

        Source: DICOM PS3.5 B.2.
        """
        number = int.from_bytes(self.digest("uid", original.strip("\x00 "))[:16], "big")
        return _UID_ROOT + str(number)

    def shift_days(self, identity: str) -> int:
        """Days to move a subject's dates, -365 to -1: the same for all its dates.

        Always into the past, so that no shifted date lies ahead of today.
        """
        number = int.from_bytes(self.digest("shift", fold(identity))[:8], "big")
        return -1 - number % _SHIFT_DAYS

    def number(self, kind: str, value: str, below: int) -> int:
        """A number in `range(below)` for `value`, to pick surrogates by."""
        return int.from_bytes(self.digest(kind, fold(value))[:8], "big") % below
