"""Merkle trees of RFC 6962: appending, roots, proofs, and checking proofs.

- A leaf is hashed with prefix 0x00 and a node with 0x01, so that neither passes for the other.
- Proofs are checked by the algorithms of RFC 9162, which reject a proof that is too long.
- `Prover` makes roots and proofs for any size up to its own, from nodes that others keep.
- `Tree` is one that keeps every complete node in memory, level by level.
- `Frontier` keeps only what is needed to go on appending: at most 64 hashes.

It does not store entries and does not sign anything.
"""

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final

from crypto.errors import VerificationError

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry as a leaf.

    Source: RFC 6962 section 2.1.
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children.

    Source: RFC 6962 section 2.1.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order, as for the parts of a bulk act."""
    tree = Tree()
    tree.extend(leaf_hashes)
    return tree.root()


class Prover(ABC):
    """Roots and proofs over complete nodes, wherever these lie."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of leaves."""

    @abstractmethod
    def nodes(self, level: int, index: int, count: int) -> bytes:
        """`count` adjacent roots of complete subtrees of 2**level leaves, joined.

        Raises:
            VerificationError: `tree-range` when they are not all complete.
        """

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves; over all of them when absent.

        Raises:
            VerificationError: `tree-range`.
        """
        size = self._checked(self.size if size is None else size)
        return self._range_root(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Hashes that lead from leaf `index` to the root of `size`, the leaf's sibling first.

        Raises:
            VerificationError: `tree-range`.

        Source: RFC 6962 section 2.1.1.
        """
        size = self._checked(self.size if size is None else size)
        if not 0 <= index < size:
            raise VerificationError("tree-range")
        path: list[bytes] = []
        place, last, level = index, size - 1, 0
        while last:
            sibling = place ^ 1
            if sibling < last or (sibling + 1) << level <= size:
                path.append(self.nodes(level, sibling, 1))
            elif sibling == last:  # the right edge, not complete
                path.append(self._range_root(sibling << level, size))
            place, last, level = place >> 1, last >> 1, level + 1
        return path

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Hashes that show that the tree of `new` leaves begins with the tree of `old`.

        Raises:
            VerificationError: `tree-range`.

        Source: RFC 6962 section 2.1.2.
        """
        new = self._checked(self.size if new is None else new)
        if not 0 <= old <= new:
            raise VerificationError("tree-range")
        if old in (0, new):
            return []
        path: list[bytes] = []
        start, stop = 0, new
        whole = True
        while stop != old:
            split = start + _largest_power_below(stop - start)
            if old <= split:
                path.append(self._range_root(split, stop))
                stop = split
            else:
                path.append(self._range_root(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._range_root(start, stop))
        return path[::-1]

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise VerificationError("tree-range")
        return size

    def _range_root(self, start: int, stop: int) -> bytes:
        """Root over leaves [start, stop), where `start` is aligned as RFC 6962 splits trees."""
        peaks: list[bytes] = []
        while start < stop:
            level = (stop - start).bit_length() - 1
            peaks.append(self.nodes(level, start >> level, 1))
            start += 1 << level
        return _fold(peaks)


class Tree(Prover):
    """A growing tree in memory; one thread at a time."""

    def __init__(self) -> None:
        # Level l holds the roots of all complete subtrees of 2**l leaves, 32 bytes each.
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash and return its index.

        Raises:
            VerificationError: `tree-range` when it is not 32 bytes.
        """
        self.extend((leaf,))
        return self.size - 1

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaf hashes in order; none is added when one of them is not 32 bytes.

        Raises:
            VerificationError: `tree-range`.
        """
        leaves = list(hashes)
        if any(len(leaf) != HASH_SIZE for leaf in leaves):
            raise VerificationError("tree-range", "a leaf hash has 32 bytes")
        self._levels[0] += b"".join(leaves)
        level = 0
        while self._grow(level):
            level += 1

    def _grow(self, level: int) -> bool:
        """Hash the pairs of `level` that are complete and not yet hashed upwards."""
        below = self._levels[level]
        if len(below) < 2 * HASH_SIZE:
            return False
        if level + 1 == len(self._levels):
            self._levels.append(bytearray())
        above = self._levels[level + 1]
        # Two siblings lie side by side: 64 bytes hash as they stand.
        fresh = bytes(below[2 * len(above) :])
        sha256 = hashlib.sha256
        parents = [
            sha256(b"\x01" + fresh[at : at + 64]).digest() for at in range(0, len(fresh) - 63, 64)
        ]
        above += b"".join(parents)
        return bool(parents)

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`.

        Raises:
            VerificationError: `tree-range`.
        """
        return self.nodes(0, index, 1)

    def nodes(self, level: int, index: int, count: int) -> bytes:
        """`count` adjacent roots of complete subtrees of 2**level leaves, joined.

        Raises:
            VerificationError: `tree-range` when they are not all complete.
        """
        if level < 0 or index < 0 or count < 0 or level >= len(self._levels):
            raise VerificationError("tree-range")
        start, stop = index * HASH_SIZE, (index + count) * HASH_SIZE
        if stop > len(self._levels[level]):
            raise VerificationError("tree-range")
        return bytes(self._levels[level][start:stop])


