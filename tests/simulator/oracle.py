"""A second simulator, as plain as it can be, against which the kernel is checked.

It is written from docs/time.md and shares nothing with the kernel but what a scheduler sees. Time is a whole
number of seconds. Second by second it looks at every job and every point anew to see what is due; it has no
queue, it delivers every report singly, and what it can derive it does not store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from simulator.conditions import Conditions
from simulator.scheduler import Decision, Report, Resume, Scheduler, Start, Trial, TrialStatus
from simulator.stopping import Stop

ORDER = ("start", "report", "end", "signal", "stopped", "deadline")  # T2
NEVER = 10**9


class Event(NamedTuple):
    """What happens; of one second, the least is handled first (T2)."""

    rank: int
    trial: int
    segment: int
    point: int = -1

    @property
    def kind(self) -> str:
        return ORDER[self.rank]


class Happened(NamedTuple):
    """What happened when; the point is that of a report, a start's base, or the last one produced."""

    time: int
    kind: str
    trial: int
    segment: int
    point: int
    code: str = ""


@dataclass
class Job:
    """A segment: it trains from ``base`` (-1: from scratch) to ``last`` and reports ``points``."""

    trial: int
    number: int
    worker: int
    suggested: int
    start: int
    base: int
    last: int
    points: list[int]
    ask_from: int = 0
    decided: int | None = None
    ended: int | None = None
    outcome: TrialStatus | None = None


