"""The outcome of a run, as columns of numbers: the value that the kernel returns."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from simulator.errors import RunError
from simulator.scheduler import TrialStatus

NEVER = -1
"""Stands in columns of numbers for a moment that did not come, or a point that was not named."""
STATUSES: tuple[TrialStatus | None, ...] = (None, *TrialStatus)
"""What the numbers in columns of statuses mean."""


@dataclass(frozen=True)
class Trials:
    """One value a trial, in the order of their numbers.

    Args:
        configurations: Hyperparameter -> its values, ``None`` where it is inactive.
        seed: The training seed.
        checkpoint_of: The trial with whose checkpoint it began, or ``None``.
        off_table: Whether its curve is that of another configuration, which stands in for its own.
        constants: Constant objective -> its values.
        status: What became of it.
    """

    configurations: Mapping[str, MutableSequence[Value | None]]
    seed: list[int]
    checkpoint_of: list[int | None]
    off_table: list[bool]
    constants: Mapping[str, list[float]]
    status: list[str]


@dataclass(frozen=True)
class Segments:
    """One value a segment, in the order of (trial, segment); times in nanoseconds.

    Args:
        trial: The number of the trial.
        segment: Which of its segments.
        worker: Where it ran.
        busy_from: When the worker got the job.
        started: When the training began; ``NEVER`` if the run ended before.
        ended: When the worker was free again.
        until: The point after which the scheduler wanted it to end; ``NEVER`` if it had not said so.
        outcome: An index into ``STATUSES``.
    """

    trial: npt.NDArray[np.int32]
    segment: npt.NDArray[np.int32]
    worker: npt.NDArray[np.int32]
    busy_from: npt.NDArray[np.int64]
    started: npt.NDArray[np.int64]
    ended: npt.NDArray[np.int64]
    until: npt.NDArray[np.int32]
    outcome: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Events:
    """One value an event that is no report, in the order in which they were handled.

    Args:
        time: When it happened (ns).
        kind: A :class:`simulator.kernel.events.Kind`.
        trial: The trial that it is about; the worker, where it is a worker's; else 0.
        segment: The segment.
        point: The point.
        outcome: For the end of a job, an index into ``STATUSES``.
        answers: Which of the events are answers of the scheduler, and what they say.
    """

    time: npt.NDArray[np.int64]
    kind: npt.NDArray[np.uint8]
    trial: npt.NDArray[np.int32]
    segment: npt.NDArray[np.int32]
    point: npt.NDArray[np.int32]
    outcome: npt.NDArray[np.uint8]
    answers: Mapping[int, str]


@dataclass(frozen=True)
class Points:
    """One value a point that was produced, in the order of T2.

    Args:
        time: When it arrived, or would have (ns).
        trial: The number of the trial.
        segment: Which of its segments.
        point: The position on the curve.
        code: A :class:`simulator.kernel.segments.Code`.
        values: Objective -> its values, but for the constant ones.
    """

    time: npt.NDArray[np.int64]
    trial: npt.NDArray[np.int32]
    segment: npt.NDArray[np.int32]
    point: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]
    values: Mapping[str, Array]

    @classmethod
    def empty(cls, values: Mapping[str, Array]) -> Points:
        """No points, whose objectives have the types of these empty arrays."""
        numbers = np.empty(0, dtype=np.int32)
        return cls(np.empty(0, np.int64), numbers, numbers, numbers, np.empty(0, np.int8), values)

    @classmethod
    def concatenate(cls, parts: Sequence[Points]) -> Points:
        """All points, one part after the other."""
        tables = [part.columns() for part in parts]
        columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
        return cls(**columns, values=values)

    def columns(self) -> dict[str, Any]:
        """The columns by name, but for those of objectives."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "values"}

    def order(self) -> npt.NDArray[np.int64]:
        """The rows in the order of T2."""
        order = np.argsort(self.time, kind="stable")
        time = self.time[order]
        if (time[1:] == time[:-1]).any():
            return np.lexsort((self.point, self.segment, self.trial, self.time))
        return order

    def with_codes(self, codes: npt.NDArray[np.int8]) -> Points:
        """The same points, but for what became of them."""
        return replace(self, code=codes)


@dataclass(frozen=True)
class Outcome:
    """A run that is over.

    Args:
        reason: What ended it: the name of a limit, ``"exhausted"``, ``"stalled"`` or ``"error"``.
        end: When, in nanoseconds.
        trials: One row a trial.
        segments: One row a segment.
        points: One row a point.
        events: One row an event that is no report.
        calls: One row a call of the scheduler, where its thinking takes time.
        error: Why the run was given up, if it was.
    """

    reason: str
    end: int
    trials: Trials
    segments: Segments
    points: Points
    events: Events
    calls: Sequence[tuple[Any, ...]]
    error: RunError | None = None
