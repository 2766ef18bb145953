"""The Merkle tree of RFC 6962, section 2.1: its root, and the path that proves that a leaf is under it. Pure.

Leaves are hashed after 0x00 and nodes after 0x01, so that a node can never pass for a leaf. A leaf is a line's digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


class MerkleTree:
    """A Merkle tree that grows by one leaf at a time and keeps one digest for each level: memory is logarithmic."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """Add a leaf to the right."""
        height, node = 0, hashlib.sha256(b"\x00" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == height:
            node = _node(self._peaks.pop()[1], node)
            height += 1
        self._peaks.append((height, node))
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves so far; that of an empty tree is the SHA-256 of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaves in their order."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def _leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def merkle_path(leaves: Sequence[bytes], place: int) -> tuple[bytes, ...]:
    """Return the audit path of the leaf at a place (from 0), the nearest sibling first (RFC 6962, section 2.1.1).

    Raises IndexError for a place outside.
    """
    if not 0 <= place < len(leaves):
        raise IndexError(f"there is no leaf {place} among {len(leaves)}")
    level = [_leaf(leaf) for leaf in leaves]
    path = []
    while len(level) > 1:
        sibling = place ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]  # one without sibling goes up as it is
        place //= 2
    return tuple(path)


def root_from_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf, its place, the tree's size and an audit path lead to; None when they cannot fit."""
    if not 0 <= place < size:
        return None
    rest, node, last = list(path), _leaf(leaf), size - 1
    while last:
        if place & 1:
            if not rest:
                return None
            node = _node(rest.pop(0), node)
        elif place < last:
            if not rest:
                return None
            node = _node(node, rest.pop(0))
        place, last = place >> 1, last >> 1
    return None if rest else node
