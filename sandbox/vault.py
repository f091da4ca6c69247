"""The vault: what only the worker can open.

- Root -> hospital epoch -> dataset -> subject -> file keys (`dataset_keys`), in a key store of its
  own.
- Intake private keys, pseudonym keys and subjects' ids lie under their dataset's key, and so do
  the pseudonym keys of its projects: neither `serve` nor anyone who labels ever holds one.
- The worker's identity key signs intake keys and samples; clients pin its fingerprint.
- Keys cross to `serve` only sealed to the public key pinned here, under the name they are for.
- It decides nothing: whether something may be opened is for the worker's steps to verify.
"""

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from crypto.keytree import KeyStore, KeyTree
from crypto.roots import LocalRoot, RootProvider
from crypto.sealing import SealingPrivateKey, object_info, open_header, reference_info, seal
from crypto.sealing import open as open_sealed
from crypto.signing import PersonKey, sign_act
from policies.vocabulary import Action
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys, current_epoch, epoch_name
from sandbox.errors import Conflict, KeyDestroyed, VerificationFailed
from sandbox.exchange import exchange_info

ROOT_FILE: Final = "root.key"
IDENTITY_FILE: Final = "identity.key"
IDENTITY_PUBLIC_FILE: Final = "identity.pub"
SERVE_PIN_FILE: Final = "serve.pin"
STEWARD_PINS_FILE: Final = "stewards.pins"
_TURN: Final = "serve-turn:"


@dataclass(frozen=True)
class IntakeOffer:
    """A dataset's new intake key: its id, public half, and the identity key's signature."""

    id: str
    public_key: bytes
    identity_key: bytes
    signature: bytes


