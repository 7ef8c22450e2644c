"""Asynchronous successive halving by stopping (Li et al., MLSys 2020, as Syne Tune has it)."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.brackets import Brackets
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ratio
from simulator.schedulers.loss import loss_of
from simulator.schedulers.rungs import QuantileRung, goals
from simulator.schedulers.settings import format_call


class ASHA:
    """Stops a trial at a rung if it is worse than the best 1/eta that got there before it.

    At each rung the loss joins those of the trials before; the trial goes on if it is at most their quantile
    of order r_j / r_(j+1), so the first one there goes on, and so does who ties with that quantile. A trial
    that is NaN on a rung is stopped, and is none of those before. With several brackets (asynchronous
    Hyperband) each has rungs of its own.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them, and of the brackets.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        brackets: How many brackets share the trials; bracket s leaves out the s lowest rungs.
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
        brackets: int = 1,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._start, self.upcoming = configurations.start, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._brackets = Brackets(goals(schema.fidelity, eta, r_min, rungs), configurations.seed, brackets)
        self._rungs = [
            {level: QuantileRung(ratio(level, goal)) for level, goal in steps.items()}
            for steps in self._brackets.steps()
        ]
        self._shown = format_call(
            "ASHA",
            seed=configurations.seed,
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            brackets=brackets,
            initial=configurations.initial,
            duplicates=duplicates or (),
        )

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stops at a rung what is not good enough there."""
        bracket = self._brackets.of(trial.number)
        rung = self._rungs[bracket].get(report.fidelity)
        if rung is not None:
            loss = loss_of(report, self._target)
            rung.insert(loss)
            if not rung.admits(loss):
                return STOP
        return self._brackets.towards_next(bracket, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""
