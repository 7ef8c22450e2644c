"""Synchronous brackets of successive halving, one after the other."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from blackbox_repo.domains import Value
from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus, continue_until
from simulator.schedulers.configurations import RandomConfigurations


class Bracket:
    """So many trials start, and when all of them have trained up to a rung, the best 1/eta go on.

    A rung is decided when every job on it has ended. Whoever's curve has ended by then, failed or not, counts
    as one of the rung and cannot go on. Equal losses go by trial number.

    Args:
        goals: Its rungs, ascending, and at the end the largest fidelity.
        trials: How many start; floor(trials / eta^i) are to reach the i-th goal, counted from 0.
        eta: One of how many goes on.
    """

    def __init__(self, goals: Sequence[float], trials: int, eta: float) -> None:
        self._goals = deque(goals)
        # rounded before it is cut: 9 / 3^2 is one trial, whatever eta's digits
        self._counts = deque(math.floor(round(trials / eta**rung, 9)) for rung in range(len(goals)))
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

    def suggest(self, configuration: Callable[[], dict[str, Value]]) -> Start | Resume | None:
        """A job towards the goal, or ``None`` while the rung is undecided."""
        if self._to_resume:
            self._running += 1
            return Resume(self._to_resume.popleft(), until=self.goal)
        if self._to_start:
            self._running += 1
            self._to_start -= 1
            return Start(configuration(), until=self.goal)
        return None

    def report(self, trial: int, loss: float) -> None:
        """A trial has reached the goal."""
        self._losses[trial] = loss

    def end(self, trial: Trial) -> None:
        """A job has ended; the last one of a rung decides it."""
        self._running -= 1
        if trial.status is TrialStatus.PAUSED:
            self._paused.append(trial.number)
        if self.done and self._paused:
            self._goals.popleft()
            self._counts.popleft()
            # at the run's end, ends are told whose reports are not (T12)
            best = sorted(self._paused, key=lambda number: (self._losses.get(number, math.inf), number))
            self._to_resume.extend(best[: self._counts[0]])
            self._paused.clear()
            self._losses.clear()


class Synchronous:
    """Runs brackets in turn, each to its end; workers wait while a rung is undecided.

    Args:
        schema: Of the blackbox; its target is optimized.
        configurations: What new trials train.
        brackets: One after the other, without end.
    """

    def __init__(
        self, schema: Schema, configurations: RandomConfigurations, brackets: Iterator[Bracket]
    ) -> None:
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._target = schema.objective(schema.target)
        self._brackets = brackets
        self._bracket = next(brackets)

    def suggest(self) -> Start | Resume | None:
        """A job of the bracket, or ``None`` while it waits."""
        if self._bracket.done:
            self._bracket = next(self._brackets)
        return self._bracket.suggest(self._configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Takes note at the goal; the job ends there by itself."""
        if report.fidelity < self._bracket.goal:
            return continue_until(self._bracket.goal)
        self._bracket.report(trial.number, self._target.loss(report[self._target.name]))
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """The last of a rung decides who goes on."""
        self._bracket.end(trial)
