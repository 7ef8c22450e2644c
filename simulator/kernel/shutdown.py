"""What becomes of the jobs and points that a run leaves behind when it ends (T12, T15, T18)."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.errors import SchedulerError
from simulator.kernel.cluster import Cluster
from simulator.kernel.dispatch import Attention
from simulator.kernel.events import Event, Kind
from simulator.kernel.segments import Code, Job, Segment
from simulator.scheduler import Scheduler, TrialStatus, unwrapped


def waits(cluster: Cluster, scheduler: Scheduler) -> bool:
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


def settle(
    cluster: Cluster, attention: Attention, jobs: Iterable[Job], last: Event
) -> list[tuple[Event, TrialStatus]]:
    """Interrupt what runs or waits for a worker, and give every point that was produced its code.

    Args:
        cluster: At the end.
        attention: What the scheduler has not been told.
        jobs: Those that wait for a worker.
        last: The event after which the run ended.

    Returns:
        The ends that the scheduler is still to be told, with their outcomes, in the order of their trials.
    """
    ends = attention.waiting_ends()
    waiting = {(report.trial, report.segment): report for report in reversed(attention.waiting_reports())}
    for report in waiting.values():
        segment = cluster.trials[report.trial].segments[report.segment]
        if segment.end is not None and report.point >= segment.next:
            cluster.deliver(segment, report.point)
            segment.mark(segment.last + 1, Code.WAITING)
    for key, segment in sorted(cluster.running.items()):
        if segment.outcome is None:
            first = waiting[key].point if key in waiting else segment.last + 1
            if segment.begun:
                _settle_points(cluster, segment, first, last)
            segment.outcome = cluster.trials[segment.trial].status = TrialStatus.INTERRUPTED
        cluster.finish(segment, last.time)
        point = cluster.reached(segment, last.time)
        ends.append(Event(last.time, Kind.END, segment.trial, segment.number, point))
    outcomes = [(end, cluster.trials[end.trial].segments[end.segment].outcome) for end in ends]
    for job in jobs:
        trial = job.trial
        trial.status = TrialStatus.INTERRUPTED
        end = Event(last.time, Kind.END, trial.number, job.number, job.base)
        outcomes.append((end, trial.status))
    told = [(end, outcome) for end, outcome in outcomes if outcome is not None]
    return sorted(told, key=lambda one: (one[0].trial, one[0].segment))


def _settle_points(cluster: Cluster, segment: Segment, waiting: int, last: Event) -> None:
    """Points that arrived before the last event were reports; others produced by then were under way."""
    arrived = cluster.last_arrived(segment, last.time)
    while arrived >= segment.next and cluster.report(segment, arrived) > last:
        arrived -= 1
    cluster.deliver(segment, min(arrived + 1, waiting))
    segment.mark(arrived + 1, Code.WAITING)
    segment.mark(cluster.last_produced(segment, last.time) + 1, Code.AFTER_END)
