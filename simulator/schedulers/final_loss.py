"""What whole trainings come to, for schedulers that know no fidelities."""

from __future__ import annotations

import math

from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Trial, TrialStatus, continue_until
from simulator.schedulers.loss import loss_of


class FinalLoss:
    """The loss of a trial's last report, wherever its curve ends; it is not called on the way there.

    Args:
        schema: Of the blackbox; the loss is that of its target.
    """

    def __init__(self, schema: Schema) -> None:
        self._target, self._last = schema.objective(schema.target), schema.fidelity.values[-1]

    def report(self, report: Report) -> Decision:
        """Goes on to the end."""
        return CONTINUE if report.fidelity == self._last else continue_until(self._last)

    def end(self, trial: Trial) -> float:
        """What the trial came to; NaN if it failed, was not trained to its end, or is NaN there."""
        if trial.status is not TrialStatus.COMPLETED or trial.last_report is None:
            return math.nan
        return loss_of(trial.last_report, self._target)
