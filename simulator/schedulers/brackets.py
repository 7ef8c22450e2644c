"""Brackets of asynchronous Hyperband: which rungs a trial climbs (Li et al., MLSys 2020, section 3.3)."""

from __future__ import annotations

from array import array
from bisect import bisect
from itertools import accumulate

from blackbox_repo.keyed_random import Stream
from blackbox_repo.numeric.scalars import whole

_BLOCK = 256


class Brackets:
    """Draws a bracket for each trial; bracket s leaves out the s lowest rungs.

    With K levels r_0, ..., r_(K-1) in bracket 0, bracket s is drawn with a probability in proportion to
    K / ((K - s) r_s). Synchronous Hyperband starts trials in these proportions, and Syne Tune draws with
    them.

    Args:
        levels: The levels of bracket 0 in ascending order: its rungs, then the largest fidelity.
        seed: The seed of the draws.
        count: The number of brackets, at most that of the levels.

    Attributes:
        levels: The levels of each bracket.

    Raises:
        InvalidOption: ``count`` is outside its range.
    """

    def __init__(self, levels: list[float], seed: int, count: int = 1) -> None:
        count = whole("brackets", count, 1, len(levels))
        self.levels = [levels[bracket:] for bracket in range(count)]
        self._draws = Stream(seed, "bracket")
        drawn = levels[:count] if count > 1 else [1.0]  # the only level may be 0
        weights = [len(levels) / ((len(levels) - s) * level) for s, level in enumerate(drawn)]
        self._cumulated = [weight / sum(weights) for weight in accumulate(weights)]
        self._of = array("I")

    def of(self, trial: int) -> int:
        """The bracket of a trial."""
        if len(self.levels) == 1:
            return 0
        while trial >= len(self._of):
            self._draw_block()
        return self._of[trial]

    def _draw_block(self) -> None:
        last = len(self.levels) - 1
        units = self._draws.units(len(self._of), _BLOCK).tolist()
        self._of.extend(min(bisect(self._cumulated, unit), last) for unit in units)