class Frontier:
    """The right edge of a tree: enough to append and to tell the root, nothing to prove."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Take up a saved edge.

        Raises:
            VerificationError: `tree-range` when the number of peaks does not fit the size.
        """
        if size < 0 or len(peaks) != size.bit_count() or any(len(p) != HASH_SIZE for p in peaks):
            raise VerificationError("tree-range", "peaks and size disagree")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees from left to right, one per bit of the size."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash.

        Raises:
            VerificationError: `tree-range` when it is not 32 bytes.
        """
        if len(leaf) != HASH_SIZE:
            raise VerificationError("tree-range", "a leaf hash has 32 bytes")
        node, bits = leaf, self.size
        while bits & 1:
            node = node_hash(self._peaks.pop(), node)
            bits >>= 1
        self._peaks.append(node)
        self.size += 1

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaf hashes in order.

        Raises:
            VerificationError: `tree-range`; hashes before the one refused stay.
        """
        for leaf in hashes:
            self.append(leaf)

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _fold(self._peaks) if self.size else EMPTY_ROOT


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash stands at `index` in the tree of `size` leaves under `root`.

    Raises:
        VerificationError: `inclusion-proof`.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or any(len(node) != HASH_SIZE for node in (leaf, root, *proof)):
        raise VerificationError("inclusion-proof")
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("inclusion-proof", "the proof is too long")
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            # A right edge without siblings: climb until this node is a right child.
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(node, root):
        raise VerificationError("inclusion-proof")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `new` leaves begins with the tree of `old` leaves.

    An empty old tree is the beginning of every tree, with an empty proof.

    Raises:
        VerificationError: `consistency-proof`.

    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 <= old <= new or any(len(n) != HASH_SIZE for n in (old_root, new_root, *proof)):
        raise VerificationError("consistency-proof")
    if old in (0, new):
        same = old_root == (new_root if old else EMPTY_ROOT)
        if proof or not same or (new == 0 and new_root != EMPTY_ROOT):
            raise VerificationError("consistency-proof")
        return
    # A whole subtree is its own proof, so the sender leaves it out.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof or (old_root, new_root) != _climb(old, new, path):
        raise VerificationError("consistency-proof")


def earlier_root(old: int, new: int, new_root: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of the first `old` leaves, as a consistency proof alone tells it.

    A whole subtree's own root is left out of its proofs, so nothing is told of it.

    Raises:
        VerificationError: `consistency-proof`: the proof tells of no such tree.
    """
    formed = 0 < old < new and all(len(node) == HASH_SIZE for node in (new_root, *proof))
    if not formed or not proof or old & (old - 1) == 0:
        raise VerificationError("consistency-proof")
    old_root, climbed = _climb(old, new, proof)
    if not hmac.compare_digest(climbed, new_root):
        raise VerificationError("consistency-proof")
    return old_root


def _climb(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Roots of the old and the new tree as the consistency path makes them."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError("consistency-proof", "the proof is too long")
        if place & 1 or place == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise VerificationError("consistency-proof", "the proof is too short")
    return old_node, new_node


def _fold(peaks: Sequence[bytes]) -> bytes:
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = node_hash(peak, node)
    return node


def _largest_power_below(count: int) -> int:
    """The largest power of two smaller than `count`, where RFC 6962 splits a tree."""
    return 1 << ((count - 1).bit_length() - 1)
