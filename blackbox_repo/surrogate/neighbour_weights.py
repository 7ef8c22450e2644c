"""Which training examples a predicted curve is mixed from, and the weight of each.

A mean of whole curves has what each of them has: elapsed time never decreases, and objectives fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.surrogate.training_data import TrainingData

NeighbourWeights: TypeAlias = Callable[[Array], tuple[Array, Array]]
"""An encoded configuration -> the indices of examples, and their weights, which are positive and sum to 1."""

NEIGHBOURS = 5
TREES = 100


def knn(data: TrainingData, seed: int = 0) -> NeighbourWeights:
    """The 5 nearest examples, with all that are as near as the fifth, weighted by inverse distance."""
    del seed  # nothing is drawn
    columns = np.ascontiguousarray(data.rows.T)
    count = min(NEIGHBOURS, len(data))

    def weigh(row: Array) -> tuple[Array, Array]:
        squares = np.zeros(len(data))
        for column, coordinate in zip(columns, row.tolist(), strict=True):
            squares += (column - coordinate) ** 2  # in this order: a sum along an axis differs by machine
        squares = np.round(squares, 12)
        near = np.flatnonzero(squares <= np.partition(squares, count - 1)[count - 1])
        weights = 1 / np.sqrt(np.maximum(squares[near], 1e-12))
        return near, weights / sum(weights.tolist())

    return weigh


def forest(data: TrainingData, seed: int = 0) -> NeighbourWeights:
    """The examples that share leaves with the configuration in a random forest (Breiman, 2001).

    The trees are those of scikit-learn. They are grown on the ranks of all objectives at a tenth, a third and
    the end of the curves. All examples in a leaf count alike, whether or not the tree's bootstrap drew them.
    """
    from sklearn.ensemble import RandomForestRegressor

    from blackbox_repo.surrogate.flat_forest import FlatForest

    model = RandomForestRegressor(TREES, max_features=1 / 2, min_samples_leaf=2, random_state=seed, n_jobs=1)
    model.fit(data.rows, _summaries(data))
    return FlatForest.of(model, data.rows).neighbour_weights


def _summaries(data: TrainingData) -> Array:
    """What the trees are grown on: ``(example, summary)``."""
    columns = []
    for values in data.points.values():
        last = values.shape[1] - 1
        columns += [values[:, point] for point in dict.fromkeys((last // 10, last // 3, last))]
    ranked = [ranks(column) for column in columns if len(set(column[np.isfinite(column)].tolist())) > 1]
    summaries: Array = np.array(ranked or [np.zeros(len(data))]).T
    return np.squeeze(summaries)  # scikit-learn wants a single one as a vector


def ranks(column: Array) -> Array:
    """The ranks of numbers; equal numbers share their mean rank, and NaN comes after all others."""
    _, index, counts = np.unique(column, return_inverse=True, return_counts=True)
    ends: Array = np.cumsum(counts)
    means: Array = (ends - (counts - 1) / 2)[index]
    return means


MODELS: Mapping[str, Callable[[TrainingData, int], NeighbourWeights]] = {"knn": knn, "forest": forest}


def model_version(model: str) -> str:
    """The model's name, with the version of the library that fits it.

    Raises:
        UnknownName: There is no such model.
        InvalidOption: The library is not installed.
    """
    if model not in MODELS:
        raise UnknownName("surrogate", model, MODELS)
    if model == "knn":
        return model
    try:
        import sklearn
    except ImportError as err:
        raise InvalidOption(
            f"the surrogate {model!r} needs scikit-learn, which cannot be imported ({err}); install it with "
            f"pip install 'blackbox-repo[surrogates]', or take 'knn'"
        ) from err
    return f"{model} of scikit-learn {sklearn.__version__}"
