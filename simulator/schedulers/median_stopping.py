"""The median stopping rule (Golovin et al., Google Vizier, KDD 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Fidelity, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, STOP, Decision, Report, Start, Trial
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import fraction
from simulator.schedulers.loss import loss_of
from simulator.schedulers.rungs import QuantileRung
from simulator.schedulers.settings import format_call


@dataclass(slots=True)
class _Past:
    """What a running trial has reported that is a number: its best loss, and the average of all."""

    best: float = math.inf
    count: int = 0
    average: float = math.nan
    """NaN without a number, or of infinities of both signs."""

    def add(self, loss: float) -> None:
        """One more report."""
        if math.isnan(loss):
            return
        self.best, self.count = min(self.best, loss), self.count + 1
        if self.count == 1:
            self.average = loss
        elif math.isfinite(loss) and math.isfinite(self.average):
            step = loss - self.average
            if math.isfinite(step):
                self.average += step / self.count  # of equal losses it is exactly that loss
            else:  # the losses are finite, but far apart
                self.average += loss / self.count - self.average / self.count
        else:
            self.average += loss


class _Fidelity:
    """Who has got to a fidelity so far, and the median of their running averages."""

    def __init__(self) -> None:
        self._trials, self._averages = 0, QuantileRung(Fraction(1, 2))

    def stops(self, past: _Past, loss: float, min_trials: int) -> bool:
        """Whether a trial is worse than the median, or is NaN where others are not."""
        if math.isnan(loss):
            return self._trials >= min_trials and len(self._averages) > 0
        return len(self._averages) >= min_trials and self._averages.is_below(past.best)

    def add(self, past: _Past) -> None:
        """One more trial."""
        self._trials += 1
        self._averages.insert(past.average)


class MedianStopping:
    """Stops a trial whose best loss so far is worse than the median running average at its fidelity.

    The average is that of all reports up to the fidelity, of each other trial that got there before; Vizier
    takes only those that completed. Who ties with the median goes on. Averages leave NaN out, and a trial
    without a number yet has none; a trial whose latest value is NaN is stopped where others were not NaN. At
    the largest fidelity nobody is stopped: the trial is complete. Every report matters, so it is called at
    each.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        grace: The first fidelity at or above this is the first one at which trials are stopped.
        min_trials: With how many others a trial is compared at least; if it is NaN, they may be so too.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.

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
        duplicates: bool = False,
    ) -> None:
        number("grace", grace, 0, finite=False)
        min_trials = whole("min_trials", min_trials, 1)
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._start, self.upcoming = configurations.start, configurations.upcoming
        self._shown = format_call(
            "MedianStopping",
            seed=configurations.seed,
            grace=grace,
            min_trials=min_trials,
            initial=configurations.initial,
            duplicates=duplicates or (),
        )
        self._target = schema.objective(schema.target)
        self._first, self._min_trials = _first_stop(schema.fidelity, grace), min_trials
        self._fidelities = [_Fidelity() for _ in schema.fidelity.values]
        self._past: dict[int, _Past] = {}

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Compares with the median of those that got here before, then joins them."""
        loss = loss_of(report, self._target)
        past = self._past.setdefault(trial.number, _Past())
        past.add(loss)
        here = self._fidelities[report.index]
        comes_in_time = self._first <= report.index < len(self._fidelities) - 1
        stops = comes_in_time and here.stops(past, loss, self._min_trials)
        here.add(past)
        return STOP if stops else CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Forgets the trial; its averages stay."""
        self._past.pop(trial.number, None)


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
