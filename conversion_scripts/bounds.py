"""The values that an objective can have at all, whatever was trained: no error is negative."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from blackbox_repo.curve import Array


@dataclass(frozen=True)
class Bounds:
    """The smallest and the largest value that an objective can have.

    Args:
        least: The smallest possible value.
        most: The largest possible value.
        beyond: Whether values must be above ``least``, rather than at least that.
    """

    least: float = -math.inf
    most: float = math.inf
    beyond: bool = False

    def __str__(self) -> str:
        lower = f"{'above' if self.beyond else 'at least'} {self.least:g}"
        return lower if self.most == math.inf else f"{lower} and at most {self.most:g}"

    def outside(self, values: Array) -> Array:
        """A mask of the values that lie outside; NaN does not."""
        low = values <= self.least if self.beyond else values < self.least
        return np.asarray(low | (values > self.most))


AT_LEAST_0 = Bounds(0.0)
ABOVE_0 = Bounds(0.0, beyond=True)
FRACTION = Bounds(0.0, 1.0)
PERCENT = Bounds(0.0, 100.0)
COUNT = Bounds(1.0)
