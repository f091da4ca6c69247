"""The tree of wrapped keys: root -> hospital epoch -> dataset -> subject -> object.

- Every key is 32 random bytes, wrapped by its parent with AES-256-GCM; name and parent are
  authenticated, so a blob moved to another name or parent does not open.
- Wrapped keys live in a key store apart from database and blobs. Destroying one leaves a
  tombstone: `key-destroyed` and `key-unknown` are different answers, and no name comes back.
- Destroying a parent destroys all below it. `rotate` moves the survivors under a successor first;
  then no old backup of the store brings back what was destroyed before the rotation: a key at the
  top is destroyed at the provider, too, where no backup of the store reaches.

It holds no key in memory between calls; the root provider may.
"""

import secrets
import struct
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.errors import VerificationError
from crypto.roots import RootProvider

KEY_SIZE: Final = 32
MAX_DEPTH: Final = 8
AT_ONCE: Final = 512
"""So many keys are re-wrapped in one step of a rotation."""
_NONCE_SIZE: Final = 12
_VERSION: Final = b"\x01"
_TOMBSTONE: Final = b"\x00"
_LABEL: Final = b"anbiao-key-wrap-v1\n"


class KeyStore(Protocol):
    """Where wrapped keys lie; writes are durable once they return.

    `destroy`, and `put` over an older blob, leave no copy of it that the store can reach, free
    pages and journals included.
    """

    def get(self, name: str) -> bytes | None:
        """The blob of that name, or None."""
        ...

    def put(self, name: str, blob: bytes) -> None:
        """Store a blob, in place of an older one if there is one; atomic."""
        ...

    def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """Store several blobs as `put` does, all of them or none."""
        ...

    def add(self, name: str, blob: bytes) -> None:
        """Store a blob under a new name; `VerificationError` `key-exists` when it is taken."""
        ...

    def destroy(self, name: str) -> None:
        """Erase the blob of that name; nothing happens when there is none."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`, sorted."""
        ...


