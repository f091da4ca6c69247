"""Serving: what `serve` can open, and nothing of the vault.

- A root and a key store of its own; an X-Wing pair, to whose public half the worker seals the
  keys of issued items, records and packages. The worker pins that public half. When the worker
  asks for it, another pair takes its place and it is destroyed (`turning`).
- Seeds of second factors are sealed under a key of this tree, bound to their account.
"""

from base64 import b64encode
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from crypto import chunked, sealing
from crypto.errors import VerificationError
from crypto.keytree import KeyStore, KeyTree
from crypto.roots import LocalRoot, RootProvider
from sandbox.custody import translated
from sandbox.errors import NotFound
from sandbox.exchange import exchange_info
from sandbox.turning import content_of, number_of, proved, turn_name

ROOT_FILE: Final = "root.key"
IDENTITY_PUBLIC_FILE: Final = "identity.pub"
FIRST_PAIR: Final = 1
_SEALING_KEY: Final = "sealing-key"
_TURN_KEY: Final = "turn-key"
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
        """The public sealing key that the worker pins: the newest one."""
        with translated():
            return self._privates()[-1].public_bytes

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
            # The former pair lives until everything was sealed to the newest one.
            for private in self._privates()[:0:-1]:
                with suppress(VerificationError):
                    return sealing.open(private, exchange_info(name), sealed)
            return sealing.open(self._privates()[0], exchange_info(name), sealed)

    def turn(self) -> bool:
        """Do `serve`'s part of a change of pairs, if it is its turn; whether something was done.

        Raises:
            VerificationFailed: what the worker left is not sealed to this side.
            Unavailable: a store can't act now.
        """
        with translated():
            asked = [n for n in self._exchange.names("turn:") if n.endswith(":ask")]
            return any([self._turn(number_of(name)) for name in asked])  # noqa: C419 - each of them

    def _turn(self, number: int) -> bool:
        key, said = self._turn_key(number), partial(turn_name, number)
        moved = content_of(key, said("moved"), self._exchange.get(said("moved")))
        if moved is None:
            if self._exchange.get(said("offer")) is not None:
                return False
            self._tree.begin_epoch(_pair_name(number))
            public = sealing.SealingPrivateKey(self._tree.key(_pair_name(number))).public_bytes
            self._exchange.put(said("offer"), proved(key, said("offer"), public))
            return True
        if self._exchange.get(said("ended")) is not None:
            return False
        # A crash may have left one that is destroyed here and not yet at the provider.
        former = {*self._pairs(), *self._tree.epochs(f"{_SEALING_KEY}:")} - {_pair_name(number)}
        for name in sorted(former):
            self._tree.end_epoch(name)
        self._exchange.put(said("ended"), proved(key, said("ended")))
        return True

    def _turn_key(self, number: int) -> bytes:
        """The key that a turn is proved by; kept, for the pair it came under will be gone."""
        name = f"{_TURN_KEY}:{number:06d}"
        if not self._tree.exists(name):
            self._tree.adopt(name, None, self.key(turn_name(number, "ask")))
        return self._tree.key(name)

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

    def _privates(self) -> list[sealing.SealingPrivateKey]:
        """Private halves by age; more than one only while a turn is under way."""
        pairs = self._pairs()
        if not pairs:
            self._tree.begin_epoch(_pair_name(FIRST_PAIR))
            pairs = [_pair_name(FIRST_PAIR)]
        return [sealing.SealingPrivateKey(self._tree.key(name)) for name in pairs]

    def _pairs(self) -> list[str]:
        return list(self._tree.names(f"{_SEALING_KEY}:"))

    def _made(self, name: str) -> bytes:
        return self._tree.key(name) if self._tree.exists(name) else self._tree.create(name, None)


def _pair_name(number: int) -> str:
    return f"{_SEALING_KEY}:{number:06d}"


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
