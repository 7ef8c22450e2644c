"""PASHA, progressive asynchronous successive halving (Bohdal et al., ICLR 2023)."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.brackets import towards_next
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ratio
from simulator.schedulers.loss import loss_of
from simulator.schedulers.rungs import PromotionRung, goals
from simulator.schedulers.settings import format_call
from simulator.schedulers.soft_ranking import SoftRanking


class PASHA:
    """Promotion ASHA that opens the next rung only when the two topmost ones rank trials differently.

    At first trials train up to the second rung. Whenever one gets to the top rung, the trials there are
    ranked by their losses on it and by those on the rung below: if the one at some rank of the top lay more
    than epsilon from the loss at the same rank below, the next rung is opened, up to the largest fidelity.

    Epsilon is how far noise alone carries two trials apart: the 90th percentile of the differences on the top
    rung between trials whose curves crossed at least twice on their way there. Pairs are those of a newcomer
    on the top rung and the 100 trials before it. Without such a pair epsilon stays as it was, at first 0. A
    trial that is NaN on one of the two rungs is not ranked, and a curve with a NaN in it tells no noise.
    Every report belongs to a curve, so it is called at each until the largest fidelity is open.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(  # noqa: PLR0913  settings are named
        self,
        schema: Schema,
        seed: int = 0,
        *,
        eta: float = 3,
        r_min: float | None = None,
        rungs: Sequence[float] | None = None,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        self._goals = goals(schema.fidelity, eta, r_min, rungs)
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._shown = format_call(
            "PASHA",
            seed=configurations.seed,
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            initial=configurations.initial,
            duplicates=duplicates or (),
        )
        self._target = schema.objective(schema.target)
        self._rungs = [
            PromotionRung(ratio(low, high)) for low, high in zip(self._goals, self._goals[1:], strict=False)
        ]
        self._place = {goal: place for place, goal in enumerate(self._goals)}
        self._top = min(1, len(self._rungs))  # the place of the highest goal that is open
        self._ranking = SoftRanking()
        self._started = 0
        self._curves: dict[int, list[float]] = {}
        self._below: dict[int, float] = {}
        self._reached: dict[int, tuple[int, float]] = {}  # by those whose jobs have not ended yet

    def __repr__(self) -> str:
        return self._shown

    @property
    def _all_open(self) -> bool:
        return self._top == len(self._rungs)

    def suggest(self) -> Start | Resume | None:
        """The best trial that may be promoted to an open rung, else a new one, if there is any left."""
        for place in range(self._top - 1, -1, -1):
            trial = self._rungs[place].promote()
            if trial is not None:
                return Resume(trial, until=self._goals[place + 1])
        configuration = self._configuration()
        if configuration is None:
            return None
        self._started += 1
        return Start(configuration, until=self._goals[0])

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Takes note at a rung, where the job ends by itself; the top one may show that the next is due."""
        loss = loss_of(report, self._target)
        place = self._place.get(report.fidelity)
        if place is not None and place < len(self._rungs):
            self._reached[trial.number] = (place, loss)
        if not self._all_open:
            self._learn(trial.number, place, loss)
            return CONTINUE
        return CONTINUE if place is not None else towards_next(self._goals, report.fidelity)

    def _learn(self, trial: int, place: int | None, loss: float) -> None:
        curve = self._curves.setdefault(trial, [])
        curve.append(loss)
        if place is not None:
            below, self._below[trial] = self._below.get(trial, loss), loss
            if place == self._top and not self._ranking.agrees_with(below, curve):
                self._open_next()

    def _open_next(self) -> None:
        self._top += 1
        self._ranking = SoftRanking(self._ranking.epsilon)
        if self._all_open:
            self._curves.clear()
            self._below.clear()

    def on_end(self, trial: Trial) -> None:
        """Who has ended on a rung joins it, but whose curve has ended cannot be resumed."""
        if trial.status is not TrialStatus.PAUSED:
            for rung in self._rungs:
                rung.withdraw(trial.number)
            self._curves.pop(trial.number, None)
            self._below.pop(trial.number, None)
        if trial.number in self._reached:
            place, loss = self._reached.pop(trial.number)
            self._rungs[place].insert(loss, trial.number)

    def abandoned(self) -> range:
        """When it has nothing to suggest and nothing runs, no paused trial will ever be resumed."""
        return range(self._started)
