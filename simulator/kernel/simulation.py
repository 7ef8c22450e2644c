"""The simulation loop: ask, start, pop, tell. What it means is docs/time.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

from blackbox_repo.blackbox import Blackbox
from simulator.callbacks import Callback
from simulator.clock import to_ns, to_seconds
from simulator.errors import RunError, SchedulerError, SimulationError
from simulator.kernel.cluster import Cluster
from simulator.kernel.counters import Tally
from simulator.kernel.curves import Curves
from simulator.kernel.dispatch import AtOnce, Attention, Served
from simulator.kernel.events import Event, EventQueue, Kind
from simulator.kernel.jobs import Suggestions
from simulator.kernel.preemption import Losses
from simulator.kernel.segments import Code, Job, Segment, TrialState
from simulator.kernel.shutdown import settle, waits
from simulator.kernel.timing import Timing
from simulator.kernel.training_seeds import TrainingSeeds
from simulator.results.build import build_run, header
from simulator.results.run import Run
from simulator.scheduler import (
    PAUSE,
    STOP,
    Decision,
    Resume,
    Scheduler,
    Start,
    Suggestion,
    TrialStatus,
    unwrapped,
)
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop

MAX_SUGGESTIONS_AT_ONE_INSTANT = 1_000_000


_NO_EVENTS = (Kind.ANSWER, Kind.REPORT)  # unless the scheduler is told something


class Simulation:
    """One run in progress; ``simulate`` in ``api.py`` checks what it is given."""

    def __init__(  # noqa: PLR0913, PLR0917  simulate() hands over all it was given, once
        self,
        blackbox: Blackbox,
        scheduler: Scheduler,
        workers: int,
        stop: Stop,
        seed: int,
        conditions: Conditions,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.blackbox, self.scheduler, self.stop, self.conditions = blackbox, scheduler, stop, conditions
        self.seed = seed
        self.timing = Timing(conditions, workers, seed)
        self.cluster = Cluster(workers, self.timing)
        self.queue = EventQueue()
        self.background = 0  # events in the queue that happen whether anything runs or not
        self.events: list[tuple[Event, str]] = []
        self.suggestions = Suggestions(
            blackbox,
            self.cluster,
            Curves(blackbox, getattr(scheduler, "upcoming", None)),
            TrainingSeeds(blackbox, seed, conditions.training_seed),
            conditions.checkpoints,
            self.error,
        )
        self.suggested = 0  # at this instant
        self.waiting: list[tuple[int, int, Job]] = []  # for a worker: since when, trial, job; a heap
        self.losses = Losses(self)
        thinks = conditions.poll is not None or conditions.decision_time != 0
        self.attention: Attention = Served(self, conditions) if thinks else AtOnce(self)
        self.now = 0
        self.limit = None if stop.time is None else to_ns(stop.time)
        self.current = Event(0, Kind.START, 0, 0, 0)  # the one that is being handled
        self.eventful = True  # whether this round had more than looks and answers to suggest()
        self.ended: tuple[Event, str] | None = None  # the last event, and why the run ends with it
        self.last: Event | None = None  # the same, once all is settled
        self.draining = ""  # the limit that holds already, while jobs go on
        self.callbacks = callbacks
        hears = any(callback.hears_reports for callback in callbacks)
        self.tally = Tally(self.cluster, stop, blackbox.schema, watched=bool(callbacks))
        self.singly = stop.looks_at_every_report or hears
        self.handlers: dict[Kind, Callable[[Event], None]] = {
            Kind.START: self.on_start,
            Kind.REPORT: self.on_report,
            Kind.END: self.on_end,
            Kind.SIGNAL: self.on_signal,
            Kind.STOPPED: self.on_end,
            Kind.LOST: self.losses.on_lost,
            Kind.JOINED: self.losses.on_joined,
            Kind.QUEUED: self.losses.on_queued,
            Kind.ANSWER: self.attention.on_answer,
            Kind.DEADLINE: self.on_deadline,
        }

    def run(self) -> Run:
        for callback in self.callbacks:
            callback.on_start(self.blackbox.schema, self.cluster.workers, self.stop)
        if self.limit is not None:
            self.push_background(Event(self.limit, Kind.DEADLINE, 0, 0, 0))
        self.losses.on_run()
        try:
            while self.ended is None:
                self.ask()
                self.handle_instant()
                for callback in self.callbacks:
                    callback.on_instant(self.tally.state(self.now))
            for end, outcome in self.close(*self.ended):
                self.call_on_end(end, outcome)
                self.count_end(end, outcome)
        except RunError as err:
            if self.last is None:
                self.close(self.current, "error")
            err.run = self.finished()
            raise
        finished = self.finished()
        for callback in self.callbacks:
            callback.on_finish(finished)
        return finished

    # --- asking (T5, T12, T13, T18) -------------------------------------------------------------------------

    def ask(self) -> None:
        """Serve the idle workers: with jobs that wait, then with what the scheduler suggests."""
        self.serve()
        self.attention.ask()

    @property
    def takes_suggestions(self) -> bool:
        """Whether asking is of any use: no limit holds, and the door is open or a trial paused (T14)."""
        return not self.draining and not (self.closed and not self.suggestions.any_resumable())

    @property
    def closed(self) -> bool:
        """Whether no more trials may start."""
        return len(self.cluster.trials) == self.stop.trials_started

    def suggest(self) -> Suggestion:
        suggestion: Suggestion = self.call("suggest()", self.scheduler.suggest)
        return suggestion

    def call(self, name: str, method: Callable[..., Any], trial: int | None = None, *about: Any) -> Any:
        """Call the scheduler; what it raises, an exit from the program too, is an error of the run."""
        try:
            return method(*about)
        except RunError:
            raise
        except (Exception, SystemExit) as err:
            whose = "" if trial is None else f" about trial {trial}"
            raise self.error(name, f"raised {err!r}{whose}") from err

    def take_up(self, suggestion: Suggestion, worker: int | None = None) -> Job | None:
        """Give what is suggested to this worker, or the lowest idle one; ``None`` if there is no job."""
        if isinstance(suggestion, Start):
            if self.closed:
                return None
            job = self.suggestions.start(suggestion, self.now)
        elif isinstance(suggestion, Resume):
            job = self.suggestions.resume(suggestion)
        elif suggestion is None:
            return None
        else:
            raise self.error("suggest()", f"answered {suggestion!r}, which is no Start, Resume or None")
        self.place(job, worker)
        self.suggested += 1
        if self.suggested > MAX_SUGGESTIONS_AT_ONE_INSTANT:
            raise SimulationError(
                f"{self.suggested} suggestions at the simulated second {to_seconds(self.now)}: the curves "
                f"of {self.blackbox.name!r} take no time"
            )
        return job

    def place(self, job: Job, worker: int | None = None) -> None:
        """Begin a job on this worker, or the lowest idle one; should this one be gone, it waits."""
        if worker is not None and worker not in self.cluster.idle:
            self.wait(job)
            self.serve()
            return
        segment = self.cluster.begin(job, self.now, worker)
        self.attention.on_worker_gone(segment.worker)
        self.push(segment, Event(segment.start, Kind.START, segment.trial, segment.number, segment.base))

    def wait(self, job: Job) -> None:
        """A job waits for a worker; those of one instant by the numbers of their trials (T18)."""
        job.trial.status = TrialStatus.RUNNING
        heappush(self.waiting, (self.now, job.trial.number, job))

    def serve(self) -> None:
        """Give idle workers to the jobs that wait."""
        while self.waiting and self.cluster.idle:
            self.place(heappop(self.waiting)[-1])

    # --- events (T4, T6 to T11) -----------------------------------------------------------------------------

    def handle_instant(self) -> None:
        """Handle all events of the next instant, or end the run if nothing is left that anybody awaits."""
        if self.nothing_to_come():
            left = "stalled" if waits(self.cluster, self.scheduler) else "exhausted"
            reason = self.draining or ("trials_started" if self.closed else left)
            self.ended = (Event(self.now, Kind.DEADLINE, 0, 0, 0), reason)
            return
        if self.queue.next_time != self.now:
            self.queue.check_time()
            self.now, self.suggested = self.queue.next_time, 0
        self.eventful = False
        while self.ended is None and len(self.queue) and self.queue.next_time == self.now:
            event = self.current = self.queue.pop()
            self.eventful = self.eventful or event.kind not in _NO_EVENTS
            self.handlers[event.kind](event)

    def nothing_to_come(self) -> bool:
        """Nothing is queued that anybody awaits; workers come back for jobs that wait, or if all are away."""
        awaited = self.waiting or not (self.cluster.idle or self.draining)
        return len(self.queue) == self.background + (0 if awaited else self.cluster.away)

    def on_start(self, event: Event) -> None:
        trial, segment = self.of(event)
        segment.begun = True
        self.events.append((event, f"{segment.worker} {trial.curve.seed} {dict(trial.configuration)!a}"))
        self.await_next(segment)

    def await_next(self, segment: Segment) -> None:
        """Queue the next event of a job that goes on: a report to look at, or its end."""
        if segment.awaited > segment.last:
            self.push(segment, self.cluster.event(self.cluster.registered_end(segment), Kind.END, segment))
        else:
            wake = segment.awaited if self.singly else max(segment.wake, segment.awaited)
            self.push(segment, self.cluster.report(segment, min(wake, segment.last)))

    def push(self, segment: Segment, event: Event) -> None:
        self.queue.push(event)
        segment.queued = event

    def on_report(self, event: Event) -> None:
        segment = self.of(event)[1]
        segment.queued, segment.awaited = None, event.point + 1
        if event.point < segment.wake:
            self.delivered(event, None)
            self.await_next(segment)
        else:
            self.eventful = True
            self.attention.hear_report(event)

    def delivered(self, report: Event, decision: Decision | None) -> None:
        """A report has arrived that nobody wants to hear, or the decision on it takes effect."""
        trial, segment = self.of(report)
        repeated = report.point <= trial.heard
        fresh = 0 if repeated else report.point - max(segment.next - 1, trial.heard)
        if decision is None or decision.action == "continue":
            self.cluster.deliver(segment, report.point + 1)
            if decision is not None and decision.until is not None:
                segment.wake = self.suggestions.point_of(decision.until, "on_report()")
        else:
            self.cluster.deliver(segment, report.point)
            self.halt(trial, segment, decision)
        self.tally.report(trial, segment, report.point, fresh=fresh)
        if self.callbacks and not repeated:
            self.call_back(trial, report, decision)
        self.check_limits()

    def call_back(self, trial: TrialState, event: Event, decision: Decision | None) -> None:
        for callback in self.callbacks:
            if callback.hears_reports:
                callback.on_report(trial.seen_as(trial.status), trial.report(event), decision)

    def decide(self, trial: TrialState, event: Event) -> Decision:
        seen, report = trial.seen_as(TrialStatus.RUNNING), trial.report(event)
        decision = self.call("on_report()", self.scheduler.on_report, trial.number, seen, report)
        if not isinstance(decision, Decision):
            raise self.error("on_report()", f"answered {decision!r} to trial {trial.number}: no Decision")
        return decision

    def halt(self, trial: TrialState, segment: Segment, decision: Decision) -> None:
        """The scheduler stops or pauses a job: the signal travels, and what is produced meanwhile is late."""
        stops = decision == STOP
        assert stops or decision == PAUSE
        trial.heard = max(trial.heard, segment.next)
        segment.mark(segment.next + 1, Code.STOP if stops else Code.PAUSE)
        segment.outcome = trial.status = TrialStatus.STOPPED if stops else TrialStatus.PAUSED
        if not stops:
            self.cluster.perhaps_paused.add(trial.number)
        arrives = self.now + self.timing.delay("stop", trial.number, segment.number)
        free = arrives + self.timing.delay("stopped", trial.number, segment.number)
        own_end = segment.end if segment.end is not None else self.cluster.own_end_by(segment, free)
        segment.signal = arrives if own_end is None else min(arrives, own_end)
        segment.last = self.cluster.last_produced(segment, segment.signal)
        segment.mark(segment.last + 1, Code.LATE)
        self.queue.push(self.cluster.event(arrives, Kind.SIGNAL, segment))
        segment.signalled = True
        self.background += segment.end is not None
        if segment.end is None:
            self.cancel_queued(segment)
            kind, time = (Kind.STOPPED, free) if own_end is None else (Kind.END, own_end)
            self.push(segment, self.cluster.event(time, kind, segment))

    def cancel_queued(self, segment: Segment) -> None:
        if segment.queued is not None:
            self.queue.cancel(segment.queued)
            segment.queued = None

    def on_signal(self, event: Event) -> None:
        segment = self.of(event)[1]  # which may have lost its worker meanwhile
        segment.signalled = False
        self.background -= segment.end is not None
        self.events.append((self.cluster.event(event.time, Kind.SIGNAL, segment), ""))

    def on_end(self, event: Event) -> None:
        """A job's end is registered, and its worker is free."""
        self.finish(self.of(event)[1], event.time)
        self.attention.hear_end(event)

    def finish(self, segment: Segment, time: int) -> None:
        """Free a job's worker; a signal that is still on its way to it will do nothing (T9b)."""
        self.cluster.finish(segment, time)
        self.background += segment.signalled

    def tell_end(self, event: Event, outcome: TrialStatus) -> None:
        """Write down that a job ended, and call the scheduler."""
        self.of(event)[1].end_told = True
        self.events.append((event, outcome.value))
        self.call_on_end(event, outcome)

    def call_on_end(self, event: Event, outcome: TrialStatus) -> None:
        seen = self.cluster.seen_at_end(event.trial, event.segment, outcome)
        self.call("on_end()", self.scheduler.on_end, event.trial, seen)

    def count_end(self, event: Event, outcome: TrialStatus) -> None:
        """The scheduler knows that a job ended."""
        for callback in self.callbacks:
            seen = self.cluster.seen_at_end(event.trial, event.segment, outcome)
            callback.on_end(seen, to_seconds(event.time))
        self.tally.end(outcome)
        self.check_limits()

    def push_background(self, event: Event) -> None:
        """Queue an event for which no run goes on."""
        self.queue.push(event)
        self.background += 1

    def on_deadline(self, event: Event) -> None:
        self.background -= 1
        self.conclude("time")

    # --- the end (T14, T15) ---------------------------------------------------------------------------------

    def check_limits(self) -> None:
        if self.ended is None and not self.draining:
            reason = self.tally.limit_reached(self.now)
            if reason is not None:
                self.conclude(reason)

    def conclude(self, reason: str) -> None:
        """A limit holds: the run ends after this event, or when the jobs that run have ended."""
        if not self.stop.drain:
            self.ended = (self.current, reason)
        elif not self.draining:
            self.draining = reason
            self.attention.on_drain()

    def close(self, last: Event, reason: str) -> list[tuple[Event, TrialStatus]]:
        """Settle what is left after the last event; the ends that the scheduler is still to be told."""
        self.last = last
        jobs = [*(job for *_, job in self.waiting), *self.losses.jobs.values()]
        ends = settle(self.cluster, self.attention, jobs, last)
        self.attention.on_close()
        self.events += [(end, outcome.value) for end, outcome in ends]
        self.events.append((last._replace(kind=Kind.DEADLINE), reason))
        return ends

    def finished(self) -> Run:
        """The results, once all is settled."""
        assert self.last is not None
        return build_run(
            self.described(), self.blackbox, self.cluster, self.events, self.attention.calls, self.last
        )

    def described(self) -> dict[str, Any]:
        """What is run, for headers."""
        workers = self.cluster.workers
        return header(self.blackbox, self.scheduler, self.seed, workers, self.stop, self.conditions)

    # --- small things ---------------------------------------------------------------------------------------

    def of(self, event: Event) -> tuple[TrialState, Segment]:
        trial = self.cluster.trials[event.trial]
        return trial, trial.segments[event.segment]

    def error(self, call: str, what: str) -> SchedulerError:
        name = type(unwrapped(self.scheduler)).__name__
        return SchedulerError(f"{name}.{call} at the simulated second {to_seconds(self.now)} {what}")
