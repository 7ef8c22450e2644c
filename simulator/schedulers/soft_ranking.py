"""Whether two rungs rank their trials alike, up to the noise of the curves (Bohdal et al., ICLR 2023)."""

from __future__ import annotations

import math
from array import array
from bisect import bisect
from collections import deque
from fractions import Fraction

import numpy as np

from simulator.schedulers.rungs import QuantileRung

PARTNERS = 100
"""The curve of a new trial is compared with those of so many trials that came just before it."""


class SoftRanking:
    """The trials on a rung, ranked by their losses on it and by those on the rung below.

    Args:
        epsilon: The largest difference in loss for which two trials count as equal, until the curves of
            trials give another estimate of their noise.
    """

    def __init__(self, epsilon: float = 0.0) -> None:
        self.epsilon = epsilon
        self._losses = array("d")  # on this rung, ascending
        self._below_as_here = array("d")  # the losses on the rung below, in that order
        self._below = array("d")  # the same, ascending
        self._noise = QuantileRung(Fraction(9, 10))
        self._partners: deque[list[float]] = deque(maxlen=PARTNERS)

    def add(self, below: float, curve: list[float]) -> bool:
        """Add a trial and tell whether the two rankings agree then.

        They agree if at every rank the two trials differ by at most epsilon in their losses on the rung
        below. A trial that is NaN on one of the two rungs is not added.

        Args:
            below: The loss of the trial on the rung below.
            curve: All losses of the trial up to this rung, as many as those of every other trial here.
        """
        if not any(map(math.isnan, curve)):
            self._estimate_epsilon(curve)
        if math.isnan(below) or math.isnan(curve[-1]):
            return True
        rank = bisect(self._losses, curve[-1])
        self._losses.insert(rank, curve[-1])
        self._below_as_here.insert(rank, below)
        self._below.insert(bisect(self._below, below), below)
        # linear in the number of trials, at about a nanosecond each
        with np.errstate(invalid="ignore", over="ignore"):  # two infinite losses count as equal
            apart = np.abs(np.frombuffer(self._below_as_here) - np.frombuffer(self._below))
        return not (apart > self.epsilon).any()

    def _estimate_epsilon(self, curve: list[float]) -> None:
        """Estimate the noise from the differences between trials whose curves crossed twice or more."""
        if self._partners and len(curve) > 2:
            others = np.array(self._partners)
            higher = np.array(curve) > others
            crossings = (higher[:, 1:] != higher[:, :-1]).sum(axis=1)
            for other in others[crossings > 1, -1].tolist():
                if abs(curve[-1] - other) < np.inf:
                    self._noise.insert(abs(curve[-1] - other))
        self._partners.append(curve[:])
        if len(self._noise):
            self.epsilon = self._noise.threshold()
