"""Asynchronous successive halving by promotion (Li et al., MLSys 2020, algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.brackets import Brackets
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ratio
from simulator.schedulers.loss import loss_of
from simulator.schedulers.rungs import PromotionRung, goals
from simulator.schedulers.settings import format_call


class PromotionASHA:
    """Pauses every trial at each rung, and resumes the best 1/eta of a rung towards the next one.

    A free worker goes to the best trial that may be promoted, from the highest rung down; if there is none,
    to a new one. Of n trials on a rung, floor(n * r_j / r_(j+1)) may be promoted; of equal losses the lower
    number comes first. A trial whose curve has ended keeps its place, but is passed over; one that is NaN on
    a rung takes no place there. With several brackets (asynchronous Hyperband) each has rungs of its own; of
    equally high ones that of the lower bracket comes first.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them, and of the brackets.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        brackets: How many brackets share the trials; bracket s leaves out the s lowest rungs.
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
        brackets: int = 1,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._brackets = Brackets(goals(schema.fidelity, eta, r_min, rungs), configurations.seed, brackets)
        steps = self._brackets.steps()
        self._rungs = [{level: PromotionRung(ratio(level, step[level])) for level in step} for step in steps]
        self._from_the_top = sorted(
            (
                (level, -number, rung, steps[number][level])
                for number, rungs in enumerate(self._rungs)
                for level, rung in rungs.items()
            ),
            key=lambda entry: entry[:2],
            reverse=True,
        )
        self._started = 0
        self._shown = format_call(
            "PromotionASHA",
            seed=configurations.seed,
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            brackets=brackets,
            initial=configurations.initial,
            duplicates=duplicates or (),
        )

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | Resume | None:
        """The best trial that may be promoted, else a new one, until a finite space is used up."""
        for _, _, rung, goal in self._from_the_top:
            trial = rung.promote()
            if trial is not None:
                return Resume(trial, until=goal)
        configuration = self._configuration()
        if configuration is None:
            return None
        bracket = self._brackets.of(self._started)
        self._started += 1
        return Start(configuration, until=self._brackets.goals[bracket][0])

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Takes note at a rung; the job ends there by itself."""
        bracket = self._brackets.of(trial.number)
        rung = self._rungs[bracket].get(report.fidelity)
        if rung is not None:
            rung.insert(loss_of(report, self._target), trial.number)
            return CONTINUE
        return self._brackets.towards_next(bracket, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Whose curve has ended cannot be resumed."""
        if trial.status is not TrialStatus.PAUSED:
            for rung in self._rungs[self._brackets.of(trial.number)].values():
                rung.withdraw(trial.number)

    def abandoned(self) -> range:
        """When it has nothing to suggest and nothing runs, no paused trial will ever be resumed."""
        return range(self._started)
