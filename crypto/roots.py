"""Root providers: what wraps the top of a key tree, one for the vault and one for serving.

- `LocalRoot` keeps 32 random bytes in a file of its own, 0600: plain, or sealed by a passphrase
  through Argon2id (64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106 section 4).
- A file that group or others may read is refused: its root must count as known.
- Costs outside of the accepted range are refused on opening, so that a changed file can neither
  weaken the passphrase nor exhaust the machine.

Providers that keep the root in hardware or in a cloud service follow the same protocol.
"""

import secrets
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto import canonical, secretfile, strict64
from crypto.errors import VerificationError

ROOT_SIZE: Final = 32
ARGON2_MEMORY_KIB: Final = 65_536
ARGON2_PASSES: Final = 3
ARGON2_LANES: Final = 4
_MAX_MEMORY_KIB: Final = 4 * 1024 * 1024
_MAX_PASSES: Final = 64
_SALT_SIZE: Final = 16
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_WRAP_LABEL: Final = b"anbiao-root-wrap-v1\n"
_SEAL_LABEL: Final = b"anbiao-root-file-v1\n"


class RootProvider(Protocol):
    """What can wrap and unwrap the keys at the top of a tree, and never shows its own."""

    def wrap(self, name: str, key: bytes) -> bytes:
        """Wrap a key so that it opens under this name only."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Open a wrapped key; `VerificationError` `key-unwrap` if it is not this name's."""
        ...


class LocalRoot:
    """A root in a file on this machine."""

    def __init__(self, root: bytes) -> None:
        """Take a root of 32 uniformly random bytes.

        Raises:
            VerificationError: `key-malformed`.
        """
        if len(root) != ROOT_SIZE:
            raise VerificationError("key-malformed", "a root has 32 bytes")
        self._cipher = AESGCM(root)

    @classmethod
    def create(cls, path: Path, passphrase: bytes | None = None) -> "LocalRoot":
        """Make a root in a new file, 0600, sealed when a passphrase is given.

        Raises:
            VerificationError: `key-exists`.
        """
        root = secrets.token_bytes(ROOT_SIZE)
        content = _plain_file(root) if passphrase is None else _sealed_file(root, passphrase)
        secretfile.write(path, canonical.encode(content))
        return cls(root)

    @classmethod
    def open(cls, path: Path, passphrase: bytes | None = None) -> "LocalRoot":
        """Take the root out of its file.

        Raises:
            VerificationError: `file-missing`, `file-exposed`, `root-malformed`,
                `passphrase-wrong`, which also stands for one that is missing.
        """
        octets = secretfile.read(path)
        try:
            content = canonical.decode(octets)
            return cls(_read_file(content, passphrase))
        except VerificationError as error:
            if error.code == "passphrase-wrong":
                raise
            raise VerificationError("root-malformed") from error
        except (KeyError, TypeError, AttributeError, UnicodeError) as error:
            raise VerificationError("root-malformed") from error

    def wrap(self, name: str, key: bytes) -> bytes:
        """Wrap a key so that it opens under this name only."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, key, _WRAP_LABEL + name.encode())

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Open a wrapped key.

        Raises:
            VerificationError: `key-unwrap`.
        """
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        try:
            return self._cipher.decrypt(nonce, sealed, _WRAP_LABEL + name.encode())
        except (InvalidTag, ValueError) as error:
            raise VerificationError("key-unwrap") from error


def _plain_file(root: bytes) -> dict[str, object]:
    return {"kind": "plain", "root": strict64.encode(root), "v": 1}


def _sealed_file(root: bytes, passphrase: bytes) -> dict[str, object]:
    salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
    content: dict[str, object] = {
        "kind": "argon2id",
        "lanes": ARGON2_LANES,
        "memory_kib": ARGON2_MEMORY_KIB,
        "passes": ARGON2_PASSES,
        "salt": strict64.encode(salt),
        "v": 1,
    }
    sealed = AESGCM(_stretch(content, passphrase)).encrypt(nonce, root, _SEAL_LABEL)
    return {**content, "sealed": strict64.encode(nonce + sealed)}


def _read_file(content: Any, passphrase: bytes | None) -> bytes:
    if content["v"] != 1:
        raise VerificationError("root-malformed", "unknown version")
    if content["kind"] == "plain":
        if passphrase is not None:
            # Someone who gives a passphrase believes that the file is sealed.
            raise VerificationError("passphrase-wrong", "this root is not under a passphrase")
        return strict64.decode(content["root"], ROOT_SIZE)
    if content["kind"] != "argon2id":
        raise VerificationError("root-malformed", "unknown kind")
    sealed = strict64.decode(content["sealed"], _NONCE_SIZE + ROOT_SIZE + _TAG_SIZE)
    if passphrase is None:
        raise VerificationError("passphrase-wrong", "this root is under a passphrase")
    cipher = AESGCM(_stretch(content, passphrase))
    try:
        return cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], _SEAL_LABEL)
    except InvalidTag as error:
        raise VerificationError("passphrase-wrong") from error


def _stretch(content: Any, passphrase: bytes) -> bytes:
    memory, passes, lanes = content["memory_kib"], content["passes"], content["lanes"]
    acceptable = (
        ARGON2_MEMORY_KIB <= memory <= _MAX_MEMORY_KIB
        and ARGON2_PASSES <= passes <= _MAX_PASSES
        and lanes == ARGON2_LANES
    )
    if not acceptable:
        raise VerificationError("root-malformed", "costs outside of the accepted range")
    return Argon2id(
        salt=strict64.decode(content["salt"], _SALT_SIZE),
        length=ROOT_SIZE,
        iterations=passes,
        lanes=lanes,
        memory_cost=memory,
    ).derive(passphrase)
