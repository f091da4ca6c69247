"""The notary: it signs a ledger's head, and only when that extends what it signed before.

- It knows leaf hashes, never entries. Keys are made when a ledger is first named.
- Order: compare with what was signed, make the new hashes durable, then sign. A crash before
  the signature leaves hashes that the database holds too, as it committed them first.
- It never goes back: a shorter ledger gets the larger checkpoint and finds out; another
  history gets a refusal.

What it can't see: that its own folder was put back to an older copy. Then it takes the ledger's
word for what it forgot; who keeps checkpoints elsewhere (clients, witnesses) can tell.
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from crypto import secretfile
from crypto.checkpoint import Checkpoint, sign_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE
from crypto.note import Ed25519Signer, MldsaSigner
from sandbox.errors import LedgerHalted, Malformed, Unavailable
from sandbox.provenance.journal import Journal, sync_folder

BEHIND: Final = "notary-behind"
_SEED_SIZE: Final = 32
_LEDGER = re.compile(r"platform|[0-9a-f]{32}")

Clock = Callable[[], datetime]


class Notary(Protocol):
    """What the gate asks of a notary, near or far."""

    def extend(self, ledger: str, start: int, leaf_hashes: Sequence[bytes]) -> str:
        """The signed checkpoint over everything the notary knows, these hashes included.

        Args:
            ledger: id of the ledger.
            start: index of the first of `leaf_hashes`.
            leaf_hashes: 32 bytes each; those that were signed before must be equal.

        Raises:
            LedgerHalted: `ledger-differs`: another history than the one signed before.
            Unavailable: `notary-behind` when `start` lies beyond what the notary knows, or it
                does not answer or can't write.
        """
        ...

    def keys(self, ledger: str) -> list[str]:
        """Verifier keys of the ledger's log: Ed25519 first, ML-DSA-44 second.

        Raises:
            Unavailable: it does not answer.
        """
        ...

    def close(self) -> None:
        """Let go of connection or files."""
        ...


@dataclass
class _Book:
    """What the notary holds for one ledger; `lock` guards journal and note."""

    origin: str
    journal: Journal
    ed25519: Ed25519Signer
    mldsa: MldsaSigner
    note: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class NotaryState:
    """The notary itself, over its own folder; safe for several threads of one process."""

    def __init__(self, folder: Path, prefix: str, clock: Clock) -> None:
        self._folder = folder
        self._prefix = prefix
        self._clock = clock
        self._books: dict[str, _Book] = {}  # guarded by _lock
        self._lock = threading.Lock()

    def extend(self, ledger: str, start: int, leaf_hashes: Sequence[bytes]) -> str:
        """As `Notary.extend`.

        Raises:
            LedgerHalted: `ledger-differs`, or `journal-damaged` and `log-keys-lost` at first use.
            Unavailable: `notary-behind`, `notary-disk`, `notary-busy`.
            Malformed: `ledger-malformed`, `leaf-malformed`.
        """
        if start < 0 or any(len(leaf) != HASH_SIZE for leaf in leaf_hashes):
            raise Malformed("leaf-malformed", "a leaf hash has 32 bytes and an index from 0")
        book = self._book(ledger)
        with book.lock:
            fresh = _beyond(book.journal, start, leaf_hashes)
            if fresh:
                book.journal.append(fresh)
            if fresh or book.note is None:
                book.note = self._sign(book)
            return book.note

    def keys(self, ledger: str) -> list[str]:
        """As `Notary.keys`."""
        book = self._book(ledger)
        return [str(book.ed25519.vkey), str(book.mldsa.vkey)]

    def close(self) -> None:
        """Let go of all files."""
        with self._lock:
            for book in self._books.values():
                book.journal.close()
            self._books.clear()

    def _sign(self, book: _Book) -> str:
        tree = book.journal.tree
        head = Checkpoint(book.origin, tree.size, tree.root())
        return sign_checkpoint(head, [book.ed25519, book.mldsa], self._clock())

    def _book(self, ledger: str) -> _Book:
        if not _LEDGER.fullmatch(ledger):
            raise Malformed("ledger-malformed", "a ledger is 32 hex digits, or the platform's")
        with self._lock:
            if ledger not in self._books:
                self._books[ledger] = self._open(ledger)
            return self._books[ledger]

    def _open(self, ledger: str) -> _Book:
        folder = self._folder / ledger
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self._folder)
        journal = Journal(folder / "journal")
        try:
            seeds = _seeds(folder / "seeds", may_make=journal.tree.size == 0)
        except BaseException:
            journal.close()
            raise
        origin = f"{self._prefix}/{ledger}"
        return _Book(
            origin=origin,
            journal=journal,
            ed25519=Ed25519Signer(origin, Ed25519PrivateKey.from_private_bytes(seeds[:_SEED_SIZE])),
            mldsa=MldsaSigner(origin, MLDSA44PrivateKey.from_seed_bytes(seeds[_SEED_SIZE:])),
        )


def _beyond(journal: Journal, start: int, leaf_hashes: Sequence[bytes]) -> Sequence[bytes]:
    """Those of `leaf_hashes` that are new, once the others proved equal to what was signed."""
    known = journal.tree.size
    if start > known:
        raise Unavailable(BEHIND, "the notary lacks entries before these")
    overlap = leaf_hashes[: known - start]
    if b"".join(overlap) != journal.tree.nodes(0, start, len(overlap)):
        raise LedgerHalted("ledger-differs", "the notary signed another history")
    return leaf_hashes[len(overlap) :]


def _seeds(path: Path, *, may_make: bool) -> bytes:
    """Both private seeds; made once, before anything was signed."""
    if not path.exists():
        if not may_make:
            raise LedgerHalted("log-keys-lost", "the log was signed and its keys are gone")
        _make_seeds(path)
    try:
        seeds = secretfile.read(path)
    except VerificationError as error:
        raise LedgerHalted("log-keys-exposed", "the file of log keys is not ours alone") from error
    if len(seeds) != 2 * _SEED_SIZE:
        raise LedgerHalted("log-keys-damaged", "the file of log keys is not what was written")
    return seeds


def _make_seeds(path: Path) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # of a notary that was killed here: nothing was signed with it
    secretfile.write(fresh, os.urandom(2 * _SEED_SIZE))
    fresh.rename(path)
    sync_folder(path.parent)
