"""A fitted forest of scikit-learn as flat arrays, all trees of which are traversed at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array


@dataclass(frozen=True)
class FlatForest:
    """The nodes of all trees, end to end.

    Args:
        roots: The first node of each tree.
        feature: The feature that each node splits on; negative for a leaf.
        threshold: The largest value of that feature that goes to the left.
        left: The child of each node for values up to the threshold.
        right: The child of each node for larger values.
        first: The index in ``members`` of the first example of each node, and their total at the end.
        members: The examples in each leaf, leaf by leaf.
    """

    roots: Array
    feature: Array
    threshold: Array
    left: Array
    right: Array
    first: Array
    members: Array

    @classmethod
    def of(cls, forest: Any, rows: Array) -> FlatForest:
        """The trees of a fitted forest, with the examples ``(example, feature)`` in their leaves."""
        trees = [tree.tree_ for tree in forest.estimators_]
        ends = np.cumsum([tree.node_count for tree in trees])
        roots = np.concatenate([[0], ends[:-1]])
        leaves = (forest.apply(rows) + roots).T.ravel()  # tree by tree
        counts = np.bincount(leaves, minlength=int(ends[-1]))
        return cls(
            roots=roots,
            feature=np.concatenate([tree.feature for tree in trees]),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            left=np.concatenate([tree.children_left + root for tree, root in zip(trees, roots, strict=True)]),
            right=np.concatenate(
                [tree.children_right + root for tree, root in zip(trees, roots, strict=True)]
            ),
            first=np.concatenate([[0], np.cumsum(counts)]),
            members=np.argsort(leaves, kind="stable") % len(rows),
        )

    def leaves(self, row: Array) -> Array:
        """The leaf of each tree to which an encoded configuration belongs."""
        values = row.astype(np.float32)  # as scikit-learn takes it
        nodes = self.roots
        while True:
            feature = self.feature[nodes]
            inner = feature >= 0
            if not inner.any():
                return nodes
            below = np.where(values[feature] <= self.threshold[nodes], self.left[nodes], self.right[nodes])
            nodes = np.where(inner, below, nodes)

    def neighbour_weights(self, row: Array) -> tuple[Array, Array]:
        """The examples in the same leaves; all trees count alike, and all examples in a leaf."""
        leaves = self.leaves(row)
        found = [self.members[self.first[leaf] : self.first[leaf + 1]] for leaf in leaves.tolist()]
        weights = [np.full(len(each), 1 / (len(each) * len(leaves))) for each in found]
        return np.concatenate(found), np.concatenate(weights)
