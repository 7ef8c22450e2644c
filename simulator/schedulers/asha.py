"""Asynchronous successive halving by stopping (Li et al., MLSys 2020, as Syne Tune has it)."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.brackets import Brackets
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rungs import QuantileRung
from simulator.schedulers.settings import shown


class ASHA:
    """Stops a trial at a rung if it is worse than the best 1/eta that got there before it.

    At each rung the loss joins those of the trials before; the trial goes on if it is at most their quantile
    of order r_j / r_(j+1), which ``numpy.quantile`` interpolates linearly, or if it is the first one there.
    NaN counts as infinitely bad. With several brackets (asynchronous Hyperband) each has rungs of its own.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them, and of the brackets.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        brackets: How many brackets share the trials; bracket s leaves out the s lowest rungs.
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
        brackets: int = 1,
        initial: Sequence[Configuration] = (),
    ) -> None:
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._brackets = Brackets(schema, seed, eta, r_min, brackets)
        self._rungs = [
            {level: QuantileRung(level / goal) for level, goal in steps.items()}
            for steps in self._brackets.steps()
        ]
        self._shown = shown(
            "ASHA", seed=seed, eta=eta, r_min=r_min, brackets=brackets, initial=configurations.initial
        )

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start:
        """Always a new trial."""
        return Start(self._configuration())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stops at a rung what is not good enough there."""
        bracket = self._brackets.of(trial.number)
        rung = self._rungs[bracket].get(report.fidelity)
        if rung is not None:
            loss = self._target.loss(report[self._target.name])
            rung.insert(loss)
            if len(rung) > 1 and not loss <= rung.threshold():
                return STOP
        return self._brackets.towards_next(bracket, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""
