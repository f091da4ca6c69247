"""Roots and proofs out of published tiles are those of the tree in memory."""

import pytest

from crypto import tiles
from crypto.errors import VerificationError
from crypto.merkle import Tree, leaf_hash
from crypto.tiletree import TileTree

TREE = Tree()
TREE.extend(leaf_hash(str(number).encode()) for number in range(66_000))


def published(size: int) -> dict[str, bytes]:
    return {
        tile.path: tiles.hash_tile(TREE, tile.level or 0, tile.index, tile.width)
        for tile in tiles.tiles_between(0, size)
    }


def over(files: dict[str, bytes], size: int) -> TileTree:
    def read(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name]

    return TileTree(size, read)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600, 65_535, 65_537, 66_000])
def test_proofs_are_those_of_the_tree_in_memory(size):
    tree = over(published(size), size)

    assert tree.root() == TREE.root(size)
    for old in {0, 1, 3, size // 2, size - 1, size} & set(range(size + 1)):
        assert tree.consistency(old) == TREE.consistency(old, size)
        assert tree.root(old) == TREE.root(old)
        if old < size:
            assert tree.inclusion(old) == TREE.inclusion(old, size)


def test_a_partial_tile_that_went_is_read_from_the_full_one():
    files = published(300) | published(512)
    del files["tile/0/001.p/44"]

    tree = over(files, 300)

    assert tree.root() == TREE.root(300)


def test_few_tiles_are_read():
    files = published(66_000)
    asked: list[str] = []

    def read(name: str) -> bytes:
        asked.append(name)
        return files[name]

    TileTree(66_000, read).consistency(40_000)

    assert len(asked) == len(set(asked)) <= 6


def test_a_tile_of_another_length_is_refused():
    files = published(300)
    files["tile/0/000"] = files["tile/0/000"][:-1]

    with pytest.raises(VerificationError, match="tile-malformed"):
        over(files, 300).consistency(100)


def test_a_tile_that_is_missing_is_missing():
    files = published(300)
    del files["tile/0/000"]

    with pytest.raises(FileNotFoundError):
        over(files, 300).consistency(100)


@pytest.mark.parametrize(
    ("level", "index", "count"), [(0, 0, 301), (-1, 0, 1), (0, -1, 1), (9, 0, 1)]
)
def test_nodes_that_are_not_there_are_refused(level, index, count):
    with pytest.raises(VerificationError, match="tree-range"):
        over(published(300), 300).nodes(level, index, count)
