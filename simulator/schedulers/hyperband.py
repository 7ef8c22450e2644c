"""Hyperband (Li et al., JMLR 2018, algorithm 1), synchronous."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import cycle

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rungs import rung_levels
from simulator.schedulers.settings import shown
from simulator.schedulers.synchronous import Bracket, Synchronous


class Hyperband(Synchronous):
    """Runs brackets of successive halving in turn: from many trials with a low first rung to few in full.

    With rungs r_0 < ... < r_(K-1) below the largest fidelity, the brackets are s = K, K-1, ..., 0, and then
    again. Bracket s has the topmost s rungs and starts ceil((K + 1) eta^s / (s + 1)) trials, as the paper's
    algorithm 1 says: 81, 34, 15, 8 and 5 for R = 81 and eta = 3. (The paper's table 1 has 81, 27, 9, 6 and 5,
    from a rule that rounds earlier.) Rungs lie where those of ASHA do, at r_min eta^j from below, which are
    the paper's if the largest fidelity is one of these. Who fails or whose curve ends counts as infinitely
    bad; while a rung is undecided, free workers wait.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        initial: Configurations to try first.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        eta: float = 3,
        r_min: float | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        goals = [*rung_levels(schema.fidelity, r_min, eta), schema.fidelity.values[-1]]
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._shown = shown("Hyperband", seed=seed, eta=eta, r_min=r_min, initial=configurations.initial)
        super().__init__(schema, configurations, _brackets(goals, eta))

    def __repr__(self) -> str:
        return self._shown


def _brackets(goals: list[float], eta: float) -> Iterator[Bracket]:
    for first, trials in cycle(enumerate(bracket_sizes(len(goals) - 1, eta))):
        yield Bracket(goals[first:], trials, eta)


def bracket_sizes(rungs: int, eta: float) -> list[int]:
    """How many trials start in the brackets, the one with the most rungs first."""
    return [math.ceil(round((rungs + 1) * eta**s / (s + 1), 9)) for s in range(rungs, -1, -1)]
