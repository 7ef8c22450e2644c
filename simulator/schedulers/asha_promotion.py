"""Asynchronous successive halving by promotion (Li et al., MLSys 2020, algorithm 2)."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.asynchronous_halving import AsynchronousHalving
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.rungs import PromotionRung


@dataclass(repr=False, eq=False, kw_only=True)
class PromotionASHA(AsynchronousHalving):
    """Pauses every trial at each rung, and resumes the best 1/eta of a rung towards the next one.

    A free worker resumes the best trial that may be promoted, looking from the highest rung down; if there is
    none, it starts a new trial. Of n trials on a rung, floor(n * r_j / r_(j+1)) may be promoted; of equal
    losses that of the trial with the lower number comes first. A trial whose curve has ended still counts on
    its rungs, but is not promoted. A trial that is NaN on a rung is not counted there. With several brackets
    (asynchronous Hyperband, section 3.3 of the paper) each bracket has rungs of its own, and of equally high
    rungs that of the lower bracket comes first.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search, and of the brackets.
        eta: The reduction factor, above 1: how many times as far the next rung is. About 1/eta of the trials
            on a rung are promoted. Li et al. (JMLR 2018) recommend 3 or 4.
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
        self._configuration = self._draw_configurations().next
        self._rungs = self._make_rungs(PromotionRung)
        from_the_top = sorted((-index, bracket) for bracket, own in enumerate(self._rungs) for index in own)
        self._from_the_top = [
            (self._rungs[bracket][-index], self._continue[bracket][-index].until)
            for index, bracket in from_the_top
        ]
        self._started = 0

    def suggest(self) -> Start | Resume | None:
        """Resume the best trial that may be promoted, else start one, until a finite space is used up."""
        for rung, level in self._from_the_top:
            trial = rung.promote()
            if trial is not None:
                return Resume(trial, until=level)
        configuration = self._configuration()
        if configuration is None:
            return None
        bracket = self._brackets.of(self._started)
        self._started += 1
        return Start(configuration, until=self._brackets.levels[bracket][0])

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Add the trial to the rung that it has reached; its job ends there by itself."""
        bracket = self._brackets.of(trial.number)
        rung = self._rungs[bracket].get(report.index)
        if rung is not None:
            rung.insert(objective_loss(report, self._target), trial.number)
            return CONTINUE
        return self._continue[bracket][report.index]

    def on_end(self, trial: Trial) -> None:
        """Never promote a trial whose curve has ended: it cannot be resumed."""
        if trial.status is not TrialStatus.PAUSED:
            for rung in self._rungs[self._brackets.of(trial.number)].values():
                rung.withdraw(trial.number)

    def abandoned(self) -> range:
        """All trials: once nothing runs and nothing is suggested, no paused trial will ever be resumed."""
        return range(self._started)
