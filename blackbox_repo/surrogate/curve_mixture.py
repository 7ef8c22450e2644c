"""Curves that are predicted as weighted means of training curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.schema import Objective
from blackbox_repo.surrogate.neighbour_weights import NeighbourWeights
from blackbox_repo.surrogate.training_data import TrainingData

_DIGITS = 6


class CurveMixture:
    """Predicts the curve of a configuration as the weighted mean of those of its neighbours.

    Args:
        data: The training data.
        neighbour_weights: Which examples are mixed, and the weight of each.
    """

    def __init__(self, data: TrainingData, neighbour_weights: NeighbourWeights) -> None:
        self._data, self._neighbour_weights = data, neighbour_weights

    def predict(self, row: Array, objectives: Sequence[Objective]) -> dict[str, Array]:
        """The values of each objective along the fidelity, or the one value of a constant objective.

        Args:
            row: An encoded configuration.
            objectives: Which to predict.
        """
        chosen, weights = self._neighbour_weights(row)
        shares = weights[:, np.newaxis]
        return {o.name: _mix(o, self._data.points[o.name][chosen], shares) for o in objectives}


def _mix(objective: Objective, values: Array, shares: Array) -> Array:
    known = np.isfinite(values)
    # along the first axis sums are added up one by one, on every machine
    with np.errstate(invalid="ignore"):
        mean = np.where(known, values * shares, 0.0).sum(axis=0) / (known * shares).sum(axis=0)
    rounded = round_significant(mean, _DIGITS)
    return np.maximum.accumulate(rounded) if objective.cumulative else rounded
