"""Synchronous brackets of successive halving: one after the other, or the next one while workers are free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import isnan

from blackbox_repo.domains import Value
from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus, continue_until
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import floor
from simulator.schedulers.loss import loss_of


class Bracket:
    """So many trials start, and when all of them have trained up to a rung, the best 1/eta go on.

    A rung is decided when every job on it has ended. Whoever is NaN there, or whose curve has ended by then,
    failed or not, counts as one of the rung and cannot go on. Equal losses go by trial number.

    Args:
        goals: Its rungs, ascending, and at the end the largest fidelity.
        trials: How many start; floor(trials / eta^i) are to reach the i-th goal, counted from 0.
        eta: One of how many goes on.
    """

    def __init__(self, goals: Sequence[float], trials: int, eta: Fraction) -> None:
        self._goals = deque(goals)
        self._counts = deque(floor(trials / eta**rung) for rung in range(len(goals)))
        self._to_start = trials
        self._to_resume: deque[int] = deque()
        self._running = 0
        self._losses: dict[int, float] = {}
        self._paused: list[int] = []

    @property
    def goal(self) -> float:
        """Up to where its trials train now."""
        return self._goals[0]

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do or to wait for."""
        return not (self._to_start or self._to_resume or self._running)

    def suggest(self, configuration: Callable[[], dict[str, Value] | None]) -> Start | Resume | None:
        """A job towards the goal, or ``None`` while the rung is undecided."""
        if self._to_resume:
            self._running += 1
            return Resume(self._to_resume.popleft(), until=self.goal)
        if not self._to_start:
            return None
        new = configuration()
        if new is None:  # the space is used up: those that have started are all
            self._to_start = 0
            self._decide()
            return self.suggest(configuration) if self._to_resume else None
        self._running += 1
        self._to_start -= 1
        return Start(new, until=self.goal)

    def report(self, trial: int, loss: float) -> None:
        """A trial has reached the goal."""
        self._losses[trial] = loss

    def end(self, trial: Trial) -> None:
        """A job has ended; the last one of a rung decides it."""
        self._running -= 1
        if trial.status is TrialStatus.PAUSED:
            self._paused.append(trial.number)
        self._decide()

    def _decide(self) -> None:
        if not (self.done and self._paused):
            return
        self._goals.popleft()
        self._counts.popleft()
        # at the run's end, ends are told whose reports are not (T12)
        able = [number for number in self._paused if not isnan(self._losses.get(number, float("nan")))]
        best = sorted(able, key=lambda number: (self._losses[number], number))
        self._to_resume.extend(best[: self._counts[0]])
        self._paused.clear()
        self._losses.clear()


class Synchronous:
    """Runs brackets in turn; while a rung is undecided workers wait, or begin the next bracket.

    A free worker is given to the oldest bracket that has something to do.

    Args:
        schema: Of the blackbox; its target is optimized.
        configurations: What new trials train.
        brackets: One after the other, without end.
        overlap: Whether a bracket begins before the one before it is over.
    """

    def __init__(
        self,
        schema: Schema,
        configurations: RandomConfigurations,
        brackets: Iterator[Bracket],
        *,
        overlap: bool,
    ) -> None:
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._brackets, self._overlap = brackets, overlap
        self._open: list[Bracket] = []
        self._bracket_of: dict[int, Bracket] = {}  # of those that train
        self._started = 0

    def suggest(self) -> Start | Resume | None:
        """A job of the oldest bracket that has one, or ``None`` while all wait."""
        self._open = [bracket for bracket in self._open if not bracket.done]
        for bracket in self._open:
            job = bracket.suggest(self._configuration)
            if job is not None:
                return self._given(job, bracket)
        if self._open and not self._overlap:
            return None
        bracket = next(self._brackets)
        job = bracket.suggest(self._configuration)
        if job is None:
            return None  # the space is used up
        self._open.append(bracket)
        return self._given(job, bracket)

    def _given(self, job: Start | Resume, bracket: Bracket) -> Start | Resume:
        if isinstance(job, Resume):
            self._bracket_of[job.trial] = bracket
        else:
            self._bracket_of[self._started] = bracket
            self._started += 1
        return job

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Takes note at the goal; the job ends there by itself."""
        bracket = self._bracket_of[trial.number]
        if report.fidelity < bracket.goal:
            return continue_until(bracket.goal)
        bracket.report(trial.number, loss_of(report, self._target))
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """The last of a rung decides who goes on."""
        self._bracket_of.pop(trial.number).end(trial)

    def abandoned(self) -> range:
        """When it has nothing to suggest and nothing runs, no paused trial will ever be resumed."""
        return range(self._started)
