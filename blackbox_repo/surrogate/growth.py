"""Growing forests with scikit-learn: kinds of trees, and what they are grown on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.forest import Forest
from blackbox_repo.surrogate.metrics import mean_ranks
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.settings import check_names, choice
from blackbox_repo.surrogate.training_curves import TrainingCurves
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.surrogate.trees import Trees, rounded_down

KINDS = {"random": ("random",), "extra": ("extra",), "both": ("random", "extra")}
TREES = 100
_SHARES = (0.1, 0.3)
_MOST_SHARE, _MOST_EXAMPLES = 1e6, 1 << 31
_MANY = 4000  # examples from which on several threads are used


@dataclass(frozen=True)
class ForestSettings:
    """The settings of a forest.

    Args:
        trees: The number of trees.
        kind: ``"random"`` trees (Breiman, 2001), ``"extra"`` trees (Geurts et al., 2006), or half of
            ``"both"``, which is hardly ever worse than the better of the two.
        others: What every other objective, and the beginning of the target's curve, count beside the target
            at the last fidelity when a tree splits; by default half of the trees take 0.1 and half 0.3.
        min_samples_leaf: The fewest examples in a leaf.
        max_features: The share of the features among which each split is chosen.
    """

    trees: int = TREES
    kind: str = "both"
    others: float | None = None
    min_samples_leaf: int = 1
    max_features: float = 1.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> ForestSettings:
        """Checked settings by name.

        Raises:
            UnknownName: There is no such setting.
            InvalidOption: One is out of range.
        """
        check_names("forest", settings, cls.__dataclass_fields__)
        given = cls(**settings)
        return cls(
            trees=whole("trees", given.trees, 1, 10_000),
            kind=choice("kind", given.kind, tuple(KINDS)),
            others=None if given.others is None else number("others", given.others, 0.0, _MOST_SHARE),
            min_samples_leaf=whole("min_samples_leaf", given.min_samples_leaf, 1, _MOST_EXAMPLES),
            # scikit-learn takes a whole number as a number of features
            max_features=float(number("max_features", given.max_features, 0.0, 1.0, above=0.0)),
        )


def grow(data: TrainingData, schema: Schema, seed: int, settings: ForestSettings, say: Say) -> Forest:
    """A forest for these examples.

    Args:
        data: The examples.
        schema: What their points mean.
        seed: What is drawn while growing.
        settings: The settings.
        say: Called with what is done now.
    """
    curves = TrainingCurves.of(schema, data.points)
    shares = _SHARES if settings.others is None else (settings.others,)
    parts = [(kind, share) for share in shares for kind in KINDS[settings.kind]]
    trees: list[Tree] = []
    for part, (kind, share) in enumerate(parts, 1):
        say(f"growing {kind} trees")
        wanted = settings.trees * part // len(parts) - len(trees)
        if wanted:
            model = _estimator(kind, wanted, len(data), seed + part - 1, settings)
            goals = _goals(data, schema, curves, share)
            trees += flatten(model.fit(data.rows, goals), data.rows)
    return assemble(trees, curves)


def grow_with(estimator: Any, data: TrainingData, schema: Schema) -> Forest:
    """A forest for these examples, grown by a ``RandomForestRegressor`` or ``ExtraTreesRegressor`` as it is.

    Its leaves must predict means, and its ``random_state`` must be set.
    """
    curves = TrainingCurves.of(schema, data.points)
    goals = _goals(data, schema, curves, _SHARES[0])
    return assemble(flatten(estimator.fit(data.rows, goals), data.rows), curves)


def _goals(data: TrainingData, schema: Schema, curves: TrainingCurves, share: float) -> Array:
    """What the trees are grown on: ``(example, goal)``.

    The target at the last fidelity counts most; its rank counts as much where it has extreme values, of which
    few would else decide every split.
    """
    target = data.points[schema.target]
    last = target.shape[1] - 1
    goals = [_scaled(target[:, -1])]
    if curves.has_extremes(schema.target):
        goals.append(_scaled(mean_ranks(target[:, -1])))
    early = [target[:, point] for point in dict.fromkeys((last // 10, last // 3)) if point < last]
    ends = [points[:, -1] for name, points in data.points.items() if name != schema.target]
    goals += [share * _scaled(column) for column in (*early, *ends)]
    rounded: Array = round_significant(np.array(goals).T, 10)
    return rounded[:, 0] if len(goals) == 1 else rounded  # scikit-learn wants a single one as a vector


def _scaled(column: Array) -> Array:
    """A column with mean 0 and deviation 1; what is unknown is 0."""
    known = np.isfinite(column)
    if not known.any() or not np.ptp(column[known]):
        return np.zeros(len(column))
    scale = float(np.abs(column[known]).max())  # squares of large values would be infinite
    small = np.where(known, column, 0.0) / scale
    centred = np.where(known, small - small[known].mean(), 0.0)
    deviation: Array = centred / np.sqrt(np.mean(centred[known] ** 2))
    return deviation


@dataclass(frozen=True)
class Tree:
    """One tree whose leaves hold examples; see :class:`Trees` and :class:`Forest`."""

    feature: Array
    threshold: Array
    right: Array
    sizes: Array
    members: Array
    counts: Array


def _estimator(kind: str, trees: int, examples: int, seed: int, settings: ForestSettings) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    return (ExtraTreesRegressor if kind == "extra" else RandomForestRegressor)(
        trees,
        min_samples_leaf=settings.min_samples_leaf,
        max_features=settings.max_features,
        random_state=seed % (1 << 32),
        n_jobs=-1 if examples >= _MANY else 1,
    )


def flatten(model: Any, rows: Array) -> list[Tree]:
    """The trees of a fitted forest of scikit-learn, with the examples that were drawn for them.

    Args:
        model: A ``RandomForestRegressor`` or ``ExtraTreesRegressor``, whose leaves are means.
        rows: The encoded configurations ``(example, feature)`` that it was fitted to.
    """
    leaves = model.apply(rows)
    drawn = model.estimators_samples_ if model.bootstrap else [np.arange(len(rows))] * len(model.estimators_)
    return [
        _flatten_tree(estimator.tree_, leaves[:, k], np.bincount(drawn[k], minlength=len(rows)))
        for k, estimator in enumerate(model.estimators_)
    ]


def _flatten_tree(tree: Any, leaves: Array, counts: Array) -> Tree:
    nodes = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    assert (tree.children_left[~leaf] == nodes[~leaf] + 1).all(), "scikit-learn numbers nodes depth first"
    used = np.flatnonzero(counts)
    order = used[np.argsort(leaves[used], kind="stable")]
    return Tree(
        feature=np.where(leaf, 0, tree.feature),
        threshold=np.where(leaf, np.float32(0), rounded_down(tree.threshold)),
        right=np.where(leaf, nodes, tree.children_right),
        sizes=np.bincount(leaves[used], minlength=tree.node_count),
        members=order,
        counts=counts[order],
    )


def assemble(trees: Sequence[Tree], curves: TrainingCurves) -> Forest:
    """A forest of these trees.

    Args:
        trees: The trees.
        curves: The curves of the examples that they were grown on.
    """
    starts = np.cumsum([0, *(len(tree.feature) for tree in trees)])[:-1]
    flat = Trees(
        starts,
        np.concatenate([tree.feature for tree in trees]),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate([tree.right + start for tree, start in zip(trees, starts, strict=True)]),
    )
    sizes, members, counts = (
        np.concatenate([getattr(tree, name) for tree in trees]) for name in ("sizes", "members", "counts")
    )
    return Forest(flat, sizes, members, counts, curves)
