r"""People's signing keys and the acts that they sign.

The private key stays in a 0600 file on the person's own machine. What is signed names the
ledger, the action, the objects and public terms, and a nonce, so that no signature counts twice,
elsewhere, or for another act.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto import canonical, secretfile
from crypto.errors import VerificationError

ACT_LABEL: Final = b"anbiao-act-v1\n"
PUBLIC_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
_FILE_LABEL: Final = "anbiao-signing-key-v1 "
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_FILE = re.compile(_FILE_LABEL + r"([0-9a-f]{64})\n", re.ASCII)

# The eight points of small order, each in every encoding that OpenSSL decodes: under such a
# "public key" one signature fits any message, so its holder could deny what was signed.
# Source: Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs (2020), section 2.
_SIGN_BIT: Final = 1 << 255
_PRIME: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})


class PersonKey:
    """An Ed25519 key of one person (or of one service)."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> "PersonKey":
        """A fresh random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "PersonKey":
        """Read a key file.

        Raises:
            VerificationError: `file-exposed`, `file-missing`, `key-malformed`.
        """
        found = _FILE.fullmatch(secretfile.read(path).decode("ascii", "replace"))
        if found is None:
            raise VerificationError("key-malformed")
        return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(found[1])))

    def save(self, path: Path) -> None:
        """Write the key to a new file, 0600.

        Raises:
            VerificationError: `key-exists`.
        """
        seed = self._private.private_bytes_raw().hex()
        secretfile.write(path, f"{_FILE_LABEL}{seed}\n".encode())

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes that others know this key by."""
        return self._private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """`sha256:<hex>` of the public key."""
        return fingerprint(self.public_bytes)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        return self._private.sign(message)


def fingerprint(public: bytes) -> str:
    """`sha256:<hex>` of a public key, for people to compare."""
    return f"sha256:{hashlib.sha256(public).hexdigest()}"


def check_public(public: bytes) -> None:
    """Check that these bytes can be somebody's public key.

    Raises:
        VerificationError: `key-malformed` for a wrong length, a coordinate out of range, or a
            point of small order.
    """
    y = int.from_bytes(public, "little") & (_SIGN_BIT - 1)
    if len(public) != PUBLIC_SIZE or y >= _PRIME or y in _SMALL_ORDER:
        raise VerificationError("key-malformed")


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature.

    Raises:
        VerificationError: `key-malformed`, `signature-invalid`.
    """
    check_public(public)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise VerificationError("signature-invalid") from error


def act_bytes(
    ledger: str,
    action: str,
    objects: Mapping[str, str],
    terms: Mapping[str, str],
    nonce: str,
) -> bytes:
    """The bytes that a person signs for one act.

    Args:
        ledger: Id of the ledger in which the act will stand.
        action: The action's name.
        objects: Ids of what it is about, by kind.
        terms: Public values that it fixes: keys, roles, digests, verdicts.
        nonce: 32 lowercase hex digits, used once in a ledger.

    Raises:
        VerificationError: `act-malformed`.
    """
    words = [ledger, action, *objects, *objects.values(), *terms, *terms.values()]
    if not _NONCE.fullmatch(nonce) or not all(isinstance(word, str) for word in words):
        raise VerificationError("act-malformed")
    act = {
        "action": action,
        "ledger": ledger,
        "nonce": nonce,
        "objects": dict(objects),
        "terms": dict(terms),
    }
    return ACT_LABEL + canonical.encode(act)


def sign_act(
    key: PersonKey,
    ledger: str,
    action: str,
    objects: Mapping[str, str],
    terms: Mapping[str, str],
    nonce: str,
) -> bytes:
    """A person's signature over an act.

    Raises:
        VerificationError: `act-malformed`.
    """
    return key.sign(act_bytes(ledger, action, objects, terms, nonce))


def verify_act(  # noqa: PLR0913, PLR0917 - one argument per member that is signed
    public: bytes,
    ledger: str,
    action: str,
    objects: Mapping[str, str],
    terms: Mapping[str, str],
    nonce: str,
    signature: bytes,
) -> None:
    """Check a person's signature over an act.

    Raises:
        VerificationError: `act-malformed`, `key-malformed`, `signature-invalid`.
    """
    verify(public, act_bytes(ledger, action, objects, terms, nonce), signature)