class MemoryKeyStore:
    """A key store that ends with the process: for tests and throw-away runs."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The blob of that name, or None."""
        return self._blobs.get(name)

    def put(self, name: str, blob: bytes) -> None:
        """Store a blob, in place of an older one if there is one."""
        self._blobs[name] = blob

    def put_all(self, blobs: Mapping[str, bytes]) -> None:
        """Store several blobs, in place of older ones where there are any."""
        self._blobs |= blobs

    def add(self, name: str, blob: bytes) -> None:
        """Store a blob under a new name.

        Raises:
            VerificationError: `key-exists`.
        """
        if name in self._blobs:
            raise VerificationError("key-exists")
        self._blobs[name] = blob

    def destroy(self, name: str) -> None:
        """Erase the blob of that name; nothing happens when there is none."""
        self._blobs.pop(name, None)

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`, sorted."""
        return iter(sorted(name for name in self._blobs if name.startswith(prefix)))


class KeyTree:
    """Keys by name under one root provider and one key store."""

    def __init__(self, root: RootProvider, store: KeyStore) -> None:
        self._root = root
        self._store = store

    def create(self, name: str, parent: str | None) -> bytes:
        """Make a key under `parent` (under the root when None) and return it.

        Raises:
            VerificationError: `key-exists`; for the parent what `key` raises.
        """
        key = secrets.token_bytes(KEY_SIZE)
        self.adopt(name, parent, key)
        return key

    def adopt(self, name: str, parent: str | None, key: bytes) -> None:
        """Take in a key that was made elsewhere.

        Raises:
            VerificationError: `key-exists`, `key-malformed`; for the parent what `key` raises.
        """
        if len(key) != KEY_SIZE:
            raise VerificationError("key-malformed", "a key has 32 bytes")
        self._store.add(name, self._wrap(name, parent, key))

    def key(self, name: str) -> bytes:
        """The key of that name.

        Raises:
            VerificationError: `key-unknown`, `key-destroyed` when it or one above it was
                destroyed, `key-unwrap`.
        """
        return self._key(name, 0)

    def parent(self, name: str) -> str | None:
        """The name that the blob gives as its parent; authentic only after `key`.

        Raises:
            VerificationError: `key-unknown`, `key-destroyed`, `key-unwrap`.
        """
        return _unpack(self._blob(name))[0]

    def exists(self, name: str) -> bool:
        """Whether there is a key of that name that was not destroyed."""
        return self._store.get(name) not in {None, _TOMBSTONE}

    def was_made(self, name: str) -> bool:
        """Whether there is, or ever was, a key of that name."""
        return self._store.get(name) is not None

    def epochs(self, prefix: str = "") -> list[str]:
        """Names of keys at the top whose secret at the provider lives, sorted."""
        return [name for name in self._root.epochs() if name.startswith(prefix)]

    def names(self, prefix: str = "") -> Iterator[str]:
        """Names of keys that were not destroyed, sorted."""
        return (name for name, _ in self._living(prefix))

    def rewrap(self, name: str, parent: str | None) -> None:
        """Move a key under another parent; the key itself and all below it stay as they are.

        Raises:
            VerificationError: what `key` raises for `name` and `parent`.
        """
        self._store.put(name, self._wrap(name, parent, self.key(name)))

    def begin_epoch(self, name: str) -> None:
        """Make a key at the top whose secret at the provider is its own; may be repeated.

        Raises:
            VerificationError: `key-destroyed` when it was destroyed.
        """
        self._root.begin_epoch(name)
        if not self.was_made(name):
            self.create(name, None)

    def end_epoch(self, name: str) -> None:
        """Destroy a key at the top, and its secret at the provider; may be repeated.

        Raises:
            VerificationError: `key-unknown` when no such key was ever made.
        """
        self.destroy(name)
        # Also when the key was destroyed before: a crash may have come in between.
        self._root.end_epoch(name)

    def rotate(self, name: str, successor: str, prefix: str = "") -> int:
        """Put `successor` in the place of `name`: re-wrap what is under it, then destroy it.

        A survivor is always under one of the two, and both open until the last one has moved. May
        be repeated after a crash at any point; it then goes on where it stopped.

        Args:
            name: the key to be destroyed; at the top, with its epoch at the provider.
            successor: the new key, made when there is none.
            prefix: what the names of all keys directly under `name` begin with.

        Returns:
            How many keys were re-wrapped by this call.

        Raises:
            VerificationError: what `key` raises for `name` and its children.
        """
        top = self._store.get(name) == _TOMBSTONE or self.parent(name) is None
        if not self.was_made(successor):
            parent = self.parent(name)
            self.begin_epoch(successor) if parent is None else self.create(successor, parent)
        below = [child for child, blob in self._living(prefix) if _unpack(blob)[0] == name]
        for start in range(0, len(below), AT_ONCE):
            part = below[start : start + AT_ONCE]
            self._store.put_all({x: self._wrap(x, successor, self.key(x)) for x in part})
        if top:
            self.end_epoch(name)
        else:
            self.destroy(name)
        return len(below)

    def prune(self, name: str, prefix: str = "") -> int:
        """Destroy a key and, one by one, all below it; how many. May be repeated.

        Whatever is below a destroyed key can't be opened; this leaves no blob of it either.

        Raises:
            VerificationError: `key-unknown` when no such key was ever made.
        """
        self.destroy(name)
        living = {child: _unpack(blob)[0] for child, blob in self._living(prefix)}
        doomed, found = {name}, {name}
        while found := {child for child, parent in living.items() if parent in found}:
            doomed |= found
        gone = sorted(doomed - {name})
        for start in range(0, len(gone), AT_ONCE):
            self._store.put_all(dict.fromkeys(gone[start : start + AT_ONCE], _TOMBSTONE))
        return len(doomed)

    def ever(self, prefix: str) -> list[str]:
        """Names that begin with `prefix` of all keys that were ever made, sorted."""
        return list(self._store.names(prefix))

    def latest(self, prefix: str) -> str | None:
        """The last of `ever`; None when there is none."""
        return max(self._store.names(prefix), default=None)

    def destroy(self, name: str) -> None:
        """Destroy a key for good, and with it every key below; may be repeated.

        Raises:
            VerificationError: `key-unknown` when no such key was ever made.
        """
        if not self.was_made(name):
            raise VerificationError("key-unknown")
        # One step: there is no moment in which the name is free again.
        self._store.put(name, _TOMBSTONE)

    def _living(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        for name in self._store.names(prefix):
            blob = self._store.get(name)
            if blob is not None and blob != _TOMBSTONE:
                yield name, blob

    def _key(self, name: str, depth: int) -> bytes:
        blob = self._blob(name)
        # Parents that name each other in a circle are an attack on the store, not a tree.
        if depth >= MAX_DEPTH:
            raise VerificationError("key-unwrap", "nested too deep")
        parent, wrapped = _unpack(blob)
        if parent is None:
            return self._root.unwrap(name, wrapped)
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        try:
            return AESGCM(self._key(parent, depth + 1)).decrypt(nonce, sealed, _aad(name, parent))
        except (InvalidTag, ValueError) as error:
            raise VerificationError("key-unwrap") from error

    def _blob(self, name: str) -> bytes:
        blob = self._store.get(name)
        if blob is None:
            raise VerificationError("key-unknown")
        if blob == _TOMBSTONE:
            raise VerificationError("key-destroyed")
        return blob

    def _wrap(self, name: str, parent: str | None, key: bytes) -> bytes:
        if parent is None:
            return _pack("", self._root.wrap(name, key))
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return _pack(
            parent, nonce + AESGCM(self.key(parent)).encrypt(nonce, key, _aad(name, parent))
        )


def _pack(parent: str, wrapped: bytes) -> bytes:
    named = parent.encode()
    return _VERSION + struct.pack(">H", len(named)) + named + wrapped


def _unpack(blob: bytes) -> tuple[str | None, bytes]:
    start = 3
    stop = start + int.from_bytes(blob[1:start], "big")
    if blob[:1] != _VERSION or stop > len(blob):
        raise VerificationError("key-unwrap", "not a wrapped key")
    return blob[start:stop].decode("utf-8", "replace") or None, blob[stop:]


def _aad(name: str, parent: str) -> bytes:
    """Name and parent with their lengths, so that no two pairs read alike."""
    named, above = name.encode(), parent.encode()
    return _LABEL + struct.pack(">HH", len(named), len(above)) + named + above
