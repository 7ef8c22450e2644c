"""The simulation loop: ask, start, pop, tell. What it means is docs/time.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blackbox_repo import __version__
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.space import Configuration
from simulator.callbacks import Callback
from simulator.clock import to_ns, to_seconds
from simulator.cluster import SCRATCH, Cluster, Code, Segment, TrialState
from simulator.conditions import Conditions
from simulator.curves import Curves
from simulator.errors import SchedulerError, SimulationError
from simulator.events import Event, EventQueue, Kind
from simulator.result import build_run, description
from simulator.run import Run
from simulator.scheduler import (
    PAUSE,
    STOP,
    Decision,
    Report,
    Resume,
    Scheduler,
    Start,
    TrialStatus,
)
from simulator.seeds import TrainingSeeds
from simulator.stopping import Stop
from simulator.tally import Tally
from simulator.timing import Timing

MAX_SUGGESTIONS_AT_ONE_INSTANT = 1_000_000


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
        self.events: list[tuple[Event, str]] = []
        self.seeds = TrainingSeeds(blackbox, seed, conditions.training_seed)
        self.curves = Curves(blackbox, getattr(scheduler, "upcoming", None))
        self.now = 0
        self.ended: tuple[Event, str] | None = None
        self.draining = ""  # the limit that holds already, while jobs go on
        self.deadline_pending = stop.time is not None
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
            Kind.DEADLINE: self.on_deadline,
        }

    def run(self) -> Run:
        for callback in self.callbacks:
            callback.on_start(self.blackbox.schema, self.cluster.workers, self.stop)
        if self.stop.time is not None:
            self.queue.push(Event(to_ns(self.stop.time), Kind.DEADLINE, 0, 0, 0))
        asked_at, suggestions = 0, 0
        while self.ended is None:
            suggestions = (suggestions if asked_at == self.now else 0) + self.ask()
            asked_at = self.now
            if suggestions > MAX_SUGGESTIONS_AT_ONE_INSTANT:
                raise SimulationError(
                    f"{suggestions} suggestions at the simulated second {to_seconds(self.now)}: the curves "
                    f"of {self.blackbox.name!r} take no time"
                )
            self.handle_instant()
            for callback in self.callbacks:
                callback.on_instant(self.tally.state(self.now))
        finished = self.finished(*self.ended)
        for callback in self.callbacks:
            callback.on_finish(finished)
        return finished

    # --- asking (T5, T7, T8) --------------------------------------------------------------------------------

    def ask(self) -> int:
        """Serve the idle workers until the scheduler answers ``None``; how often it did not."""
        suggestions = 0
        while self.cluster.idle and not self.draining:
            suggestion = self.scheduler.suggest()
            if isinstance(suggestion, Start):
                if len(self.cluster.trials) == self.stop.trials_started:
                    break  # the door is closed
                self.start(suggestion)
            elif isinstance(suggestion, Resume):
                self.resume(suggestion)
            elif suggestion is None:
                break
            else:
                raise self.error("suggest()", f"answered {suggestion!r}, which is no Start, Resume or None")
            suggestions += 1
        return suggestions

    def start(self, suggestion: Start) -> None:
        configuration, curve = self.trained(suggestion.configuration)
        base = SCRATCH
        if suggestion.checkpoint_of is not None:
            base = self.checkpoint_of(suggestion.checkpoint_of)
        trial = self.cluster.add_trial(configuration, curve)
        trial.heard = base
        self.begin(trial, self.now, base, suggestion.until)

    def trained(self, configuration: Configuration) -> tuple[Configuration, LearningCurve]:
        """The canonical configuration, and the curve of the training run that this trial replays (T17)."""
        try:
            checked = self.blackbox.schema.space.check(configuration)
            return checked, self.curves.of(checked, self.seeds.choose(checked))
        except BlackboxRepoError as err:
            raise self.error("suggest()", f"started {configuration!r}: {err}") from err

    def checkpoint_of(self, number: int) -> int:
        source = self.known_trial(number, "started from the checkpoint of")
        segment = source.segments[-1]
        if segment.outcome is None:
            arrived = self.cluster.last_arrived(segment, self.now)
            self.cluster.deliver(segment, min(arrived + 1, segment.wake))  # what is heard is an event to come
        if not self.keeps_checkpoints or source.heard == SCRATCH:
            why = "has not reported yet" if self.keeps_checkpoints else "keeps no checkpoints here"
            raise self.error("suggest()", f"started from the checkpoint of trial {number}, which {why}")
        return source.heard

    def resume(self, suggestion: Resume) -> None:
        trial = self.known_trial(suggestion.trial, "resumed")
        previous = trial.segments[-1]
        at_bound = previous.next > previous.last and previous.last < len(trial.curve) - 1
        if trial.status is not TrialStatus.PAUSED and not (trial.status is TrialStatus.RUNNING and at_bound):
            raise self.error("suggest()", f"resumed trial {trial.number}, which is {trial.status.value}")
        if trial.status is TrialStatus.RUNNING:
            previous.outcome = TrialStatus.PAUSED
        ready = self.cluster.registered_end(previous) if previous.signal is None else previous.signal
        base = trial.heard if self.keeps_checkpoints else SCRATCH
        self.begin(trial, ready, base, suggestion.until)

    @property
    def keeps_checkpoints(self) -> bool:
        return self.conditions.checkpoints and self.blackbox.schema.fidelity.kind == "incremental"

    def known_trial(self, number: object, verb: str) -> TrialState:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < self.trial_count:
            raise self.error("suggest()", f"{verb} trial {number!r}, but there are {self.trial_count} trials")
        return self.cluster.trials[number]

    @property
    def trial_count(self) -> int:
        return len(self.cluster.trials)

    def begin(self, trial: TrialState, ready: int, base: int, until: float | None) -> None:
        """Give a trial an idle worker now; its job starts after the delay, and not before it is ``ready``."""
        start = max(self.now + self.timing.delay("start", trial.number, len(trial.segments)), ready)
        last = len(trial.curve) - 1
        if until is not None:
            last = min(last, self.point_of(until, "suggest()"))
        alone = self.blackbox.schema.fidelity.kind == "independent"
        first = max(last, 0) if alone else base + 1
        segment = self.cluster.begin(trial, self.now, start, base, range(first, last + 1))
        self.queue.push(Event(start, Kind.START, trial.number, segment.number, base))

    def point_of(self, fidelity: float, call: str) -> int:
        axis = self.blackbox.schema.fidelity
        try:
            return len(axis.values) - 1 if fidelity >= axis.values[-1] else axis.index(fidelity)
        except (TypeError, BlackboxRepoError) as err:
            raise self.error(call, f"named a fidelity that does not exist: {err}") from err

    # --- events (T4, T6 to T11) -----------------------------------------------------------------------------

    def handle_instant(self) -> None:
        """Handle all events of the next instant, or end the run if nothing but the deadline is left."""
        if len(self.queue) == self.deadline_pending:
            paused = sum(trial.status is TrialStatus.PAUSED for trial in self.cluster.trials)
            closed = self.trial_count == self.stop.trials_started
            reason = self.draining or ("trials_started" if closed else "stalled" if paused else "exhausted")
            self.ended = (Event(self.now, Kind.DEADLINE, 0, 0, 0), reason)
            return
        self.now = self.queue.next_time
        while self.ended is None and len(self.queue) and self.queue.next_time == self.now:
            event = self.queue.pop()
            self.handlers[event.kind](event)

    def on_start(self, event: Event) -> None:
        trial, segment = self.of(event)
        self.events.append((event, f"{segment.worker} {trial.curve.seed} {dict(trial.configuration)!a}"))
        self.await_next(segment)

    def await_next(self, segment: Segment) -> None:
        """Queue the next event of a job that goes on: a report to look at, or its end."""
        point = segment.next if self.singly else min(max(segment.wake, segment.next), segment.last)
        if segment.next > segment.last:
            self.push(self.cluster.registered_end(segment), Kind.END, segment)
        else:
            arrival = self.cluster.arrival(segment, point)
            self.queue.push(Event(arrival, Kind.REPORT, segment.trial, segment.number, point))

    def push(self, time: int, kind: Kind, segment: Segment) -> None:
        self.queue.push(self.event(time, kind, segment))

    def event(self, time: int, kind: Kind, segment: Segment) -> Event:
        """An event of a segment, with the last point that it had produced by then."""
        return Event(time, kind, segment.trial, segment.number, self.cluster.reached(segment, time))

    def on_report(self, event: Event) -> None:
        trial, segment = self.of(event)
        repeated = event.point <= trial.heard
        fresh = event.point - max(segment.next - 1, trial.heard)
        if event.point < segment.wake or repeated:
            self.cluster.deliver(segment, event.point + 1)
            decision = None
        else:
            self.cluster.deliver(segment, event.point)
            decision = self.decide(trial, event)
        if decision is None or decision.action == "continue":
            self.cluster.deliver(segment, event.point + 1)
            if decision is not None and decision.until is not None:
                segment.wake = self.point_of(decision.until, "on_report()")
            self.await_next(segment)
        else:
            self.halt(trial, segment, decision)
        self.tally.report(trial, segment, event.point, fresh=max(fresh, 0))
        if self.callbacks and not repeated:
            self.call_back(trial, event, decision)
        self.check_limits(event)

    def call_back(self, trial: TrialState, event: Event, decision: Decision | None) -> None:
        for callback in self.callbacks:
            if callback.hears_reports:
                callback.on_report(trial.seen_as(trial.status), self.report_of(trial, event), decision)

    def report_of(self, trial: TrialState, event: Event) -> Report:
        fidelity = self.blackbox.schema.fidelity.values[event.point]
        return Report(fidelity, to_seconds(event.time), event.point, trial.curve)

    def decide(self, trial: TrialState, event: Event) -> Decision:
        report = self.report_of(trial, event)
        decision = self.scheduler.on_report(trial.seen_as(TrialStatus.RUNNING), report)
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
        arrives = self.now + self.timing.delay("stop", trial.number, segment.number)
        free = arrives + self.timing.delay("stopped", trial.number, segment.number)
        own_end = self.cluster.own_end_by(segment, free)
        segment.signal = arrives if own_end is None else min(arrives, own_end)
        segment.last = self.cluster.last_produced(segment, segment.signal)
        segment.mark(segment.last + 1, Code.LATE)
        self.push(arrives, Kind.SIGNAL, segment)
        if own_end is None:
            self.push(free, Kind.STOPPED, segment)
        else:
            self.push(own_end, Kind.END, segment)

    def on_signal(self, event: Event) -> None:
        self.events.append((event, ""))

    def on_end(self, event: Event) -> None:
        _, segment = self.of(event)
        trial = self.cluster.finish(segment, event.time)
        assert segment.outcome is not None
        self.events.append((event, segment.outcome.value))
        self.scheduler.on_end(trial.seen_as(segment.outcome))
        for callback in self.callbacks:
            callback.on_end(trial.seen_as(segment.outcome), to_seconds(event.time))
        self.tally.end(segment.outcome)
        self.check_limits(event)

    def on_deadline(self, event: Event) -> None:
        self.deadline_pending = False
        self.conclude(event, "time")

    # --- the end (T14, T15) ---------------------------------------------------------------------------------

    def check_limits(self, event: Event) -> None:
        if self.ended is None and not self.draining:
            reason = self.tally.limit_reached(self.now)
            if reason is not None:
                self.conclude(event, reason)

    def conclude(self, event: Event, reason: str) -> None:
        """A limit holds: the run ends after this event, or when the jobs that run have ended."""
        if self.stop.drain:
            self.draining = self.draining or reason
        elif self.ended is None:
            self.ended = (event, reason)

    def finished(self, last: Event, reason: str) -> Run:
        """Settle what is still running at the end, and hand over the results."""
        for _, segment in sorted(self.cluster.running.items()):
            if segment.outcome is None:
                self.settle(segment, last)
                segment.outcome = self.cluster.trials[segment.trial].status = TrialStatus.INTERRUPTED
            self.on_end(self.event(last.time, Kind.END, segment))
        self.events.append((last._replace(kind=Kind.DEADLINE), reason))
        described = {
            "blackbox": self.blackbox.name,
            "blackbox_digest": self.blackbox.digest(),
            "scheduler": description(self.scheduler),
            "seed": self.seed,
            "workers": self.cluster.workers,
            "stop": self.stop.described(),
            "conditions": self.conditions.described(),
            "version": __version__,
        }
        return build_run(described, self.blackbox.schema, self.cluster, self.events, last)

    def settle(self, segment: Segment, last: Event) -> None:
        """Points that arrived before the last event were reports; others produced by then were under way."""
        arrived = self.cluster.last_arrived(segment, last.time)
        while arrived >= segment.next and self.event_of(segment, arrived) > last:
            arrived -= 1
        self.cluster.deliver(segment, arrived + 1)
        segment.mark(self.cluster.last_produced(segment, last.time) + 1, Code.AFTER_END)

    def event_of(self, segment: Segment, point: int) -> Event:
        return Event(self.cluster.arrival(segment, point), Kind.REPORT, segment.trial, segment.number, point)

    # --- small things ---------------------------------------------------------------------------------------

    def of(self, event: Event) -> tuple[TrialState, Segment]:
        trial = self.cluster.trials[event.trial]
        return trial, trial.segments[event.segment]

    def error(self, call: str, what: str) -> SchedulerError:
        name = type(self.scheduler).__name__
        return SchedulerError(f"{name}.{call} at the simulated second {to_seconds(self.now)} {what}")
