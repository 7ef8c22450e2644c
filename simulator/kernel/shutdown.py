"""What becomes of the jobs and points that a run leaves behind when it ends (T12, T15, T18)."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.errors import SchedulerError, SimulationError
from simulator.kernel.cluster import Cluster
from simulator.kernel.dispatch import Dispatcher
from simulator.kernel.events import Event, JobEvent, Kind
from simulator.kernel.segments import Job
from simulator.scheduler import Scheduler, TrialStatus, unwrapped


def is_stalled(cluster: Cluster, scheduler: Scheduler) -> bool:
    """Whether a paused trial remains that its scheduler has not abandoned (T5).

    Raises:
        SchedulerError: The scheduler raised.
    """
    paused = {trial.number for trial in cluster.trials if trial.status is TrialStatus.PAUSED}
    abandoned = getattr(unwrapped(scheduler), "abandoned", None)
    if not paused or abandoned is None:
        return bool(paused)
    try:
        return not paused <= set(abandoned())
    except (Exception, SystemExit) as err:
        raise SchedulerError(f"{type(unwrapped(scheduler)).__name__}.abandoned() raised {err!r}") from err


def find_unreadable(cluster: Cluster, last: Event) -> SimulationError | None:
    """Read the curves as far as the run went; the error of one whose times are none, and which ends there."""
    found = None
    for segment in cluster.running.values():
        if segment.begun and segment.outcome is None:
            try:
                cluster.timetable.last_arrived(segment, last.time)
                cluster.timetable.last_produced(segment, last.time)
            except SimulationError as err:
                found = found or err
    return found


def interrupt_all(
    cluster: Cluster, dispatcher: Dispatcher, jobs: Iterable[Job], last: Event
) -> list[JobEvent]:
    """Interrupt what runs or waits for a worker, and settle what became of every point.

    Args:
        cluster: The state at the end.
        dispatcher: Knows what the scheduler has not been told.
        jobs: Those that wait for a worker.
        last: The event after which the run ended.

    Returns:
        The ends of which the scheduler is still to be told, in the order of (trial, segment).
    """
    ends = dispatcher.untold_ends()
    unanswered = {(r.trial, r.segment): r for r in reversed(dispatcher.unanswered_reports())}
    for report in unanswered.values():
        cluster.keep_waiting(cluster.segment_of(report), report.point)
    for key, segment in sorted(cluster.running.items()):
        first = unanswered[key].point if key in unanswered else segment.last + 1
        ends.append(cluster.interrupt(segment, first, last))
    for job in jobs:
        cluster.interrupt_waiting(job)
        ends.append(JobEvent(last.time, Kind.END, job.trial.number, job.number, job.base))
    return sorted(ends, key=lambda end: (end.trial, end.segment))