class Vault:
    """Custody of everything the worker can open."""

    def __init__(
        self,
        root: RootProvider,
        store: KeyStore,
        identity: PersonKey,
        serve_public: bytes,
        keep_pin: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """Take root, store, identity and the pinned key of `serve`.

        Args:
            root: wraps the top of the tree.
            store: where wrapped keys lie.
            identity: the worker's own signing key.
            serve_public: the public half that `serve` opens by.
            keep_pin: pins another one, durably.
        """
        self._tree = KeyTree(root, store)
        self._identity = identity
        self._serve_public = serve_public
        self._keep_pin = keep_pin

    @property
    def identity_public(self) -> bytes:
        """Public half of the worker's identity key."""
        return self._identity.public_bytes

    def keys(self, ledger: str, dataset: str) -> DatasetKeys:
        """The keys of one dataset."""
        return DatasetKeys(self._tree, ledger, dataset)

    def epoch(self, ledger: str) -> int:
        """Number of a hospital's newest epoch.

        Raises:
            VerificationFailed: the key store or the provider can't be believed.
        """
        with translated():
            return int(current_epoch(self._tree, ledger).rpartition(":")[2])

    def epoch_lives(self, ledger: str) -> bool:
        """Whether the hospital's newest epoch in the key store is one that the provider has.

        It has not where the key store is older than a rotation: nothing in that store opens.
        """
        with translated():
            name = current_epoch(self._tree, ledger)
        try:
            with translated():
                self._tree.key(name)
        except KeyDestroyed:
            return False
        return True

    def rotate(self, ledger: str, epoch: int, datasets: Collection[str]) -> int:
        """Move a hospital's keys into `epoch`; the one before is destroyed at the provider.

        May be repeated after a crash at any point; it then goes on where it stopped.

        Args:
            ledger: the hospital's.
            epoch: number of the new epoch.
            datasets: those of which something was erased since the last rotation; each gets
                another key of its own.

        Returns:
            How many keys were re-wrapped.
        """
        moved = sum(self.keys(ledger, dataset).renew(epoch) for dataset in sorted(datasets))
        fresh, prefix = epoch_name(ledger, epoch), f"hospital:{ledger}:"
        with translated():
            current_epoch(self._tree, ledger)
            # A crash may have left one that is destroyed here and not yet at the provider.
            old = {*self._tree.names(prefix), *self._tree.epochs(prefix)} - {fresh}
            return moved + sum(
                self._tree.rotate(name, fresh, f"dataset-key:{ledger}:") for name in sorted(old)
            )

    def new_intake(self, ledger: str, dataset: str, intake_key: str) -> IntakeOffer:
        """The intake key of that id, made when there is none, offered under a signature."""
        seed = self.keys(ledger, dataset).made(f"intake:{intake_key}")
        public = SealingPrivateKey(seed).public_bytes
        signature = sign_act(
            self._identity,
            ledger,
            Action.DATASET_OPEN_INTAKE,
            {"dataset": dataset, "intake_key": intake_key},
            {"public_key": b64encode(public).decode()},
            intake_key,
        )
        return IntakeOffer(intake_key, public, self._identity.public_bytes, signature)

    def open_header(
        self, ledger: str, dataset: str, deposit: str, intake_key: str, header: bytes
    ) -> bytes:
        """The file key that a deposited object's header seals.

        Raises:
            KeyDestroyed: the intake key was destroyed.
            VerificationFailed: the header is altered, or sealed for another place.
        """
        seed = self.keys(ledger, dataset).key(f"intake:{intake_key}")
        with translated():
            private = SealingPrivateKey(seed)
            return open_header(private, object_info(dataset, deposit, intake_key), header)

    def open_reference(
        self, ledger: str, dataset: str, erasure: str, intake_key: str, sealed: bytes
    ) -> str:
        """The hospital's own reference to a person, as an order to erase seals it.

        Raises:
            KeyDestroyed: the intake key was destroyed.
            VerificationFailed: it is altered, or sealed for another place.
        """
        seed = self.keys(ledger, dataset).key(f"intake:{intake_key}")
        with translated():
            info = reference_info(ledger, dataset, erasure)
            opened = open_sealed(SealingPrivateKey(seed), info, sealed)
        try:
            return opened.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError as error:
            raise VerificationFailed("reference-malformed", "a reference is UTF-8") from error

    def turn_under_way(self) -> str | None:
        """Name of the turn of `serve`'s key pairs that was begun and has not ended."""
        found = self._tree.names(_TURN)
        return next((name.removeprefix(_TURN) for name in found), None)

    def turn_for(self, reason: str) -> str | None:
        """Name of the last turn whose reason begins so, under way or ended; None without one."""
        names = [name.removeprefix(_TURN) for name in self._tree.ever(_TURN)]
        return next((n for n in reversed(names) if n.partition(":")[2].startswith(reason)), None)

    def has_ended(self, turn: str) -> bool:
        """Whether `serve` proved that the former pair is destroyed."""
        return not self._tree.exists(f"{_TURN}{turn}")

    def begin_turn(self, reason: str) -> str:
        """Have `serve` change its pair: the turn's name, `<the next pair's number>:<reason>`.

        Raises:
            Conflict: one is under way.
        """
        if self.turn_under_way() is not None:
            raise Conflict("turn-under-way", "serve is changing its keys already")
        latest = self._tree.latest(_TURN)
        number = 2 if latest is None else int(latest.removeprefix(_TURN).split(":")[0]) + 1
        with translated():
            self._tree.create(f"{_TURN}{number:06d}:{reason}", None)
        return f"{number:06d}:{reason}"

    def turn_key(self, turn: str) -> bytes:
        """The key by which the steps of a turn are proved."""
        with translated():
            return self._tree.key(f"{_TURN}{turn}")

    def end_turn(self, turn: str) -> None:
        """The former pair is destroyed; may be repeated."""
        with translated():
            self._tree.destroy(f"{_TURN}{turn}")

    def trust_serve(self, serve_public: bytes) -> None:
        """From now on seal to this key of `serve`, which it proved to be its own."""
        if serve_public != self._serve_public:
            self._keep_pin(serve_public)
            self._serve_public = serve_public

    def seal_for_serve(self, name: str, key: bytes) -> bytes:
        """`key` sealed to `serve`, so that it opens under `name` in the exchange only."""
        with translated():
            return seal(self._serve_public, exchange_info(name), key)

    def sign(
        self,
        ledger: str,
        action: Action,
        objects: Mapping[str, str],
        terms: Mapping[str, str],
        nonce: str | None = None,
    ) -> tuple[str, bytes]:
        """The worker's own signature over an act, and its nonce."""
        used = nonce or secrets.token_hex(16)
        return used, sign_act(self._identity, ledger, action, objects, terms, used)

    def sign_message(self, message: bytes) -> bytes:
        """The worker's signature over bytes that carry their own label, a DSSE encoding say."""
        return self._identity.sign(message)


def open_vault(folder: Path, store: KeyStore, passphrase: bytes | None = None) -> Vault:
    """The vault in `folder`; root and identity are made on first use.

    Raises:
        VerificationFailed: a file is exposed, missing, malformed, or `serve` is not pinned.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with translated():
        root_file, identity_file = folder / ROOT_FILE, folder / IDENTITY_FILE
        made = root_file.exists()
        root = (LocalRoot.open if made else LocalRoot.create)(root_file, passphrase)
        if not identity_file.exists():
            PersonKey.generate().save(identity_file)
        identity = PersonKey.load(identity_file)
    public = b64encode(identity.public_bytes).decode()
    (folder / IDENTITY_PUBLIC_FILE).write_text(f"{public}\n", encoding="ascii")
    pinned = read_pin(folder / SERVE_PIN_FILE)
    return Vault(root, store, identity, pinned, partial(pin_serve, folder))


def pin_serve(folder: Path, serve_public: bytes) -> None:
    """Pin `serve`'s public sealing key for the vault in `folder`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = b64encode(serve_public).decode()
    path, draft = folder / SERVE_PIN_FILE, folder / f".{SERVE_PIN_FILE}.new"
    with draft.open("w", encoding="ascii") as file:
        draft.chmod(0o600)
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)  # whole or not at all: a turn of keys may be cut off here


def read_pin(path: Path) -> bytes:
    """A public key from a file of one base64 line.

    Raises:
        VerificationFailed: there is no such file (`pin-missing`), or it is not base64.
    """
    try:
        return b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except FileNotFoundError as error:
        raise VerificationFailed("pin-missing", f"{path.name} is not there") from error
    except (Base64Error, ValueError) as error:
        raise VerificationFailed("pin-malformed", f"{path.name} is not base64") from error
