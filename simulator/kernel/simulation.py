"""The simulation loop: ask the scheduler, move to the next instant, handle its events (docs/time.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from blackbox_repo.blackbox import Blackbox
from simulator.clock import to_ns, to_seconds
from simulator.errors import RunError, SimulationError
from simulator.kernel.agenda import Agenda
from simulator.kernel.cluster import Cluster
from simulator.kernel.curves import Curves
from simulator.kernel.dispatch import Dispatcher, ImmediateDispatcher, QueuedDispatcher
from simulator.kernel.events import Event, JobEvent, Kind, TimerEvent, WorkerEvent
from simulator.kernel.jobs import Jobs
from simulator.kernel.limits import Limits
from simulator.kernel.observer import Observer
from simulator.kernel.outcome import Outcome
from simulator.kernel.preemption import Preemption
from simulator.kernel.recorder import Recorder
from simulator.kernel.scheduler_calls import SchedulerCalls
from simulator.kernel.segments import Job, Segment
from simulator.kernel.shutdown import find_unreadable, interrupt_all, is_stalled
from simulator.kernel.timing import Timing
from simulator.kernel.training_seeds import TrainingSeeds
from simulator.scheduler import (
    Decision,
    Resume,
    Scheduler,
    Start,
    Trial,
    TrialStatus,
)
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop

MAX_SUGGESTIONS_AT_ONE_INSTANT = 1_000_000


class Simulation:
    """One run: it is made, it runs, and what it comes to is an :class:`Outcome`.

    Args:
        blackbox: Where the curves come from.
        scheduler: What is asked and told.
        workers: Jobs that run at a time.
        stop: When the run ends.
        seed: The run's.
        conditions: How the cluster behaves.
        observers: Callbacks that see what happens; no result depends on them.
    """

    def __init__(  # noqa: PLR0913, PLR0917  simulate() hands over all it was given, once
        self,
        blackbox: Blackbox,
        scheduler: Scheduler,
        workers: int,
        stop: Stop,
        seed: int,
        conditions: Conditions,
        observers: Sequence[Observer] = (),
    ) -> None:
        schema = blackbox.schema
        self.blackbox, self.scheduler, self.stop = blackbox, scheduler, stop
        self._observers = observers
        self._listeners = [observer for observer in observers if observer.hears_reports]
        singly = stop.looks_at_every_report or bool(self._listeners)
        timing = Timing(conditions, workers, seed)
        self.agenda = Agenda()
        self.calls = SchedulerCalls(scheduler, self.agenda)
        self.recorder = Recorder(blackbox)
        self.cluster = Cluster(workers, timing, self.agenda, self.recorder, singly=singly)
        curves = Curves(blackbox, getattr(scheduler, "upcoming", None))
        seeds = TrainingSeeds(seed, conditions.training_seed)
        self.jobs = Jobs(blackbox, self.cluster, curves, seeds, conditions.checkpoints, self.calls.error)
        self.limits = Limits(self.cluster, stop, schema, watched=bool(observers))
        requeue = conditions.failures.requeue
        self.preemption = Preemption(
            self.cluster, self.agenda, self.recorder, timing, self.jobs, requeue=requeue
        )
        self.dispatcher: Dispatcher = ImmediateDispatcher(self)
        if conditions.poll is not None or conditions.decision_time != 0:
            fidelities = schema.fidelity.values
            self.dispatcher = QueuedDispatcher(self, self.agenda, conditions, seed, fidelities)
        self.idle = self.cluster.idle
        self.limit = None if stop.time is None else to_ns(stop.time)
        self.eventful = True
        self.drained_by = ""  # the limit that holds already, while jobs go on
        self._suggested = 0  # at this instant
        self._current: Event = TimerEvent(0, Kind.START)  # the one that is being handled
        self._end: tuple[Event, str] | None = None  # the last event, and why the run ends with it
        self._handlers: list[Callable[[Any], None]] = [  # by kind
            self.cluster.start,
            self._on_report,
            self._on_end,
            self.cluster.receive_signal,
            self._on_end,
            self._on_lost,
            self.preemption.join,
            self.preemption.queue_again,
            self.dispatcher.answer,
            self._on_deadline,
        ]

    def run(self) -> Outcome:
        """Simulate until the end; an error that ends the run is part of what it comes to."""
        if self.limit is not None:
            self.agenda.push_background(TimerEvent(self.limit, Kind.DEADLINE))
        self.preemption.begin()
        closed = False
        try:
            while self._end is None:
                self.ask()
                self.handle_instant()
                if self._observers:
                    self._show_state()
            closed = True
            last, reason = self._end
            for end in self._close(last):
                self._call_on_end(end)
                self._show_end(end)
        except RunError as err:
            if not closed:
                last, reason = self._current, "error"
                with suppress(SimulationError):  # the first error says more
                    self._close(last)
            return self._outcome(last, reason, err)
        return self._outcome(last, reason)

    # --- asking (T5, T12, T13, T18) -------------------------------------------------------------------------

    def ask(self) -> None:
        """Serve the idle workers: with jobs that wait, then with what the scheduler suggests."""
        if self.cluster.waiting:
            self._serve_waiting()
        self.dispatcher.ask()

    def _serve_waiting(self) -> None:
        while self.cluster.waiting and self.idle:
            self._begin(self.cluster.next_waiting())

    @property
    def takes_suggestions(self) -> bool:
        """Whether asking is of any use: no limit holds, and trials may start or one is paused (T14)."""
        return not self.drained_by and not (self._all_started and not self.jobs.any_resumable())

    @property
    def _all_started(self) -> bool:
        return len(self.cluster.trials) == self.stop.trials_started

    @property
    def draining(self) -> bool:
        """Whether a limit holds already, while jobs go on to their ends."""
        return bool(self.drained_by)

    @property
    def at_limit(self) -> bool:
        """Whether the time limit is now."""
        return self.agenda.now == self.limit

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self._end is not None

    def suggest(self) -> Any:
        """Call the scheduler: what should a worker do?"""
        return self.calls.suggest()

    def take_up(self, suggestion: Any, worker: int | None = None) -> Job | None:
        """Give what is suggested to this worker, or the lowest idle one; ``None`` if there is no job."""
        if isinstance(suggestion, Start):
            if self._all_started:
                return None
            job = self.jobs.start(suggestion)
        elif isinstance(suggestion, Resume):
            job = self.jobs.resume(suggestion)
        elif suggestion is None:
            return None
        else:
            raise self.calls.error("suggest()", f"answered {suggestion!r}, which is no Start, Resume or None")
        self._begin(job, worker)
        self._suggested += 1
        if self._suggested > MAX_SUGGESTIONS_AT_ONE_INSTANT:
            raise SimulationError(
                f"{self._suggested} suggestions at the simulated second {to_seconds(self.agenda.now)}: the "
                f"curves of {self.blackbox.name!r} take no time"
            )
        return job

    def _begin(self, job: Job, worker: int | None = None) -> None:
        """Begin a job on this worker, or the lowest idle one; should this one be gone, the job waits."""
        if worker is not None and worker not in self.idle:
            self.cluster.wait(job)
            self._serve_waiting()
            return
        segment = self.cluster.begin(job, worker)
        self.dispatcher.drop_worker(segment.worker)

    # --- events (T4, T6 to T11) -----------------------------------------------------------------------------

    def handle_instant(self) -> None:
        """Handle all events of the next instant, or end the run if nothing is left that it goes on for."""
        agenda = self.agenda
        if agenda.foreground <= self.cluster.away and self._nothing_to_come():
            left = "stalled" if is_stalled(self.cluster, self.scheduler) else "exhausted"
            reason = self.drained_by or ("trials_started" if self._all_started else left)
            self._end = TimerEvent(agenda.now, Kind.DEADLINE), reason
            return
        if agenda.advance():
            self._suggested = 0
        self.eventful = False
        while self._end is None:
            event = agenda.pop()
            if event is None:
                break
            self._current = event
            self.handle(event)

    def handle(self, event: Event) -> None:
        """Handle one event."""
        kind = event[1]
        if kind is not Kind.REPORT and kind is not Kind.ANSWER:
            self.eventful = True
        self._handlers[kind](event)

    def _nothing_to_come(self) -> bool:
        """Whether the run goes on for nothing that is queued.

        Workers that are away are awaited by jobs that wait, or if no other worker is there.
        """
        awaited = self.cluster.waiting or not (self.idle or self.drained_by)
        return self.agenda.foreground == (0 if awaited else self.cluster.away)

    def _on_report(self, event: JobEvent) -> None:
        segment = self.cluster.arrive(event)
        if event.point < segment.next_wanted:
            self.deliver(event, None)
            self.cluster.await_next(segment)
        else:
            self.eventful = True
            self.dispatcher.report(event, segment)

    def make_eventful(self) -> None:
        """The scheduler has been told something."""
        self.eventful = True

    def await_next(self, segment: Segment) -> None:
        """Let a job go on to its next report, or its end."""
        self.cluster.await_next(segment)

    def segment_of(self, event: JobEvent) -> Segment:
        """The segment that an event is about."""
        return self.cluster.segment_of(event)

    def decide(self, report: JobEvent) -> Decision:
        """Call the scheduler: what becomes of a trial after this report?"""
        trial = self.cluster.trials[report.trial]
        return self.calls.on_report(trial.seen, trial.report(report.point, report.time))

    def deliver(self, report: JobEvent, decision: Decision | None) -> Segment:
        """A report arrives of which the scheduler is not told, or the decision on it takes effect."""
        cluster, point = self.cluster, report.point
        segment = cluster.segment_of(report)
        delivered = segment.trial.last_delivered
        fresh = 0 if point <= delivered else point - max(segment.next_undecided - 1, delivered)
        if decision is None or decision.action == "continue":
            cluster.deliver(segment, point + 1)
            until: Any = None if decision is None else getattr(decision, "until")  # noqa: B009  whatever it is
            if until is not None:
                cluster.tell_from(segment, self.jobs.point_of(until, "on_report()"))
        else:
            cluster.deliver(segment, point)
            cluster.halt(segment, decision)
        self.limits.count_reports(segment, point, fresh)
        if self._listeners and fresh:
            self._show_report(report, decision)
        if self.limits.active:
            self._check_limits()
        return segment

    def _on_end(self, event: JobEvent) -> None:
        """A job's end is registered, and its worker is free."""
        self.cluster.finish(self.cluster.segment_of(event), event.time)
        self.dispatcher.end(event)

    def tell_end(self, end: JobEvent) -> None:
        """Call the scheduler: a job has ended."""
        self.cluster.tell_end(end, self._outcome_of(end))
        self._call_on_end(end)

    def _call_on_end(self, end: JobEvent) -> None:
        self.calls.on_end(self.cluster.trial_at_end(end, self._outcome_of(end)))

    def count_end(self, end: JobEvent) -> None:
        """The scheduler knows that a job has ended."""
        self._show_end(end)
        self.cluster.know_end(end)

    def _show_end(self, end: JobEvent) -> None:
        outcome = self._outcome_of(end)
        for observer in self._observers:
            observer.on_end(self.cluster.trial_at_end(end, outcome), to_seconds(end.time))
        self.limits.count_end(outcome)
        if self.limits.active:
            self._check_limits()

    def _outcome_of(self, end: JobEvent) -> TrialStatus:
        """What became of a job that has ended; one that was waiting for a worker is interrupted."""
        segments = self.cluster.trials[end.trial].segments
        outcome = segments[end.segment].outcome if end.segment < len(segments) else TrialStatus.INTERRUPTED
        assert outcome is not None
        return outcome

    def _on_lost(self, event: WorkerEvent) -> None:
        preempted = self.preemption.lose(event, self.dispatcher)
        if preempted and self.limits.active:
            self._check_limits()  # the scheduler is not told of it, but it was paid for (T14)

    def _on_deadline(self, event: TimerEvent) -> None:
        self.agenda.leave_background()
        self._conclude("time")

    def record_answer(self, about: JobEvent, answer: str) -> None:
        """Keep an answer that has taken effect."""
        self.recorder.add_answer(about, answer)

    # --- the end (T14, T15) ---------------------------------------------------------------------------------

    def _check_limits(self) -> None:
        if self._end is None and not self.drained_by:
            reason = self.limits.reached(self.agenda.now)
            if reason is not None:
                self._conclude(reason)

    def _conclude(self, reason: str) -> None:
        """A limit holds: the run ends after this event, or when the jobs that run have ended."""
        if not self.stop.drain:
            self._end = self._current, reason
        elif not self.drained_by:
            self.drained_by = reason
            self.dispatcher.drop_workers()

    def _close(self, last: Event) -> list[JobEvent]:
        """Settle what is left after the last event; the ends of which the scheduler is still to be told."""
        jobs = [*(job for *_, job in self.cluster.waiting), *self.preemption.jobs.values()]
        unreadable = find_unreadable(self.cluster, last)
        ends = interrupt_all(self.cluster, self.dispatcher, jobs, last)
        self.dispatcher.close()
        for end in ends:
            self.recorder.add_event(end, self._outcome_of(end))
        if unreadable is not None:
            raise unreadable
        return ends

    def _outcome(self, last: Event, reason: str, error: RunError | None = None) -> Outcome:
        recorder, trials = self.recorder, self.cluster.trials
        for trial in trials:
            if not trial.released:
                recorder.add_segments(trial, self.cluster.timetable, last)
        recorder.add_end(last)
        return Outcome(
            reason=reason,
            end=last.time,
            trials=recorder.trials(trial.status for trial in trials),
            segments=recorder.segments(),
            points=recorder.points(last),
            events=recorder.events(),
            calls=self.dispatcher.calls,
            error=error,
        )

    # --- small things ---------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        for observer in self._observers:
            observer.on_instant(self.limits.state(self.agenda.now))

    def _show_report(self, report: JobEvent, decision: Decision | None) -> None:
        trial = self.cluster.trials[report.trial]
        seen = Trial(trial.number, dict(trial.configuration), trial.status)
        for observer in self._listeners:
            observer.on_report(seen, trial.report(report.point, report.time), decision)
