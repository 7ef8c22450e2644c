"""Rungs of successive halving: where they lie, and who is good enough on them."""

from __future__ import annotations

import heapq
import math

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity


def rung_levels(fidelity: Fidelity, r_min: float | None, eta: float) -> tuple[float, ...]:
    """The fidelities at which trials are compared: at or next above r_min * eta^j, all below the largest.

    Args:
        fidelity: The resource axis.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        eta: How much more a trial gets on the next rung.

    Raises:
        InvalidOption: ``eta`` is not above 1, or ``r_min`` not above 0.
    """
    if isinstance(eta, bool) or not isinstance(eta, int | float) or not 1 < eta < math.inf:
        raise InvalidOption(f"eta is {eta!r}, but must be a number above 1")
    positive = [value for value in fidelity.values if value > 0] or [1]
    if r_min is None:
        r_min = positive[0]
    if isinstance(r_min, bool) or not isinstance(r_min, int | float) or not 0 < r_min < math.inf:
        raise InvalidOption(f"r_min is {r_min!r}, but must be a number above 0")
    whole = all(isinstance(value, int) for value in positive)
    levels: dict[float, None] = {}
    wanted: float = r_min
    while wanted < positive[-1]:
        target = round(wanted) if whole else wanted
        level = next(value for value in positive if value >= target)
        if level < positive[-1]:
            levels[level] = None
        wanted *= eta
    return tuple(levels)


class QuantileRung:
    """The losses on a rung, and their quantile as ``numpy.quantile`` gives it, in O(log n) an insertion.

    The position of the quantile only moves up as the rung grows, so two heaps suffice: the losses up to and
    including the lower neighbour of the quantile, and those above.

    Args:
        quantile: Which one, between 0 and 1.
    """

    def __init__(self, quantile: float) -> None:
        self._quantile = quantile
        self._below: list[float] = []  # negated: the largest first
        self._above: list[float] = []

    def __len__(self) -> int:
        return len(self._below) + len(self._above)

    def insert(self, loss: float) -> None:
        """Add a loss."""
        if self._below and loss < -self._below[0]:
            heapq.heappush(self._below, -loss)
        else:
            heapq.heappush(self._above, loss)
        wanted = math.floor((len(self) - 1) * self._quantile) + 1
        while len(self._below) < wanted:
            heapq.heappush(self._below, -heapq.heappop(self._above))
        while len(self._below) > wanted:
            heapq.heappush(self._above, -heapq.heappop(self._below))

    def threshold(self) -> float:
        """The quantile, interpolated linearly between its neighbours."""
        low = -self._below[0]
        high = self._above[0] if self._above else low
        position = (len(self) - 1) * self._quantile
        share = position - math.floor(position)
        if low == high or share == 0 or low == -math.inf:
            return low
        if high == math.inf:
            return high
        # the arithmetic of numpy's linear interpolation, from the nearer neighbour
        return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


class PromotionRung:
    """The trials on a rung; the best ones, as many as the share allows, may be promoted once each.

    Args:
        share: Of all trials on the rung, how many may go on.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._count = 0
        self._top: list[tuple[float, int]] = []  # the best ones, negated: the worst of them first
        self._rest: list[tuple[float, int]] = []
        self._promotable: list[tuple[float, int]] = []
        self._promoted: set[int] = set()

    def insert(self, loss: float, trial: int) -> None:
        """A trial has reached the rung."""
        self._count += 1
        if self._top and (loss, trial) < self._worst_of_top():
            self._enter(loss, trial)
        else:
            heapq.heappush(self._rest, (loss, trial))
        # the share is rounded before it is cut: 3 * (1/3) is one trial
        allowed = math.floor(round(self._count * self._share, 9))
        while len(self._top) < allowed:
            self._enter(*heapq.heappop(self._rest))
        while len(self._top) > allowed:
            heapq.heappush(self._rest, self._worst_of_top())
            heapq.heappop(self._top)

    def promote(self) -> int | None:
        """The best trial that may be promoted and was not yet, or ``None``."""
        while self._promotable:
            entry = heapq.heappop(self._promotable)
            # one that was pushed out of the best since is entered again when it comes back
            if entry[1] not in self._promoted and self._top and entry <= self._worst_of_top():
                self._promoted.add(entry[1])
                return entry[1]
        return None

    def withdraw(self, trial: int) -> None:
        """A trial cannot be promoted any more; on the rung it still counts."""
        self._promoted.add(trial)

    def _enter(self, loss: float, trial: int) -> None:
        heapq.heappush(self._top, (-loss, -trial))
        heapq.heappush(self._promotable, (loss, trial))

    def _worst_of_top(self) -> tuple[float, int]:
        loss, trial = self._top[0]
        return -loss, -trial
