"""Synchronous brackets of successive halving, one after the other or overlapping while workers are free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import isnan

from blackbox_repo.domains import Value
from blackbox_repo.numeric.scalars import flag
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus, continue_until
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact_fractions import floor
from simulator.schedulers.objective_loss import objective_loss


class Bracket:
    """A number of trials; when all of them have trained up to a rung, the best 1/eta of them continue.

    A rung is decided when every job on it has ended. A trial that is NaN there, or whose curve has ended by
    then, failed or not, counts as one of the rung and is not continued. Of equal losses that of the trial
    with the lower number is better.

    Args:
        levels: The rungs in ascending order, then the largest fidelity.
        trials: The number of trials that start; floor(trials / eta^i) of them are to reach level i, counted
            from 0.
        eta: The reduction factor.
    """

    def __init__(self, levels: Sequence[float], trials: int, eta: Fraction) -> None:
        self._levels = deque(levels)
        self.to_the_level = continue_until(self.level)
        self._counts = deque(floor(trials / eta**rung) for rung in range(len(levels)))
        self._to_start = trials
        self._to_resume: deque[int] = deque()
        self._running = 0
        self._losses: dict[int, float] = {}
        self._paused: list[int] = []

    @property
    def level(self) -> float:
        """The fidelity up to which its trials train now."""
        return self._levels[0]

    @property
    def done(self) -> bool:
        """Whether it has no more jobs and waits for none."""
        return not (self._to_start or self._to_resume or self._running)

    def suggest(self, configuration: Callable[[], dict[str, Value] | None]) -> Start | Resume | None:
        """A job up to the level, or ``None`` while the rung is undecided.

        Args:
            configuration: Gives the next configuration, or ``None`` if the space is used up.
        """
        if self._to_resume:
            self._running += 1
            return Resume(self._to_resume.popleft(), until=self.level)
        if not self._to_start:
            return None
        new = configuration()
        if new is None:  # the trials that have started are all that there are
            self._to_start = 0
            self._decide()
            return self.suggest(configuration) if self._to_resume else None
        self._running += 1
        self._to_start -= 1
        return Start(new, until=self.level)

    def report(self, trial: int, loss: float) -> None:
        """Keep the loss of a trial that has reached the level."""
        self._losses[trial] = loss

    def end(self, trial: Trial) -> None:
        """Take note that a job has ended; the last one of a rung decides it."""
        self._running -= 1
        if trial.status is TrialStatus.PAUSED:
            self._paused.append(trial.number)
        self._decide()

    def _decide(self) -> None:
        if not (self.done and self._paused):
            return
        self._levels.popleft()
        self.to_the_level = continue_until(self.level)
        self._counts.popleft()
        # when a run ends, a job may end whose last report was not delivered (T12)
        able = [number for number in self._paused if not isnan(self._losses.get(number, float("nan")))]
        best = sorted(able, key=lambda number: (self._losses[number], number))
        self._to_resume.extend(best[: self._counts[0]])
        self._paused.clear()
        self._losses.clear()


class Synchronous(ReferenceScheduler):
    """Runs brackets in turn; while a rung is undecided, workers wait or begin the next bracket.

    A free worker gets a job of the oldest bracket that has one. Subclasses have the settings ``overlap``,
    ``initial`` and ``duplicates``.
    """

    overlap: bool
    initial: Sequence[Configuration]
    duplicates: bool

    def _begin(self, brackets: Iterator[Bracket]) -> None:
        """Check the common settings and prepare to run brackets, of which there is no end."""
        self.overlap = flag("overlap", self.overlap)
        space = self.schema.space
        drawn = RandomConfigurations(space, self.seed, self.initial, duplicates=self.duplicates)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._configuration, self.upcoming = drawn.next, drawn.upcoming
        self._target = self.schema.objective(self.schema.target)
        self._brackets = brackets
        self._open: list[Bracket] = []
        self._bracket_of: dict[int, Bracket] = {}  # of the trials that train
        self._started = 0

    def suggest(self) -> Start | Resume | None:
        """A job of the oldest bracket that has one, or ``None`` while all of them wait."""
        self._open = [bracket for bracket in self._open if not bracket.done]
        for bracket in self._open:
            job = bracket.suggest(self._configuration)
            if job is not None:
                return self._assign(job, bracket)
        if self._open and not self.overlap:
            return None
        bracket = next(self._brackets)
        job = bracket.suggest(self._configuration)
        if job is None:
            return None  # the space is used up
        self._open.append(bracket)
        return self._assign(job, bracket)

    def _assign(self, job: Start | Resume, bracket: Bracket) -> Start | Resume:
        if isinstance(job, Resume):
            self._bracket_of[job.trial] = bracket
        else:
            self._bracket_of[self._started] = bracket
            self._started += 1
        return job

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Keep the loss at the level of the bracket; the job ends there by itself."""
        bracket = self._bracket_of[trial.number]
        if report.fidelity < bracket.level:
            return bracket.to_the_level
        bracket.report(trial.number, objective_loss(report, self._target))
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Tell the bracket that a job has ended."""
        self._bracket_of.pop(trial.number).end(trial)

    def abandoned(self) -> range:
        """All trials: once nothing runs and nothing is suggested, no paused trial will ever be resumed."""
        return range(self._started)
