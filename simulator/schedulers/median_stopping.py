"""The median stopping rule (Golovin et al., Google Vizier, KDD 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, STOP, Decision, Report, Start, Trial
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rungs import QuantileRung
from simulator.schedulers.settings import check_number, check_whole, shown


@dataclass(slots=True)
class _Past:
    """What a running trial has reported: its best loss, and the sum and number of all."""

    best: float = math.inf
    total: float = 0.0
    count: int = 0


class MedianStopping:
    """Stops a trial whose best loss so far is worse than the median running average at its fidelity.

    The average is that of all reports up to the fidelity, of each other trial that got there before; Vizier
    takes only those that completed. NaN counts as infinitely bad. Every report matters, so it is called at
    each.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        grace: Nothing is stopped below this fidelity; by default nowhere.
        min_trials: With how many others a trial is compared at least.
        initial: Configurations to try first.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        grace: float = 0,
        min_trials: int = 5,
        initial: Sequence[Configuration] = (),
    ) -> None:
        check_number("grace", grace, 0, math.inf)
        check_whole("min_trials", min_trials, 1)
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._shown = shown(
            "MedianStopping", seed=seed, grace=grace, min_trials=min_trials, initial=configurations.initial
        )
        self._target = schema.objective(schema.target)
        self._grace, self._min_trials = grace, min_trials
        self._averages = [QuantileRung(0.5) for _ in schema.fidelity.values]
        self._past: dict[int, _Past] = {}

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start:
        """Always a new trial."""
        return Start(self._configuration())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Compares with the median of those that got here before, then joins them."""
        loss = self._target.loss(report[self._target.name])
        past = self._past.setdefault(trial.number, _Past())
        past.best, past.total, past.count = min(past.best, loss), past.total + loss, past.count + 1
        averages = self._averages[report.index]
        enough = report.fidelity >= self._grace and len(averages) >= self._min_trials
        worse = enough and past.best > averages.threshold()
        average = past.total / past.count
        averages.insert(math.inf if math.isnan(average) else average)
        return STOP if worse else CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Forgets the trial; its averages stay."""
        self._past.pop(trial.number, None)
