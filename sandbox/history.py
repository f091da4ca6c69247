"""The worker's verified view of each ledger's past.

- Log keys are pinned at first sight, in the worker's own folder, from the notary's socket; from
  then on a notary with other keys is refused, whoever answers there.
- Stewards' keys are pinned by hand: a ledger whose entry 0 is signed by no pinned key is not
  believed at all, and no step is taken for it.
- Each look first brings the verified past up to the notary's last checkpoint.
"""

import base64
import binascii
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from crypto import secretfile
from crypto.checkpoint import open_checkpoint
from crypto.merkle import Tree
from crypto.note import VerifierKey
from crypto.tlogpolicy import WitnessPolicy, open_witnessed
from policies.vocabulary import Action, Role
from sandbox.custody import translated
from sandbox.errors import CheckpointPending, VerificationFailed
from sandbox.provenance.notary import Notary
from sandbox.provenance.publishing import head_of
from sandbox.provenance.receipts import SignedHead, WitnessedHead, proof_text
from sandbox.records.port import Ledgers, LedgerStore
from sandbox.trust import Holding, Trust

_KEY_BYTES: Final = 32


def nothing_cosigned(*_ledger: str) -> str | None:
    """No witness was asked."""
    return None


class LedgerHistory:
    """One ledger's verified past; one thread at a time."""

    def __init__(
        self,
        store: LedgerStore,
        notary: Notary,
        keys: Sequence[str],
        stewards: Collection[bytes],
        cosigned: Callable[[], str | None] = nothing_cosigned,
    ) -> None:
        self._cosigned = cosigned
        self._store = store
        self._notary = notary
        self._keys = keys
        self._trust = Trust(store.ledger, stewards)
        self._tree = Tree()
        self._note = ""

    def refresh(self) -> None:
        """Verify up to the notary's last checkpoint.

        Raises:
            VerificationFailed: the past is not the one that was signed, or nobody pinned opened
                the ledger.
            Unavailable: the notary does not answer.
        """
        note = self._notary.extend(self._store.ledger, 0, ())
        if note == self._note:
            return
        with translated():
            vkeys = [VerifierKey.parse(key) for key in self._keys]
        self._trust.verify_log(self._store, vkeys, note)
        self._note = note

    def signed_act(self, index: int, action: Action, roles: Collection[Role]) -> Mapping[str, Any]:
        """The entry at `index`: done, signed, by someone who held one of `roles` then.

        Raises:
            VerificationFailed: it is not that act, or not so signed.
            CheckpointPending: the verified past does not reach so far yet.
        """
        if index >= self._trust.size:
            # Committed and not yet signed by the notary: not wrong, only early.
            raise CheckpointPending
        return self._trust.signed_act(index, action, roles)

    def holder(self, pseudonym: str, at_index: int | None = None) -> Sequence[Holding]:
        """What a pseudonym held at an entry, by grants that stewards signed; at the end if absent.

        Raises:
            VerificationFailed: the log is not verified that far.
        """
        return self._trust.holder(pseudonym, at_index)

    def entries(self) -> Sequence[Mapping[str, Any]]:
        """All verified entries, parsed, in order."""
        return self.since(0)

    def since(self, index: int) -> Sequence[Mapping[str, Any]]:
        """Verified entries from `index` on, parsed, in order."""
        return self._trust.span(min(index, self._trust.size), self._trust.size)

    def receipt(self, index: int, under: str | None = None) -> Mapping[str, str]:
        """The exact entry and its tlog-proof, `{"entry", "proof"}`, as receipts hold them.

        Args:
            index: of the entry.
            under: the note of a head that `witnessed` gave; the last head when absent.

        Raises:
            VerificationFailed: it is not in the log, or not under that head.
            CheckpointPending: the verified past does not reach so far yet.
        """
        if index >= self._trust.size:
            raise CheckpointPending
        self._trust.entry(index)  # compares what is stored with what was verified
        self._grow()
        note = self._note if under is None else under
        lines = "".join(f"{key}\n" for key in self._keys).encode()
        with translated():
            signed = SignedHead(note, head_of(note).size, lines)
            proof = proof_text(self._tree, index, signed)
        return {"entry": self._store.entries(index, index + 1)[0].decode(), "proof": proof}

    def witnessed(self, policy: WitnessPolicy) -> WitnessedHead | None:
        """The largest head of this past that is known to be cosigned by a quorum; None so far.

        Raises:
            VerificationFailed: `log-forked`: witnesses cosigned another past; or a line under the
                published head is wrong.
        """
        note = self._cosigned()
        with translated():
            if note is None or (head := open_witnessed(note, policy)) is None:
                return None
            open_checkpoint(note, [VerifierKey.parse(key) for key in self._keys])
        if head.size > self._trust.size:
            return None  # the verified past is behind for a moment
        self._grow()
        if self._tree.root(head.size) != head.root:
            raise VerificationFailed("log-forked", "witnesses cosigned another past")
        return WitnessedHead(note, head.size)

    def _grow(self) -> None:
        """Bring the tree of proofs up to the verified head."""
        head = head_of(self._note)
        self._tree.extend(self._store.leaf_hashes(self._tree.size, head.size))
        if self._tree.root(head.size) != head.root:
            raise VerificationFailed("log-forked", "leaf hashes are not those that were signed")


