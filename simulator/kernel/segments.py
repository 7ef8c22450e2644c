"""Trials, their segments, and what became of each point of their curves."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import IntEnum

from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration
from simulator.clock import END_OF_TIME, array_to_ns, to_seconds
from simulator.errors import SimulationError
from simulator.kernel.events import Event
from simulator.scheduler import Report, Trial, TrialStatus

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


@dataclass(slots=True)
class Job:
    """What a worker is to do: train a trial from ``base`` (not included), report from ``first`` to ``last``.

    It will be the trial's segment ``number``, does not begin before ``ready`` (ns), and the scheduler wants
    to hear of ``wake``.
    """

    trial: TrialState
    number: int
    base: int
    first: int
    last: int
    ready: int
    wake: int
    until: int | None = None
    """The point after which its scheduler wants it to end, if it has said so; its curve may end before."""
    bounded: bool = False
    """It ends at ``until``, and that is not the last point of all."""


@dataclass(slots=True)
class Segment:
    """One uninterrupted stretch of a trial on one worker: a job that is being done.

    Points are positions on the curve. The job trains from ``base`` (not included) and reports from ``first``
    to ``last``; what became of the points before ``next`` is known, those before ``awaited`` have arrived,
    and the scheduler wants to hear of ``wake``. The worker is busy from ``busy_from`` to ``end``. ``signal``
    is when a stop signal ends the training, if that is sooner than the job's own end; ``crash`` when it
    crashes.
    """

    job: Job
    trial: int
    number: int
    worker: int
    busy_from: int
    start: int
    base: int
    first: int
    last: int
    next: int
    awaited: int
    wake: int
    crash: int | None = None
    signal: int | None = None
    end: int | None = None
    outcome: TrialStatus | None = None
    begun: bool = False
    end_told: bool = False
    signalled: bool = False
    """A stop signal is on its way to it, or to where it was."""
    queued: Event | None = None
    """Its event in the queue."""
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

    def forget(self, stop: int) -> None:
        """The late points from ``stop`` on are never produced."""
        if stop < self.next:
            _, code = self.codes.pop()
            self.next = self.codes[-1][0] if self.codes else self.first
            self.mark(stop, code)
        self.last = min(self.last, stop - 1)

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
        cut_short = halted or self.outcome is TrialStatus.PREEMPTED
        assert not cut_short or self.last == self.next - 1, "a stopped job's points are all known"
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


class TrialState:
    """A trial: its configuration, its curve, and its segments."""

    __slots__ = (
        *("_time", "configuration", "curve", "heard", "known_elapsed", "number", "segments", "source"),
        "status",
    )

    def __init__(self, number: int, configuration: Configuration, curve: LearningCurve) -> None:
        self.number = number
        self.configuration = configuration
        self.curve = curve
        self.status = TrialStatus.RUNNING
        self.segments: list[Segment] = []
        self.heard = SCRATCH
        self.source: int | None = None  # the trial with whose checkpoint it began
        time = curve.schema.time
        assert time is not None
        self._time = time
        self.known_elapsed = array("q")

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
        alone = self.curve.schema.fidelity.kind == "independent"  # trainings that do not follow each other
        floor = [0] * len(news) if alone else [before, *news]
        if any(later < earlier for earlier, later in zip(floor, news, strict=False)):
            self._end_at_the_first_wrong(floor, news)
            raise SimulationError(self._no_time(count))
        self.known_elapsed.extend(news)

    def _end_at_the_first_wrong(self, floor: list[int], news: list[int]) -> None:
        """The run so far is kept: a point whose time is none is never reached, nor is one after it."""
        good = next(n for n, (least, time) in enumerate(zip(floor, news, strict=False)) if time < least)
        self.known_elapsed.extend(news[:good])
        self.known_elapsed.extend([END_OF_TIME] * (len(self.curve) - len(self.known_elapsed)))

    def _no_time(self, count: int) -> str:
        seconds = self.curve.head(self._time, count)
        too_long = seconds.max() >= to_seconds(END_OF_TIME)
        why = "reaches beyond 292 years, where simulated time ends"
        if not too_long:
            why = "is negative, decreases or is no number"
        return f"the time {self._time!r} of {dict(self.configuration)!r} {why}: {seconds!r}"

    def report(self, event: Event) -> Report:
        """What its scheduler gets when a point has arrived."""
        fidelity = self.curve.schema.fidelity.values[event.point]
        return Report(fidelity, to_seconds(event.time), event.point, self.curve)

    def known_outcome(self, segment: int, outcome: TrialStatus) -> TrialStatus:
        """What its scheduler is told at a segment's end: a trial that it knows to be over stays so (T11)."""
        if outcome is not TrialStatus.PAUSED:
            return outcome
        latest = self.segments[-1]
        known = latest.number > segment and (latest.end_told or latest.outcome is TrialStatus.STOPPED)
        return latest.outcome if known and latest.outcome else outcome

    def seen_as(self, status: TrialStatus, last_report: Report | None = None) -> Trial:
        """The snapshot that the scheduler gets; changing its configuration changes no result."""
        return Trial(self.number, dict(self.configuration), status, last_report)
