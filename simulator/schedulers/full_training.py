"""Training in full, for schedulers that compare trials by their final losses only."""

from __future__ import annotations

import math

from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Trial, TrialStatus, continue_until
from simulator.schedulers.objective_loss import objective_loss


class FullTraining:
    """Trains every trial to the end of its curve and tells its final loss.

    Args:
        schema: What the blackbox records; the loss is that of its target.
    """

    def __init__(self, schema: Schema) -> None:
        self._target = schema.objective(schema.target)
        self._end = len(schema.fidelity.values) - 1
        self._to_the_end = continue_until(schema.fidelity.values[-1])

    def decide(self, report: Report) -> Decision:
        """Continue to the largest fidelity without another call."""
        return CONTINUE if report.index == self._end else self._to_the_end

    def final_loss(self, trial: Trial) -> float:
        """The loss of the last report of a trial that has ended, wherever its curve ended.

        It is NaN if the trial failed, was not trained to its end, or reported NaN there.
        """
        if trial.status is not TrialStatus.COMPLETED or trial.last_report is None:
            return math.nan
        return objective_loss(trial.last_report, self._target)
