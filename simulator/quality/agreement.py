"""Whether schedulers rank on a surrogate as they do on the table that it was fitted to.

Some configurations are left out: the surrogate is fitted to all others, and the ones left out are the only
candidates of both sides. So every value that a scheduler sees on the surrogate is a prediction, of a
configuration that the surrogate does not know. Both sides have the same candidates, budgets and seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

import numpy as np

from blackbox_repo import views
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.metrics import DIGITS, kendall, spearman
from blackbox_repo.surrogate.report import SchedulerAgreement, draw_folds
from blackbox_repo.tabulate import tabulate
from blackbox_repo.views.base import View
from simulator.problem import Setup
from simulator.quality.scores import best_and_typical, mean_regret
from simulator.registry import scheduler_factory
from simulator.settings.stopping import Stop

SCHEDULERS = (
    *("random", "local-search", "regularized-evolution", "pbt"),
    *("asha", "asha-promotion", "hyperband", "median-stopping", "pasha", "successive-halving"),
)
"""Those that are compared by default: all of ours for one objective but the grid."""
RUNS, WORKERS = 10, 4
_SHARE = 0.25  # of the time that it would take to train all candidates


def measure_agreement(
    fitting: Fitting,
    *,
    schedulers: Sequence[str] = SCHEDULERS,
    runs: int = RUNS,
    say: Callable[[str], object] = lambda step: None,
) -> SchedulerAgreement:
    """Run schedulers on a table and on a surrogate of it, and compare their mean regrets.

    The fifth of the configurations that is left out are those of the first fold of the cross-validation, at
    most 400. Four workers train for a quarter of the time that all of them would take. A scheduler's regret
    on each side is measured between the best and the median configuration of that side, as by
    :func:`simulator.quality.scores.regret`. Schedulers that had the same regrets in all runs, as most have
    where there is one fidelity, count once in the correlations. The same arguments give the same figures on
    every machine.

    Args:
        fitting: What would be fitted.
        schedulers: Names as in ``bb-sim run --scheduler``, at least two.
        runs: How many seeds each is run with, on either side; at least two.
        say: Called with what is done now.

    Raises:
        UnknownName: There is no such scheduler.
        InvalidOption: There are too few schedulers, runs or configurations; all configurations that are left
            out are equally good; or nothing can be learnt from the table.
    """
    if len(set(schedulers)) < 2:
        raise InvalidOption(f"schedulers={list(schedulers)!r} must be two different ones or more")
    whole("runs", runs, 2)
    factories = {name: scheduler_factory(name, {}) for name in schedulers}
    table, surrogate = _sides(fitting, say)
    seconds = _budget(table)
    scores = {}
    for side, blackbox in (("table", table), ("surrogate", surrogate)):
        judged = _Side.of(blackbox, seconds)
        for name, factory in factories.items():
            say(f"{name} on the {side}")
            scores[side, name] = [judged.regret(factory, seed) for seed in range(runs)]
    return _compare(scores, list(factories), len(table.configurations()))


def _compare(
    scores: dict[tuple[str, str], list[float]], names: Sequence[str], configurations: int
) -> SchedulerAgreement:
    """The agreement of schedulers, those that have the same regrets in all runs counted once."""
    runs = {name: (*scores["table", name], *scores["surrogate", name]) for name in names}
    different = list({regrets: name for name, regrets in reversed(runs.items())}.values())

    def means(side: str, chosen: slice = slice(None)) -> Array:
        return np.array([fmean(scores[side, name][chosen]) for name in different])

    def rounded(side: str) -> dict[str, float]:
        return {name: significant(fmean(scores[side, name]), DIGITS) for name in names}

    return SchedulerAgreement(
        configurations=configurations,
        runs=len(scores["table", names[0]]),
        different=len(different),
        table=rounded("table"),
        surrogate=rounded("surrogate"),
        spearman=spearman(means("table"), means("surrogate")),
        kendall=kendall(means("table"), means("surrogate")),
        halves=kendall(means("table", slice(0, None, 2)), means("table", slice(1, None, 2))),
    )


def _sides(fitting: Fitting, say: Callable[[str], object]) -> tuple[Blackbox, Blackbox]:
    """Tables of the configurations that are left out: of their true curves, and of the predicted ones."""
    blackbox, numbers = fitting.blackbox, fitting.data().numbers
    left_out = numbers[draw_folds(len(numbers), fitting.seed)[0]].tolist()
    if len(left_out) < 2 or len(left_out) == len(numbers):
        raise InvalidOption(
            f"{blackbox.name!r} has {len(numbers)} configurations, of which a fifth is left out for the "
            f"schedulers, but there must be 6 or more"
        )
    say(f"fitting without {len(left_out)} configurations")
    surrogate = replace(fitting, left_out=frozenset(left_out)).fit()
    every = blackbox.configurations()
    held = [every[number] for number in left_out]
    return _timed(tabulate(blackbox, held)), _timed(tabulate(_AsTable(blackbox, surrogate), held))


def _timed(blackbox: Blackbox) -> Blackbox:
    """With a second for each unit of fidelity where no time is recorded; every scheduler gets an answer."""
    timed = blackbox if blackbox.schema.time is not None else views.with_time_model(blackbox, 1.0)
    return views.nearest(timed, keep_candidates=True)


class _AsTable(View):
    """Predictions in the words of the table, whose space may be narrower and whose objectives may be more."""

    def __init__(self, table: Blackbox, surrogate: Blackbox) -> None:
        schema = surrogate.schema
        super().__init__(surrogate, replace(schema, space=table.schema.space), "as table")

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.under(self.schema)


def _budget(table: Blackbox) -> float:
    """Simulated seconds of a run."""
    time = str(table.schema.time)
    candidates = table.configurations()
    ends = [float(curve[time][-1]) for curve in table.curves(candidates) if len(curve)]
    return max(_SHARE * len(candidates) / WORKERS, 2.0) * median(ends)


@dataclass(frozen=True)
class _Side:
    """A blackbox on which schedulers are run.

    Args:
        blackbox: The table, or the surrogate.
        best: Its best value of the target.
        typical: The one of its median configuration.
        seconds: The budget.
    """

    blackbox: Blackbox
    best: float
    typical: float
    seconds: float

    @classmethod
    def of(cls, blackbox: Blackbox, seconds: float) -> _Side:
        best, typical = best_and_typical(blackbox)
        if best == typical:
            raise InvalidOption(
                f"schedulers cannot be ranked on {blackbox.name!r}: the best configuration and the median "
                f"one have the same {blackbox.schema.target!r}"
            )
        return cls(blackbox, best, typical, seconds)

    def regret(self, factory: Callable[..., object], seed: int) -> float:
        run = Setup(self.blackbox, WORKERS, Stop(time=self.seconds), seed).run(factory)
        return mean_regret(run, self.best, self.typical, self.seconds)
