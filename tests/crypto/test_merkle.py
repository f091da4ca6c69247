"""Merkle trees: roots by definition, every proof holds, every altered proof fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import merkle
from crypto.errors import VerificationError

LEAVES = [merkle.leaf_hash(index.to_bytes(2, "big")) for index in range(300)]


def grown(size):
    tree = merkle.Tree()
    tree.extend(LEAVES[:size])
    return tree


def by_definition(leaves):
    """RFC 6962 2.1 word for word: the oracle."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def test_roots_of_the_published_tree():
    published = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ]
    tree = merkle.Tree()

    for entry, root in published:
        tree.append(merkle.leaf_hash(bytes.fromhex(entry)))
        assert tree.root().hex() == root


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65, 255, 256, 257, 300])
def test_root_is_the_one_of_the_definition(size):
    assert grown(300).root(size) == by_definition(LEAVES[:size])
    assert merkle.root_of(LEAVES[:size]) == by_definition(LEAVES[:size])


@given(st.lists(st.integers(1, 40), max_size=8))
def test_growing_in_any_steps_gives_the_same_tree(steps):
    total = min(sum(steps), len(LEAVES))
    tree, edge, at = merkle.Tree(), merkle.Frontier(), 0
    for step in steps:
        tree.extend(LEAVES[at : at + step])
        edge.extend(LEAVES[at : at + step])
        at += step

    assert tree.size == edge.size == total
    assert tree.root() == edge.root() == by_definition(LEAVES[:total])


def test_frontier_goes_on_from_what_was_saved():
    edge = merkle.Frontier()
    edge.extend(LEAVES[:77])

    again = merkle.Frontier(edge.size, edge.peaks)
    again.append(LEAVES[77])

    assert again.root() == by_definition(LEAVES[:78])


@given(st.data())
def test_every_inclusion_proof_holds_and_no_altered_one(data):
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    tree = grown(300)
    root, proof = tree.root(size), tree.inclusion(index, size)

    merkle.verify_inclusion(index, size, LEAVES[index], proof, root)

    for broken in altered(data, [LEAVES[index], root, *proof]):
        refused = pytest.raises(VerificationError, match="inclusion-proof")
        with refused:
            merkle.verify_inclusion(index, size, broken[0], broken[2:], broken[1])


@given(st.data())
def test_every_consistency_proof_holds_and_no_altered_one(data):
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    tree = grown(300)
    proof = tree.consistency(old, new)

    merkle.verify_consistency(old, new, tree.root(old), tree.root(new), proof)

    for broken in altered(data, [tree.root(old), tree.root(new), *proof]):
        with pytest.raises(VerificationError, match="consistency-proof"):
            merkle.verify_consistency(old, new, broken[0], broken[1], broken[2:])


def altered(data, hashes):
    """The list with one bit flipped, a hash more, a hash less."""
    at = data.draw(st.integers(0, len(hashes) - 1))
    flipped = bytearray(hashes[at])
    flipped[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    yield [*hashes[:at], bytes(flipped), *hashes[at + 1 :]]
    yield [*hashes, hashes[at]]
    if len(hashes) > 2:
        yield hashes[:-1]


@given(st.integers(1, 300), st.data())
def test_leaf_is_proved_at_its_own_place_only(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1).filter(lambda place: place != index))
    tree = grown(300)

    with pytest.raises(VerificationError, match="inclusion-proof"):
        merkle.verify_inclusion(
            other, size, LEAVES[index], tree.inclusion(index, size), tree.root(size)
        )


def test_nothing_is_the_beginning_of_everything():
    tree = grown(5)

    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, tree.root(), tree.consistency(0, 5))
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])

    for old_root, new_root, new in (
        (tree.root(), tree.root(), 5),
        (merkle.EMPTY_ROOT, LEAVES[0], 0),
    ):
        with pytest.raises(VerificationError, match="consistency-proof"):
            merkle.verify_consistency(0, new, old_root, new_root, [])


@pytest.mark.parametrize(
    "ask",
    [
        lambda tree: tree.leaf(5),
        lambda tree: tree.leaf(-1),
        lambda tree: tree.root(6),
        lambda tree: tree.root(-1),
        lambda tree: tree.inclusion(5),
        lambda tree: tree.inclusion(-1),
        lambda tree: tree.inclusion(0, 6),
        lambda tree: tree.consistency(4, 3),
        lambda tree: tree.consistency(-1),
        lambda tree: tree.consistency(1, 6),
        lambda tree: tree.nodes(9, 0, 1),
        lambda tree: tree.nodes(-1, 0, 1),
        lambda tree: tree.nodes(1, 1, 2),
        lambda tree: tree.append(b"short"),
        lambda tree: tree.extend([LEAVES[0], b"short"]),
        lambda _tree: merkle.Frontier(3, [LEAVES[0]]),
        lambda _tree: merkle.Frontier(-1),
        lambda _tree: merkle.Frontier(1, [b"short"]),
        lambda _tree: merkle.Frontier().append(b"short"),
    ],
)
def test_what_the_tree_does_not_have_is_refused_and_nothing_changes(ask):
    tree = grown(5)

    with pytest.raises(VerificationError) as refused:
        ask(tree)

    assert refused.value.code == "tree-range"
    assert tree.size == 5


def test_leaves_and_nodes_never_hash_alike():
    pair = merkle.node_hash(LEAVES[0], LEAVES[1])

    assert merkle.leaf_hash(LEAVES[0] + LEAVES[1]) != pair
