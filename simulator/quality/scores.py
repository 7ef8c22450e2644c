"""How good a run was, as a number: its regret, averaged over the budget."""

from __future__ import annotations

import math

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import NotTabulated
from simulator.quality.suites import Case
from simulator.results.run import Run


def regret(case: Case, run: Run) -> float:
    """The regret of the best report so far, averaged over the simulated time of the budget.

    0 is as good as can be from the first moment on, 1 no better than training the median configuration, and
    it is never above 1; before the first report it is 1.
    """
    loss = run.schema.objective(run.schema.target).loss
    least, span = loss(case.best), loss(case.typical) - loss(case.best)
    found = run.incumbent()
    reached = [min(max((loss(value) - least) / span, 0.0), 1.0) for value in found.value.tolist()]
    times = [0.0, *found.time.tolist(), case.seconds]
    spans = [after - before for before, after in zip(times, times[1:], strict=False)]
    weighted = math.fsum(r * seconds for r, seconds in zip([1.0, *reached], spans, strict=True))
    return min(weighted / case.seconds, 1.0)  # the spans add up to the budget but for their rounding


def best_and_typical(blackbox: Blackbox) -> tuple[float, float]:
    """The target's best value on any curve, and the best on that of the median configuration.

    Of a table all configurations count; of a surrogate 1,000 random ones.
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
