"""The published log: tiles first, then the checkpoint that speaks of them.

- A file appears whole (written under another name, then renamed) and is never changed.
- A reader who holds a checkpoint finds every tile under it, as the checkpoint goes in last.
- A lock per log keeps processes apart. A checkpoint never makes way for a smaller one: a
  database that lost entries is noticed here even if the notary lost the same.
- Nothing is fsynced: all of it can be made again from the ledger, and `republish` does so at
  every start, comparing what lies there with what must.
- A partial tile goes once the full one stands.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto import canonical, tiles
from crypto.errors import VerificationError
from crypto.merkle import Tree
from crypto.treehead import Checkpoint, parse
from sandbox.errors import LedgerHalted, Unavailable
from sandbox.layout import rights_in

Entries = Callable[[int, int], Sequence[bytes]]
"""Entries from a start index up to, and without, a stop index."""

CHECKPOINT: Final = "checkpoint"
KEYS: Final = "keys"
WITNESSED: Final = "witnessed"
"""The largest head that a quorum of witnesses cosigned."""


def head_of(note: str) -> Checkpoint:
    """What a checkpoint says, its signatures not looked at.

    Raises:
        LedgerHalted: `checkpoint-malformed`.
    """
    try:
        return _head(note)
    except VerificationError as error:
        raise LedgerHalted("checkpoint-malformed") from error


def _head(note: str) -> Checkpoint:
    text, _, _signatures = note.partition("\n\n")
    return parse(f"{text}\n")


class Publisher:
    """Writes `<folder>/<ledger>/{checkpoint,keys,tile/...}`; safe for threads and processes."""

    def __init__(self, folder: Path, evidence: Path | None = None) -> None:
        self._folder = folder
        self._evidence = evidence or folder.parent / "halted"
        self._locks = folder / ".locks"

    def publish(self, ledger: str, tree: Tree, note: str, entries: Entries) -> Checkpoint:
        """Bring the published log up to the checkpoint `note`, unless it is there or beyond.

        Returns:
            What the published checkpoint says now. It may be larger than `note` and `tree`:
            another process went on meanwhile, or the ledger lost entries. The caller finds out.

        Raises:
            LedgerHalted: `log-differs`: another history was published.
            Unavailable: `log-unwritable`.
        """
        head = head_of(note)
        with self._writing(ledger) as log:
            old = _published(log.folder)
            if old is not None and old.size <= tree.size and tree.root(old.size) != old.root:
                raise LedgerHalted("log-differs", "the published log has another history")
            if old is not None and old.size >= head.size:
                return old
            start = old.size if old else 0
            log.put_tiles(tree, tiles.tiles_between(start, head.size), entries)
            log.put(CHECKPOINT, note.encode())
            return head

    def republish(
        self, ledger: str, tree: Tree, note: str, keys: Sequence[str], entries: Entries
    ) -> Checkpoint:
        """As `publish`, after each file under the published checkpoint was compared and mended.

        Raises:
            LedgerHalted: as `publish`; `log-keys-differ` when other keys were published before.
            Unavailable: `log-unwritable`.
        """
        lines = "".join(f"{key}\n" for key in keys).encode()
        with self._writing(ledger) as log:
            if _read(log.folder / KEYS) not in (None, b"", lines):
                raise LedgerHalted("log-keys-differ", "the log was published under other keys")
            log.put(KEYS, lines)
            old = _published(log.folder)
            if old is not None and old.size <= tree.size:
                log.put_tiles(tree, _all_tiles(log, old.size), entries)
        return self.publish(ledger, tree, note, entries)

    def add_cosignatures(self, ledger: str, note: str, *, witnessed: bool) -> None:
        """Put a head with its cosignatures in the place of the same head without.

        `witnessed` tells that they are a quorum: then the head is kept as the largest such one,
        whatever is published after it.

        Raises:
            Unavailable: `log-unwritable`.
        """
        head = head_of(note)
        with self._writing(ledger) as log:
            if _published(log.folder) == head:
                log.put(CHECKPOINT, note.encode())
            old = _published(log.folder, WITNESSED)
            if witnessed and (old is None or old.size <= head.size):
                log.put(WITNESSED, note.encode())

    def keep_evidence(self, ledger: str, code: str, findings: Mapping[str, object]) -> Path:
        """Write down why a ledger was halted, beside what was published at that moment.

        Raises:
            Unavailable: `log-unwritable`.
        """
        published = _read(self._folder / ledger / CHECKPOINT) or b""
        record = {
            "code": code,
            "ledger": ledger,
            "published": published.decode(errors="replace"),
            **findings,
        }
        octets = canonical.encode(record)
        # Named by content: every restart of a halted ledger finds the same, and adds no file.
        name = f"{ledger}-{code}-{hashlib.sha256(octets).hexdigest()[:16]}.json"
        try:
            _make(self._evidence)
            (self._evidence / name).write_bytes(octets)
        except OSError as error:
            raise Unavailable("log-unwritable", "the evidence can't be written") from error
        return self._evidence / name

    @contextmanager
    def reading(self, ledger: str) -> Iterator[Path]:
        """The folder of one log, which stands still meanwhile.

        Raises:
            Unavailable: `log-unwritable`.
        """
        with self._writing(ledger) as log:
            yield log.folder

    @contextmanager
    def _writing(self, ledger: str) -> Iterator["_Log"]:
        log = self._folder / ledger
        try:
            _make(self._folder)
            _make(log)
            _make(self._locks)
            # The lock lies outside: a published folder holds nothing that a reader can't explain.
            mode = rights_in(self._locks) & 0o666
            lock = os.open(self._locks / ledger, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
        except OSError as error:
            raise Unavailable("log-unwritable", "the published log can't be written") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield _Log(log, self._locks / f"{ledger}.new")
        except OSError as error:
            raise Unavailable("log-unwritable", "the published log can't be written") from error
        finally:
            os.close(lock)


def _make(folder: Path) -> None:
    """Make a folder with the rights of what is there above it."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=rights_in(folder.parent), exist_ok=True)


