"""The cluster: its workers, trials and segments, and the one owner of a run's state."""

from __future__ import annotations

import heapq

from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration
from simulator.clock import to_seconds
from simulator.kernel.events import Event, Kind
from simulator.kernel.segments import SCRATCH, Code, Job, Segment, TrialState
from simulator.kernel.timing import Timing
from simulator.scheduler import Report, Trial, TrialStatus


class Cluster:
    """Workers and trials as a state machine; nobody else changes them."""

    def __init__(self, workers: int, timing: Timing) -> None:
        self.workers = workers
        self._timing = timing
        self.trials: list[TrialState] = []
        self.idle = list(range(workers))
        self.losses: dict[int, int] = {}
        """How often each worker was lost."""
        self.running: dict[tuple[int, int], Segment] = {}
        self.perhaps_paused: set[int] = set()
        """Trials that have paused, or come to their bound, and may have gone on since."""
        self._busy = 0  # of the jobs that have ended
        self._began = 0  # the sum of when those that run began

    def add_trial(self, configuration: Configuration, curve: LearningCurve) -> TrialState:
        """A new trial, without a job yet."""
        trial = TrialState(len(self.trials), configuration, curve)
        self.trials.append(trial)
        return trial

    def begin(self, job: Job, now: int, worker: int | None = None) -> Segment:
        """Put a job on this worker, which is idle, by default on the lowest idle one, now (ns)."""
        if worker is None:
            worker = heapq.heappop(self.idle)
        else:
            self._take(worker)
        trial, number = job.trial, job.number
        start = max(now + self._timing.delay("start", trial.number, number), job.ready)
        segment = Segment(
            job,
            trial.number,
            number,
            worker,
            busy_from=now,
            start=start,
            base=job.base,
            first=job.first,
            last=job.last,
            next=job.first,
            awaited=job.first,
            wake=job.wake,
        )
        self._foresee_crash(segment)
        trial.segments.append(segment)
        trial.status = TrialStatus.RUNNING
        self.running[trial.number, number] = segment
        self._began += now
        if segment.last < segment.first:
            self.perhaps_paused.add(trial.number)
        return segment

    def _foresee_crash(self, segment: Segment) -> None:
        after = self._timing.crash(segment.trial, segment.number)
        if after is None or segment.last < segment.first:
            return
        crash = segment.start + after
        if crash < self.produced(segment, segment.last):
            segment.crash, segment.last = crash, self.last_produced(segment, crash)

    def _take(self, worker: int) -> None:
        self.idle.remove(worker)
        heapq.heapify(self.idle)

    def finish(self, segment: Segment, time: int) -> None:
        """A job's end is registered: its worker is free, and the outcome is settled."""
        trial = self.trials[segment.trial]
        segment.end = time
        segment.queued = None
        del self.running[segment.trial, segment.number]
        self._began -= segment.busy_from
        self._busy += time - segment.busy_from
        heapq.heappush(self.idle, segment.worker)
        if segment.outcome is None:
            segment.outcome = self._natural_outcome(trial, segment)
            trial.status = segment.outcome
        if segment.outcome is TrialStatus.PAUSED:
            self.perhaps_paused.add(trial.number)

    def job_of(self, worker: int) -> Segment | None:
        """What a worker does now."""
        return next((segment for segment in self.running.values() if segment.worker == worker), None)

    def lose(self, worker: int) -> int:
        """An idle worker is gone; how often it was before."""
        self._take(worker)
        before = self.losses.get(worker, 0)
        self.losses[worker] = before + 1
        return before

    def join(self, worker: int) -> int:
        """A lost worker is back, and idle; how often it was lost."""
        heapq.heappush(self.idle, worker)
        return self.losses[worker]

    @property
    def away(self) -> int:
        """How many workers are lost and not yet back."""
        return self.workers - len(self.idle) - len(self.running)

    def seen_at_end(self, number: int, ended: int, outcome: TrialStatus) -> Trial:
        """A trial as its scheduler sees it when a segment has ended: with its latest delivered report."""
        trial = self.trials[number]
        status = trial.known_outcome(ended, outcome)
        segment = next((s for s in reversed(trial.segments) if s.told == trial.heard != SCRATCH), None)
        if segment is None:
            return trial.seen_as(status)
        fidelity = trial.curve.schema.fidelity.values[trial.heard]
        time = to_seconds(self.arrival(segment, trial.heard))
        return trial.seen_as(status, Report(fidelity, time, trial.heard, trial.curve))

    def check(self) -> None:
        """Assert what always holds between two events; for tests, as it looks at everything."""
        busy = [segment.worker for segment in self.running.values()]
        away = [worker for worker in range(self.workers) if worker not in self.idle + busy]
        assert sorted(self.idle + busy + away) == list(range(self.workers)), "idle, away, or one job"
        assert all(worker in self.losses for worker in away), "who is away was lost"
        for trial in self.trials:
            assert [segment.number for segment in trial.segments] == list(range(len(trial.segments)))
            for segment in trial.segments:
                assert (segment.end is None) == ((trial.number, segment.number) in self.running)
                segment.check()
            if trial.segments:
                self._check_statuses(trial)

    def _check_statuses(self, trial: TrialState) -> None:
        *earlier, latest = trial.segments
        gone_on = (TrialStatus.PAUSED, TrialStatus.PREEMPTED)
        assert all(segment.outcome in gone_on for segment in earlier), "only these are continued"
        waits = latest.outcome in gone_on and trial.status in {TrialStatus.RUNNING, TrialStatus.INTERRUPTED}
        assert waits or trial.status is (latest.outcome or TrialStatus.RUNNING), "or waits for a worker"
        told = [segment.told for segment in trial.segments]
        assert trial.heard == max(trial.segments[0].base, *told), "the checkpoint is the last report told"

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
        if segment.next > segment.last:
            self.perhaps_paused.add(trial.number)

    def cut(self, segment: Segment, now: int) -> None:
        """The training ends here and now: what would have been produced later is not."""
        segment.signal = None if segment.signal is None else min(segment.signal, now)
        segment.forget(self.reached(segment, now) + 1)

    def deliver_unheard(self, segment: Segment, now: int) -> None:
        """What has arrived of a job and is not to be told has been delivered, though no event said so."""
        arrived = self.last_arrived(segment, now)
        self.deliver(segment, min(arrived + 1, segment.wake))  # what is to be told is told in its turn

    def _natural_outcome(self, trial: TrialState, segment: Segment) -> TrialStatus:
        if segment.crash is not None:
            return TrialStatus.FAILED
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

    def report(self, segment: Segment, point: int) -> Event:
        """The arrival of a point."""
        return Event(self.arrival(segment, point), Kind.REPORT, segment.trial, segment.number, point)

    def event(self, time: int, kind: Kind, segment: Segment) -> Event:
        """An event of a segment, with the last point that it had produced by then."""
        return Event(time, kind, segment.trial, segment.number, self.reached(segment, time))

    def arrivals(self, segment: Segment, points: range) -> list[int]:
        """When a stretch of points reaches the scheduler."""
        if not self._timing.even:
            return [self.arrival(segment, point) for point in points]
        trial = self.trials[segment.trial]
        offset = segment.start - trial.elapsed(segment.base) + (self._timing.report or 0)
        trial.elapsed(points.stop - 1)
        return [offset + elapsed for elapsed in trial.known_elapsed[points.start : points.stop]]

    def registered_end(self, segment: Segment) -> int:
        """When the end of a job is registered if nobody stops it (T7, T18); without points, its start."""
        if segment.last < segment.first and segment.crash is None:
            return segment.start
        done = self.produced(segment, segment.last) if segment.crash is None else segment.crash
        end = done + self._timing.delay("complete", segment.trial, segment.number)
        if self._timing.report is None and segment.last >= segment.first:
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
        point = segment.next - 1
        while point < segment.last and self.produced(segment, point + 1) <= time:
            point += 1
        return point

    def reached(self, segment: Segment, time: int) -> int:
        """The last point, of those that have arrived or are done with, produced by ``time``; or the base."""
        point = min(max(segment.next, segment.awaited) - 1, segment.last)
        while point >= segment.first and self.produced(segment, point) > time:
            point -= 1
        return point if point >= segment.first else segment.base

    def last_arrived(self, segment: Segment, time: int) -> int:
        """The last point of the job that has reached the scheduler up to and including ``time``."""
        point = segment.next - 1
        while point < segment.last and self.arrival(segment, point + 1) <= time:
            point += 1
        return point
