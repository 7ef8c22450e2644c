"""The value of an objective in a report as schedulers compare it, and their common rule for NaN."""

from __future__ import annotations

import math

from blackbox_repo.schema import Objective
from simulator.scheduler import Report


def objective_loss(report: Report, objective: Objective) -> float:
    """The value as a number to be minimized (:meth:`Objective.loss`), except that NaN stays NaN.

    All our schedulers follow one rule for NaN: it is neither better than a number nor equal to one. A trial
    whose value is NaN where trials are compared is stopped or not promoted, and is left out of rungs,
    quantiles and averages. Infinities are numbers.
    """
    return objective.loss(report[objective.name], nan=math.nan)
