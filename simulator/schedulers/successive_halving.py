"""Synchronous successive halving (Jamieson and Talwalkar, AISTATS 2016), again and again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import repeat

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rungs import rung_levels
from simulator.schedulers.settings import check_whole, shown
from simulator.schedulers.synchronous import Bracket, Synchronous


class SuccessiveHalving(Synchronous):
    """Starts a bracket of trials, of which on each rung the best 1/eta go on when all have got there.

    Of n trials on a rung, floor(n / eta) go on. Who fails or whose curve ends counts as infinitely bad. When
    a bracket is over, the next one begins; while a rung is undecided, free workers wait.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        trials: How many start in a bracket; by default eta^rungs, which leaves one.
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
        trials: int | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        goals = [*rung_levels(schema.fidelity, r_min, eta), schema.fidelity.values[-1]]
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._shown = shown(
            "SuccessiveHalving",
            seed=seed,
            eta=eta,
            r_min=r_min,
            trials=trials,
            initial=configurations.initial,
        )
        if trials is None:
            trials = math.ceil(round(eta ** (len(goals) - 1), 9))
        check_whole("trials", trials, 1)
        brackets = (Bracket(goals, count, eta) for count in repeat(trials))
        super().__init__(schema, configurations, brackets)

    def __repr__(self) -> str:
        return self._shown
