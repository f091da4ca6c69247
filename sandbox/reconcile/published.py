"""The published log of one ledger, read from its files under keys that were pinned elsewhere.

Entries go by one bundle at a time. That they are the signed ones is known when the checkpoint that
was read first is reached: `finish` says so.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from crypto import tiles
from crypto.checkpoint import open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import Frontier, leaf_hash
from crypto.note import VerifierKey
from crypto.treehead import Checkpoint
from sandbox.errors import VerificationFailed
from sandbox.provenance.publishing import CHECKPOINT, KEYS
from sandbox.records.imprint import ROWS

UNREADABLE: Final = "log-unreadable"


class PublishedLog:
    """The log in one folder; reads on from where it stopped."""

    def __init__(self, folder: Path, vkeys: Sequence[str] | None = None) -> None:
        """Take the folder, and the log's keys; without any, those that lie beside the log."""
        self._folder = folder
        self._vkeys = vkeys
        self._tree = Frontier()
        self.size = 0

    def head(self) -> Checkpoint:
        """What the published checkpoint says now, its signatures checked.

        Raises:
            VerificationFailed: `log-unreadable`, or what the check of the signatures says.
        """
        try:
            note = self._read(CHECKPOINT)
            lines = self._vkeys or self._read(KEYS).decode("ascii", "replace").splitlines()
            head = open_checkpoint(note, [VerifierKey.parse(line) for line in lines])
        except VerificationError as error:
            raise VerificationFailed(error.code, "the log's checkpoint does not verify") from error
        if head.origin.rpartition("/")[2] != self._folder.name:
            raise VerificationFailed("checkpoint-origin", "the checkpoint is another ledger's")
        return head

    def read_on(self, head: Checkpoint) -> Iterator[list[bytes]]:
        """Entries up to `head`, a bundle or less at a time; each is counted when it is given.

        Raises:
            VerificationFailed: `log-unreadable`, or `log-forked`: they are not those signed.
        """
        while self.size < head.size:
            index = self.size // tiles.WIDTH
            width = min(tiles.WIDTH, head.size - index * tiles.WIDTH)
            bundle = self._bundle(index, width)[self.size % tiles.WIDTH :]
            self._tree.extend(map(leaf_hash, bundle))
            self.size += len(bundle)
            yield bundle
        if self._tree.root() != head.root:
            raise VerificationFailed("log-forked", "published entries are not those signed")

    def _bundle(self, index: int, width: int) -> list[bytes]:
        try:
            octets = self._read(tiles.entries_path(index, width))
        except VerificationFailed:
            if width == tiles.WIDTH:
                raise
            octets = self._read(tiles.entries_path(index))  # the full one took its place
        try:
            entries = tiles.decode_bundle(octets)
        except VerificationError as error:
            raise VerificationFailed(UNREADABLE, "a bundle of the log is malformed") from error
        if len(entries) < width:
            raise VerificationFailed(UNREADABLE, "a bundle of the log is too short")
        return entries[:width]

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise VerificationFailed(UNREADABLE, "a file of the log can't be read") from error


def rows_commitment(entry: bytes) -> bytes | None:
    """The commitment to its act's imprint that an entry holds, if it holds one."""
    try:
        outcome: Any = json.loads(entry)["outcome"]  # Any: JSON
        return bytes.fromhex(outcome["commitments"][ROWS])
    except (KeyError, TypeError, ValueError):
        return None
