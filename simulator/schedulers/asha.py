"""Asynchronous successive halving by stopping (Li et al., MLSys 2020, as Syne Tune has it)."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.asynchronous_halving import AsynchronousHalving
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.rungs import QuantileRung


@dataclass(repr=False, eq=False, kw_only=True)
class ASHA(AsynchronousHalving):
    """Stops a trial at a rung if it is worse than the best 1/eta of the trials that got there before it.

    At each rung the loss of the trial joins those of the trials before it. The trial continues if its loss is
    at most their quantile of order r_j / r_(j+1), so the first trial on a rung continues, and so does a trial
    whose loss is equal to that quantile. A trial that is NaN on a rung is stopped and does not join. With
    several brackets (asynchronous Hyperband, section 3.3 of the paper) each bracket has rungs of its own.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search, and of the brackets.
        eta: The reduction factor, above 1: how many times as far the next rung is. About 1/eta of the trials
            on a rung continue. Li et al. (JMLR 2018) recommend 3 or 4.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, ascending fidelities, instead of r_min and the powers of eta.
        brackets: The number of brackets among which the trials are divided. Bracket s leaves out the s lowest
            rungs, so one bracket is plain ASHA.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.

    Raises:
        InvalidOption: A setting is outside its range.
    """

    def __post_init__(self) -> None:
        self._start = self._draw_configurations().start
        self._rungs = self._make_rungs(QuantileRung)

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stop a trial on a rung if its loss is above the quantile there."""
        bracket = self._brackets.of(trial.number)
        rung = self._rungs[bracket].get(report.index)
        if rung is not None:
            loss = objective_loss(report, self._target)
            rung.insert(loss)
            if not rung.admits(loss):
                return STOP
        return self._continue[bracket][report.index]

    def on_end(self, trial: Trial) -> None:
        """Do nothing: everything was learnt from the reports."""
