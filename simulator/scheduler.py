"""The seam to schedulers: what they are asked, what they are told, and what they may answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration


class TrialStatus(str, Enum):
    """Where a trial stands; ``PREEMPTED`` is said of a segment only, its trial goes on elsewhere (T18)."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PREEMPTED = "preempted"

    __hash__ = str.__hash__  # a status equals its text, and is found by it


@dataclass(frozen=True)
class Start:
    """Begin a new trial.

    Args:
        configuration: What to train.
        until: The fidelity after which the job ends by itself; ``None`` for the end of the curve (T7).
        checkpoint_of: A trial from whose checkpoint the new one begins (T8).
    """

    configuration: Configuration
    until: float | None = None
    checkpoint_of: int | None = None


@dataclass(frozen=True)
class Resume:
    """Continue a paused trial, by number, up to the fidelity ``until``."""

    trial: int
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a running trial; use the constants below and :func:`continue_until`."""

    action: Literal["continue", "pause", "stop"]
    until: float | None = None

    def __post_init__(self) -> None:
        if self.action not in ("continue", "pause", "stop"):
            raise InvalidOption(f"a decision is 'continue', 'pause' or 'stop', not {self.action!r}")


CONTINUE = Decision("continue")
PAUSE = Decision("pause")
STOP = Decision("stop")


def continue_until(fidelity: float) -> Decision:
    """Continue, and do not ask before this fidelity: the same run as ``CONTINUE``, only faster (T22)."""
    return Decision("continue", fidelity)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as the scheduler sees it: a snapshot that does not change.

    Args:
        number: Trials are numbered 0, 1, 2, ... in the order in which they start.
        configuration: What is trained; not to be changed.
        status: ``RUNNING`` in a report; in ``on_end`` why the job ended.
        last_report: In ``on_end`` the latest report of the trial that was delivered, whether the scheduler
            was called at it or not (T22): what a trial came to, wherever its curve ended. Else ``None``.
    """

    number: int
    configuration: Configuration
    status: TrialStatus
    last_report: Report | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A point of the learning curve that has reached the scheduler.

    ``report["valid_error"]`` is the value of an objective.

    Args:
        fidelity: Where on the curve.
        time: Simulated seconds since the run began.
        index: Position of the fidelity in the schema.
    """

    fidelity: float
    time: float
    index: int
    _curve: LearningCurve

    def __getitem__(self, objective: str) -> float:
        return self._curve.point(objective, self.index)

    def values(self) -> dict[str, float]:
        """All objectives at this point."""
        return self._curve.at(self.fidelity)


class Scheduler(Protocol):
    """Decides what to run and when to stop it; these three methods are all, no base class is needed.

    Three more are optional. A scheduler that knows which configurations it will start next may say so in
    ``upcoming(count)``: a sequence of so many. Their curves are then computed together where that is faster;
    no result depends on it. One that pauses trials for good says which in ``abandoned()``: their numbers. It
    is called once nothing runs and nothing is suggested any more, and decides whether that end is
    ``"exhausted"`` or ``"stalled"`` (T5). One that holds something, such as a process, lets go of it in
    ``close()``, which is called once, when the run is over or was given up.
    """

    def suggest(self) -> Start | Resume | None:
        """A job for an idle worker, or ``None``: nothing now, ask again when more has happened."""

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What becomes of the trial after this report."""

    def on_end(self, trial: Trial) -> None:
        """A job has ended and its worker is free; ``trial.status`` says why."""


SchedulerFactory: TypeAlias = Callable[[Schema, int], Scheduler]
"""Makes a fresh scheduler from the blackbox's schema and a seed: for whatever runs more than once."""

Suggestion: TypeAlias = Start | Resume | None


def unwrapped(scheduler: Scheduler) -> Any:
    """The scheduler itself: what only observes another one keeps it as its ``__wrapped__``."""
    return inspect.unwrap(scheduler)  # type: ignore[arg-type]