def _all_tiles(log: "_Log", size: int) -> Iterator[tiles.Tile]:
    for tile in tiles.tiles_between(0, size):
        if tile.width < tiles.WIDTH:
            yield from log.partials_below(tile)
        yield tile


def _published(log: Path, name: str = CHECKPOINT) -> Checkpoint | None:
    """What the published checkpoint says; None when there is none to be read."""
    octets = _read(log / name)
    try:
        return None if octets is None else _head(octets.decode(errors="replace"))
    except VerificationError:
        return None  # torn by a power cut: it is written again


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


@dataclass(frozen=True)
class _Log:
    """One log's folder, under its lock; `staging` is where a file stands until it is whole."""

    folder: Path
    staging: Path

    def put(self, name: str, octets: bytes) -> None:
        """Make the file hold these bytes, at once and as a whole; an equal one stays."""
        path = self.folder / name
        if _read(path) == octets:
            return
        mode = rights_in(self.folder) & 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        handle = os.open(self.staging, flags, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
        try:
            self.staging.rename(path)
        except FileNotFoundError:
            _make(path.parent)
            self.staging.rename(path)

    def put_tiles(self, tree: Tree, wanted: Iterable[tiles.Tile], entries: Entries) -> None:
        """Write hash tiles and, with those of level 0, the bundles of entries."""
        for tile in wanted:
            level = tile.level or 0
            self._put_tile(tile, tiles.hash_tile(tree, level, tile.index, tile.width))
            if level == 0:
                start = tile.index * tiles.WIDTH
                bundle = tiles.encode_bundle(entries(start, start + tile.width))
                self._put_tile(tiles.Tile(None, tile.index, tile.width), bundle)

    def _put_tile(self, tile: tiles.Tile, octets: bytes) -> None:
        self.put(tile.path, octets)
        partials = self.folder / f"{tile.path}.p"
        if tile.width == tiles.WIDTH and partials.exists():
            shutil.rmtree(partials)

    def partials_below(self, tile: tiles.Tile) -> list[tiles.Tile]:
        """Narrower forms of a partial tile that earlier checkpoints may still refer to."""
        names = [path.name for path in (self.folder / tile.path).parent.glob("*")]
        widths = [int(name) for name in names if name.isdecimal()]
        return [tiles.Tile(tile.level, tile.index, w) for w in widths if 0 < w < tile.width]
