"""The value of an objective as schedulers compare it, and their one rule for NaN."""

from __future__ import annotations

from blackbox_repo.schema import Objective
from simulator.scheduler import Report


def loss_of(report: Report, objective: Objective) -> float:
    """The value of an objective as a number to be small: negated for goal ``"max"``; NaN stays NaN.

    The rule for NaN is one for all schedulers here: it neither beats a number nor ties with one, so a trial
    with it is stopped or not promoted where it is compared, and it takes no place in rungs, quantiles and
    averages. Infinities are numbers.
    """
    value = report[objective.name]
    return -value if objective.goal == "max" else value
