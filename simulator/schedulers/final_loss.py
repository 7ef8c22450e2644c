"""What whole trainings come to, for schedulers that know no fidelities."""

from __future__ import annotations

import math

from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Trial, TrialStatus, continue_until


class FinalLoss:
    """The loss at the largest fidelity, asked for as rarely as can be.

    Called at a trial's first and last point only: where a curve ends early without having failed, the loss is
    that of its first point. Failed trials count as infinitely bad.

    Args:
        schema: Of the blackbox; the loss is that of its target.
    """

    def __init__(self, schema: Schema) -> None:
        self._target, self._last = schema.objective(schema.target), schema.fidelity.values[-1]
        self._heard: dict[int, float] = {}

    def report(self, trial: Trial, report: Report) -> Decision:
        """Goes on to the end."""
        if trial.number not in self._heard or report.fidelity == self._last:
            self._heard[trial.number] = self._target.loss(report[self._target.name])
        return CONTINUE if report.fidelity == self._last else continue_until(self._last)

    def end(self, trial: Trial) -> float:
        """What the trial came to."""
        heard = self._heard.pop(trial.number, math.inf)
        return heard if trial.status is TrialStatus.COMPLETED else math.inf
