"""Growing forests with scikit-learn: which kind of trees, and what they are grown on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.permutation import Permutation
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.forest import Forest
from blackbox_repo.surrogate.metrics import mean_ranks, r2, spearman
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.settings import check_names, choice
from blackbox_repo.surrogate.training_curves import TrainingCurves
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.surrogate.trees import Trees, rounded_down

KINDS = ("random", "extra", "half")
TREES = 100
_SHARES = (0.1, 0.3)
_TRIAL_TREES, _TRIAL_FOLDS, _TRIAL_ROWS = 50, 3, 1500
_FEWEST = 12  # examples with which kinds are compared
_MANY = 4000  # examples from which on several threads are used


@dataclass(frozen=True)
class ForestSettings:
    """The settings of a forest.

    Args:
        trees: The number of trees.
        kind: ``"random"`` trees (Breiman, 2001), ``"extra"`` trees (Geurts et al., 2006), ``"half"`` of each;
            or ``"best"``: the best of the three in a cross-validation of the target.
        others: What the other objectives, and the beginning of the target's curve, count beside the target at
            the last fidelity when a tree splits; ``None`` for the better of 0.1 and 0.3.
        min_samples_leaf: The fewest examples in a leaf.
        max_features: The share of the features among which each split is chosen.
    """

    trees: int = TREES
    kind: str = "best"
    others: float | None = None
    min_samples_leaf: int = 1
    max_features: float = 1.0

    @classmethod
    def of(cls, settings: Mapping[str, Any], kind: str = "best") -> ForestSettings:
        """Checked settings by name.

        Raises:
            InvalidOption: One is unknown or out of range.
        """
        check_names("forest", settings, cls.__dataclass_fields__)
        given = cls(**{"kind": kind, **settings})
        whole("trees", given.trees, 1, 10_000)
        whole("min_samples_leaf", given.min_samples_leaf, 1)
        number("max_features", given.max_features, 0.0, 1.0, above=0.0)
        choice("kind", given.kind, (*KINDS, "best"))
        if given.others is not None:
            number("others", given.others, 0.0)
        return given


def grow(data: TrainingData, schema: Schema, seed: int, settings: ForestSettings, say: Say) -> Forest:
    """A forest for these examples.

    Args:
        data: The examples.
        schema: What their points mean.
        seed: What is drawn while growing.
        settings: The settings.
        say: Called with what is done now.
    """
    kinds = KINDS if settings.kind == "best" else (settings.kind,)
    shares = _SHARES if settings.others is None else (settings.others,)
    choices = [(kind, share) for kind in kinds for share in shares]
    if len(choices) > 1 and len(data) >= _FEWEST:
        say("comparing kinds of trees")
        choices = _best_first(choices, data, schema, seed, settings)
        say("growing the best kind of trees")
    kind, share = choices[0]
    curves = TrainingCurves.of(schema, data.points)
    trees = _grow_kind(kind, data.rows, _goals(data, schema, curves, share), seed, settings)
    return assemble(trees, curves, {"trees": kind, "others": share})


def _best_first(
    choices: Sequence[tuple[str, float]],
    data: TrainingData,
    schema: Schema,
    seed: int,
    settings: ForestSettings,
) -> list[tuple[str, float]]:
    """The choices, best first by rank correlation and R2 of the target in a cross-validation."""
    drawn = np.array(Permutation(len(data), seed, "kinds of trees").block(0, _TRIAL_ROWS), dtype=np.intp)
    trial = replace(settings, trees=min(settings.trees, _TRIAL_TREES))
    predicted = {each: np.empty(len(drawn)) for each in choices}
    for fold in range(_TRIAL_FOLDS):
        asked = np.arange(fold, len(drawn), _TRIAL_FOLDS)
        known = data.take(np.sort(np.delete(drawn, asked)))
        curves = TrainingCurves.of(schema, known.points)
        for share in dict.fromkeys(share for _, share in choices):
            goals = _goals(known, schema, curves, share)
            grown: dict[str, list[Tree]] = {}
            for kind in (kind for kind, of in choices if of == share):
                trees = _grow_kind(kind, known.rows, goals, seed, trial, grown)
                found = assemble(trees, curves, {}).predict(data.rows[drawn[asked]])
                predicted[kind, share][asked] = found[schema.target][:, -1]
    true = data.points[schema.target][drawn, -1]
    return sorted(choices, key=lambda each: -_score(true, predicted[each]))


def _score(true: Array, predicted: Array) -> float:
    known = np.isfinite(true) & np.isfinite(predicted)
    true, predicted = true[known], predicted[known]
    if not len(true) or not np.ptp(true):
        return 0.0
    return spearman(true, predicted) + max(r2(true, predicted), -1.0)


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
    return round_significant(np.array(goals).T, 10)


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


def _grow_kind(
    kind: str,
    rows: Array,
    goals: Array,
    seed: int,
    settings: ForestSettings,
    grown: dict[str, list[Tree]] | None = None,
) -> list[Tree]:
    grown = {} if grown is None else grown
    for each in ("random", "extra") if kind == "half" else (kind,):
        if each not in grown:
            grown[each] = flatten(_fit(each, rows, goals, seed, settings), rows)
    if kind != "half":
        return grown[kind]
    half = settings.trees // 2
    return [*grown["random"][: settings.trees - half], *grown["extra"][:half]]


def _fit(kind: str, rows: Array, goals: Array, seed: int, settings: ForestSettings) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    model = (ExtraTreesRegressor if kind == "extra" else RandomForestRegressor)(
        settings.trees,
        min_samples_leaf=settings.min_samples_leaf,
        max_features=settings.max_features,
        random_state=seed % (1 << 32),
        n_jobs=-1 if len(rows) >= _MANY else 1,
    )
    return model.fit(rows, np.squeeze(goals, axis=1) if goals.shape[1] == 1 else goals)


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


def assemble(trees: Sequence[Tree], curves: TrainingCurves, details: Mapping[str, Any]) -> Forest:
    """A forest of these trees.

    Args:
        trees: The trees.
        curves: The curves of the examples that they were grown on.
        details: What the growing chose.
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
    return Forest(flat, sizes, members, counts, curves, details)
