"""The median stopping rule (Golovin et al., Google Vizier, KDD 2017, section 3.2.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Fidelity
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, STOP, Decision, Report, Start, Trial
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact_fractions import fraction
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.rungs import QuantileRung


@dataclass(slots=True)
class _TrialLosses:
    """The losses of a running trial that are numbers: the best one and their average."""

    best: float = math.inf
    count: int = 0
    average: float = math.nan
    """NaN if there is no number yet, or if there were infinities of both signs."""

    def add(self, loss: float) -> None:
        """Add the loss of one more report."""
        if math.isnan(loss):
            return
        self.best, self.count = min(self.best, loss), self.count + 1
        step = loss - self.average
        if self.count == 1:
            self.average = loss
        elif math.isfinite(step):
            self.average += step / self.count  # the average of equal losses is exactly that loss
        elif math.isfinite(loss) and math.isfinite(self.average):  # their difference overflows
            self.average += loss / self.count - self.average / self.count
        else:
            self.average += loss


class _Fidelity:
    """The running averages of the trials that have reached a fidelity, and their median."""

    def __init__(self) -> None:
        self._trials, self._averages = 0, QuantileRung(Fraction(1, 2))

    def stops(self, losses: _TrialLosses, latest: float, min_trials: int) -> bool:
        """Whether a trial is worse than the median, or is NaN where others have numbers."""
        if math.isnan(latest):
            return self._trials >= min_trials and len(self._averages) > 0
        return len(self._averages) >= min_trials and self._averages.is_below(losses.best)

    def add(self, losses: _TrialLosses) -> None:
        """Add one more trial."""
        self._trials += 1
        self._averages.insert(losses.average)


@dataclass(repr=False, eq=False, kw_only=True)
class MedianStopping(ReferenceScheduler):
    """Stops a trial whose best loss so far is worse than the median running average at its fidelity.

    The running average of a trial is that of all its reports up to the fidelity. The median is taken over all
    other trials that have reached the fidelity before; Vizier takes only those that were completed. A trial
    whose best loss is equal to the median continues. Averages leave NaN out, and a trial without a number yet
    has none; a trial whose latest value is NaN is stopped where other trials have numbers. At the largest
    fidelity no trial is stopped, because it is complete there. Every report matters, so the scheduler is
    called at each.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search.
        grace: The fidelity from which on trials are stopped, or the next one above it. 0 stops from the first
            report on.
        min_trials: How many other trials must have reached a fidelity before one is stopped there. 5 as for
            Optuna's MedianPruner.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.

    Raises:
        InvalidOption: A setting is outside its range.
    """

    grace: float = 0
    min_trials: int = 5
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        number("grace", self.grace, 0, finite=False)
        self.min_trials = whole("min_trials", self.min_trials, 1)
        space, fidelity = self.schema.space, self.schema.fidelity
        drawn = RandomConfigurations(space, self.seed, self.initial, duplicates=self.duplicates)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._start, self.upcoming = drawn.start, drawn.upcoming
        self._target = self.schema.objective(self.schema.target)
        self._stopping = range(_first_stop(fidelity, self.grace), len(fidelity.values) - 1)
        self._fidelities = [_Fidelity() for _ in fidelity.values]
        self._losses: dict[int, _TrialLosses] = {}  # of the trials that run

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Compare the trial with the median of the trials that got here before, then let it join them."""
        loss = objective_loss(report, self._target)
        losses = self._losses.get(trial.number)
        if losses is None:
            losses = self._losses[trial.number] = _TrialLosses()
        losses.add(loss)
        here = self._fidelities[report.index]
        stops = report.index in self._stopping and here.stops(losses, loss, self.min_trials)
        here.add(losses)
        return STOP if stops else CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Forget the losses of the trial; its averages stay in the medians."""
        self._losses.pop(trial.number, None)


def _first_stop(fidelity: Fidelity, grace: float) -> int:
    """The position of the first fidelity at which trials are stopped; with one fidelity they never are."""
    below = fidelity.values[:-1]
    if not below:
        return 1
    first = None if grace == math.inf else fidelity.index_at_or_above(fraction(grace))
    if first is None or first == len(below):
        raise InvalidOption(
            f"grace is {grace!r}, but must be below the largest fidelity: at most "
            f"{fidelity.name}={below[-1]} of {fidelity.describe()}"
        )
    return first