class Histories:
    """The verified pasts of all ledgers, by id; one thread at a time."""

    def __init__(
        self,
        ledgers: Ledgers,
        notary: Notary,
        stewards: Path,
        log_pins: Path,
        cosigned: Callable[[str], str | None] = nothing_cosigned,
    ) -> None:
        """Take the stores, the notary, and where keys are pinned.

        Args:
            ledgers: all ledgers.
            notary: who signed, and signs.
            stewards: file of pinned steward keys, `<base64> <free text>` per line.
            log_pins: folder of the worker's own, one file of log keys per ledger.
            cosigned: the published head of a ledger that a quorum cosigned, not yet believed.
        """
        self._cosigned = cosigned
        self._ledgers = ledgers
        self._notary = notary
        self._stewards = stewards
        self._log_pins = log_pins
        self._known: dict[str, LedgerHistory] = {}

    def __call__(self, ledger: str) -> LedgerHistory:
        """The past of one ledger, verified up to now.

        Raises:
            NotFound: there is no such ledger.
            VerificationFailed: its past can't be believed.
            Unavailable: the notary does not answer.
        """
        history = self._known.get(ledger)
        if history is None:
            stewards = read_steward_pins(self._stewards)
            store = self._ledgers.open(ledger)
            keys = pinned_log_keys(self._notary, self._log_pins, ledger)
            cosigned = partial(self._cosigned, ledger)
            history = LedgerHistory(store, self._notary, keys, stewards, cosigned)
        history.refresh()
        self._known[ledger] = history
        return history


def pinned_log_keys(notary: Notary, folder: Path, ledger: str) -> list[str]:
    """Keys of a ledger's log: pinned in `folder` at first sight, and the same ever after.

    Raises:
        VerificationFailed: `log-keys-changed`.
        Unavailable: the notary does not answer.
    """
    offered = notary.keys(ledger)
    path = folder / f"{ledger}.vkeys"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with translated():
            secretfile.write(path, "".join(f"{key}\n" for key in offered).encode())
    with translated():
        pinned = secretfile.read(path).decode("ascii", "replace").splitlines()
    if pinned != offered:
        raise VerificationFailed("log-keys-changed", "the log's keys are not those pinned")
    return pinned


def signed_head(notary: Notary, folder: Path, ledger: str) -> tuple[Sequence[VerifierKey], str]:
    """A ledger's pinned log keys, and what the notary signed last of it.

    Raises:
        VerificationFailed: `log-keys-changed`.
        Unavailable: the notary does not answer.
    """
    keys = pinned_log_keys(notary, folder, ledger)
    with translated():
        vkeys = [VerifierKey.parse(key) for key in keys]
    return vkeys, notary.extend(ledger, 0, ())


def pinned_logs(folder: Path) -> dict[str, list[str]]:
    """Log keys that were pinned at first sight, by ledger; none that this user may not read."""
    pins: dict[str, list[str]] = {}
    if os.access(folder, os.R_OK | os.X_OK):
        for path in sorted(folder.glob("*.vkeys")):
            with translated():
                pins[path.stem] = secretfile.read(path).decode("ascii", "replace").splitlines()
    return pins


def read_steward_pins(path: Path) -> frozenset[bytes]:
    """Pinned steward keys; none when there is no file.

    Raises:
        VerificationFailed: `pin-malformed`: a line is not a key in base64.
    """
    if not path.exists():
        return frozenset()
    keys = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        word = line.split(maxsplit=1)[:1]
        if not word or word[0].startswith("#"):
            continue
        try:
            key = base64.b64decode(word[0], validate=True)
        except binascii.Error as error:
            raise VerificationFailed("pin-malformed", "a steward's pin is no base64") from error
        if len(key) != _KEY_BYTES:
            raise VerificationFailed("pin-malformed", "a steward's pin has another length")
        keys.add(key)
    return frozenset(keys)
