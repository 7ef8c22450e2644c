"""Trials, their jobs and segments, and what became of each point; only the cluster changes them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.space import Configuration
from simulator.clock import END_OF_TIME, NANOSECONDS, Nanoseconds, array_to_ns, to_seconds
from simulator.errors import SimulationError
from simulator.kernel.events import JobEvent
from simulator.scheduler import Report, Trial, TrialStatus

_FEW, _LATEST = 16, 9e9
"""So many times of a curve are converted faster one by one; seconds that are surely within simulated time."""
SCRATCH = -1
"""The base of a segment that starts without a checkpoint: the point before the first one."""


class Code(IntEnum):
    """What became of a point."""

    CONTINUE = 1
    PAUSE = 2
    STOP = 3
    LATE = 4
    REPEATED = 5
    AFTER_END = 6
    WAITING = 7

    __hash__ = int.__hash__


_DELIVERED = frozenset({Code.CONTINUE, Code.PAUSE, Code.STOP})


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do: train a trial, and report some points of its curve.

    Args:
        trial: The trial that is trained.
        number: Which segment of the trial the job will be.
        base: The point from which it trains, not included.
        first: The first point that it reports.
        last: The last one.
        ready: The nanosecond before which it does not begin.
        next_wanted: The first point of which the scheduler wants to be told.
        until: The point after which the scheduler wants it to end; ``None`` if it has not said so.
        bounded: Whether it ends at ``until``, and that is not the last point of all.
    """

    trial: TrialState
    number: int
    base: int
    first: int
    last: int
    ready: int
    next_wanted: int
    until: int | None = None
    bounded: bool = False


class Segment:
    """One uninterrupted stretch of a trial on one worker: a job that is being done.

    Points are positions on the curve, times are nanoseconds.

    Attributes:
        job: What is done.
        trial: The trial of the job.
        number: Which segment of the trial it is.
        worker: The worker that does the job.
        busy_from: When the worker got the job.
        start: When the training begins.
        base: The point from which it trains, not included.
        first: The first point that it reports.
        last: The last one, as far as is known.
        next_undecided: What became of the points before this one is settled.
        next_arrival: The points before this one have reached the scheduler's side.
        next_wanted: The scheduler wants to be told of this point and those after it.
        crash: When it crashes; ``None`` if it does not.
        signal: When a stop signal ends the training, if that is sooner than the job's own end.
        end: When its worker was free again; ``None`` while it is busy.
        outcome: What became of it, once that is settled.
        begun: Whether the training has begun.
        end_told: Whether the scheduler has been called to tell it of the end.
        end_known: Whether it has answered, and all that looks on has seen the end.
        signalled: Whether a stop signal is on its way to it, or to where it was.
        queued: Its event in the agenda.
        codes: What became of the points: ``(stop, code)`` for each stretch of points with one code.
    """

    __slots__ = (
        *("base", "begun", "busy_from", "codes", "crash", "end", "end_known", "end_told", "first"),
        *("job", "last", "next_arrival", "next_undecided", "next_wanted", "number", "outcome"),
        *("queued", "signal", "signalled", "start", "trial", "worker"),
    )

    def __init__(self, job: Job, worker: int, busy_from: int, start: int) -> None:
        self.job = job
        self.trial = job.trial
        self.number, self.base = job.number, job.base
        self.worker = worker
        self.busy_from, self.start = busy_from, start
        self.first = self.next_undecided = self.next_arrival = job.first
        self.last, self.next_wanted = job.last, job.next_wanted
        self.crash: int | None = None
        self.signal: int | None = None
        self.end: int | None = None
        self.outcome: TrialStatus | None = None
        self.begun = self.end_told = self.end_known = self.signalled = False
        self.queued: JobEvent | None = None
        self.codes: list[tuple[int, Code]] = []

    def mark(self, stop: int, code: Code) -> None:
        """The points from the next undecided one up to ``stop`` (not included) have one code."""
        if stop <= self.next_undecided:
            return
        if self.codes and self.codes[-1][1] is code:
            self.codes[-1] = (stop, code)
        else:
            self.codes.append((stop, code))
        self.next_undecided = stop

    def forget(self, stop: int) -> None:
        """The late points from ``stop`` on are never produced."""
        if stop < self.next_undecided:
            _, code = self.codes.pop()
            self.next_undecided = self.codes[-1][0] if self.codes else self.first
            self.mark(stop, code)
        self.last = min(self.last, stop - 1)

    @property
    def last_delivered(self) -> int:
        """The last point that was delivered in time and for the first time; ``SCRATCH`` if there is none."""
        return max([SCRATCH, *(stop - 1 for stop, code in self.codes if code in _DELIVERED)])

    def check(self) -> None:
        """Assert what always holds of a segment; for tests."""
        stops, codes = [stop for stop, _ in self.codes], [code for _, code in self.codes]
        assert [self.first, *stops] == sorted({self.first, *stops}), "a stretch has a point or more"
        assert self.next_undecided == max([self.first, *stops]), "points before the next undecided have codes"
        assert codes == sorted(codes, key=_ORDER_OF_CODES.index), "codes come in the order in which they can"
        halted = Code.PAUSE in codes or Code.STOP in codes
        assert halted == (self.signal is not None), "a segment has a signal if it was stopped or paused"
        cut_short = halted or self.outcome is TrialStatus.PREEMPTED
        assert not cut_short or self.last == self.next_undecided - 1, "a stopped job's points are all known"
        assert self.busy_from <= self.start
        assert self.end is None or (self.end >= self.busy_from and self.outcome is not None)


