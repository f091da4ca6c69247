"""Salted commitments: what the log holds in place of anything that was made from plaintext.

Whoever has salt and payload can show what was committed to; without the salt, which lies under
a key that can be destroyed, not even guessing the payload confirms it.
"""

import hashlib
import hmac
import secrets
from typing import Final

from crypto.errors import VerificationError

SALT_SIZE: Final = 32


def new_salt() -> bytes:
    """A fresh salt of 256 random bits; one per commitment."""
    return secrets.token_bytes(SALT_SIZE)


def commit(salt: bytes, payload: bytes) -> bytes:
    """HMAC-SHA256 over the canonical payload under the salt.

    Raises:
        VerificationError: `commitment-mismatch` when the salt is not 32 bytes: HMAC pads a
            shorter key with zeroes, so that two salts would open one commitment.
    """
    if len(salt) != SALT_SIZE:
        raise VerificationError("commitment-mismatch", "a salt has 32 bytes")
    return hmac.digest(salt, payload, hashlib.sha256)


def check(commitment: bytes, salt: bytes, payload: bytes) -> None:
    """Check that `commitment` was made to `payload`, in constant time.

    Raises:
        VerificationError: `commitment-mismatch`.
    """
    if not hmac.compare_digest(commitment, commit(salt, payload)):
        raise VerificationError("commitment-mismatch")
