"""Sealing to a public key: HPKE with X-Wing, safe against both kinds of computers.

- Base mode of RFC 9180 with KEM X-Wing (ML-KEM-768 + X25519), HKDF-SHA256, AES-256-GCM.
- `info` binds a seal to its place: it opens there and nowhere else.
- A sealed object's header is magic, version, suite, then the file key under HPKE; `object_info`
  and `object_context` are what binds header and body to dataset, deposit and object.
- HPKE's base mode does not say who sealed: whatever must have a sender is signed besides.

Source: RFC 9180; draft-connolly-cfrg-xwing-kem.
"""

import hashlib
import secrets
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from crypto.errors import VerificationError

SEED_SIZE: Final = 32
PUBLIC_SIZE: Final = 1216
ENCAPSULATED_SIZE: Final = 1120
OVERHEAD: Final = ENCAPSULATED_SIZE + 16
FILE_KEY_SIZE: Final = 32
MAGIC: Final = b"ANBS"
VERSION: Final = 1
SUITE_ID: Final = 1
HEADER_SIZE: Final = len(MAGIC) + 2 + OVERHEAD + FILE_KEY_SIZE

_MLKEM_PUBLIC_SIZE: Final = 1184
_MLKEM_SEED_SIZE: Final = 64
_PREAMBLE: Final = MAGIC + bytes([VERSION, SUITE_ID])
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealingPrivateKey:
    """An X-Wing key pair, grown from a seed of 32 random bytes."""

    def __init__(self, seed: bytes) -> None:
        """Grow the pair.

        Raises:
            VerificationError: `key-malformed` when the seed is not 32 bytes.
        """
        if len(seed) != SEED_SIZE:
            raise VerificationError("key-malformed", "a seed has 32 bytes")
        grown = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + 32)
        lattice = MLKEM768PrivateKey.from_seed_bytes(grown[:_MLKEM_SEED_SIZE])
        curve = X25519PrivateKey.from_private_bytes(grown[_MLKEM_SEED_SIZE:])
        self._seed = seed
        self.key = MLKEM768X25519PrivateKey(lattice, curve)
        self.public_bytes: bytes = (
            lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        )

    @property
    def private_bytes(self) -> bytes:
        """The seed, which is all of the private key."""
        return self._seed


def generate() -> SealingPrivateKey:
    """A fresh random pair."""
    return SealingPrivateKey(secrets.token_bytes(SEED_SIZE))


def seal(public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal to a public key of 1,216 bytes; the result is 1,136 bytes longer than `plaintext`.

    Raises:
        VerificationError: `key-malformed`.
    """
    key = _public_key(public)
    try:
        return _SUITE.encrypt(plaintext, key, info)
    except ValueError as error:
        # A curve point of small order gives no shared secret.
        raise VerificationError("key-malformed") from error


def open(private: SealingPrivateKey, info: bytes, sealed: bytes) -> bytes:  # noqa: A001 - the pair of `seal`, always called as sealing.open
    """Open a seal that was made to this key for this `info`.

    Raises:
        VerificationError: `seal-altered`.
    """
    try:
        return _SUITE.decrypt(sealed, private.key, info)
    except (InvalidTag, ValueError) as error:
        raise VerificationError("seal-altered") from error


def seal_header(public: bytes, info: bytes, file_key: bytes) -> bytes:
    """The header of a sealed object, which carries its file key.

    Raises:
        VerificationError: `key-malformed`.
    """
    if len(file_key) != FILE_KEY_SIZE:
        raise VerificationError("key-malformed", "a file key has 32 bytes")
    return _PREAMBLE + seal(public, info, file_key)


def open_header(private: SealingPrivateKey, info: bytes, header: bytes) -> bytes:
    """The file key in a sealed object's header.

    Raises:
        VerificationError: `seal-altered` also for another magic, version, suite or length.
    """
    if len(header) != HEADER_SIZE or not header.startswith(_PREAMBLE):
        raise VerificationError("seal-altered", "not a header of this version and suite")
    return open(private, info, header[len(_PREAMBLE) :])


def object_info(dataset: str, deposit: str, intake_key_id: str) -> bytes:
    """What binds an object's header to its dataset, deposit and intake key."""
    return _bound(b"anbiao-sealed-object-header-v1\n", dataset, deposit, intake_key_id)


def object_context(dataset: str, object_id: str, row_digest: str) -> bytes:
    """What binds an object's body to its dataset, its id and its row in the outer manifest."""
    return _bound(b"anbiao-sealed-object-body-v1\n", dataset, object_id, row_digest)


def reference_info(ledger: str, dataset: str, erasure: str) -> bytes:
    """What binds a sealed reference to a person to the order to erase that carries it."""
    return _bound(b"anbiao-erasure-reference-v1\n", ledger, dataset, erasure)


def _bound(label: bytes, *words: str) -> bytes:
    # Each with its length: no two lists of words give the same bytes.
    fields = [word.encode() for word in words]
    return label + b"".join(struct.pack(">H", len(field)) + field for field in fields)


def _public_key(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != PUBLIC_SIZE:
        raise VerificationError("key-malformed", "a sealing key has 1,216 bytes")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_SIZE:]),
        )
    except ValueError as error:
        raise VerificationError("key-malformed") from error