_ORDER_OF_CODES = (
    Code.REPEATED,
    Code.CONTINUE,
    Code.PAUSE,
    Code.STOP,
    Code.LATE,
    Code.WAITING,
    Code.AFTER_END,
)


_NO_SEGMENTS: list[Segment] = []


class TrialState:
    """A trial: its configuration, its curve, and its segments.

    Args:
        number: Trials are numbered in the order in which they start.
        configuration: What is trained, canonical.
        curve: The training run that the trial replays.
        base: The point of the checkpoint with which it begins; ``SCRATCH`` for none.

    Attributes:
        status: As the scheduler has last decided, or as its last segment ended.
        segments: In their order; empty again once nothing about the trial can change any more.
        last_delivered: The last point that was delivered: its checkpoint.
        delivered_by: The segment that delivered it.
        seen: The trial as the scheduler sees it while it runs.
        released: Whether nothing about it can change any more, so that only status and checkpoint are kept.
    """

    __slots__ = (
        *("_incremental", "_time", "configuration", "curve", "delivered_by", "known_elapsed"),
        *("last_delivered", "number", "released", "seen", "segments", "status"),
    )
    __deletable__ = ("configuration", "curve", "delivered_by", "known_elapsed", "seen")  # read by mypyc

    def __init__(self, number: int, configuration: Configuration, curve: LearningCurve, base: int) -> None:
        self.number = number
        self.configuration = configuration
        self.curve = curve
        self.status = TrialStatus.RUNNING
        self.segments: list[Segment] = []
        self.released = False
        self.last_delivered = base
        self.delivered_by: Segment | None = None
        self.seen = Trial(number, dict(configuration), TrialStatus.RUNNING)
        time = curve.schema.time
        assert time is not None
        self._time = time
        self._incremental = curve.schema.fidelity.kind == "incremental"
        self.known_elapsed = array("q")

    def elapsed(self, point: int) -> int:
        """Nanoseconds of training from scratch up to a point.

        The curve is read only as far as needed, and one point on: to stop a job is to ask when the next point
        would come.
        """
        if point < 0:
            return 0
        known = len(self.known_elapsed)
        if point >= known:
            self._read(known, min(max(point + 2, 2 * known), len(self.curve)))
        return self.known_elapsed[point]

    def _read(self, known: int, count: int) -> None:
        seconds = self.curve.head(self._time, count)[known:]
        before = self.known_elapsed[-1] if known else 0
        news = _few_to_ns(seconds, before) if self._incremental and len(seconds) <= _FEW else None
        if news is not None:
            self.known_elapsed.extend(news)
            return
        times = array_to_ns(seconds)
        floor = np.zeros_like(times)
        if self._incremental:  # else each training begins anew
            floor[0], floor[1:] = before, times[:-1]
        if (times < floor).any():
            self._end_at_the_first_wrong(int((times < floor).argmax()), times)
            raise SimulationError(self._no_time(count))
        self.known_elapsed.frombytes(times.tobytes())

    def _end_at_the_first_wrong(self, good: int, news: Nanoseconds) -> None:
        """Keep the run so far: a point whose time is none is never reached, nor is one after it."""
        self.known_elapsed.extend(news[:good].tolist())
        self.known_elapsed.extend([END_OF_TIME] * (len(self.curve) - len(self.known_elapsed)))

    def _no_time(self, count: int) -> str:
        seconds = self.curve.head(self._time, count)
        too_long = seconds.max() >= to_seconds(END_OF_TIME)
        why = "reaches beyond 292 years, where simulated time ends"
        if not too_long:
            why = "is negative, decreases or is no number"
        return f"the time {self._time!r} of {dict(self.configuration)!r} {why}: {seconds!r}"

    def report(self, point: int, time: int) -> Report:
        """What the scheduler gets when a point has arrived at ``time`` (ns)."""
        fidelities: Sequence[Any] = self.curve.schema.fidelity.values  # whole numbers stay whole
        return Report(fidelities[point], to_seconds(time), point, self.curve)

    def outcome_to_tell(self, segment: int, outcome: TrialStatus) -> TrialStatus:
        """What the scheduler is told at a segment's end: a trial that it knows to be over stays so (T11)."""
        if outcome is not TrialStatus.PAUSED:
            return outcome
        latest = self.segments[-1]
        known = latest.number > segment and (latest.end_told or latest.outcome is TrialStatus.STOPPED)
        return latest.outcome if known and latest.outcome else outcome

    def release(self) -> None:
        """Let go of everything but the status and the checkpoint: nothing else will be asked again."""
        self.released, self.segments = True, _NO_SEGMENTS
        del self.curve, self.configuration, self.seen, self.delivered_by, self.known_elapsed


def _few_to_ns(seconds: Array, before: int) -> list[int] | None:
    """Seconds as whole nanoseconds, like :func:`array_to_ns`; ``None`` if some are no times of a curve."""
    values: list[float] = seconds.tolist()
    if not max(values) < _LATEST:
        return None
    times = [round(value * NANOSECONDS) for value in values if value == value]  # noqa: PLR0124  no NaN
    ascending = [before, *times]
    return times if len(times) == len(values) and ascending == sorted(ascending) else None
