"""Tiles: paths, which ones to write, and what they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import merkle, tiles
from crypto.errors import VerificationError


def tree_of(size):
    tree = merkle.Tree()
    tree.extend(merkle.leaf_hash(index.to_bytes(4, "big")) for index in range(size))
    return tree


def test_path_is_the_one_of_the_specification():
    assert tiles.tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.tile_path(1, 0, 5) == "tile/1/000.p/5"
    assert tiles.entries_path(1_234, 5) == "tile/entries/x001/234.p/5"


@given(st.none() | st.integers(0, 7), st.integers(0, 10**15), st.integers(1, 256))
def test_path_reads_back_as_the_tile(level, index, width):
    tile = tiles.Tile(level, index, width)

    assert tiles.parse_path(tile.path) == tile


@given(st.text(alphabet="tile/0123456789x.pentris", max_size=30))
def test_any_other_path_is_refused(path):
    assert reading(lambda: tiles.parse_path(path).path == path) in {"tile-malformed", True}


def reading(claim):
    try:
        return claim()
    except VerificationError as error:
        return error.code


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (8, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_tile_that_cannot_be_has_no_path(level, index, width):
    with pytest.raises(VerificationError, match="tile-malformed"):
        tiles.tile_path(level, index, width)


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_growing_in_two_steps_writes_every_full_tile_of_one_step(first, second):
    small, large = sorted((first, second))
    at_once = {tile for tile in tiles.tiles_between(0, large) if tile.width == tiles.WIDTH}

    stepwise = {*tiles.tiles_between(0, small), *tiles.tiles_between(small, large)}

    assert at_once <= stepwise


@given(st.integers(1, 70_000))
def test_tiles_cover_the_tree_and_nothing_else(size):
    made = tiles.tiles_between(0, size)

    for level in range(4):
        hashes = size >> (8 * level)
        assert sum(tile.width for tile in made if tile.level == level) == hashes


def test_log_that_did_not_grow_writes_nothing_and_none_shrinks():
    assert tiles.tiles_between(300, 300) == []
    with pytest.raises(VerificationError, match="tree-range"):
        tiles.tiles_between(2, 1)


def test_upper_tile_holds_the_roots_of_the_full_tiles_below():
    tree = tree_of(600)

    upper = tiles.hash_tile(tree, 1, 0, 2)

    assert upper[:32] == tree.root(256)
    assert upper[32:] == merkle.root_of(tree.leaf(index) for index in range(256, 512))


def test_partial_tile_is_a_prefix_of_the_full_one():
    tree = tree_of(600)

    assert tiles.hash_tile(tree, 0, 1).startswith(tiles.hash_tile(tree, 0, 1, 9))
    with pytest.raises(VerificationError, match="tree-range"):
        tiles.hash_tile(tree, 0, 2)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=256))
def test_bundle_gives_its_entries_back(entries):
    assert tiles.decode_bundle(tiles.encode_bundle(entries), len(entries)) == entries


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65_536]], ids=["none", "257", "long"])
def test_bundle_that_cannot_be_is_not_made(entries):
    with pytest.raises(VerificationError) as refused:
        tiles.encode_bundle(entries)

    assert refused.value.code == "tile-malformed"


def test_longest_entry_fits():
    assert tiles.decode_bundle(tiles.encode_bundle([b"x" * 65_535])) == [b"x" * 65_535]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_bundle_in_one_way_or_refused(octets):
    def same():
        return tiles.encode_bundle(tiles.decode_bundle(octets)) == octets

    assert reading(same) in {"tile-malformed", True}
