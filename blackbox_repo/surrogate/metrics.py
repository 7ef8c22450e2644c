"""Figures of how well predictions agree with true values.

Sums are exact before they are rounded, so the figures are the same on every machine.
"""

from __future__ import annotations

import math
import statistics

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.rounding import significant

DIGITS = 4
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LEAST_TOP = 10


def mean_ranks(values: Array) -> Array:
    """The ranks of numbers from 1 up; equal numbers share their mean rank, and NaN comes after all others."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends: Array = np.cumsum(counts)
    ranks: Array = (ends - (counts - 1) / 2)[index]
    return ranks


def r2(true: Array, predicted: Array) -> float:
    """The coefficient of determination: 1 for exact predictions, 0 for the mean; ``true`` must vary."""
    mean = math.fsum(true.tolist()) / len(true)
    residual = math.fsum(((true - predicted) ** 2).tolist())
    return significant(1 - residual / math.fsum(((true - mean) ** 2).tolist()), DIGITS)


def mean_absolute_error(true: Array, predicted: Array) -> float:
    """The mean absolute error, in the unit of the values."""
    return significant(math.fsum(np.abs(true - predicted).tolist()) / len(true), DIGITS)


def spearman(true: Array, predicted: Array) -> float:
    """Spearman's rank correlation, 0 where either side does not vary."""
    doubled = [(2 * mean_ranks(side)).astype(np.int64) - (len(side) + 1) for side in (true, predicted)]
    squares = [int((side**2).sum()) for side in doubled]
    product = int((doubled[0] * doubled[1]).sum())
    return significant(product / math.sqrt(squares[0] * squares[1]), DIGITS) if all(squares) else 0.0


def kendall(true: Array, predicted: Array) -> float:
    """Kendall's tau-b (1945), 0 where either side does not vary; in O(n log n) as Knight (1966) counts it."""
    order = np.lexsort((predicted, true))
    first, second = _places(true)[order], _places(predicted)[order]
    pairs = len(true) * (len(true) - 1) // 2
    tied, tied_too = _tied_pairs(first), _tied_pairs(second)
    both = _tied_pairs(first * (len(true) + 1) + second)
    agreeing = pairs - tied - tied_too + both - 2 * _inversions(second)
    known = (pairs - tied) * (pairs - tied_too)
    return significant(agreeing / math.sqrt(known), DIGITS) if known else 0.0


def _places(values: Array) -> Array:
    """The place of each value among the different ones, from 0 up."""
    places: Array = np.unique(values, return_inverse=True)[1]
    return places


def _tied_pairs(values: Array) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(places: Array) -> int:
    """The pairs of which the first is the larger, counted at the highest bit that they differ in."""
    found = 0
    for bit in range(int(places.max(initial=0)).bit_length()):
        groups = places >> (bit + 1)
        order = np.argsort(groups, kind="stable")
        ones = (places[order] >> bit) & 1
        before = np.cumsum(ones) - ones
        starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
        sizes = np.diff(starts, append=len(places))
        within = before - np.repeat(before[starts], sizes)
        found += int(within[ones == 0].sum())
    return found


def top_count(examples: int) -> int:
    """How many examples count as the best: 1 %, but at least 10, or a tenth of fewer than 100."""
    return max(math.ceil(examples / 100), min(_LEAST_TOP, math.ceil(examples / 10)))


def top_overlap(true_losses: Array, predicted_losses: Array) -> float:
    """The share of the :func:`top_count` best by prediction that are among as many best by truth.

    Of equal true losses all count as among the best; of equal predictions the first are taken.
    """
    count = top_count(len(true_losses))
    chosen = np.argsort(predicted_losses, kind="stable")[:count]
    worst = np.sort(true_losses)[count - 1]
    return significant(int((true_losses[chosen] <= worst).sum()) / count, DIGITS)


def ratio_quantiles(true: Array, predicted: Array) -> tuple[float, ...]:
    """The ``QUANTILES`` of predicted / true, over the examples whose true value is above 0; none without."""
    above = true > 0
    ratios = np.sort(predicted[above] / true[above])
    if not len(ratios):
        return ()
    return tuple(significant(float(ratios[_place(share, len(ratios))]), DIGITS) for share in QUANTILES)


def _place(share: float, count: int) -> int:
    """The nearest rank: no value is made up between two."""
    return max(math.ceil(share * count) - 1, 0)


def seed_spread(values: Array) -> float | None:
    """The standard deviation over the seeds of a configuration: its median over the configurations.

    A mean would be that of the few configurations some of whose trainings fail.

    Args:
        values: ``(configuration, seed)``; what is not finite does not count.

    Returns:
        In the unit of the values; ``None`` if no configuration has two values.
    """
    known = [[value for value in row if math.isfinite(value)] for row in values.tolist()]
    spreads = [_deviation(row) for row in known if len(row) > 1]
    return significant(statistics.median(spreads), DIGITS) if spreads else None


def _deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
