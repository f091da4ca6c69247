"""Tiles: how a log lies in files that never change.

- A hash tile holds up to 256 hashes of one level; the level above holds the roots of full tiles.
- A bundle holds the entries themselves, each with its length in two bytes.
- A tile that is not yet full has its width in its path, so no path ever changes its content.

Source: C2SP tlog-tiles v0.1.0.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto.errors import VerificationError
from crypto.merkle import Tree

WIDTH: Final = 256
HEIGHT: Final = 8
MAX_ENTRY_BYTES: Final = 65_535
MAX_LEVEL: Final = 7
_LENGTH_SIZE: Final = 2

_PATH = re.compile(
    r"tile/(?P<level>[0-7]|entries)/(?P<groups>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Tile:
    """Which tile: level (None for a bundle of entries), index, and width from 1 to 256."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies under the log's folder."""
        if self.level is None:
            return entries_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """The path of a hash tile, `tile/0/x001/234.p/5`.

    Raises:
        VerificationError: `tile-malformed` for a level, index or width that no tile has.
    """
    if not 0 <= level <= MAX_LEVEL:
        raise VerificationError("tile-malformed")
    return _path(str(level), index, width)


def entries_path(index: int, width: int = WIDTH) -> str:
    """The path of a bundle of entries.

    Raises:
        VerificationError: `tile-malformed`.
    """
    return _path("entries", index, width)


def _path(kind: str, index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= WIDTH:
        raise VerificationError("tile-malformed")
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    tail = "" if width == WIDTH else f".p/{width}"
    return f"tile/{kind}/{'/'.join(reversed(groups))}{tail}"


def parse_path(path: str) -> Tile:
    """Read a tile's path; only the one form that `Tile.path` writes is accepted.

    Raises:
        VerificationError: `tile-malformed`.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise VerificationError("tile-malformed")
    level = None if found["level"] == "entries" else int(found["level"])
    index = int(found["groups"].replace("/", "").replace("x", ""))
    width = int(found["width"] or WIDTH)
    # `.p/256` and a leading group of zeroes are second names of the same tile.
    if width > WIDTH or Tile(level, index, width).path != path:
        raise VerificationError("tile-malformed")
    return Tile(level, index, width)


def tiles_between(old_size: int, new_size: int) -> list[Tile]:
    """Hash tiles to write when a log grows, lowest level first.

    Level 0 tiles name the bundles of entries to write, too: same index, same width.

    Raises:
        VerificationError: `tree-range` when the log would shrink.
    """
    if not 0 <= old_size <= new_size:
        raise VerificationError("tree-range")
    tiles: list[Tile] = []
    level, old, new = 0, old_size, new_size
    while old != new:
        tiles += [Tile(level, index) for index in range(old // WIDTH, new // WIDTH)]
        if new % WIDTH:
            tiles.append(Tile(level, new // WIDTH, new % WIDTH))
        level, old, new = level + 1, old // WIDTH, new // WIDTH
    return tiles


def hash_tile(tree: Tree, level: int, index: int, width: int = WIDTH) -> bytes:
    """The bytes of a hash tile.

    Raises:
        VerificationError: `tree-range` when the tree does not have all its hashes.
    """
    return tree.nodes(level * HEIGHT, index * WIDTH, width)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle of 1 to 256 entries.

    Raises:
        VerificationError: `tile-malformed` for too many, none, or an entry over 65,535 bytes.
    """
    if not 1 <= len(entries) <= WIDTH or any(len(e) > MAX_ENTRY_BYTES for e in entries):
        raise VerificationError("tile-malformed")
    return b"".join(len(entry).to_bytes(_LENGTH_SIZE, "big") + entry for entry in entries)


def decode_bundle(octets: bytes, width: int | None = None) -> list[bytes]:
    """The entries of a bundle, in order.

    Args:
        octets: The bundle.
        width: How many there must be; any number from 1 to 256 when absent.

    Raises:
        VerificationError: `tile-malformed`.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(octets):
        start = at + _LENGTH_SIZE
        at = start + int.from_bytes(octets[at:start], "big")
        if start > len(octets) or at > len(octets):
            raise VerificationError("tile-malformed", "the bundle is cut")
        entries.append(octets[start:at])
    if not 1 <= len(entries) <= WIDTH or (width is not None and len(entries) != width):
        raise VerificationError("tile-malformed")
    return entries
