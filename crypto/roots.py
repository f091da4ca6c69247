"""Root providers: what wraps the top of a key tree, one for the vault and one for serving.

- `LocalRoot` keeps 32 random bytes in a file of its own, 0600: plain, or sealed by a passphrase
  through Argon2id (64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106 section 4).
- A file that group or others may read is refused: its root must count as known.
- Costs outside of the accepted range are refused on opening, so that a changed file can neither
  weaken the passphrase nor exhaust the machine.

- An epoch is a secret of its own at the provider, for keys of one name. Once it is destroyed
  there, no copy of a key that it wrapped opens any more, whoever kept one. `LocalRoot` keeps each
  in a file of its own in `<stem of the root's file>.epochs/`, sealed by the root, and destroys it
  by writing zeros over it.

Providers that keep the root in hardware or in a cloud service follow the same protocol; there an
epoch is a key of the service, made and destroyed under its name.
"""

import re
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
_EPOCH_LABEL: Final = b"anbiao-root-epoch-v1\n"
_TO_FILES: Final = str.maketrans(":/", "._")
_TO_NAMES: Final = str.maketrans("._", ":/")
_EPOCH_NAME: Final = re.compile(r"[0-9a-z][0-9a-z:/-]{0,119}")


class RootProvider(Protocol):
    """What can wrap and unwrap the keys at the top of a tree, and never shows its own."""

    def wrap(self, name: str, key: bytes) -> bytes:
        """Wrap a key so that it opens under this name only."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Open a wrapped key.

        Raises `VerificationError`: `key-unwrap` if it is not this name's, `key-destroyed` if the
        name's epoch was destroyed.
        """
        ...

    def begin_epoch(self, name: str) -> None:
        """From now on wrap the key of this name by a secret of its own; harmless when repeated.

        Raises `VerificationError` `key-destroyed` when the epoch was destroyed: none comes back.
        """
        ...

    def end_epoch(self, name: str) -> None:
        """Destroy the secret of this name for good; harmless when there is none (any more)."""
        ...

    def epochs(self) -> list[str]:
        """Names of the epochs that were begun and not destroyed, sorted."""
        ...


class LocalRoot:
    """A root in a file on this machine, and the epochs' secrets beside it.

    Without a folder epochs end with the process: for tests and throw-away runs.
    """

    def __init__(self, root: bytes, folder: Path | None = None) -> None:
        """Take a root of 32 uniformly random bytes, and where its epochs lie.

        Raises:
            VerificationError: `key-malformed`.
        """
        if len(root) != ROOT_SIZE:
            raise VerificationError("key-malformed", "a root has 32 bytes")
        self._cipher = AESGCM(root)
        self._folder = folder
        self._held: dict[str, bytes] = {}  # sealed secrets by name, where there is no folder

    @classmethod
    def create(cls, path: Path, passphrase: bytes | None = None) -> "LocalRoot":
        """Make a root in a new file, 0600, sealed when a passphrase is given.

        Raises:
            VerificationError: `key-exists`.
        """
        root = secrets.token_bytes(ROOT_SIZE)
        content = _plain_file(root) if passphrase is None else _sealed_file(root, passphrase)
        secretfile.write(path, canonical.encode(content))
        return cls(root, _epochs_of(path))

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
            return cls(_read_file(content, passphrase), _epochs_of(path))
        except VerificationError as error:
            if error.code == "passphrase-wrong":
                raise
            raise VerificationError("root-malformed") from error
        except (KeyError, TypeError, AttributeError, UnicodeError) as error:
            raise VerificationError("root-malformed") from error

    def wrap(self, name: str, key: bytes) -> bytes:
        """Wrap a key so that it opens under this name only."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._for(name).encrypt(nonce, key, _WRAP_LABEL + name.encode())

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Open a wrapped key.

        Raises:
            VerificationError: `key-unwrap`, `key-destroyed`.
        """
        return _opened(self._for(name), wrapped, _WRAP_LABEL + name.encode())

    def begin_epoch(self, name: str) -> None:
        """From now on wrap the key of this name by a secret of its own; harmless when repeated.

        Raises:
            VerificationError: `key-destroyed`; `key-malformed`: an epoch has no such name.
        """
        if not _EPOCH_NAME.fullmatch(name):
            raise VerificationError("key-malformed", "no name of an epoch")
        sealed = self._sealed(name)
        if sealed is None:
            nonce, secret = secrets.token_bytes(_NONCE_SIZE), secrets.token_bytes(ROOT_SIZE)
            octets = nonce + self._cipher.encrypt(nonce, secret, _EPOCH_LABEL + name.encode())
            self._keep(name, octets)
        elif not any(sealed):
            raise VerificationError("key-destroyed")

    def end_epoch(self, name: str) -> None:
        """Destroy the secret of this name for good; may be repeated.

        Raises:
            OSError: the file could not be overwritten durably.
        """
        sealed = self._sealed(name)
        if sealed is None:
            return
        if self._folder is not None:
            secretfile.wipe(self._folder / _file_of(name))
        else:
            self._held[name] = bytes(len(sealed))

    def epochs(self) -> list[str]:
        """Names of the epochs that were begun and not destroyed, sorted."""
        names = list(self._held)
        if self._folder is not None and self._folder.is_dir():
            names = [file.stem.translate(_TO_NAMES) for file in self._folder.glob("*.key")]
        return sorted(name for name in names if any(self._sealed(name) or b""))

    def _for(self, name: str) -> AESGCM:
        """What wraps the key of this name: its epoch's secret, or the root where it has none."""
        sealed = self._sealed(name) if _EPOCH_NAME.fullmatch(name) else None
        if sealed is None:
            return self._cipher
        if not any(sealed):
            raise VerificationError("key-destroyed")
        # Read each time: another process may have destroyed it since.
        return AESGCM(_opened(self._cipher, sealed, _EPOCH_LABEL + name.encode()))

    def _sealed(self, name: str) -> bytes | None:
        """The sealed secret of an epoch; zeros once it was destroyed, None if it never was."""
        if self._folder is None:
            return self._held.get(name)
        path = self._folder / _file_of(name)
        return secretfile.read(path) if path.exists() else None

    def _keep(self, name: str, sealed: bytes) -> None:
        if self._folder is None:
            self._held[name] = sealed
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        secretfile.write(self._folder / _file_of(name), sealed)


def _epochs_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.epochs")


def _file_of(name: str) -> str:
    return f"{name.translate(_TO_FILES)}.key"


def _opened(cipher: AESGCM, wrapped: bytes, bound: bytes) -> bytes:
    nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
    try:
        return cipher.decrypt(nonce, sealed, bound)
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
