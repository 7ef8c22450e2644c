"""The score of a run: its regret, averaged over the budget."""

from __future__ import annotations

import math

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import NotTabulated
from simulator.quality.suites import Case
from simulator.results.run import Run


def regret(case: Case, run: Run) -> float:
    """The regret of the best report so far, averaged over the simulated time of the budget.

    It is between 0, the best possible value from the first moment on, and 1, no better than training the
    median configuration; before the first report it counts as 1.

    Args:
        case: The benchmark, with the values of regret 0 and 1.
        run: A run on it.
    """
    return mean_regret(run, case.best, case.typical, case.seconds)


def mean_regret(run: Run, best: float, typical: float, seconds: float) -> float:
    """As :func:`regret`, of any run.

    Args:
        run: The run.
        best: The value of the target with regret 0.
        typical: Another one, with regret 1.
        seconds: The budget in simulated seconds.
    """
    loss = run.schema.objective(run.schema.target).loss
    least, span = loss(best), loss(typical) - loss(best)
    found = run.incumbent()
    reached = [min(max((loss(value) - least) / span, 0.0), 1.0) for value in found.value.tolist()]
    times = [0.0, *found.time.tolist(), seconds]
    spans = [after - before for before, after in zip(times, times[1:], strict=False)]
    weighted = math.fsum(r * lasting for r, lasting in zip([1.0, *reached], spans, strict=True))
    return min(weighted / seconds, 1.0)  # the spans add up to the budget but for their rounding


def best_and_typical(blackbox: Blackbox) -> tuple[float, float]:
    """The best value of the target on any curve, and the best on the curve of the median configuration.

    Args:
        blackbox: A table, of which all configurations count, or a surrogate, of which 1,000 random ones do.
    """
    target = blackbox.schema.objective(blackbox.schema.target)
    try:
        configurations = blackbox.configurations()
    except NotTabulated:
        configurations = [blackbox.schema.space.sample("facts", number) for number in range(1000)]
    values = [curve[target.name].tolist() for curve in blackbox.curves(configurations)]
    losses = sorted(min(map(target.loss, value), default=math.inf) for value in values)
    best, typical = losses[0], losses[len(losses) // 2]
    return (-best, -typical) if target.goal == "max" else (best, typical)
