"""Which examples a configuration resembles, and how much: what a surrogate's curves are mixed of.

Mixing whole curves keeps what curves have: a time that does not run backwards, objectives that fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.surrogate.training_data import Examples

Resemblance: TypeAlias = Callable[[Array], tuple[Array, Array]]
"""An encoded configuration -> examples, and their weights, which are positive and sum up to 1."""

NEIGHBOURS = 5
TREES = 100


def knn(examples: Examples, seed: int = 0) -> Resemblance:
    """The nearest examples, and those as near as the last of them, weighted by inverse distance."""
    del seed  # nothing is drawn
    columns = np.ascontiguousarray(examples.rows.T)
    count = min(NEIGHBOURS, len(examples))

    def resembling(row: Array) -> tuple[Array, Array]:
        squares = np.zeros(len(examples))
        for column, place in zip(columns, row.tolist(), strict=True):
            squares += (column - place) ** 2  # in this order: a sum along an axis differs by machine
        squares = np.round(squares, 12)
        near = np.flatnonzero(squares <= np.partition(squares, count - 1)[count - 1])
        weights = 1 / np.sqrt(np.maximum(squares[near], 1e-12))
        return near, weights / sum(weights.tolist())

    return resembling


def forest(examples: Examples, seed: int = 0) -> Resemblance:
    """The examples that share leaves with the configuration in a random forest (Breiman, 2001).

    The trees are scikit-learn's, grown on the ranks of all objectives at a tenth, a third and the end of the
    curves. Every example in a leaf counts alike, whatever was drawn for the tree.

    """
    from sklearn.ensemble import RandomForestRegressor

    from blackbox_repo.surrogate.flat_forest import FlatForest

    model = RandomForestRegressor(TREES, max_features=1 / 2, min_samples_leaf=2, random_state=seed, n_jobs=1)
    model.fit(examples.rows, _summaries(examples))
    return FlatForest.of(model, examples.rows).resembling


def _summaries(examples: Examples) -> Array:
    columns = []
    for values in examples.points.values():
        last = values.shape[1] - 1
        columns += [values[:, point] for point in dict.fromkeys((last // 10, last // 3, last))]
    ranked = [ranks(column) for column in columns if len(set(column[np.isfinite(column)].tolist())) > 1]
    summaries: Array = np.array(ranked or [np.zeros(len(examples))]).T
    return np.squeeze(summaries)  # scikit-learn wants a single one as a vector


def ranks(column: Array) -> Array:
    """The ranks of numbers, equal ones with the mean of theirs; NaN after all others."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    ends: Array = np.cumsum(counts)
    means: Array = (ends - (counts - 1) / 2)[place]
    return means


MODELS: Mapping[str, Callable[[Examples, int], Resemblance]] = {"knn": knn, "forest": forest}


def model_version(model: str) -> str:
    """The model's name, and the version of the library that makes it.

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
