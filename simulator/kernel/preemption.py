"""Workers that are lost and come back, and what becomes of their jobs (T18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import SimulationError
from simulator.kernel.events import Event, Kind
from simulator.kernel.segments import Code, Job, Segment
from simulator.scheduler import TrialStatus

if TYPE_CHECKING:
    from simulator.kernel.simulation import Simulation

MAX_PREEMPTIONS_WITHOUT_REPORT = 1_000


class Losses:
    """Handles the events of workers in a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._requeue = simulation.conditions.failures.requeue
        self._setbacks: dict[int, tuple[int, int]] = {}  # trial -> its last report, preemptions since then
        self.jobs: dict[int, Job] = {}
        """What preempted trials are to do, until the event by which they are queued again."""

    def on_run(self) -> None:
        """Every worker is present, for the first time."""
        for worker in range(self._simulation.cluster.workers):
            self._await_loss(worker, 0)

    def _await_loss(self, worker: int, count: int) -> None:
        simulation = self._simulation
        presence = simulation.timing.presence(worker, count)
        if presence is not None:
            simulation.push_background(Event(simulation.now + presence, Kind.LOST, worker, 0, 0))

    def on_lost(self, event: Event) -> None:
        """A worker is gone, and takes its job with it."""
        simulation, worker = self._simulation, event.trial
        simulation.background -= 1
        simulation.events.append((event, ""))
        segment = simulation.cluster.job_of(worker)
        if segment is not None:
            self._end(segment)
        count = simulation.cluster.lose(worker)
        simulation.attention.on_worker_gone(worker)
        back = event.time + simulation.timing.absence(worker, count)
        simulation.queue.push(Event(back, Kind.JOINED, worker, 0, 0))
        if segment is not None and segment.outcome is TrialStatus.PREEMPTED:
            simulation.check_limits()  # nobody is told of it, but it was paid for (T14)

    def on_joined(self, event: Event) -> None:
        """A worker is back."""
        self._simulation.events.append((event, ""))
        self._await_loss(event.trial, self._simulation.cluster.join(event.trial))

    def on_queued(self, event: Event) -> None:
        """A preempted trial waits for another worker."""
        self._simulation.events.append((event, ""))
        self._simulation.wait(self.jobs.pop(event.trial))

    def _end(self, segment: Segment) -> None:
        simulation, cluster = self._simulation, self._simulation.cluster
        simulation.attention.answer_at_once(segment)
        simulation.cancel_queued(segment)
        if segment.outcome is not None:
            cluster.cut(segment, simulation.now)
        elif self._goes_on(segment):
            self._preempt(segment)
            simulation.attention.on_preempted(segment)
        end = cluster.event(simulation.now, Kind.END, segment)
        simulation.finish(segment, simulation.now)
        if segment.outcome is not TrialStatus.PREEMPTED:
            simulation.attention.hear_end(end)
            return
        simulation.events.append((end, segment.outcome.value))
        job = self.jobs[segment.trial] = simulation.suggestions.again(segment)
        simulation.queue.push(Event(simulation.now, Kind.QUEUED, segment.trial, job.number, job.base))

    def _goes_on(self, segment: Segment) -> bool:
        """Whether there is more to come of a job: points, or a crash that nobody can foresee."""
        foreseen = segment.crash is None or segment.crash <= self._simulation.now
        return not foreseen or max(segment.next, segment.awaited) <= segment.last

    def _preempt(self, segment: Segment) -> None:
        """What has arrived and is not to be told was delivered; the rest of what was produced is lost."""
        cluster, now = self._simulation.cluster, self._simulation.now
        cluster.deliver_unheard(segment, now)
        segment.last = cluster.last_produced(segment, now)
        segment.mark(segment.last + 1, Code.LATE)
        trial = cluster.trials[segment.trial]
        if not self._requeue:
            segment.outcome = trial.status = TrialStatus.FAILED
            return
        segment.outcome = TrialStatus.PREEMPTED
        heard, setbacks = self._setbacks.get(trial.number, (trial.heard, 0))
        setbacks = setbacks + 1 if heard == trial.heard else 1
        self._setbacks[trial.number] = trial.heard, setbacks
        if setbacks >= MAX_PREEMPTIONS_WITHOUT_REPORT:
            raise SimulationError(
                f"trial {trial.number} was preempted {setbacks} times without a report in between, the last "
                f"time at the simulated second {now / 1e9}: workers are lost faster than it can report; "
                f"raise conditions.failures.preempt"
            )
