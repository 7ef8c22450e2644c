"""Brackets of asynchronous Hyperband: which rungs a trial climbs (Li et al., MLSys 2020, section 3.3)."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

from blackbox_repo import keyed_random
from blackbox_repo.numeric.scalars import whole
from simulator.scheduler import CONTINUE, Decision, continue_until


class Brackets:
    """Bracket s leaves out the s lowest rungs; each trial belongs to one, drawn by its number.

    The goals of a bracket are its rungs and, at the end, the largest fidelity. With K goals r_0, ..., r_(K-1)
    in bracket 0, bracket s is drawn with a probability proportional to K / ((K - s) r_s): synchronous
    Hyperband starts trials in these proportions, and so does Syne Tune.

    Args:
        goals: Of bracket 0, ascending.
        seed: Of the draws.
        count: How many brackets.

    Raises:
        InvalidOption: ``count`` is outside its range.
    """

    def __init__(self, goals: list[float], seed: int, count: int = 1) -> None:
        count = whole("brackets", count, 1, len(goals))
        self._draws = keyed_random.Stream(seed, "bracket")
        self.goals = [goals[bracket:] for bracket in range(count)]
        weights = [len(goals) / ((len(goals) - s) * goals[s]) for s in range(count)] if count > 1 else [1.0]
        self._cumulated = [weight / sum(weights) for weight in accumulate(weights)]

    def of(self, trial: int) -> int:
        """The bracket of a trial."""
        if len(self.goals) == 1:
            return 0
        drawn = self._draws.unit(trial)
        return min(bisect(self._cumulated, drawn), len(self.goals) - 1)

    def steps(self) -> list[dict[float, float]]:
        """For each bracket, each of its rungs and the goal after it."""
        return [dict(zip(goals, goals[1:], strict=False)) for goals in self.goals]

    def towards_next(self, bracket: int, fidelity: float) -> Decision:
        """Go on to the first goal above a fidelity without being asked before, or to the end."""
        return towards_next(self.goals[bracket], fidelity)


def towards_next(goals: list[float], fidelity: float) -> Decision:
    """Go on to the first of ascending goals above a fidelity without being asked before, or to the end."""
    index = bisect(goals, fidelity)
    return continue_until(goals[index]) if index < len(goals) else CONTINUE
