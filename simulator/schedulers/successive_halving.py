"""Synchronous successive halving (Jamieson and Talwalkar, AISTATS 2016), again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from blackbox_repo.numeric.scalars import whole
from blackbox_repo.space import Configuration
from simulator.schedulers.exact_fractions import ceil, fraction
from simulator.schedulers.rung_levels import compute_levels
from simulator.schedulers.synchronous import Bracket, Synchronous


@dataclass(repr=False, eq=False, kw_only=True)
class SuccessiveHalving(Synchronous):
    """Starts a bracket of trials; when all of them have reached a rung, the best 1/eta of them continue.

    Of n trials in a bracket, floor(n / eta^i) reach its i-th level; of equal losses that of the trial with
    the lower number comes first. A trial that fails, is NaN on a rung, or whose curve has ended is not
    continued. When a bracket is over, the next one begins. While a rung is undecided, free workers wait; with
    ``overlap`` they begin the next bracket.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search.
        eta: The reduction factor, above 1: how many times as far the next rung is. On each rung 1/eta of the
            trials continue. Li et al. (JMLR 2018) recommend 3 or 4.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, ascending fidelities, instead of r_min and the powers of eta.
        trials: How many trials start in a bracket; by default eta^rungs, of which one reaches the end.
        overlap: Whether a worker for which this bracket has no job begins the next one. By default it waits.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.

    Raises:
        InvalidOption: A setting is outside its range.
    """

    eta: float = 3
    r_min: float | None = None
    rungs: Sequence[float] | None = None
    trials: int | None = None
    overlap: bool = False
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        levels = compute_levels(self.schema.fidelity, self.eta, self.r_min, self.rungs)
        eta = fraction(self.eta)
        trials = ceil(eta ** (len(levels) - 1)) if self.trials is None else whole("trials", self.trials, 1)
        self._begin(_brackets(levels, trials, eta))


def _brackets(levels: list[float], trials: int, eta: Fraction) -> Iterator[Bracket]:
    while True:
        yield Bracket(levels, trials, eta)
