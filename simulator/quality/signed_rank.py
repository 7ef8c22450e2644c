"""Wilcoxon's exact signed-rank test of paired differences, and its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from blackbox_repo.curve import Array


@dataclass(frozen=True)
class SignedRank:
    """The result of the test.

    Args:
        estimate: The estimate of Hodges and Lehmann: the median of all averages of two differences.
        low: The lower end of the confidence interval; minus infinity if there are too few pairs.
        high: The upper end of the confidence interval; infinity if there are too few pairs.
        above: The p-value of differences above 0, if they are symmetric about 0.
        below: The p-value of differences below 0.
    """

    estimate: float
    low: float
    high: float
    above: float
    below: float

    @classmethod
    def of(cls, differences: Sequence[float], confidence: float = 0.95) -> SignedRank:
        """Test differences.

        Differences of 0 are left out of the p-values, as Wilcoxon does, and equal ones share their ranks.
        The p-values are exact in both cases; the interval is exact without ties, and wider with ties.

        Args:
            differences: At least one difference.
            confidence: The confidence of the interval.
        """
        values = np.sort(np.asarray(differences, dtype=np.float64))
        first, second = np.triu_indices(len(values))
        averages = np.sort((values[first] + values[second]) / 2)
        outside = _outside(len(values), (1 - confidence) / 2)
        return cls(
            estimate=float(np.median(averages)),
            low=-math.inf if outside is None else float(averages[outside]),
            high=math.inf if outside is None else float(averages[len(averages) - 1 - outside]),
            above=_probability(values),
            below=_probability(-values),
        )


def _outside(count: int, tail: float) -> int | None:
    """How many averages lie outside the interval on each side; ``None`` if not even all inside suffices."""
    total = 0.0
    for rank_sum, probability in enumerate(_without_ties(count).tolist()):
        total += probability
        if total > tail:
            return rank_sum - 1 if rank_sum else None
    raise AssertionError("all probabilities together are 1")


def _probability(values: Array) -> float:
    """That the rank sum of the positive ones is so large or larger by chance."""
    values = values[values != 0]
    if not len(values):
        return 1.0
    _, inverse, counts = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(counts) - counts + 1)[inverse.reshape(-1)]  # twice the mean rank of equal ones
    found = int(doubled[values > 0].sum())
    if len(counts) == len(values):
        return min(math.fsum(_without_ties(len(values))[found // 2 :].tolist()), 1.0)
    return min(math.fsum(_distribution(doubled)[found:].tolist()), 1.0)


@lru_cache(maxsize=64)
def _without_ties(count: int) -> Array:
    return _distribution(np.arange(1, count + 1))


def _distribution(ranks: Array) -> Array:
    """Probability of each sum, from 0 up, of ranks that each count or do not, with probability 1/2."""
    chance = np.zeros(int(ranks.sum()) + 1)
    chance[0] = 1.0
    top = 0
    for rank in ranks.tolist():
        chance[: top + rank + 1] = (
            chance[: top + rank + 1] + np.concatenate([np.zeros(rank), chance[: top + 1]])
        ) / 2
        top += rank
    return chance
