"""How well a surrogate predicts configurations of its table that it was not fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.permutation import Permutation
from blackbox_repo.surrogate.curve_mixture import CurveMixture
from blackbox_repo.surrogate.neighbour_weights import MODELS, model_version, ranks
from blackbox_repo.surrogate.training_data import TrainingData

FOLDS = 5
AT_MOST = 2000


@dataclass(frozen=True)
class Quality:
    """How well one objective is predicted at the last fidelity.

    Args:
        objective: Its name.
        r2: The coefficient of determination: 1 is exact, 0 as good as the mean.
        rank_correlation: Spearman's rank correlation. Both are ``None`` where all values are equal.
    """

    objective: str
    r2: float | None
    rank_correlation: float | None


def surrogate_quality(blackbox: Blackbox, model: str = "knn", *, seed: int = 0) -> list[Quality]:
    """Five-fold cross-validation of :func:`~blackbox_repo.views.fitted.with_surrogate`.

    The configurations of each fold are predicted from all others. Of a table with more than 2,000
    configurations, 2,000 are drawn and predicted; every fold learns from the rest.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What the model needs is not installed.
    """
    model_version(model)
    data = TrainingData.of(blackbox)
    drawn = Permutation(len(data), seed, "surrogate").block(0, len(data))
    folds = [np.array(sorted(drawn[:AT_MOST][fold::FOLDS]), dtype=np.intp) for fold in range(FOLDS)]
    objectives = blackbox.schema.objectives
    found: dict[str, list[float]] = {objective.name: [] for objective in objectives}
    for fold in folds:
        known = data.take(np.setdiff1d(np.arange(len(data)), fold))
        surrogate = CurveMixture(known, MODELS[model](known, seed))
        for row in data.rows[fold]:
            for name, values in surrogate.predict(row, objectives).items():
                found[name].append(float(values[-1]))
    tested = np.concatenate(folds)
    return [
        _quality(name, data.points[name][tested, -1], np.array(found[name]))
        for name in (objective.name for objective in objectives)
    ]


def _quality(name: str, true: Array, predicted: Array) -> Quality:
    both = np.isfinite(true) & np.isfinite(predicted)
    true, predicted = true[both], predicted[both]
    if not len(true) or not np.ptp(true):
        return Quality(name, None, None)
    r2 = 1 - np.sum((true - predicted) ** 2) / np.sum((true - true.mean()) ** 2)
    of_ranks = np.corrcoef(ranks(true), ranks(predicted))[0, 1] if np.ptp(predicted) else 0.0
    return Quality(name, float(r2), float(of_ranks))
