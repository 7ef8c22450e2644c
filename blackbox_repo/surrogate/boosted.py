"""Boosted trees as flat arrays: the curves that they predict are made of an end and the shape of each.

The booster of the target at the last fidelity predicts that alone. Where the target has extreme values, as
diverged trainings have, one booster is of the *usual* examples only, and one of the share of *extreme* ones,
below which the usual prediction counts. One booster predicts everything else together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.basis import Numbers
from blackbox_repo.surrogate.outputs import Outputs
from blackbox_repo.surrogate.training_curves import RARE
from blackbox_repo.surrogate.trees import Trees

KIND = "boosted"
_TARGET, _USUAL, _EXTREME, _OTHERS = "target", "usual", "extreme", "others"
PARTS = ((_TARGET,), (_TARGET, _OTHERS), (_TARGET, _USUAL, _EXTREME), (_TARGET, _USUAL, _EXTREME, _OTHERS))
"""Which boosters there may be, in their order."""
_BLOCK = 2048  # configurations that are predicted together
_FEW = 16  # configurations for which one step for all trees is quicker than a step for each tree


@dataclass(frozen=True)
class Booster:
    """One booster, whose trees lie among those of others.

    Args:
        name: What it predicts.
        trees: The number of its trees.
        values: The values of their leaves, float32 ``(leaf, output)``; a prediction is their sum.
    """

    name: str
    trees: int
    values: Array

    @cached_property
    def _doubles(self) -> Array:
        return np.ascontiguousarray(self.values, dtype=np.float64)

    def predict(self, leaves: Array) -> Array:
        """The sums ``(configuration, output)`` over the leaves ``(configuration, tree)``, tree by tree."""
        if len(leaves) <= _FEW:
            sums: Array = np.add.accumulate(self._doubles.take(leaves, axis=0), axis=1)[:, -1]
            return sums
        total = self._doubles.take(leaves[:, 0], axis=0)
        for tree in range(1, self.trees):
            total += self._doubles.take(leaves[:, tree], axis=0)
        return total


@dataclass(frozen=True)
class Boosted:
    """Predicts curves with the flattened trees of boosters.

    Args:
        trees: The trees of all boosters, one booster after the other.
        boosters: The boosters.
        usual: The centre and the unit of what the booster of usual examples predicts.
        outputs: How curves are made of predictions.

    Raises:
        FormatError: These do not fit together.
    """

    trees: Trees
    boosters: Sequence[Booster]
    usual: tuple[float, float]
    outputs: Outputs
    kind: str = KIND

    def __post_init__(self) -> None:
        if tuple(booster.name for booster in self.boosters) not in PARTS:
            raise FormatError(f"the boosters {[each.name for each in self.boosters]!r} do not fit together")
        counts = [booster.trees for booster in self.boosters]
        if min(counts) < 1 or sum(counts) != len(self.trees):
            raise FormatError(f"the boosters have {counts} trees, but there are {len(self.trees)}")
        for booster, leaves in zip(self.boosters, self._leaf_counts, strict=True):
            width = len(self.outputs.units) - 1 if booster.name == _OTHERS else 1
            if booster.values.shape != (leaves, width) or not np.isfinite(booster.values).all():
                raise FormatError(
                    f"the leaves of the booster {booster.name!r} must have {leaves} x {width} finite numbers"
                )

    @classmethod
    def of(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema) -> Boosted:
        """The model that :meth:`spec` and :meth:`arrays` gave.

        Raises:
            FormatError: Something is missing, or they do not fit together.
        """
        read = typed_json.convert(dict(spec), _Spec, "the description of boosted trees")
        names = (*(f"values.{name}" for name in read.boosters), *_array_names(len(read.bases)))
        missing = [name for name in names if name not in arrays]
        if missing:
            raise FormatError(f"the boosted trees lack the arrays {missing!r}")
        boosters = [Booster(name, count, arrays[f"values.{name}"]) for name, count in read.boosters.items()]
        outputs = Outputs.read(schema, read.bases, arrays)
        return cls(Trees.of(arrays), boosters, read.usual, outputs)

    @property
    def features(self) -> int:
        return self.trees.features

    def spec(self) -> dict[str, Any]:
        boosters = {booster.name: booster.trees for booster in self.boosters}
        return {
            "kind": self.kind,
            "boosters": boosters,
            "usual": list(self.usual),
            "bases": self.outputs.spec(),
        }

    def arrays(self) -> dict[str, Array]:
        values = {f"values.{booster.name}": booster.values for booster in self.boosters}
        return {**self.trees.arrays(), **values, **self.outputs.arrays()}

    def predict(self, rows: Array) -> dict[str, Array]:
        if len(rows) <= _BLOCK:
            return self._predict_block(rows)
        blocks = [self._predict_block(rows[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def _predict_block(self, rows: Array) -> dict[str, Array]:
        leaves = self.trees.leaves(rows[0])[np.newaxis] if len(rows) == 1 else self.trees.leaves_of(rows)
        numbers = self._numbers.take(leaves)
        found, start = {}, 0
        for booster in self.boosters:
            found[booster.name] = booster.predict(numbers[:, start : start + booster.trees])
            start += booster.trees
        target = self.outputs.target(found[_TARGET][:, 0])
        if _USUAL in found:
            centre, unit = self.usual
            usual = found[_USUAL][:, 0] * unit + centre
            target = np.where(found[_EXTREME][:, 0] < RARE, usual, target)
        return self.outputs.points(target, found.get(_OTHERS, np.empty((len(rows), 0))))

    @cached_property
    def _leaf(self) -> Array:
        return np.asarray(self.trees.right == np.arange(len(self.trees.right)))

    @cached_property
    def _leaf_counts(self) -> Array:
        """The number of leaves of each booster."""
        first_trees = np.cumsum([0, *(booster.trees for booster in self.boosters)])[:-1]
        return np.add.reduceat(self._leaf.astype(np.intp), self.trees.roots[first_trees].astype(np.intp))

    @cached_property
    def _numbers(self) -> Array:
        """The number of each leaf among those of its booster, by node."""
        counts = self._leaf_counts
        before = np.repeat(np.cumsum(counts) - counts, counts)
        numbers = np.zeros(len(self._leaf), dtype=np.intp)
        numbers[self._leaf] = np.arange(len(before)) - before
        return numbers


@dataclass(frozen=True)
class _Spec:
    kind: str
    boosters: dict[str, int]
    usual: tuple[float, float]
    bases: list[Numbers]


def _array_names(bases: int) -> list[str]:
    of_bases = [f"{name}.{place}" for place in range(bases) for name in ("mean", "components")]
    return ["centres", "units", *of_bases]
