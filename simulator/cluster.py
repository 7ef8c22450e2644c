"""The cluster: its workers, trials and segments, and the one owner of a run's state."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import IntEnum

from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration
from simulator.clock import array_to_ns
from simulator.errors import SimulationError
from simulator.scheduler import Trial, TrialStatus
from simulator.timing import Timing

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


@dataclass(slots=True)
class Segment:
    """One uninterrupted stretch of a trial on one worker.

    Points are positions on the curve. The job trains from ``base`` (not included), reports from ``first`` to
    ``last``; what became of the points before ``next`` is known, and the scheduler wants to hear of ``wake``.
    The worker is busy from ``busy_from`` to ``end``. ``signal`` is when a stop signal ends the training, if
    that is sooner than the job's own end.
    """

    trial: int
    number: int
    worker: int
    busy_from: int
    start: int
    base: int
    first: int
    last: int
    next: int
    wake: int
    signal: int | None = None
    end: int | None = None
    outcome: TrialStatus | None = None
    arrived: list[int] = field(default_factory=list)
    """When the points from ``first`` on arrive, where that is drawn."""
    codes: list[tuple[int, Code]] = field(default_factory=list)
    """What became of the points: ``(stop, code)`` for each stretch of points with one code."""

    def mark(self, stop: int, code: Code) -> None:
        """The points from ``next`` up to ``stop`` (not included) have one code; they are done with."""
        if stop <= self.next:
            return
        if self.codes and self.codes[-1][1] is code:
            self.codes.pop()
        self.codes.append((stop, code))
        self.next = stop

    @property
    def told(self) -> int:
        """The last point that was delivered in time and for the first time; ``SCRATCH`` if there is none."""
        fresh = [stop - 1 for stop, code in self.codes if code in {Code.CONTINUE, Code.PAUSE, Code.STOP}]
        return max([SCRATCH, *fresh])

    def check(self) -> None:
        """Assert what always holds of a segment; for tests."""
        stops, codes = [stop for stop, _ in self.codes], [code for _, code in self.codes]
        assert [self.first, *stops] == sorted({self.first, *stops}), "a stretch has a point or more"
        assert self.next == max([self.first, *stops]), "the points before the next one are marked"
        assert codes == sorted(codes, key=_ORDER_OF_CODES.index), (
            "told again, told, decided on, late, too late"
        )
        halted = Code.PAUSE in codes or Code.STOP in codes
        assert halted == (self.signal is not None), "who is stopped gets a signal"
        assert not halted or self.last == self.next - 1, "a stopped job's points are all known"
        assert self.busy_from <= self.start
        assert self.end is None or (self.end >= self.busy_from and self.outcome is not None)


_ORDER_OF_CODES = (Code.REPEATED, Code.CONTINUE, Code.PAUSE, Code.STOP, Code.LATE, Code.AFTER_END)


class TrialState:
    """A trial: its configuration, its curve, and its segments."""

    __slots__ = ("_time", "configuration", "curve", "heard", "known_elapsed", "number", "segments", "status")

    def __init__(self, number: int, configuration: Configuration, curve: LearningCurve) -> None:
        self.number = number
        self.configuration = configuration
        self.curve = curve
        self.status = TrialStatus.RUNNING
        self.segments: list[Segment] = []
        self.heard = SCRATCH
        time = curve.schema.time
        assert time is not None
        self._time = time
        self.known_elapsed: list[int] = []

    def elapsed(self, point: int) -> int:
        """Nanoseconds of training from scratch up to a point.

        The curve is read only as far as needed, and one point on: who stops a job asks when that would come.
        """
        if point < 0:
            return 0
        if point >= len(self.known_elapsed):
            known = len(self.known_elapsed)
            self._read(known, min(max(point + 2, 2 * known), len(self.curve)))
        return self.known_elapsed[point]

    def _read(self, known: int, count: int) -> None:
        news: list[int] = array_to_ns(self.curve.head(self._time, count)[known:]).tolist()
        before = self.known_elapsed[-1] if known else 0
        if any(later < earlier for earlier, later in zip([before, *news], news, strict=False)):
            raise SimulationError(
                f"the time {self._time!r} of {dict(self.configuration)!r} is negative, decreases or is no "
                f"number: {self.curve.head(self._time, count)!r}"
            )
        self.known_elapsed += news

    def seen_as(self, status: TrialStatus) -> Trial:
        """The snapshot that the scheduler gets."""
        return Trial(self.number, self.configuration, status)


class Cluster:
    """Workers and trials as a state machine; nobody else changes them."""

    def __init__(self, workers: int, timing: Timing) -> None:
        self.workers = workers
        self._timing = timing
        self.trials: list[TrialState] = []
        self.idle = list(range(workers))
        self.running: dict[tuple[int, int], Segment] = {}
        self._busy = 0  # of the jobs that have ended
        self._began = 0  # the sum of when those that run began

    def add_trial(self, configuration: Configuration, curve: LearningCurve) -> TrialState:
        """A new trial, without a job yet."""
        trial = TrialState(len(self.trials), configuration, curve)
        self.trials.append(trial)
        return trial

    def begin(self, trial: TrialState, now: int, start: int, base: int, points: range) -> Segment:
        """Put a job that reports these points on the lowest idle worker now; it runs from ``start`` (ns)."""
        segment = Segment(
            trial=trial.number,
            number=len(trial.segments),
            worker=heapq.heappop(self.idle),
            busy_from=now,
            start=start,
            base=base,
            first=points.start,
            last=points.stop - 1,
            next=points.start,
            wake=max(points.start, trial.heard + 1),
        )
        trial.segments.append(segment)
        trial.status = TrialStatus.RUNNING
        self.running[trial.number, segment.number] = segment
        self._began += now
        return segment

    def finish(self, segment: Segment, time: int) -> TrialState:
        """A job's end is registered: its worker is free, and the outcome is settled."""
        trial = self.trials[segment.trial]
        segment.end = time
        del self.running[segment.trial, segment.number]
        self._began -= segment.busy_from
        self._busy += time - segment.busy_from
        heapq.heappush(self.idle, segment.worker)
        if segment.outcome is None:
            segment.outcome = self._natural_outcome(trial, segment)
            trial.status = segment.outcome
        return trial

    def check(self) -> None:
        """Assert what always holds between two events; for tests, as it looks at everything."""
        busy = [segment.worker for segment in self.running.values()]
        assert sorted(self.idle + busy) == list(range(self.workers)), "a worker is idle or has one job"
        for trial in self.trials:
            *earlier, latest = trial.segments
            assert [segment.number for segment in trial.segments] == list(range(len(trial.segments)))
            assert all(segment.outcome is TrialStatus.PAUSED for segment in earlier), "only these are resumed"
            assert trial.status is (latest.outcome or TrialStatus.RUNNING)
            told = [segment.told for segment in trial.segments]
            assert trial.heard == max(trial.segments[0].base, *told), "the checkpoint is the last report told"
            for segment in trial.segments:
                assert (segment.end is None) == ((trial.number, segment.number) in self.running)
                segment.check()

    def busy(self, now: int) -> int:
        """Nanoseconds that all workers together have been busy."""
        return self._busy + len(self.running) * now - self._began

    def deliver(self, segment: Segment, stop: int) -> None:
        """The points before ``stop`` have arrived and the scheduler goes on, heard or not (T10, T22)."""
        if stop <= segment.next:
            return
        trial = self.trials[segment.trial]
        segment.mark(min(stop, trial.heard + 1), Code.REPEATED)
        segment.mark(stop, Code.CONTINUE)
        trial.heard = max(trial.heard, stop - 1)

    def _natural_outcome(self, trial: TrialState, segment: Segment) -> TrialStatus:
        if segment.last < len(trial.curve) - 1:
            return TrialStatus.PAUSED
        return TrialStatus.COMPLETED if trial.curve.status == "ok" else TrialStatus.FAILED

    def produced(self, segment: Segment, point: int) -> int:
        """When a point is produced on the worker (T6)."""
        trial = self.trials[segment.trial]
        training = trial.elapsed(point) - trial.elapsed(segment.base)
        return segment.start + self._timing.worked(segment.worker, training)

    def arrival(self, segment: Segment, point: int) -> int:
        """When a point reaches the scheduler: never before the one before it (T6b)."""
        report = self._timing.report
        if report is not None:
            return self.produced(segment, point) + report
        for reached in range(segment.first + len(segment.arrived), point + 1):
            delay = self._timing.delay("report", segment.trial, segment.number, reached)
            before = segment.arrived[-1] if segment.arrived else 0
            segment.arrived.append(max(before, self.produced(segment, reached) + delay))
        return segment.arrived[point - segment.first]

    def arrivals(self, segment: Segment, points: range) -> list[int]:
        """When a stretch of points reaches the scheduler."""
        if not self._timing.even:
            return [self.arrival(segment, point) for point in points]
        trial = self.trials[segment.trial]
        offset = segment.start - trial.elapsed(segment.base) + (self._timing.report or 0)
        trial.elapsed(points.stop - 1)
        return [offset + elapsed for elapsed in trial.known_elapsed[points.start : points.stop]]

    def registered_end(self, segment: Segment) -> int:
        """When the end of a job is registered if nobody stops it (T7); without points, its start."""
        if segment.last <= segment.base:
            return segment.start
        complete = self._timing.delay("complete", segment.trial, segment.number)
        return max(
            self.produced(segment, segment.last) + complete,
            self.arrival(segment, segment.last) if self._timing.report is None else 0,
        )

    def own_end_by(self, segment: Segment, time: int) -> int | None:
        """When the job's own end is registered, if that is not after ``time``; reads no more than it must."""
        if self.last_produced(segment, time) < segment.last:
            return None
        end = self.registered_end(segment)
        return end if end <= time else None

    def last_produced(self, segment: Segment, time: int) -> int:
        """The last point of the job that is produced up to and including ``time``."""
        point = segment.next - 1
        while point < segment.last and self.produced(segment, point + 1) <= time:
            point += 1
        return point

    def reached(self, segment: Segment, time: int) -> int:
        """The last point, of those done with, that is produced up to and including ``time``; or the base."""
        point = segment.next - 1
        while point >= segment.first and self.produced(segment, point) > time:
            point -= 1
        return point if point >= segment.first else segment.base

    def last_arrived(self, segment: Segment, time: int) -> int:
        """The last point of the job that has reached the scheduler up to and including ``time``."""
        point = segment.next - 1
        while point < segment.last and self.arrival(segment, point + 1) <= time:
            point += 1
        return point
