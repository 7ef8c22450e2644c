"""Workers that are lost and come back, and what becomes of their jobs (T18)."""

from __future__ import annotations

from typing import Protocol

from simulator.clock import to_seconds
from simulator.errors import SimulationError
from simulator.kernel.agenda import Agenda
from simulator.kernel.cluster import Cluster
from simulator.kernel.dispatch import Dispatcher
from simulator.kernel.events import JobEvent, Kind, WorkerEvent
from simulator.kernel.recorder import Recorder
from simulator.kernel.segments import Job, Segment
from simulator.kernel.timing import Timing
from simulator.scheduler import TrialStatus

MAX_PREEMPTIONS_WITHOUT_REPORT = 1_000


class JobMaker(Protocol):
    """Makes the job of a preempted trial once more."""

    def again(self, segment: Segment) -> Job:
        """What is left to do of a segment's job, from the checkpoint on."""


class Preemption:
    """Handles the events of workers.

    Args:
        cluster: The state of the run.
        agenda: What happens next.
        recorder: Keeps what has happened.
        timing: How long workers are present and away.
        jobs: Makes the job of a preempted trial once more.
        requeue: Whether a preempted trial waits for another worker; if not, it has failed.

    Attributes:
        jobs: Trial -> what it is to do, from when it is preempted until it is queued again.
    """

    def __init__(
        self,
        cluster: Cluster,
        agenda: Agenda,
        recorder: Recorder,
        timing: Timing,
        jobs: JobMaker,
        requeue: bool,  # noqa: FBT001
    ) -> None:
        self._cluster, self._agenda, self._recorder, self._timing = cluster, agenda, recorder, timing
        self._maker, self._requeue = jobs, requeue
        self._setbacks: dict[int, tuple[int, int]] = {}  # trial -> its last report, preemptions since then
        self.jobs: dict[int, Job] = {}

    def begin(self) -> None:
        """Every worker is present, for the first time."""
        for worker in range(self._cluster.workers):
            self._await_loss(worker, 0)

    def _await_loss(self, worker: int, count: int) -> None:
        presence = self._timing.presence(worker, count)
        if presence is not None:
            self._agenda.push_background(WorkerEvent(self._agenda.now + presence, Kind.LOST, worker))

    def lose(self, event: WorkerEvent, dispatcher: Dispatcher) -> bool:
        """A worker is gone, and takes its job with it; whether that job was preempted."""
        self._agenda.leave_background()
        self._recorder.add_event(event)
        segment = self._cluster.job_of(event.worker)
        if segment is not None:
            self._end(segment, dispatcher)
        count = self._cluster.lose(event.worker)
        dispatcher.drop_worker(event.worker)
        back = event.time + self._timing.absence(event.worker, count)
        self._agenda.push(WorkerEvent(back, Kind.JOINED, event.worker))
        return segment is not None and segment.outcome is TrialStatus.PREEMPTED

    def join(self, event: WorkerEvent) -> None:
        """A worker is back."""
        self._recorder.add_event(event)
        self._await_loss(event.worker, self._cluster.join(event.worker))

    def queue_again(self, event: JobEvent) -> None:
        """A preempted trial waits for another worker."""
        self._recorder.add_event(event)
        self._cluster.wait(self.jobs.pop(event.trial))

    def _end(self, segment: Segment, dispatcher: Dispatcher) -> None:
        cluster, now = self._cluster, self._agenda.now
        dispatcher.answer_early(segment)
        cluster.cancel_queued(segment)
        if segment.outcome is not None:
            cluster.cut(segment)
        elif self._goes_on(segment):
            self._preempt(segment)
            dispatcher.drop_reports(segment)
        end = cluster.timetable.event(now, Kind.END, segment)
        cluster.finish(segment, now)
        if segment.outcome is not TrialStatus.PREEMPTED:
            dispatcher.end(end)
            return
        self._recorder.add_event(end, segment.outcome)
        job = self.jobs[segment.trial.number] = self._maker.again(segment)
        self._agenda.push(JobEvent(now, Kind.QUEUED, segment.trial.number, job.number, job.base))

    def _goes_on(self, segment: Segment) -> bool:
        """Whether there is more to come of a job: points, or a crash that cannot be foreseen."""
        foreseen = segment.crash is None or segment.crash <= self._agenda.now
        return not foreseen or max(segment.next_undecided, segment.next_arrival) <= segment.last

    def _preempt(self, segment: Segment) -> None:
        outcome = TrialStatus.PREEMPTED if self._requeue else TrialStatus.FAILED
        self._cluster.preempt(segment, outcome)
        if self._requeue:
            self._count_setback(segment)

    def _count_setback(self, segment: Segment) -> None:
        number, reported = segment.trial.number, segment.trial.last_delivered
        before, setbacks = self._setbacks.get(number, (reported, 0))
        setbacks = setbacks + 1 if before == reported else 1
        self._setbacks[number] = reported, setbacks
        if setbacks >= MAX_PREEMPTIONS_WITHOUT_REPORT:
            raise SimulationError(
                f"trial {number} was preempted {setbacks} times without a report in between, the last "
                f"time at the simulated second {to_seconds(self._agenda.now)}: workers are lost faster than "
                f"it can report; raise conditions.failures.preempt"
            )
