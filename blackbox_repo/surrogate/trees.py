"""Regression trees as flat arrays, which are descended with numpy alone.

The nodes of all trees lie end to end, each tree in depth-first order, so that the left child of a node is the
next one. A configuration goes left where its feature is at most the threshold. Both are float32, as in
scikit-learn and xgboost, so that every configuration ends in the leaf in which their own code puts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError

_DEEPEST = 10_000


@dataclass(frozen=True)
class Trees:
    """Trees, of which node ``k`` is a leaf where ``right[k]`` is ``k``.

    Args:
        roots: The first node of each tree, ascending from 0.
        feature: The feature that each node splits on; 0 for a leaf.
        threshold: The largest float32 of that feature that goes to the left.
        right: The child of each node for larger values.

    Raises:
        FormatError: The arrays do not fit together.
    """

    roots: Array
    feature: Array
    threshold: Array
    right: Array

    def __post_init__(self) -> None:
        for name, kind in (("roots", "iu"), ("feature", "iu"), ("threshold", "f"), ("right", "iu")):
            array = getattr(self, name)
            if array.ndim != 1 or array.dtype.kind not in kind:
                raise FormatError(
                    f"the trees' array {name!r} is {array.dtype} {array.shape}, but a list fits"
                )
        nodes = len(self.feature)
        if not nodes == len(self.threshold) == len(self.right):
            raise FormatError(
                f"the trees have {nodes} features, {len(self.threshold)} thresholds and {len(self.right)} "
                f"right children, but each node has one"
            )
        if not len(self.roots) or self.roots[0] != 0 or (np.diff(self.roots.astype(np.int64)) <= 0).any():
            raise FormatError("the roots of the trees must ascend from 0")
        if self.roots[-1] >= nodes:
            raise FormatError(f"the last root is {self.roots[-1]}, but there are {nodes} nodes")
        self._check_children()

    def _check_children(self) -> None:
        """Check that every node leads to later ones of its own tree, so that every descent ends in a leaf."""
        nodes = np.arange(len(self.feature))
        right = self.right.astype(np.int64)
        sizes = np.diff([*self.roots.tolist(), len(nodes)])
        ends = np.repeat(np.cumsum(sizes), sizes)
        inner = right != nodes
        if (right < nodes).any() or (right >= ends).any() or (inner & (right == nodes + 1)).any():
            raise FormatError("a child of the trees lies outside its tree, or before its parent")
        if (inner & (nodes + 1 >= ends)).any() or not np.isfinite(self.threshold[inner]).all():
            raise FormatError("a node of the trees has no left child, or no finite threshold")
        if self.feature.size and int(self.feature.min()) < 0:
            raise FormatError("a feature of the trees is negative")

    def __len__(self) -> int:
        return len(self.roots)

    @property
    def features(self) -> int:
        """How many features a configuration must have at least."""
        return int(self.feature.max()) + 1

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Trees:
        """The trees that :meth:`arrays` gave.

        Raises:
            FormatError: An array is missing, or they do not fit together.
        """
        missing = [name for name in ("roots", "feature", "threshold", "right") if name not in arrays]
        if missing:
            raise FormatError(f"the trees lack the arrays {missing!r}")
        if arrays["threshold"].dtype != np.float32:
            raise FormatError(f"the thresholds of the trees are {arrays['threshold'].dtype}, not float32")
        gaps = arrays["right"].astype(np.int64)
        right = np.arange(len(gaps)) + gaps if gaps.ndim == 1 else gaps
        trees = cls(arrays["roots"], arrays["feature"], arrays["threshold"], right)
        assert trees._depths.size  # it refuses trees that would take too long
        return trees

    def arrays(self) -> dict[str, Array]:
        """The arrays in the smallest types; ``right`` counts from the node itself, which compresses well."""
        gaps = self.right - np.arange(len(self.right))
        return {
            "roots": smallest(self.roots),
            "feature": smallest(self.feature),
            "threshold": self.threshold.astype(np.float32),
            "right": smallest(gaps),
        }

    @cached_property
    def _doubled(self) -> tuple[Array, Array, Array, Array]:
        """Roots, features, thresholds, and children, in which node ``k`` is ``2 k``.

        The child of a configuration that goes right lies after that of one that goes left, so that a descent
        takes few calls; a leaf is its own child.
        """
        nodes = np.arange(len(self.feature))
        leaf = self.right == nodes
        children = np.empty(2 * len(nodes), dtype=np.intp)
        children[::2] = 2 * np.where(leaf, nodes, nodes + 1)
        children[1::2] = 2 * self.right
        threshold = np.where(leaf, np.inf, self.threshold).astype(np.float32)
        return (
            2 * self.roots.astype(np.intp),
            np.repeat(self.feature.astype(np.intp), 2),
            np.repeat(threshold, 2),
            children,
        )

    @cached_property
    def _depths(self) -> Array:
        """The number of steps after which every configuration is in a leaf of each tree."""
        nodes = np.arange(len(self.feature))
        inner = self.right != nodes
        depth = np.zeros(len(nodes), dtype=np.intp)
        front = self.roots.astype(np.intp)
        level = 0
        while len(front):
            if level > _DEEPEST:
                raise FormatError(f"a tree has more than {_DEEPEST} levels, which would take too long")
            depth[front] = level
            level += 1
            front = front[inner[front]]
            front = np.concatenate([front + 1, self.right[front].astype(np.intp)])
        deepest: Array = np.maximum.reduceat(depth, self.roots.astype(np.intp))
        return deepest

    def leaves(self, row: Array) -> Array:
        """The leaf of each tree to which an encoded configuration belongs: ``(tree,)``."""
        values = row.astype(np.float32)
        nodes, feature, threshold, children = self._doubled
        nodes = nodes.copy()
        for _ in range(int(self._depths.max(initial=0))):
            nodes += values[feature[nodes]] > threshold[nodes]
            nodes = children[nodes]
        found: Array = nodes >> 1
        return found

    def leaves_of(self, rows: Array) -> Array:
        """As :meth:`leaves`, for many: ``(configuration, tree)``."""
        values = rows.astype(np.float32).ravel()
        starts = np.arange(len(rows)) * rows.shape[1]
        roots, feature, threshold, children = self._doubled
        found = np.empty((len(roots), len(rows)), dtype=np.intp)
        for tree, (root, depth) in enumerate(zip(roots.tolist(), self._depths.tolist(), strict=True)):
            nodes = np.full(len(rows), root)
            for _ in range(depth):
                nodes += values.take(feature.take(nodes) + starts) > threshold.take(nodes)
                nodes = children.take(nodes)
            found[tree] = nodes >> 1
        leaves: Array = found.T
        return leaves


def smallest(array: Array) -> Array:
    """An array of whole numbers of at least 0 in the smallest type that holds them."""
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))


def rounded_down(thresholds: Array) -> Array:
    """The largest float32 up to each float64: a float32 is at most the one where it is at most the other."""
    found = thresholds.astype(np.float32)
    above = found.astype(np.float64) > thresholds
    found[above] = np.nextafter(found[above], np.float32(-np.inf))
    return found
