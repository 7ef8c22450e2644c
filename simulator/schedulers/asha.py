"""Asynchronous successive halving (Li et al., MLSys 2020), by stopping and by promotion."""

from __future__ import annotations

from blackbox_repo.schema import Schema
from simulator.scheduler import (
    CONTINUE,
    STOP,
    Decision,
    Report,
    Resume,
    Start,
    Trial,
    continue_until,
)
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rungs import PromotionRung, QuantileRung, rung_levels


class ASHA:
    """Stops a trial at a rung if it is worse than the best 1/eta that got there before it.

    At each rung the loss joins those of the trials before; the trial goes on if it is at most their quantile
    of order r_j / r_(j+1), which ``numpy.quantile`` interpolates linearly, or if it is the first one there.
    NaN counts as infinitely bad.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.

    Raises:
        InvalidOption: ``eta`` is not above 1, or ``r_min`` not above 0.
    """

    def __init__(self, schema: Schema, seed: int = 0, *, eta: float = 3, r_min: float | None = None) -> None:
        self._seed = seed
        configurations = RandomConfigurations(schema.space, seed)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._settings = f"eta={eta}, r_min={r_min}"
        levels = rung_levels(schema.fidelity, r_min, eta)
        self._goals = [*levels, schema.fidelity.values[-1]]
        self._rungs = {
            level: QuantileRung(level / goal) for level, goal in zip(levels, self._goals[1:], strict=True)
        }

    def __repr__(self) -> str:
        return f"ASHA(seed={self._seed}, {self._settings})"

    def suggest(self) -> Start:
        """Always a new trial."""
        return Start(self._configuration())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stops at a rung what is not good enough there."""
        rung = self._rungs.get(report.fidelity)
        if rung is not None:
            loss = self._target.loss(report[self._target.name])
            rung.insert(loss)
            if len(rung) > 1 and not loss <= rung.threshold():
                return STOP
        return _towards_next(self._goals, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""


class PromotionASHA:
    """Pauses every trial at each rung, and resumes the best 1/eta of a rung towards the next one.

    A free worker goes to the best trial that may be promoted, from the highest rung down; if there is none,
    to a new one. Of n trials on a rung, floor(n * r_j / r_(j+1)) may be promoted.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.

    Raises:
        InvalidOption: ``eta`` is not above 1, or ``r_min`` not above 0.
    """

    def __init__(self, schema: Schema, seed: int = 0, *, eta: float = 3, r_min: float | None = None) -> None:
        self._seed = seed
        configurations = RandomConfigurations(schema.space, seed)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._settings = f"eta={eta}, r_min={r_min}"
        levels = rung_levels(schema.fidelity, r_min, eta)
        self._goals = [*levels, schema.fidelity.values[-1]]
        self._rungs = {
            level: (PromotionRung(level / goal), goal)
            for level, goal in zip(levels, self._goals[1:], strict=True)
        }

    def __repr__(self) -> str:
        return f"PromotionASHA(seed={self._seed}, {self._settings})"

    def suggest(self) -> Start | Resume:
        """The best trial that may be promoted, else a new one."""
        for rung, goal in reversed(list(self._rungs.values())):
            trial = rung.promote()
            if trial is not None:
                return Resume(trial, until=goal)
        return Start(self._configuration(), until=self._goals[0])

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Takes note at a rung; the job ends there by itself."""
        if report.fidelity in self._rungs:
            loss = self._target.loss(report[self._target.name])
            self._rungs[report.fidelity][0].insert(loss, trial.number)
            return CONTINUE
        return _towards_next(self._goals, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""


def _towards_next(goals: list[float], fidelity: float) -> Decision:
    """Go on to the first goal above a fidelity without being asked before, or to the end."""
    goal = next((goal for goal in goals if goal > fidelity), None)
    return CONTINUE if goal is None else continue_until(goal)
