"""Forests whose leaves hold training examples: a prediction is the mean of their curves.

A mean of whole curves has what each of them has: elapsed time never decreases, and objectives fit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.training_curves import TrainingCurves
from blackbox_repo.surrogate.trees import Trees, smallest

_MOST_WEIGHTS = 1 << 22  # of a dense matrix


@dataclass(frozen=True)
class Forest:
    """A forest of which every leaf is a weighted mean of training curves.

    Args:
        trees: The trees.
        sizes: The number of different examples in each node; 0 for nodes that are no leaves.
        members: The examples in the leaves, leaf by leaf.
        counts: How often the bootstrap drew each of them.
        curves: The curves of the examples.
    """

    trees: Trees
    sizes: Array
    members: Array
    counts: Array
    curves: TrainingCurves
    kind: str = "forest"

    def __post_init__(self) -> None:
        for name in ("sizes", "members", "counts"):
            array = getattr(self, name)
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise FormatError(
                    f"the forest's array {name!r} is {array.dtype} {array.shape}, but a list of whole "
                    f"numbers fits"
                )
        nodes, entries = len(self.trees.feature), len(self.members)
        leaf = self.trees.right == np.arange(nodes)
        if self.sizes.shape != (nodes,) or ((self.sizes > 0) != leaf).any():
            raise FormatError("every leaf of a forest, and nothing else, has examples")
        if int(self.sizes.sum()) != entries or self.counts.shape != (entries,) or not (self.counts > 0).all():
            raise FormatError(
                "the examples in the leaves of a forest, and their counts, do not fit its leaves"
            )
        if int(self.members.min()) < 0 or int(self.members.max()) >= len(self.curves.values):
            raise FormatError(
                f"a leaf of a forest has an example that is none of its {len(self.curves.values)} curves"
            )

    @classmethod
    def of(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema) -> Forest:
        """The forest that :meth:`spec` and :meth:`arrays` gave.

        Raises:
            FormatError: An array is missing, or they do not fit together.
        """
        wanted = ("sizes", "members", "counts", "values", "least", "most")
        missing = [name for name in wanted if name not in arrays]
        if missing:
            raise FormatError(f"the forest lacks the arrays {missing!r}")
        trees, curves = Trees.of(arrays), TrainingCurves.read(schema, arrays)
        leaf = trees.right == np.arange(len(trees.right))
        if arrays["sizes"].shape != (int(leaf.sum()),) or arrays["sizes"].dtype.kind not in "iu":
            raise FormatError("the forest must have the size of each leaf as a whole number")
        sizes = np.zeros(len(leaf), dtype=np.int64)
        sizes[leaf] = arrays["sizes"]
        return cls(trees, sizes, arrays["members"], arrays["counts"], curves)

    @property
    def features(self) -> int:
        """How many features an encoded configuration must have at least."""
        return self.trees.features

    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def arrays(self) -> dict[str, Array]:
        return {
            **self.trees.arrays(),
            "sizes": smallest(self.sizes[self.sizes > 0]),
            "members": smallest(self.members),
            "counts": smallest(self.counts),
            **self.curves.arrays(),
        }

    @cached_property
    def _leaves(self) -> tuple[Array, Array, Array, Array]:
        """First entry and number of entries of each node; members, and the share of each of its tree."""
        sizes = self.sizes.astype(np.intp)
        first = np.cumsum(sizes) - sizes
        counts = self.counts.astype(np.float64)
        leaf = np.flatnonzero(sizes)
        totals = np.add.reduceat(counts, first[leaf])
        shares = counts / np.repeat(totals, sizes[leaf]) / len(self.trees)
        return first, sizes, self.members.astype(np.intp), shares

    def predict(self, rows: Array) -> dict[str, Array]:
        if len(rows) == 1:
            weights = self._weights(self.trees.leaves(rows[0])[np.newaxis])
            examples = np.flatnonzero(weights[0])
            return self.curves.mean(examples, weights[:, examples])
        step = max(_MOST_WEIGHTS // len(self.curves.values), 1)
        blocks = [self._predict_block(rows[start : start + step]) for start in range(0, len(rows), step)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in self.curves.columns}

    def _predict_block(self, rows: Array) -> dict[str, Array]:
        return self.curves.mean(slice(None), self._weights(self.trees.leaves_of(rows)))

    def _weights(self, leaves: Array) -> Array:
        """The weights of the examples ``(configuration, example)``, given the leaves of the former."""
        first, sizes, members, shares = self._leaves
        flat, total = leaves.ravel(), len(self.curves.values)
        counts = sizes.take(flat)
        ends = np.cumsum(counts)
        entries = np.arange(ends[-1]) + np.repeat(first.take(flat) - ends + counts, counts)
        places = members.take(entries)
        if len(leaves) > 1:
            of_each = np.add.reduceat(counts, np.arange(0, len(flat), leaves.shape[1]))
            places += np.repeat(np.arange(len(leaves)) * total, of_each)
        weights = np.bincount(places, weights=shares.take(entries), minlength=len(leaves) * total)
        return weights.reshape(len(leaves), total)
