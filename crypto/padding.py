"""Padding that hides a length: U64 length || content || zeroes up to a Padmé size.

Padmé leaves O(log log n) bits of the length visible and adds at most 12 % (far less for large
objects). Sealed objects are padded before sealing, so the visible size of a ciphertext says
little about the file.

Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
PURBs" (PETS 2019), section 4.
"""

from typing import Final

from crypto.errors import VerificationError

PREFIX_SIZE: Final = 8
MAX_CONTENT: Final = 2**52


def padded_size(content: int) -> int:
    """Bytes of the padded form of so many bytes.

    Raises:
        VerificationError: `padding-invalid` for a size that can't be padded.
    """
    if not 0 <= content <= MAX_CONTENT:
        raise VerificationError("padding-invalid")
    total = content + PREFIX_SIZE
    exponent = total.bit_length() - 1
    # So many low bits become zero as leave the upper ones no more than the exponent's own length.
    low = exponent - exponent.bit_length()
    return (total + (1 << low) - 1) >> low << low


def prefix(content: int) -> bytes:
    """What stands before content of so many bytes.

    Raises:
        VerificationError: `padding-invalid`.
    """
    padded_size(content)
    return content.to_bytes(PREFIX_SIZE, "big")


def zeroes(content: int) -> bytes:
    """What stands after content of so many bytes.

    Raises:
        VerificationError: `padding-invalid`.
    """
    return bytes(padded_size(content) - PREFIX_SIZE - content)


def content_size(leading: bytes, total: int) -> int:
    """The length of the content, from the first 8 of `total` padded bytes.

    Raises:
        VerificationError: `padding-invalid` when this length does not pad to `total`.
    """
    if len(leading) != PREFIX_SIZE:
        raise VerificationError("padding-invalid")
    content = int.from_bytes(leading, "big")
    if padded_size(content) != total:
        raise VerificationError("padding-invalid")
    return content


def pad(content: bytes) -> bytes:
    """The padded form."""
    return b"".join((prefix(len(content)), content, zeroes(len(content))))


def unpad(padded: bytes) -> bytes:
    """The content of a padded form.

    Raises:
        VerificationError: `padding-invalid`; anything but zeroes after the content, too, would
            be a second form of it and a place to hide something.
    """
    stop = PREFIX_SIZE + content_size(padded[:PREFIX_SIZE], len(padded))
    if padded.count(0, stop) != len(padded) - stop:
        raise VerificationError("padding-invalid")
    return padded[PREFIX_SIZE:stop]
