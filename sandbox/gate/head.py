"""The end of one ledger in this process's memory, and its way to the notary and to the public.

- The tree is fed from the entries themselves; the stored leaf hashes must agree with them.
- `settle` is the one way by which a tail gets signed and published: after a batch, before the
  next one, at the start, and after another process left one behind.
- Database ahead of the notary: the tail is submitted. Database behind, or of another history:
  the ledger is halted for as long as this process lives, and what was found is kept in a file.

One thread at a time: the ledger's writer.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from crypto.checkpoint import open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE, Tree, leaf_hash
from crypto.note import VerifierKey
from crypto.tiles import WIDTH
from crypto.treehead import Checkpoint
from sandbox.errors import CheckpointPending, LedgerHalted, Unavailable
from sandbox.gate.deed import Cursor
from sandbox.gate.standing import Roll
from sandbox.provenance.entry import time_of
from sandbox.provenance.notary import BEHIND, Notary
from sandbox.provenance.publishing import Publisher, head_of
from sandbox.provenance.receipts import SignedHead, proof_text
from sandbox.records.port import LedgerStore, Tables

_CHUNK: Final = 4_096
_NO_ENTRY: Final = hashlib.sha256(b"").digest()
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("anbiao.gate")


class Head:
    """Tree, last entry and signed checkpoint of one ledger."""

    def __init__(self, store: LedgerStore, notary: Notary, publisher: Publisher) -> None:
        self.store = store
        self._notary = notary
        self._publisher = publisher
        self.waits = False  # the last try to get the tail signed and published failed
        self._tree = Tree()
        self._prev = _NO_ENTRY
        self._last_at = _BEFORE_ALL
        self._signed: SignedHead | None = None  # None until the start's checks are passed
        self._halted: LedgerHalted | None = None
        self._roll = Roll()
        self._late: list[bytes] = []  # the last entries, from the start of a tile on
        self._late_start = 0

    def begin(self, tables: Tables) -> Cursor:
        """Where the next entry will stand, in the unit that these tables are of."""
        self._roll.begin(tables)
        return Cursor(self.store.ledger, self._tree.size, self._prev, self._last_at, self._roll)

    def take(self, cursor: Cursor) -> None:
        """Grow by the entries that a unit made of what `begin` gave, now that they are durable."""
        self._grow(cursor.entries, cursor.leaves)
        self._prev, self._last_at = cursor.prev, cursor.last_at
        self._roll.keep(cursor.index)

    def catch_up(self, size: int) -> None:
        """Take up entries that were committed by now, `size` in all.

        Raises:
            LedgerHalted: `ledger-behind`: there are fewer than before; `entry-altered`.
        """
        self._refuse_halted()
        if size < self._tree.size:
            raise self._halt("ledger-behind", "the database lost entries")
        while self._tree.size < size:
            start = self._tree.size
            stop = min(size, start + _CHUNK)
            entries = self.store.entries(start, stop)
            if not entries:
                raise self._halt("ledger-behind", "the database lost entries")
            self._add(entries, self.store.leaf_hashes(start, stop))

    def _add(self, entries: Sequence[bytes], kept: Sequence[bytes]) -> None:
        """Grow by entries that lie in the database; `kept` are the leaf hashes beside them."""
        leaves = [leaf_hash(entry) for entry in entries]
        if leaves != list(kept):
            raise self._halt("entry-altered", "an entry differs from its leaf hash")
        self._grow(entries, leaves)
        self._prev = hashlib.sha256(entries[-1]).digest()
        self._last_at = time_of(entries[-1])

    def settle(self) -> None:
        """Have everything known here signed and published; at first use, check all of it.

        Raises:
            CheckpointPending: notary or published folder can't be reached now.
            LedgerHalted: the notary or the published log know another history.
        """
        self._refuse_halted()
        self.waits = True
        if self._signed is None:
            self._start()
        elif self._signed.size < self._tree.size:
            self._go_on(self._signed)
        self.waits = False

    def _grow(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        self._tree.extend(leaves)
        self._late += entries
        # As far back as the tiles reach that one more batch can touch; older ones are read.
        start = max(self._late_start, (self._tree.size // WIDTH - 1) * WIDTH)
        del self._late[: start - self._late_start]
        self._late_start = start

    def _entries(self, start: int, stop: int) -> Sequence[bytes]:
        if start >= self._late_start:
            return self._late[start - self._late_start : stop - self._late_start]
        return self.store.entries(start, stop)

    def proofs(self) -> Callable[[int], str]:
        """What proves an entry, by its index, under the checkpoint of this moment.

        Other threads may call it later: what lies under a checkpoint does not change any more,
        and the tree only ever grows behind it. It raises `CheckpointPending` for an entry that
        the checkpoint does not cover.
        """
        tree, signed = self._tree, self._signed

        def proof(index: int) -> str:
            if signed is None or index >= signed.size:
                raise CheckpointPending
            return proof_text(tree, index, signed)

        return proof

    def _start(self) -> None:
        """Compare database, notary and published log from their beginnings; finish the tail."""
        ledger = self.store.ledger
        self.catch_up(self.store.size())
        known = self._signed_over(self._extend(0, ()))
        note = self._extend(known.size, self._leaves(known.size))
        self._signed_over(note)
        keys = self._asked_keys()
        try:
            head = open_checkpoint(note, [VerifierKey.parse(key) for key in keys], complete=True)
        except VerificationError as error:
            raise self._halt(error.code, "the notary's checkpoint does not verify") from error
        with self._guarded():
            published = self._publisher.republish(ledger, self._tree, note, keys, self._entries)
        self._check(published, "log-ahead", "log-differs", "the published log")
        lines = "".join(f"{key}\n" for key in keys).encode()
        self._signed = SignedHead(note, head.size, lines)

    def _go_on(self, before: SignedHead) -> None:
        note = self._extend(before.size, self._leaves(before.size))
        head = self._signed_over(note)
        with self._guarded():
            published = self._publisher.publish(self.store.ledger, self._tree, note, self._entries)
        self._check(published, "log-ahead", "log-differs", "the published log")
        self._signed = SignedHead(note, head.size, before.keys)

    def _extend(self, start: int, leaf_hashes: Sequence[bytes]) -> str:
        with self._guarded():
            try:
                return self._notary.extend(self.store.ledger, start, leaf_hashes)
            except Unavailable as error:
                if error.code != BEHIND or start == 0:
                    raise
                # The notary forgot what it signed (an older copy of its folder): all of it again.
                return self._notary.extend(self.store.ledger, 0, self._leaves(0))

    def _asked_keys(self) -> list[str]:
        with self._guarded():
            return self._notary.keys(self.store.ledger)

    def _leaves(self, start: int) -> list[bytes]:
        joined = self._tree.nodes(0, start, self._tree.size - start)
        return [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """What notary and publisher refuse, as it counts for the ledger."""
        try:
            yield
        except LedgerHalted as error:
            raise self._halt(error.code, error.message) from error
        except Unavailable as error:
            raise CheckpointPending from error

    def _refuse_halted(self) -> None:
        if self._halted is not None:
            raise LedgerHalted(self._halted.code, self._halted.message)

    def _halt(self, code: str, message: str, note: str | None = None) -> LedgerHalted:
        """Stand still from now on, and keep what was found."""
        self.waits = False
        self._halted = LedgerHalted(code, message)
        findings = {
            "checkpoint": note,
            "kept_checkpoint": self._signed.note if self._signed else None,
            "message": message,
            "root": self._tree.root().hex(),
            "size": self._tree.size,
        }
        try:
            kept = self._publisher.keep_evidence(self.store.ledger, code, findings)
            _log.critical("ledger %s halted (%s): see %s", self.store.ledger, code, kept.name)
        except Unavailable:
            _log.critical("ledger %s halted (%s)", self.store.ledger, code)
        return LedgerHalted(code, message)

    def _signed_over(self, note: str) -> Checkpoint:
        """What the notary's checkpoint says, once it proved to be about this history.

        Raises:
            LedgerHalted: `ledger-behind`, `ledger-differs`.
        """
        head = head_of(note)
        self._check(head, "ledger-behind", "ledger-differs", "the notary", note)
        return head

    def _check(
        self, head: Checkpoint, behind: str, differs: str, who: str, note: str | None = None
    ) -> None:
        """Compare with what somebody else knows of the ledger; `behind`, `differs` are codes."""
        if head.size > self._tree.size:
            # Another process may have committed, submitted and published more meanwhile.
            size = self.store.size()
            if size < head.size:
                raise self._halt(behind, f"{who} knows more entries than there are", note)
            self.catch_up(size)
        if self._tree.root(head.size) != head.root:
            raise self._halt(differs, f"{who} knows another history", note)
