"""The vault: what only the worker can open.

- Root -> hospital epoch -> dataset -> subject -> file keys, in a key store of its own.
- Intake private keys, pseudonym keys and subjects' ids lie under their dataset's key, and so do
  the pseudonym keys of its projects: neither `serve` nor anyone who labels ever holds one.
- The worker's identity key signs intake keys and samples; clients pin its fingerprint.
- Keys cross to `serve` only sealed to the public key pinned here, under the name they are for.
- It decides nothing: whether something may be opened is for the worker's steps to verify.
"""

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.keytree import KeyStore, KeyTree
from crypto.roots import LocalRoot, RootProvider
from crypto.sealing import SealingPrivateKey, object_info, open_header, seal
from crypto.signing import PersonKey, sign_act
from policies.vocabulary import Action
from sandbox.custody import translated
from sandbox.deid.pseudonyms import Pseudonyms, fold
from sandbox.errors import Unacceptable, VerificationFailed
from sandbox.exchange import exchange_info

ROOT_FILE: Final = "root.key"
IDENTITY_FILE: Final = "identity.key"
IDENTITY_PUBLIC_FILE: Final = "identity.pub"
SERVE_PIN_FILE: Final = "serve.pin"
STEWARD_PINS_FILE: Final = "stewards.pins"
ACCOUNT_FILE: Final = "account"
FIRST_EPOCH: Final = "1"


_ACCOUNT = re.compile(r"[0-9a-f]{32}")


def keep_account(folder: Path, account: str) -> None:
    """Tell the worker its service account.

    Raises:
        Unacceptable: `account-malformed`: it is no account id.
    """
    if not _ACCOUNT.fullmatch(account):
        raise Unacceptable("account-malformed", "an account id has 32 hex digits", field="account")
    path = folder / ACCOUNT_FILE
    path.write_text(f"{account}\n", encoding="ascii")
    path.chmod(0o600)


def kept_account(folder: Path) -> str:
    """The worker's service account, as it was told.

    Raises:
        VerificationFailed: `account-missing`, `account-malformed`.
    """
    try:
        account = (folder / ACCOUNT_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise VerificationFailed("account-missing", f"{ACCOUNT_FILE} is not there") from error
    if not _ACCOUNT.fullmatch(account):
        raise VerificationFailed("account-malformed", "the worker's account is no account id")
    return account


@dataclass(frozen=True)
class IntakeOffer:
    """A dataset's new intake key: its id, public half, and the identity key's signature."""

    id: str
    public_key: bytes
    identity_key: bytes
    signature: bytes


@dataclass(frozen=True)
class DatasetKeys:
    """The keys of one dataset, by name.

    Names say what a key is for and hold random ids or HMACs only. A name, once destroyed, never
    comes back, so whatever may be made anew carries a version.
    """

    tree: KeyTree
    ledger: str
    dataset: str

    @property
    def name(self) -> str:
        """Name of the dataset's own key."""
        return f"dataset:{self.ledger}:{self.dataset}"

    def made(self, name: str, subject: str | None = None) -> bytes:
        """The key `name` below the dataset or one of its subjects, made when there is none.

        Raises:
            KeyDestroyed: it, or one above it, was destroyed.
            VerificationFailed: a wrapped key was altered.
        """
        with translated():
            return _made(self.tree, f"{self.name}:{name}", self._parent(subject))

    def taken(self, name: str, key: bytes, subject: str | None = None) -> None:
        """Keep a key that came from outside; harmless when it is kept already.

        Raises:
            KeyDestroyed: one above it was destroyed.
            VerificationFailed: another key has the name.
        """
        with translated():
            full = f"{self.name}:{name}"
            if not self.tree.exists(full):
                self.tree.adopt(full, self._parent(subject), key)
            elif self.tree.key(full) != key:
                raise VerificationFailed("key-exists")

    def has(self, name: str) -> bool:
        """Whether there is such a key, not destroyed."""
        return self.tree.exists(f"{self.name}:{name}")

    def key(self, name: str) -> bytes:
        """The key of that name.

        Raises:
            KeyDestroyed: it, or one above it, was destroyed.
            VerificationFailed: there is none, or it was altered.
        """
        with translated():
            return self.tree.key(f"{self.name}:{name}")

    def destroy(self, name: str) -> None:
        """Destroy a key; harmless when there is none."""
        if self.has(name):
            with translated():
                self.tree.destroy(f"{self.name}:{name}")

    def pseudonyms(self) -> Pseudonyms:
        """The dataset's own pseudonyms."""
        return Pseudonyms(self.made("pseudonyms"))

    def project(self, project: str) -> Pseudonyms:
        """A project's own pseudonyms, under a key that no other project of the dataset has."""
        return Pseudonyms(self.made(f"project:{project}"))

    def subject(self, identity: str) -> str:
        """The random id of a subject, allotted at first sight.

        What is kept is found by an HMAC of the identity: the store holds no identity, and a
        subject's id can't be computed from one.
        """
        found = Pseudonyms(self.made("lookup")).digest("subject", fold(identity)).hex()
        subject = self.made(f"subject-of:{found}")[:16].hex()
        self.made(f"subject:{subject}")
        return subject

    def _parent(self, subject: str | None) -> str:
        hospital = f"hospital:{self.ledger}:{FIRST_EPOCH}"
        _made(self.tree, hospital, None)
        _made(self.tree, self.name, hospital)
        if subject is None:
            return self.name
        name = f"{self.name}:subject:{subject}"
        _made(self.tree, name, self.name)
        return name


class Vault:
    """Custody of everything the worker can open."""

    def __init__(
        self, root: RootProvider, store: KeyStore, identity: PersonKey, serve_public: bytes
    ) -> None:
        self._tree = KeyTree(root, store)
        self._identity = identity
        self._serve_public = serve_public

    @property
    def identity_public(self) -> bytes:
        """Public half of the worker's identity key."""
        return self._identity.public_bytes

    def keys(self, ledger: str, dataset: str) -> DatasetKeys:
        """The keys of one dataset."""
        return DatasetKeys(self._tree, ledger, dataset)

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
    return Vault(root, store, identity, read_pin(folder / SERVE_PIN_FILE))


def pin_serve(folder: Path, serve_public: bytes) -> None:
    """Pin `serve`'s public sealing key for the vault in `folder`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = b64encode(serve_public).decode()
    path = folder / SERVE_PIN_FILE
    path.write_text(f"{text}\n", encoding="ascii")
    path.chmod(0o600)


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


def _made(tree: KeyTree, name: str, parent: str | None) -> bytes:
    with translated():
        return tree.key(name) if tree.exists(name) else tree.create(name, parent)
