"""Base64 as the formats here mean it: standard alphabet, padded, one form per value.

Source: RFC 4648 section 4, and 3.5 on non-zero pad bits, which are refused.
"""

import binascii
from base64 import b64encode

from crypto.errors import VerificationError


def encode(octets: bytes) -> str:
    """Standard base64 with padding."""
    return b64encode(octets).decode("ascii")


def decode(text: str, size: int | None = None) -> bytes:
    """The bytes that `text` is the only base64 form of.

    Args:
        text: What was received.
        size: Number of bytes that must come out; any number when absent.

    Raises:
        VerificationError: `base64-malformed`.
    """
    try:
        octets = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise VerificationError("base64-malformed") from error
    # Strict mode still accepts stray bits under the padding: two texts for one value.
    if encode(octets) != text or (size is not None and len(octets) != size):
        raise VerificationError("base64-malformed")
    return octets
