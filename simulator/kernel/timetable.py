"""When the points of a job are produced and arrive, and when it ends by itself (T6, T7); changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.kernel.events import JobEvent, Kind, job_event
from simulator.kernel.segments import Segment
from simulator.kernel.timing import Timing

_REPORT = Kind.REPORT


class Timetable:
    """Answers questions about segments from their curves, the workers' speeds and the delays.

    Args:
        timing: Delays and speeds of the run.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._report_delay = timing.report
        self._uniform = timing.uniform
        self._arrived: dict[tuple[int, int], list[int]] = {}
        """When the points of a segment arrive, from its first one on, where delays are drawn."""

    def produced(self, segment: Segment, point: int) -> int:
        """When a point is produced on the worker (T6)."""
        trial, base = segment.trial, segment.base
        known = trial.known_elapsed
        training = known[point] if point < len(known) else trial.elapsed(point)
        if base >= 0:
            training -= trial.elapsed(base)
        if self._uniform:
            return segment.start + training
        return segment.start + self._timing.worked(segment.worker, training)

    def arrival(self, segment: Segment, point: int) -> int:
        """When a point reaches the scheduler: never before the one before it (T6b)."""
        if self._report_delay is not None:
            return self.produced(segment, point) + self._report_delay
        arrived = self._arrived.setdefault((segment.trial.number, segment.number), [])
        for reached in range(segment.first + len(arrived), point + 1):
            delay = self._timing.delay("report", segment.trial.number, segment.number, reached)
            before = arrived[-1] if arrived else 0
            arrived.append(max(before, self.produced(segment, reached) + delay))
        return arrived[point - segment.first]

    def arrivals(self, segment: Segment, points: range) -> Sequence[int]:
        """When a stretch of points reaches the scheduler."""
        return [self.arrival(segment, point) for point in points]

    def offset(self, segment: Segment) -> int | None:
        """What the arrivals of all points are later than their training; ``None`` if it is not one number."""
        if not self._uniform or self._report_delay is None:
            return None
        return segment.start - segment.trial.elapsed(segment.base) + self._report_delay

    def report(self, segment: Segment, point: int) -> JobEvent:
        """The arrival of a point."""
        time = self.arrival(segment, point)
        return job_event(time, _REPORT, segment.trial.number, segment.number, point)

    def event(self, time: int, kind: Kind, segment: Segment) -> JobEvent:
        """An event of a segment, with the last point that it had produced by then."""
        return job_event(time, kind, segment.trial.number, segment.number, self.reached(segment, time))

    def registered_end(self, segment: Segment) -> int:
        """When the end of a job is registered if it is not stopped (T7, T18); without points, its start."""
        if segment.last < segment.first and segment.crash is None:
            return segment.start
        done = self.produced(segment, segment.last) if segment.crash is None else segment.crash
        end = done + self._timing.delay("complete", segment.trial.number, segment.number)
        if self._report_delay is None and segment.last >= segment.first:
            end = max(end, self.arrival(segment, segment.last))
        return end

    def own_end_by(self, segment: Segment, time: int) -> int | None:
        """When the job's own end is registered, if that is not after ``time``; reads no more than it must."""
        if self.last_produced(segment, time) < segment.last:
            return None
        end = self.registered_end(segment)
        return end if end <= time else None

    def last_produced(self, segment: Segment, time: int) -> int:
        """The last point of the job that is produced up to and including ``time``."""
        point, last = segment.next_undecided - 1, segment.last
        while point < last and self.produced(segment, point + 1) <= time:
            point += 1
        return point

    def last_arrived(self, segment: Segment, time: int) -> int:
        """The last point of the job that has reached the scheduler up to and including ``time``."""
        point, last = segment.next_undecided - 1, segment.last
        while point < last and self.arrival(segment, point + 1) <= time:
            point += 1
        return point

    def reached(self, segment: Segment, time: int) -> int:
        """The last point, of those that have arrived or are done with, produced by ``time``; or the base."""
        point = min(max(segment.next_undecided, segment.next_arrival) - 1, segment.last)
        while point >= segment.first and self.produced(segment, point) > time:
            point -= 1
        return point if point >= segment.first else segment.base

    def forget(self, segment: Segment) -> None:
        """Forget what is known of a segment that is over."""
        self._arrived.pop((segment.trial.number, segment.number), None)
