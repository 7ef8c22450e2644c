"""Rungs of successive halving: the trials at one fidelity, and which of them are good enough to continue."""

from __future__ import annotations

import math
from fractions import Fraction
from heapq import heappop, heappush


class QuantileRung:
    """The losses on a rung and their quantile, updated in O(log n) for n losses; NaN is left out.

    Losses are only ever added, so the position of the quantile only moves up. Two heaps hold the losses up to
    and including the lower neighbour of the quantile, and the losses above it. Positions are calculated in
    whole numbers and fractions, never rounded.

    Args:
        quantile: The order of the quantile, between 0 and 1.
    """

    def __init__(self, quantile: Fraction) -> None:
        self._part, self._whole = quantile.numerator, quantile.denominator
        self._below: list[float] = []  # negated, so that the largest comes first
        self._above: list[float] = []

    def __len__(self) -> int:
        return len(self._below) + len(self._above)

    def insert(self, loss: float) -> None:
        """Add a loss, unless it is NaN."""
        if math.isnan(loss):
            return
        below, above = self._below, self._above
        if below and loss < -below[0]:
            heappush(below, -loss)
        else:
            heappush(above, loss)
        wanted = (len(below) + len(above) - 1) * self._part // self._whole + 1
        if len(below) < wanted:
            heappush(below, -heappop(above))
        elif len(below) > wanted:
            heappush(above, -heappop(below))

    def admits(self, loss: float) -> bool:
        """Whether a loss of the rung is at most the quantile; NaN is not.

        No loss lies between the quantile and its lower neighbour, so it is enough to compare with that
        neighbour, and nothing has to be interpolated. An equivalent rule: of n losses at most
        (n - 1) * quantile are smaller.
        """
        return bool(self._below) and loss <= -self._below[0]

    def threshold(self) -> float:
        """The quantile as ``numpy.quantile`` gives it, interpolated linearly between its neighbours."""
        low, high, share = self._neighbours()
        if low == high or share == 0 or low == -math.inf:
            return low
        if high == math.inf:
            return high
        if high - low == math.inf:  # the difference of two finite losses overflows
            return low * (1 - share) + high * share
        # numpy's arithmetic: linear interpolation from the nearer neighbour
        return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share

    def is_below(self, loss: float) -> bool:
        """Whether the quantile is smaller than a loss.

        A quantile between a number and infinity is taken for a number: it is smaller than infinity only.
        """
        if loss <= -self._below[0]:
            return False  # the quantile is at least its lower neighbour
        low, high, share = self._neighbours()
        if low < high == math.inf and share:
            return loss == math.inf
        return loss > self.threshold()

    def _neighbours(self) -> tuple[float, float, float]:
        """The losses next to the quantile, and how far it is from the lower to the upper one, from 0 to 1."""
        low = -self._below[0]
        share = (len(self) - 1) * self._part % self._whole / self._whole
        return low, self._above[0] if self._above else low, share


class PromotionRung:
    """The trials on a rung, of which the best ones, up to a share of all, may be promoted once each.

    A trial whose loss is NaN is not counted and not promoted. Of trials with equal losses the one with the
    lower number is better.

    Args:
        share: The share of the trials on the rung that may be promoted, below 1.
    """

    def __init__(self, share: Fraction) -> None:
        self._part, self._whole = share.numerator, share.denominator
        self._best: list[tuple[float, int]] = []  # losses and numbers, negated: the worst of the best first
        self._others: list[tuple[float, int]] = []
        self._promotable: list[tuple[float, int]] = []
        self._promoted: set[int] = set()

    def insert(self, loss: float, trial: int) -> None:
        """Add a trial that has reached the rung, unless its loss is NaN."""
        if math.isnan(loss):
            return
        entry = loss, trial
        if self._best and entry < self._worst_of_best():
            self._enter_best(entry)
        else:
            heappush(self._others, entry)
        allowed = (len(self._best) + len(self._others)) * self._part // self._whole
        if len(self._best) < allowed:
            self._enter_best(heappop(self._others))
        elif len(self._best) > allowed:
            heappush(self._others, self._worst_of_best())
            heappop(self._best)

    def promote(self) -> int | None:
        """Take the best trial that may be promoted and has not been; ``None`` if there is none."""
        while self._promotable:
            entry = heappop(self._promotable)
            # an entry that is no longer among the best is dropped; if it returns, it is entered again
            if entry[1] not in self._promoted and self._best and entry <= self._worst_of_best():
                self._promoted.add(entry[1])
                return entry[1]
        return None

    def withdraw(self, trial: int) -> None:
        """Never promote a trial; it still counts as one of the trials on the rung."""
        self._promoted.add(trial)

    def _enter_best(self, entry: tuple[float, int]) -> None:
        heappush(self._best, (-entry[0], -entry[1]))
        heappush(self._promotable, entry)

    def _worst_of_best(self) -> tuple[float, int]:
        loss, trial = self._best[0]
        return -loss, -trial
