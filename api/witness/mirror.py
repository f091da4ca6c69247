"""A witness's copy of all entries: fetched after each cosignature, compared before it is kept.

- Entries count when the tree over them has the root that was cosigned; until then nothing of them
  is written. What a server says wrongly is no proof of anything: it is told, and asked again.
- The copy is a published log like any other (`checkpoint`, `keys`, tiles): the verifier reads it.
- At the start the copy's own entries are hashed again.

The tree is held in memory: 64 bytes for each entry.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from api.client.errors import ClientError
from api.witness.book import KnownLog
from api.witness.files import made, put
from crypto.checkpoint import Checkpoint
from crypto.errors import VerificationError
from crypto.merkle import Frontier, Tree, leaf_hash
from crypto.tiles import (
    MAX_ENTRY_BYTES,
    WIDTH,
    Tile,
    decode_bundle,
    encode_bundle,
    entries_path,
    hash_tile,
    tiles_between,
)
from crypto.treehead import parse

FETCH_S: Final = 30.0
MOST_BYTES: Final = WIDTH * (MAX_ENTRY_BYTES + 2)
Fetch = Callable[[str], bytes]
"""The content of a file of the log, by its path."""
_log = logging.getLogger("anbiao.witness")


@dataclass
class Mirror:
    """The copy of one log; one thread at a time."""

    folder: Path
    fetch: Fetch
    _tree: Tree = field(default_factory=Tree, init=False)
    _late: list[bytes] = field(default_factory=list, init=False)  # entries of the last, open tile

    def __post_init__(self) -> None:
        path = self.folder / "checkpoint"
        if path.exists():
            head = _head(path.read_text(encoding="utf-8"))
            self._take(head, lambda name: (self.folder / name).read_bytes())

    @property
    def size(self) -> int:
        """How many entries are here."""
        return self._tree.size

    def follow(self, log: KnownLog, note: str) -> int:
        """Bring the copy up to a cosigned checkpoint; how many entries it holds then.

        Raises:
            ClientError: `mirror-differs`: the entries are not those that were cosigned;
                `unreachable`, `unauthenticated`.
            OSError: the copy can't be written.
        """
        head, start = _head(note), self._tree.size
        if head.size <= start:
            return start
        entries = self._take(head, self.fetch)
        for tile in tiles_between(start, head.size):
            self._put(tile, hash_tile(self._tree, tile.level or 0, tile.index, tile.width))
            if tile.level == 0:
                at = tile.index * WIDTH - (start - start % WIDTH)
                bundle = encode_bundle(entries[at : at + tile.width])
                self._put(Tile(None, tile.index, tile.width), bundle)
        put(self.folder / "keys", "".join(f"{key}\n" for key in log.keys).encode())
        put(self.folder / "checkpoint", note.encode())
        return head.size

    def _take(self, head: Checkpoint, read: Fetch) -> Sequence[bytes]:
        """Read and compare the entries under a head; those from the last open tile on."""
        start = self._tree.size
        entries = list(self._late)
        for index in range(start // WIDTH, -(-head.size // WIDTH)):
            width = min(WIDTH, head.size - index * WIDTH)
            bundle = _bundle(read, index, width)
            entries += bundle[start - index * WIDTH :] if index == start // WIDTH else bundle
        fresh = [leaf_hash(entry) for entry in entries[len(self._late) :]]
        frontier = _frontier(self._tree)
        frontier.extend(fresh)
        if (frontier.size, frontier.root()) != (head.size, head.root):
            raise ClientError("mirror-differs", "the entries are not those that were cosigned")
        self._tree.extend(fresh)
        self._late = entries[len(entries) - head.size % WIDTH :] if head.size % WIDTH else []
        return entries

    def _put(self, tile: Tile, octets: bytes) -> None:
        path = self.folder / tile.path
        made(path.parent)
        put(path, octets)


@contextmanager
def fetching(token: str | None) -> Iterator[Callable[[str], Fetch]]:
    """Reads logs at their addresses; the credential goes with entries, which is all that is read.

    Yields what makes a `Fetch` of an address.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # `trust_env` off: no proxy and no netrc of the environment gets between.
    with httpx.Client(
        headers=headers, timeout=FETCH_S, trust_env=False, follow_redirects=False
    ) as http:
        yield lambda url: partial(_fetch, http, url.rstrip("/"))


def _fetch(http: httpx.Client, base: str, name: str) -> bytes:
    try:
        answer = http.get(f"{base}/{name}")
    except httpx.HTTPError as error:
        raise ClientError("unreachable", "the log's server does not answer") from error
    if not answer.is_success:
        raise ClientError("mirror-refused", f"status {answer.status_code} for {name}")
    if len(answer.content) > MOST_BYTES:
        raise ClientError("mirror-differs", f"{name} is too long")
    return answer.content


def _bundle(read: Fetch, index: int, width: int) -> list[bytes]:
    try:
        return decode_bundle(read(entries_path(index, width)), width)
    except VerificationError as error:
        raise ClientError("mirror-differs", "a bundle is not of the agreed form") from error
    except ClientError:
        if width == WIDTH:
            raise
        # A partial bundle goes once the full one stands, which begins alike.
        return _bundle(read, index, WIDTH)[:width]


def _frontier(tree: Tree) -> Frontier:
    peaks, start = [], 0
    while start < tree.size:
        level = (tree.size - start).bit_length() - 1
        peaks.append(tree.nodes(level, start >> level, 1))
        start += 1 << level
    return Frontier(tree.size, peaks)


def _head(note: str) -> Checkpoint:
    return parse(note.partition("\n\n")[0] + "\n")


def follow_all(mirrors: Sequence[tuple[KnownLog, Mirror, Callable[[], str | None]]]) -> None:
    """Bring every copy up to what was cosigned; what can't be now is told and tried again."""
    for log, mirror, head in mirrors:
        note = head()
        try:
            if note is not None:
                mirror.follow(log, note)
        except ClientError as error:
            _log.warning("mirror of %s waits: %s", log.origin, error.code)
