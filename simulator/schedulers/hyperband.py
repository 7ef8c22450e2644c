"""Hyperband (Li et al., JMLR 2018, algorithm 1), synchronous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle

from blackbox_repo.space import Configuration
from simulator.schedulers.exact_fractions import ceil, fraction
from simulator.schedulers.rung_levels import compute_levels
from simulator.schedulers.synchronous import Bracket, Synchronous


@dataclass(repr=False, eq=False, kw_only=True)
class Hyperband(Synchronous):
    """Runs brackets of successive halving in turn: from many trials with a low first rung to few in full.

    With rungs r_0 < ... < r_(K-1) below the largest fidelity, the brackets are s = K, K-1, ..., 0, and then
    the same again. Bracket s has the topmost s rungs and starts ceil((K + 1) eta^s / (s + 1)) trials, as in
    algorithm 1: 81, 34, 15, 8 and 5 for R = 81 and eta = 3. (Table 1 of the paper has 81, 27, 9, 6 and 5,
    which come from a rule that rounds earlier.) Rungs lie where those of ASHA do, at r_min eta^j counted from
    below, which are the paper's if the largest fidelity is one of these. A trial that fails, is NaN on a
    rung, or whose curve has ended is not continued. While a rung is undecided, free workers wait, as in
    algorithm 1; with ``overlap`` they begin the next bracket, as in HpBandSter and Syne Tune.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search.
        eta: The reduction factor, above 1: how many times as far the next rung is. On each rung 1/eta of the
            trials continue. The paper recommends 3 or 4.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, ascending fidelities, instead of r_min and the powers of eta.
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
    overlap: bool = False
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        levels = compute_levels(self.schema.fidelity, self.eta, self.r_min, self.rungs)
        self._begin(_brackets(levels, fraction(self.eta)))


def _brackets(levels: list[float], eta: Fraction) -> Iterator[Bracket]:
    for lowest, trials in cycle(enumerate(bracket_sizes(len(levels) - 1, eta))):
        yield Bracket(levels[lowest:], trials, eta)


def bracket_sizes(rungs: int, eta: Fraction) -> list[int]:
    """How many trials start in each bracket, beginning with the bracket that has all rungs.

    Args:
        rungs: The number of rungs below the largest fidelity.
        eta: The reduction factor.
    """
    return [ceil((rungs + 1) * eta**s / (s + 1)) for s in range(rungs, -1, -1)]
