"""Synchronous successive halving (Jamieson and Talwalkar, AISTATS 2016), again and again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from blackbox_repo.numeric.scalars import flag, whole
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ceil, fraction
from simulator.schedulers.rungs import goals
from simulator.schedulers.settings import format_call
from simulator.schedulers.synchronous import Bracket, Synchronous


class SuccessiveHalving(Synchronous):
    """Starts a bracket of trials, of which on each rung the best 1/eta go on when all have got there.

    Of n trials in a bracket, floor(n / eta^i) reach its i-th goal; of equal losses the lower number comes
    first. Who fails, is NaN on a rung, or whose curve has ended does not go on. When a bracket is over, the
    next one begins. While a rung is undecided, free workers wait; with ``overlap`` they begin the next one.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        trials: How many start in a bracket; by default eta^rungs, which leaves one.
        overlap: Whether a worker for which a bracket has nothing begins the next one; else it waits.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(  # noqa: PLR0913  settings are named
        self,
        schema: Schema,
        seed: int = 0,
        *,
        eta: float = 3,
        r_min: float | None = None,
        rungs: Sequence[float] | None = None,
        trials: int | None = None,
        overlap: bool = False,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        overlap = flag("overlap", overlap)
        steps = goals(schema.fidelity, eta, r_min, rungs)
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._shown = format_call(
            "SuccessiveHalving",
            seed=configurations.seed,
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            trials=trials,
            overlap=overlap or (),
            initial=configurations.initial,
            duplicates=duplicates or (),
        )
        if trials is None:
            trials = ceil(fraction(eta) ** (len(steps) - 1))
        count = whole("trials", trials, 1)
        brackets = (Bracket(steps, count, fraction(eta)) for _ in repeat(None))
        super().__init__(schema, configurations, brackets, overlap=overlap)

    def __repr__(self) -> str:
        return self._shown
