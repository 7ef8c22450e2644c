"""PASHA, progressive asynchronous successive halving (Bohdal et al., ICLR 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.rung_levels import compute_levels, continue_to_levels, make_rungs
from simulator.schedulers.rungs import PromotionRung
from simulator.schedulers.soft_ranking import SoftRanking


@dataclass(repr=False, eq=False, kw_only=True)
class PASHA(ReferenceScheduler):
    """Promotion ASHA that opens the next rung only when the two topmost ones rank trials differently.

    At first trials train up to the second rung. Whenever a trial reaches the top rung, the trials there are
    ranked by their losses on it and by those on the rung below. If at some rank the losses on the rung below
    of the two trials differ by more than epsilon, the next rung is opened, up to the largest fidelity.

    Epsilon is the difference that noise alone makes between two trials: the 90th percentile of the
    differences on the top rung between trials whose curves crossed at least twice on their way there. Each
    trial that reaches the top rung is compared with the 100 trials before it. Without such a pair epsilon
    stays as it was, at first 0. A trial that is NaN on one of the two rungs is not ranked, and a curve with a
    NaN in it does not count for epsilon. The scheduler is called at every report until the largest fidelity
    is open, because every report belongs to a curve.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of the configurations, which are those of random search.
        eta: The reduction factor, above 1: how many times as far the next rung is. About 1/eta of the trials
            on a rung are promoted. Li et al. (JMLR 2018) recommend 3 or 4.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, ascending fidelities, instead of r_min and the powers of eta.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.

    Raises:
        InvalidOption: A setting is outside its range.
    """

    eta: float = 3
    r_min: float | None = None
    rungs: Sequence[float] | None = None
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        space, fidelity = self.schema.space, self.schema.fidelity
        levels = compute_levels(fidelity, self.eta, self.r_min, self.rungs)
        drawn = RandomConfigurations(space, self.seed, self.initial, duplicates=self.duplicates)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._configuration, self.upcoming = drawn.next, drawn.upcoming
        self._target = self.schema.objective(self.schema.target)
        self._levels = levels
        self._rungs = list(make_rungs(fidelity, levels, PromotionRung).values())
        self._number = {fidelity.index(level): number for number, level in enumerate(levels)}
        self._continue = continue_to_levels(fidelity, levels)
        self._top = min(1, len(self._rungs))  # the number of the highest level that is open
        self._ranking = SoftRanking()
        self._started = 0
        self._curves: dict[int, list[float]] = {}
        self._below: dict[int, float] = {}  # trial -> its loss on the highest rung that it has reached
        self._reached: dict[int, tuple[int, float]] = {}  # of trials whose jobs have not ended yet

    @property
    def _all_open(self) -> bool:
        return self._top == len(self._rungs)

    def suggest(self) -> Start | Resume | None:
        """Resume the best trial that may be promoted to an open rung, else start one, if any is left."""
        for number in range(self._top - 1, -1, -1):
            trial = self._rungs[number].promote()
            if trial is not None:
                return Resume(trial, until=self._levels[number + 1])
        configuration = self._configuration()
        if configuration is None:
            return None
        self._started += 1
        return Start(configuration, until=self._levels[0])

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Keep the loss on a rung, where the job ends by itself, and open the next rung if it is due."""
        loss = objective_loss(report, self._target)
        number = self._number.get(report.index)
        if number is not None and number < len(self._rungs):
            self._reached[trial.number] = (number, loss)
        if not self._all_open:
            self._learn(trial.number, number, loss)
            return CONTINUE
        return CONTINUE if number is not None else self._continue[report.index]

    def _learn(self, trial: int, number: int | None, loss: float) -> None:
        curve = self._curves.setdefault(trial, [])
        curve.append(loss)
        if number is not None:
            below, self._below[trial] = self._below.get(trial, loss), loss
            if number == self._top and not self._ranking.add(below, curve):
                self._open_next()

    def _open_next(self) -> None:
        self._top += 1
        self._ranking = SoftRanking(self._ranking.epsilon)
        if self._all_open:
            self._curves.clear()
            self._below.clear()

    def on_end(self, trial: Trial) -> None:
        """Add a trial to the rung that it has reached, but never promote one whose curve has ended."""
        if trial.status is not TrialStatus.PAUSED:
            for rung in self._rungs:
                rung.withdraw(trial.number)
            self._curves.pop(trial.number, None)
            self._below.pop(trial.number, None)
        if trial.number in self._reached:
            number, loss = self._reached.pop(trial.number)
            self._rungs[number].insert(loss, trial.number)

    def abandoned(self) -> range:
        """All trials: once nothing runs and nothing is suggested, no paused trial will ever be resumed."""
        return range(self._started)
