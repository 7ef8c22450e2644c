"""The cluster: its workers, trials and segments. It is the one owner of a run's state; others only read."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any

from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration
from simulator.kernel.agenda import Agenda
from simulator.kernel.events import JobEvent, Kind, job_event
from simulator.kernel.recorder import Recorder
from simulator.kernel.segments import SCRATCH, Code, Job, Segment, TrialState
from simulator.kernel.timetable import Timetable
from simulator.kernel.timing import Timing
from simulator.scheduler import PAUSE, STOP, Decision, Trial, TrialStatus

_OVER = frozenset({TrialStatus.COMPLETED, TrialStatus.STOPPED, TrialStatus.FAILED})


class Cluster:
    """A state machine of workers and trials: its methods are the commands that change a run's state.

    What a command makes happen later goes into the agenda, what has happened to the recorder.

    Args:
        workers: How many there are.
        timing: Delays, speeds and failures.
        agenda: What happens next in the run.
        recorder: Keeps what happens.
        singly: Whether each report has an event of its own, also those of which the scheduler is not told.

    Attributes:
        trials: By number.
        idle: The idle workers, a heap.
        away: How many workers are lost and not yet back.
        losses: Worker -> how often it was lost.
        running: (trial, segment) -> the segments whose worker is busy with them.
        waiting: Jobs that wait for a worker: since when, trial, job; a heap.
        perhaps_paused: Trials that have paused, or come to their bound, and may have gone on since.
    """

    def __init__(
        self, workers: int, timing: Timing, agenda: Agenda, recorder: Recorder, *, singly: bool
    ) -> None:
        self.workers = workers
        self.timetable = Timetable(timing)
        self.trials: list[TrialState] = []
        self.idle = list(range(workers))
        self.away = 0
        self.losses: dict[int, int] = {}
        self.running: dict[tuple[int, int], Segment] = {}
        self.waiting: list[tuple[int, int, Job]] = []
        self.perhaps_paused: set[int] = set()
        self._timing, self._agenda, self._recorder, self._singly = timing, agenda, recorder, singly
        self._busy = 0  # of the jobs that have ended
        self._began = 0  # the sum of when those that run began

    # --- what others read -----------------------------------------------------------------------------------

    def segment_of(self, event: JobEvent) -> Segment:
        """The segment that an event is about."""
        return self.trials[event.trial].segments[event.segment]

    def job_of(self, worker: int) -> Segment | None:
        """What a worker does now."""
        return next((segment for segment in self.running.values() if segment.worker == worker), None)

    def busy(self, now: int) -> int:
        """Nanoseconds that all workers together have been busy."""
        return self._busy + len(self.running) * now - self._began

    def trial_at_end(self, event: JobEvent, outcome: TrialStatus) -> Trial:
        """A trial as its scheduler sees it when a segment has ended: with its latest delivered report."""
        trial = self.trials[event.trial]
        status = trial.outcome_to_tell(event.segment, outcome) if trial.segments else outcome
        report = None
        if trial.delivered_by is not None:
            point = trial.last_delivered
            report = trial.report(point, self.timetable.arrival(trial.delivered_by, point))
        return Trial(trial.number, dict(trial.configuration), status, report)

    # --- jobs begin (T5, T6) --------------------------------------------------------------------------------

    def add_trial(
        self, configuration: Configuration, curve: LearningCurve, base: int, checkpoint_of: Any
    ) -> TrialState:
        """Make a new trial, without a job yet."""
        trial = TrialState(len(self.trials), configuration, curve, base)
        self.trials.append(trial)
        self._recorder.add_trial(configuration, curve, checkpoint_of)
        return trial

    def go_on(self, trial: TrialState) -> None:
        """A paused trial is resumed, perhaps before its last segment has ended."""
        trial.segments[-1].outcome = TrialStatus.PAUSED

    def surely_not_paused(self, trial: TrialState) -> None:
        """This trial has gone on, or cannot."""
        self.perhaps_paused.remove(trial.number)

    def wait(self, job: Job) -> None:
        """Let a job wait for a worker; those of one instant wait by the numbers of their trials (T18)."""
        job.trial.status = TrialStatus.RUNNING
        heappush(self.waiting, (self._agenda.now, job.trial.number, job))

    def next_waiting(self) -> Job:
        """Take the first of the waiting jobs."""
        return heappop(self.waiting)[-1]

    def begin(self, job: Job, worker: int | None = None) -> Segment:
        """Give a job to this worker, which is idle, by default to the lowest idle one; it starts later."""
        if worker is None:
            worker = heappop(self.idle)
        else:
            self._take(worker)
        now, trial = self._agenda.now, job.trial
        start = max(now + self._timing.delay("start", trial.number, job.number), job.ready)
        segment = Segment(job, worker, now, start)
        self._foresee_crash(segment)
        trial.segments.append(segment)
        trial.status = TrialStatus.RUNNING
        self.running[trial.number, job.number] = segment
        self._began += now
        if segment.last < segment.first:
            self.perhaps_paused.add(trial.number)
        self._push(segment, job_event(start, Kind.START, trial.number, job.number, job.base))
        return segment

    def _foresee_crash(self, segment: Segment) -> None:
        after = self._timing.crash(segment.trial.number, segment.number)
        if after is None or segment.last < segment.first:
            return
        crash = segment.start + after
        if crash < self.timetable.produced(segment, segment.last):
            segment.crash, segment.last = crash, self.timetable.last_produced(segment, crash)

    def start(self, event: JobEvent) -> None:
        """A job begins to train."""
        segment = self.segment_of(event)
        segment.begun = True
        self._recorder.add_event(event)
        self.await_next(segment)

    def await_next(self, segment: Segment) -> None:
        """Queue the next event of a job that goes on: a report to look at, or its end."""
        point, last = segment.next_arrival, segment.last
        if point > last:
            time = self.timetable.registered_end(segment)
            self._push(segment, self.timetable.event(time, Kind.END, segment))
        else:
            if point < segment.next_wanted and not self._singly:
                point = min(segment.next_wanted, last)
            self._push(segment, self.timetable.report(segment, point))

    # --- reports arrive (T9, T10, T22) ----------------------------------------------------------------------

    def arrive(self, event: JobEvent) -> Segment:
        """A point has reached the scheduler's side."""
        segment = self.trials[event.trial].segments[event.segment]
        segment.queued = None
        segment.next_arrival = event.point + 1
        return segment

    def deliver(self, segment: Segment, stop: int) -> None:
        """The points before ``stop`` have arrived and the scheduler goes on, told or not (T10, T22)."""
        if stop <= segment.next_undecided:
            return
        trial = segment.trial
        if trial.last_delivered >= segment.next_undecided:
            segment.mark(min(stop, trial.last_delivered + 1), Code.REPEATED)
        segment.mark(stop, Code.CONTINUE)
        if stop - 1 > trial.last_delivered:
            trial.last_delivered, trial.delivered_by = stop - 1, segment
        if stop > segment.last:
            self.perhaps_paused.add(trial.number)

    def deliver_untold(self, segment: Segment) -> None:
        """What has arrived of a job and is not to be told has been delivered, though no event said so."""
        arrived = self.timetable.last_arrived(segment, self._agenda.now)
        self.deliver(segment, min(arrived + 1, segment.next_wanted))  # what is to be told is told in its turn

    def tell_from(self, segment: Segment, point: int) -> None:
        """The scheduler wants to be told of this point next."""
        segment.next_wanted = point

    def halt(self, segment: Segment, decision: Decision) -> None:
        """The scheduler stops or pauses a job: the signal travels, and what is produced meanwhile is late."""
        assert decision in (STOP, PAUSE)
        trial, timetable, point = segment.trial, self.timetable, segment.next_undecided
        if point >= trial.last_delivered:
            trial.last_delivered, trial.delivered_by = point, segment
        if decision == STOP:
            segment.mark(point + 1, Code.STOP)
            segment.outcome = trial.status = TrialStatus.STOPPED
        else:
            segment.mark(point + 1, Code.PAUSE)
            segment.outcome = trial.status = TrialStatus.PAUSED
            self.perhaps_paused.add(trial.number)
        arrives = self._agenda.now + self._timing.delay("stop", trial.number, segment.number)
        free = arrives + self._timing.delay("stopped", trial.number, segment.number)
        own_end = segment.end if segment.end is not None else timetable.own_end_by(segment, free)
        segment.signal = arrives if own_end is None else min(arrives, own_end)
        segment.last = timetable.last_produced(segment, segment.signal)
        segment.mark(segment.last + 1, Code.LATE)
        segment.signalled = True
        self._agenda.push(timetable.event(arrives, Kind.SIGNAL, segment))
        if segment.end is not None:
            self._agenda.move_to_background()
            return
        self.cancel_queued(segment)
        kind, time = (Kind.STOPPED, free) if own_end is None else (Kind.END, own_end)
        self._push(segment, timetable.event(time, kind, segment))

    def receive_signal(self, event: JobEvent) -> None:
        """A stop signal arrives at a segment, which may have lost its worker meanwhile."""
        segment = self.segment_of(event)
        segment.signalled = False
        if segment.end is not None:
            self._agenda.leave_background()
        self._recorder.add_event(self.timetable.event(event.time, Kind.SIGNAL, segment))
        self._release(segment.trial)

    # --- jobs end (T7, T9b, T11, T18) -----------------------------------------------------------------------

    def finish(self, segment: Segment, time: int) -> None:
        """A job's end is registered: its worker is free, and its outcome is settled."""
        trial = segment.trial
        segment.end = time
        segment.queued = None
        del self.running[trial.number, segment.number]
        self._began -= segment.busy_from
        self._busy += time - segment.busy_from
        heappush(self.idle, segment.worker)
        if segment.signalled:
            self._agenda.move_to_background()  # the signal will do nothing (T9b)
        if segment.outcome is None:
            segment.outcome = trial.status = self._natural_outcome(segment)
        if segment.outcome is TrialStatus.PAUSED:
            self.perhaps_paused.add(trial.number)

    @staticmethod
    def _natural_outcome(segment: Segment) -> TrialStatus:
        curve = segment.trial.curve
        if segment.crash is not None:
            return TrialStatus.FAILED
        if segment.last < len(curve) - 1:
            return TrialStatus.PAUSED
        return TrialStatus.COMPLETED if curve.status == "ok" else TrialStatus.FAILED

    def tell_end(self, event: JobEvent, outcome: TrialStatus) -> None:
        """The scheduler is told that a job has ended."""
        self.segment_of(event).end_told = True
        self._recorder.add_event(event, outcome)

    def know_end(self, event: JobEvent) -> None:
        """The scheduler has answered to a job's end, and all that looks on has seen it."""
        segment = self.segment_of(event)
        segment.end_known = True
        self._release(segment.trial)

    def _release(self, trial: TrialState) -> None:
        """Keep of a trial only its record, once nothing about it can change any more."""
        status = trial.status
        if status is not TrialStatus.STOPPED and status not in _OVER:
            return
        for segment in trial.segments:
            if segment.signalled or not (segment.end_known or segment.outcome is TrialStatus.PREEMPTED):
                return
        self._recorder.add_segments(trial, self.timetable)
        for segment in trial.segments:
            self.timetable.forget(segment)
        trial.release()
        self.perhaps_paused.discard(trial.number)

    # --- workers are lost and come back (T18) ---------------------------------------------------------------

    def lose(self, worker: int) -> int:
        """An idle worker is gone; how often it was before."""
        self._take(worker)
        self.away += 1
        before = self.losses.get(worker, 0)
        self.losses[worker] = before + 1
        return before

    def join(self, worker: int) -> int:
        """A lost worker is back, and idle; how often it was lost."""
        heappush(self.idle, worker)
        self.away -= 1
        return self.losses[worker]

    def cut(self, segment: Segment) -> None:
        """The training of a halted job ends here and now: what it would have produced later is not."""
        now = self._agenda.now
        segment.signal = None if segment.signal is None else min(segment.signal, now)
        segment.forget(self.timetable.reached(segment, now) + 1)

    def preempt(self, segment: Segment, outcome: TrialStatus) -> None:
        """A job has lost its worker: what was produced and not delivered is late.

        Args:
            segment: Which has more to come.
            outcome: ``PREEMPTED`` if its trial goes on elsewhere, or ``FAILED``.
        """
        self.deliver_untold(segment)
        segment.last = self.timetable.last_produced(segment, self._agenda.now)
        segment.mark(segment.last + 1, Code.LATE)
        segment.outcome = outcome
        if outcome is TrialStatus.FAILED:
            segment.trial.status = outcome

    def cancel_queued(self, segment: Segment) -> None:
        """Take back the next event of a job."""
        if segment.queued is not None:
            self._agenda.cancel(segment.queued)
            segment.queued = None

    # --- the run ends (T12, T15) ----------------------------------------------------------------------------

    def keep_waiting(self, segment: Segment, point: int) -> None:
        """The reports of an ended job from this one on were never answered."""
        if segment.end is not None and point >= segment.next_undecided:
            self.deliver(segment, point)
            segment.mark(segment.last + 1, Code.WAITING)

    def interrupt(self, segment: Segment, waiting: int, last: JobEvent | tuple[int, ...]) -> JobEvent:
        """The run ends while a job runs: points that arrived before were reports, others were under way.

        Args:
            segment: The segment of the job.
            waiting: The first point that arrived and was not answered.
            last: The event after which the run ended.

        Returns:
            The end of the job.
        """
        now = last[0]
        if segment.outcome is None:
            if segment.begun:
                self._settle_points(segment, waiting, last)
            segment.outcome = segment.trial.status = TrialStatus.INTERRUPTED
        self.finish(segment, now)
        return self.timetable.event(now, Kind.END, segment)

    def _settle_points(self, segment: Segment, waiting: int, last: tuple[int, ...]) -> None:
        arrived = self.timetable.last_arrived(segment, last[0])
        while arrived >= segment.next_undecided and self.timetable.report(segment, arrived) > last:
            arrived -= 1
        self.deliver(segment, min(arrived + 1, waiting))
        segment.mark(arrived + 1, Code.WAITING)
        segment.mark(self.timetable.last_produced(segment, last[0]) + 1, Code.AFTER_END)

    def interrupt_waiting(self, job: Job) -> None:
        """The run ends while a job waits for a worker."""
        job.trial.status = TrialStatus.INTERRUPTED

    # --- small things ---------------------------------------------------------------------------------------

    def _push(self, segment: Segment, event: JobEvent) -> None:
        self._agenda.push(event)
        segment.queued = event

    def _take(self, worker: int) -> None:
        self.idle.remove(worker)
        heapify(self.idle)

    def check(self) -> None:
        """Assert what always holds between two events; for tests, as it looks at everything."""
        busy = [segment.worker for segment in self.running.values()]
        away = [worker for worker in range(self.workers) if worker not in self.idle + busy]
        assert sorted(self.idle + busy + away) == list(range(self.workers)), "idle, away, or one job"
        assert all(worker in self.losses for worker in away), "a worker that is away was lost"
        assert len(away) == self.away, "workers that are away are counted"
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
        delivered = [segment.last_delivered for segment in trial.segments]
        assert trial.last_delivered == max(trial.segments[0].job.base, *delivered), "the last one delivered"
        assert trial.last_delivered == SCRATCH or trial.delivered_by is not None or max(delivered) == SCRATCH