@dataclass
class Oracle:
    """One run; ``run()`` fills ``log``, ``jobs``, ``reason`` and ``now``, which is then its end."""

    blackbox: Blackbox
    scheduler: Scheduler
    workers: int
    stop: Stop
    conditions: Conditions
    now: int = 0
    reason: str = ""
    jobs: list[Job] = field(default_factory=list)
    curves: list[LearningCurve] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    done: set[tuple[int, Event]] = field(default_factory=set)
    log: list[Happened] = field(default_factory=list)

    def run(self) -> Oracle:
        self.ask()
        while not self.reason:
            if not self.something_is_under_way():
                self.reason = self.why_nothing_is_left()
            elif self.handle_what_is_due():
                if not self.reason:
                    self.ask()
            else:
                self.now += 1
        self.finish()
        return self

    # --- what is when ---------------------------------------------------------------------------------------

    def elapsed(self, job: Job, point: int) -> int:
        return int(self.curves[job.trial]["elapsed_time"][point]) if point >= 0 else 0

    def produced(self, job: Job, point: int) -> int:  # T6
        return job.start + self.elapsed(job, point) - self.elapsed(job, job.base)

    def arrives(self, job: Job, point: int) -> int:  # T6
        return self.produced(job, point) + int(self.conditions.delays.report)

    def signal(self, job: Job) -> int:  # T9
        return NEVER if job.decided is None else job.decided + int(self.conditions.delays.stop)

    def own_end(self, job: Job) -> int:  # T7, T8
        if not job.points:
            return job.start
        return self.produced(job, job.points[-1]) + int(self.conditions.delays.complete)

    def stopped(self, job: Job) -> int:  # T9
        return self.signal(job) + int(self.conditions.delays.stopped)

    def points_by(self, job: Job, time: int) -> list[int]:
        """What the job has produced; the signal ends it (T9)."""
        return [point for point in job.points if self.produced(job, point) <= min(time, self.signal(job))]

    def last_point_by(self, job: Job, time: int) -> int:
        return max([job.base, *self.points_by(job, time)])

    def checkpoint(self, trial: int) -> int:
        """The latest delivered report, or where the trial began (T8, T10)."""
        told = [
            event.point
            for event in self.log
            if event.trial == trial and event.code in ("continue", "pause", "stop")
        ]
        return max([self.jobs_of(trial)[0].base, *told])

    def jobs_of(self, trial: int) -> list[Job]:
        return [job for job in self.jobs if job.trial == trial]

    def status(self, trial: int) -> TrialStatus:
        return self.jobs_of(trial)[-1].outcome or TrialStatus.RUNNING

    # --- asking (T4, T5) ------------------------------------------------------------------------------------

    def idle(self) -> list[int]:
        busy = [job.worker for job in self.jobs if job.ended is None]
        return [worker for worker in range(self.workers) if worker not in busy]

    def ask(self) -> None:
        while self.idle():
            suggestion = self.scheduler.suggest()
            if suggestion is None:
                return
            if isinstance(suggestion, Start) and len(self.curves) == self.stop.trials_started:
                return  # T14
            if isinstance(suggestion, Start):
                self.begin_trial(suggestion)
            else:
                self.resume(suggestion)

    def begin_trial(self, start: Start) -> None:
        base = -1
        if start.checkpoint_of is not None:  # T8
            base = self.checkpoint(start.checkpoint_of)
            assert base >= 0
            assert self.keeps_checkpoints
        self.configurations.append(dict(start.configuration))
        self.curves.append(self.blackbox.curve(start.configuration))
        self.begin(len(self.curves) - 1, self.now, base, start.until)

    def resume(self, resume: Resume) -> None:
        previous = self.jobs_of(resume.trial)[-1]
        if previous.outcome is None:  # T9a: a bounded job whose last report is in
            assert previous.last < len(self.curves[resume.trial]) - 1
            assert all(self.arrives(previous, point) <= self.now for point in previous.points)
            previous.outcome = TrialStatus.PAUSED
        assert previous.outcome is TrialStatus.PAUSED
        gives_way = min(self.signal(previous), self.own_end(previous))
        base = self.checkpoint(resume.trial) if self.keeps_checkpoints else -1  # T10
        self.begin(resume.trial, gives_way, base, resume.until)

    def begin(self, trial: int, earliest: int, base: int, until: float | None) -> None:
        values = self.blackbox.schema.fidelity.values
        last = len(self.curves[trial]) - 1
        if until is not None and until < values[-1]:
            last = min(last, values.index(until))  # T7
        points = list(range(base + 1, last + 1))
        if self.blackbox.schema.fidelity.kind == "independent":
            points = points[-1:]  # T6a
        start = max(self.now + int(self.conditions.delays.start), earliest)
        number = len(self.jobs_of(trial))
        self.jobs.append(Job(trial, number, self.idle()[0], self.now, start, base, last, points))

    @property
    def keeps_checkpoints(self) -> bool:
        return self.conditions.checkpoints and self.blackbox.schema.fidelity.kind == "incremental"

    # --- what happens ---------------------------------------------------------------------------------------

    def something_is_under_way(self) -> bool:
        return any(
            job.ended is None or (job.decided is not None and not self.is_done("signal", job))
            for job in self.jobs
        )

    def is_done(self, kind: str, job: Job) -> bool:
        return any(h.kind == kind and (h.trial, h.segment) == (job.trial, job.number) for h in self.log)

    def due(self) -> list[Event]:
        """What happens this second and has not yet been handled."""
        everything = [event for job in self.jobs for time, event in self.future(job) if time == self.now]
        if self.now == self.stop.time:
            everything.append(Event(ORDER.index("deadline"), 0, 0))
        return [event for event in everything if (self.now, event) not in self.done]

    def future(self, job: Job) -> Iterator[tuple[int, Event]]:
        """All that happens to a job and when, as far as can be known now."""

        def event(kind: str, point: int = -1) -> Event:
            return Event(ORDER.index(kind), job.trial, job.number, point)

        yield job.start, event("start")
        for point in self.points_by(job, NEVER):
            yield self.arrives(job, point), event("report", point)
        if self.own_end(job) <= self.stopped(job):  # T9b
            yield self.own_end(job), event("end")
        else:
            yield self.stopped(job), event("stopped")
        yield self.signal(job), event("signal")

    def handle_what_is_due(self) -> bool:
        """Handle all that is due, in order; whether there was more than late points, which nobody awaits."""
        noticed = False
        while not self.reason and (due := self.due()):
            event = min(due)
            self.done.add((self.now, event))
            if event.kind == "deadline":
                self.reason, noticed = "time", True  # T15
            else:
                (job,) = [job for job in self.jobs_of(event.trial) if job.number == event.segment]
                noticed |= self.handle(event, job) != "late"
        return noticed

    def handle(self, event: Event, job: Job) -> str:
        if event.kind == "report":
            return self.handle_report(job, event.point)
        if event.kind in ("end", "stopped"):
            self.end(job, event.kind)
            self.reason = self.reason or self.limit_reached("trials_completed", "trials_finished")
        else:
            point = job.base if event.kind == "start" else self.last_point_by(job, self.now)
            self.log.append(Happened(self.now, event.kind, job.trial, job.number, point))
        return event.kind

    def handle_report(self, job: Job, point: int) -> str:
        if job.decided is not None:
            code = "late"  # T9
        elif point <= self.checkpoint(job.trial):
            code = "repeated"  # T10
        elif point < job.ask_from:
            code = "continue"  # T22
        else:
            code = self.decide(job, point)
        self.log.append(Happened(self.now, "report", job.trial, job.number, point, code))
        if code in ("continue", "pause", "stop"):
            self.reason = self.limit_reached("reports")
        return code

    def decide(self, job: Job, point: int) -> str:
        values = self.blackbox.schema.fidelity.values
        trial = Trial(job.trial, self.configurations[job.trial], TrialStatus.RUNNING)
        report = Report(values[point], float(self.now), point, self.curves[job.trial])
        decision: Decision = self.scheduler.on_report(trial, report)
        if decision.until is not None:
            job.ask_from = sum(value < decision.until for value in values[:-1])
        if decision.action == "continue":
            return "continue"
        job.decided = self.now
        job.outcome = TrialStatus.PAUSED if decision.action == "pause" else TrialStatus.STOPPED
        return decision.action

    def end(self, job: Job, kind: str) -> None:
        if job.outcome is None:  # T7, T11
            curve = self.curves[job.trial]
            finished = TrialStatus.COMPLETED if curve.status == "ok" else TrialStatus.FAILED
            job.outcome = TrialStatus.PAUSED if job.last < len(curve) - 1 else finished
        job.ended = self.now
        point = self.last_point_by(job, self.now)
        self.log.append(Happened(self.now, kind, job.trial, job.number, point))
        self.scheduler.on_end(Trial(job.trial, self.configurations[job.trial], job.outcome))

    # --- the end --------------------------------------------------------------------------------------------

    def limit_reached(self, *limits: str) -> str:
        """The first of these limits that the log reaches (T14)."""
        over = [job.outcome for job in self.jobs if job.ended is not None]
        counts = {
            "trials_completed": over.count(TrialStatus.COMPLETED),
            "trials_finished": len(over) - over.count(TrialStatus.PAUSED),
            "reports": sum(event.code in ("continue", "pause", "stop") for event in self.log),
        }
        return next((limit for limit in limits if counts[limit] == getattr(self.stop, limit)), "")

    def why_nothing_is_left(self) -> str:
        if len(self.curves) == self.stop.trials_started:
            return "trials_started"
        statuses = [self.status(trial) for trial in range(len(self.curves))]
        return "stalled" if TrialStatus.PAUSED in statuses else "exhausted"

    def finish(self) -> None:
        """Interrupt what runs, and write down the points on their way (T15)."""
        for job in sorted(self.jobs, key=lambda job: (job.trial, job.number)):
            if job.ended is None:
                job.outcome = job.outcome or TrialStatus.INTERRUPTED
                self.end(job, "end")
        for job in self.jobs:
            for point in self.points_by(job, self.now):
                arrival = self.arrives(job, point)
                if (arrival, Event(ORDER.index("report"), job.trial, job.number, point)) not in self.done:
                    self.log.append(Happened(arrival, "report", job.trial, job.number, point, "after_end"))
        self.log.sort(key=lambda e: (e.time, ORDER.index(e.kind), e.trial, e.segment, e.point))
