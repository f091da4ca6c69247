"""A tree whose nodes lie in published tiles: roots and proofs without one entry.

It reads as many tiles as an answer needs, each once, and believes nothing: whoever asks compares
the root with a signed checkpoint.

Source: C2SP tlog-tiles v0.1.0.
"""

from collections.abc import Callable

from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE, Prover, node_hash
from crypto.tiles import HEIGHT, WIDTH, tile_path

Read = Callable[[str], bytes]
"""The content of a file of the log, by its path."""


class TileTree(Prover):
    """The first `size` leaves of a published log; one thread at a time."""

    def __init__(self, size: int, read: Read) -> None:
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def nodes(self, level: int, index: int, count: int) -> bytes:
        """As `Prover.nodes`.

        Raises:
            VerificationError: `tree-range`; `tile-malformed` for a tile of another length.
        """
        if level < 0 or index < 0 or count < 0 or (index + count) << level > self._size:
            raise VerificationError("tree-range")
        return b"".join(self._node(level, at) for at in range(index, index + count))

    def _node(self, level: int, index: int) -> bytes:
        above = level % HEIGHT
        if above:
            return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))
        tile = self._tile(level // HEIGHT, index // WIDTH)
        at = index % WIDTH * HASH_SIZE
        return tile[at : at + HASH_SIZE]

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            complete = self._size >> level * HEIGHT
            width = min(WIDTH, complete - index * WIDTH)
            octets = self._fetch(level, index, width)
            if len(octets) != width * HASH_SIZE:
                raise VerificationError("tile-malformed")
            self._tiles[level, index] = octets
        return self._tiles[level, index]

    def _fetch(self, level: int, index: int, width: int) -> bytes:
        try:
            return self._read(tile_path(level, index, width))
        except FileNotFoundError:
            if width == WIDTH:
                raise
            # A partial tile goes once the full one stands, which begins alike.
            return self._read(tile_path(level, index))[: width * HASH_SIZE]
