"""Rungs of successive halving: where they lie, and who is good enough on them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from fractions import Fraction

from blackbox_repo.errors import InvalidOption, UnknownFidelity
from blackbox_repo.numeric.scalars import number
from blackbox_repo.schema import Fidelity
from simulator.schedulers.exact import fraction

MAX_POWERS = 10_000
"""Of an ``eta`` so near to 1 that more of its powers lie on the way, nearly every fidelity is a rung."""


def goals(
    fidelity: Fidelity, eta: float, r_min: float | None = None, rungs: Sequence[float] | None = None
) -> list[float]:
    """The rungs, and at the end the largest fidelity: those of :func:`rung_levels`, or those given.

    Args:
        fidelity: The resource axis.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs themselves, in the place of ``r_min`` and the powers of ``eta``.

    Raises:
        InvalidOption: ``eta`` is not above 1; ``r_min`` is not above 0 or leaves no rung below the largest
            fidelity; ``rungs`` are not fidelities between 0 and the largest, ascending; both are given.
    """
    if rungs is None:
        return [*rung_levels(fidelity, r_min, eta), fidelity.values[-1]]
    if r_min is not None:
        raise InvalidOption(f"r_min is {r_min!r} and rungs is {rungs!r}, but only one of them may be given")
    number("eta", eta, above=1)
    return [*_given(fidelity, rungs), fidelity.values[-1]]


def _given(fidelity: Fidelity, rungs: object) -> list[float]:
    above = "above 0 and " if fidelity.values[0] == 0 else ""  # 0 is no part of any other fidelity
    below = f"fidelities of {fidelity.describe()} {above}below the largest, ascending"
    if isinstance(rungs, str) or not isinstance(rungs, Sequence) or not rungs:
        raise InvalidOption(f"rungs is {rungs!r}, but must be a list of {below}")
    try:
        positions = [fidelity.index(level) for level in rungs]
    except UnknownFidelity as err:
        raise InvalidOption(f"rungs is {list(rungs)!r}, but must be {below}: {err}") from err
    found = [fidelity.values[position] for position in positions]
    if found != sorted(set(found)) or not 0 < found[0] <= found[-1] < fidelity.values[-1]:
        raise InvalidOption(f"rungs is {list(rungs)!r}, but must be {below}")
    return found


def rung_levels(fidelity: Fidelity, r_min: float | None, eta: float) -> tuple[float, ...]:
    """The fidelities at which trials are compared: at or next above r_min * eta^j, all below the largest.

    The powers are calculated without rounding (``exact.py``), of ``r_min`` and ``eta`` as they are written.
    A fidelity that is the next one above several powers is one rung.

    Args:
        fidelity: The resource axis.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        eta: How much more a trial gets on the next rung.

    Raises:
        InvalidOption: ``eta`` is not above 1, or ``r_min`` not above 0 or so large that no rung is left.
    """
    number("eta", eta, above=1)
    if r_min is not None:
        number("r_min", r_min, above=0)
    positive = [value for value in fidelity.values if value > 0]
    if len(positive) < 2:
        return ()
    levels = _at_or_next_above(fidelity, fraction(positive[0] if r_min is None else r_min), eta)
    if not levels:
        raise InvalidOption(
            f"r_min is {r_min!r}, but must leave a rung below the largest fidelity: at most "
            f"{fidelity.name}={positive[-2]} of {fidelity.describe()}"
        )
    return levels


def _at_or_next_above(fidelity: Fidelity, wanted: Fraction, eta: float) -> tuple[float, ...]:
    largest, factor, levels = fidelity.values[-1], fraction(eta), dict[float, None]()
    if wanted < largest and math.log(largest) - math.log(wanted) > MAX_POWERS * math.log(eta):
        raise InvalidOption(
            f"eta is {eta!r}, but must be so far above 1 that there are at most {MAX_POWERS} of its powers "
            f"up to {fidelity.name}={largest}; rungs can be given one by one instead"
        )
    while wanted < largest:
        position = fidelity.index_at_or_above(wanted)
        assert position is not None
        if position < len(fidelity.values) - 1:
            levels[fidelity.values[position]] = None
        wanted *= factor
    return tuple(levels)


class QuantileRung:
    """The losses on a rung and their quantile, in O(log n) an insertion; a NaN takes no place on it.

    The position of the quantile only moves up as the rung grows, so two heaps suffice: the losses up to and
    including the lower neighbour of the quantile, and those above. Positions are whole numbers and fractions,
    never rounded.

    Args:
        quantile: Which one, between 0 and 1.
    """

    def __init__(self, quantile: Fraction) -> None:
        self._part, self._whole = quantile.numerator, quantile.denominator
        self._below: list[float] = []  # negated: the largest first
        self._above: list[float] = []

    def __len__(self) -> int:
        return len(self._below) + len(self._above)

    def insert(self, loss: float) -> None:
        """Add a loss."""
        if math.isnan(loss):
            return
        if self._below and loss < -self._below[0]:
            heapq.heappush(self._below, -loss)
        else:
            heapq.heappush(self._above, loss)
        wanted = (len(self) - 1) * self._part // self._whole + 1
        while len(self._below) < wanted:
            heapq.heappush(self._below, -heapq.heappop(self._above))
        while len(self._below) > wanted:
            heapq.heappush(self._above, -heapq.heappop(self._below))

    def admits(self, loss: float) -> bool:
        """Whether one of the losses is at most the quantile; a NaN is not.

        Between the quantile and its lower neighbour lies no loss of the rung, so that neighbour decides, and
        nothing need be interpolated. It is equal to say that of n losses at most (n - 1) * quantile are
        smaller.
        """
        return bool(self._below) and loss <= -self._below[0]

    def threshold(self) -> float:
        """The quantile as ``numpy.quantile`` gives it, interpolated linearly between its neighbours."""
        low, high, share = self._neighbours()
        if low == high or share == 0 or low == -math.inf:
            return low
        if high == math.inf:
            return high
        if high - low == math.inf:  # two finite losses at both ends of what there is
            return low * (1 - share) + high * share
        # the arithmetic of numpy's linear interpolation, from the nearer neighbour
        return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share

    def is_below(self, loss: float) -> bool:
        """Whether a loss is larger than the quantile.

        Infinity is larger than what lies between a number and infinity, as any number would be in its place.
        """
        low, high, share = self._neighbours()
        if low < high == math.inf and share:
            return loss == math.inf
        return loss > self.threshold()

    def _neighbours(self) -> tuple[float, float, float]:
        """The losses on both sides of the quantile, and what part of the way from one to the other it is."""
        low = -self._below[0]
        share = (len(self) - 1) * self._part % self._whole / self._whole
        return low, self._above[0] if self._above else low, share


class PromotionRung:
    """The trials on a rung; the best ones, as many as the share allows, may be promoted once each.

    A trial whose loss is NaN takes no place on it: it is not counted, and not promoted. Of equal losses the
    one with the lower number is the better one.

    Args:
        share: Of all trials on the rung, how many may go on.
    """

    def __init__(self, share: Fraction) -> None:
        self._part, self._whole = share.numerator, share.denominator
        self._count = 0
        self._top: list[tuple[float, int]] = []  # the best ones, negated: the worst of them first
        self._rest: list[tuple[float, int]] = []
        self._promotable: list[tuple[float, int]] = []
        self._promoted: set[int] = set()

    def insert(self, loss: float, trial: int) -> None:
        """A trial has reached the rung."""
        if math.isnan(loss):
            return
        self._count += 1
        if self._top and (loss, trial) < self._worst_of_top():
            self._enter(loss, trial)
        else:
            heapq.heappush(self._rest, (loss, trial))
        allowed = self._count * self._part // self._whole
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
