"""Serving: what `serve` can open, and nothing of the vault.

- A root and a key store of its own; an X-Wing pair, to whose public half the worker seals the
  keys of issued items, records and packages. The worker pins that public half.
- Seeds of second factors are sealed under a key of this tree, bound to their account.
"""

from base64 import b64encode
from pathlib import Path
from typing import Final

from crypto import chunked, sealing
from crypto.keytree import KeyStore, KeyTree
from crypto.roots import LocalRoot, RootProvider
from sandbox.custody import translated
from sandbox.errors import NotFound
from sandbox.exchange import exchange_info

ROOT_FILE: Final = "root.key"
IDENTITY_PUBLIC_FILE: Final = "identity.pub"
_SEALING_KEY: Final = "sealing-key"
_SEED_KEY: Final = "second-factor-seeds"
_DOOR_KEY: Final = "door"
_SEED_LABEL: Final = b"anbiao-second-factor-v1\n"


class Serving:
    """Custody of everything `serve` can open."""

    def __init__(self, root: RootProvider, store: KeyStore, exchange: KeyStore) -> None:
        self._tree = KeyTree(root, store)
        self._exchange = exchange

    @property
    def public_bytes(self) -> bytes:
        """The public sealing key that the worker pins."""
        with translated():
            return self._private().public_bytes

    def key(self, name: str) -> bytes:
        """The key that the worker sealed under `name` in the exchange.

        Raises:
            NotFound: there is none, or none any more.
            VerificationFailed: it is not sealed to this key, or stood under another name.
        """
        sealed = self._exchange.get(name)
        if sealed is None:
            raise NotFound
        with translated():
            return sealing.open(self._private(), exchange_info(name), sealed)

    def door_key(self) -> bytes:
        """The key of what the door derives by MAC: invitations."""
        return self._made(_DOOR_KEY)

    def seal_seed(self, account: str, seed: bytes) -> bytes:
        """A second factor's seed, so that it opens for `account` only."""
        with translated():
            return chunked.seal(self._made(_SEED_KEY), _SEED_LABEL + account.encode(), seed)

    def open_seed(self, account: str, sealed: bytes) -> bytes:
        """The seed of `account`.

        Raises:
            VerificationFailed: it is altered, or another account's.
        """
        with translated():
            return chunked.open_all(self._made(_SEED_KEY), _SEED_LABEL + account.encode(), sealed)

    def _private(self) -> sealing.SealingPrivateKey:
        return sealing.SealingPrivateKey(self._made(_SEALING_KEY))

    def _made(self, name: str) -> bytes:
        return self._tree.key(name) if self._tree.exists(name) else self._tree.create(name, None)


def open_serving(
    folder: Path, store: KeyStore, exchange: KeyStore, passphrase: bytes | None = None
) -> Serving:
    """The serving side's custody in `folder`; root and pair are made on first use.

    Raises:
        VerificationFailed: the root's file is exposed, malformed or under another passphrase.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with translated():
        root_file = folder / ROOT_FILE
        root = (LocalRoot.open if root_file.exists() else LocalRoot.create)(root_file, passphrase)
    serving = Serving(root, store, exchange)
    public = b64encode(serving.public_bytes).decode()
    (folder / IDENTITY_PUBLIC_FILE).write_text(f"{public}\n", encoding="ascii")
    return serving
