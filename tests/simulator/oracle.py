"""A second simulator, as plain as it can be, against which the kernel is checked.

It is written from docs/time.md and shares nothing with the kernel but what a scheduler sees, the conditions,
and the keys of draws (T16). Time is whole nanoseconds. It looks at every job, point and worker anew to see
what is due now, and if nothing is, when something will be; it has no queue of events, it delivers every
report singly, and what it can derive it does not store. The scheduler is one server (T12) even where its
answers take no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from simulator.scheduler import Decision, Report, Resume, Scheduler, Start, Trial, TrialStatus
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import Call
from simulator.settings.stopping import Stop
from tests.simulator.oracle_jobs import NEVER, SECOND, Job, Times

ORDER = (
    "start",
    "report",
    "end",
    "signal",
    "stopped",
    "lost",
    "joined",
    "queued",
    "answer",
    "deadline",
)  # T2
REPORT, END, STOPPED, WORKER = ORDER.index("report"), ORDER.index("end"), ORDER.index("stopped"), len(ORDER)
UNHEARD = ("late", "repeated", "continue")
TOLD = ("continue", "pause", "stop")
OVER = (TrialStatus.COMPLETED, TrialStatus.STOPPED, TrialStatus.FAILED)


class Event(NamedTuple):
    """What happens; of one instant, the least is handled first (T2). A worker stands in the trial's place."""

    rank: int
    trial: int = 0
    segment: int = 0
    point: int = 0

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


class Request(NamedTuple):
    """What waits for the scheduler; of reports and ends, and of free workers, the least is first (T12)."""

    arrived: int
    rank: int
    trial: int
    segment: int = 0
    point: int = 0


class Called(NamedTuple):
    """A call of the scheduler whose answer took effect."""

    kind: str
    trial: int | None
    segment: int | None
    fidelity: float | None
    arrived: int
    taken: int
    answered: int


@dataclass
class Thought:
    """What the scheduler thinks about and until when; which workers had asked for work by then."""

    request: Request
    taken: int
    until: int
    answer: Any
    asking: list[Request]
    counts_already: bool = False


@dataclass
class Ready:
    """A job that is to have a worker: it was asked for, or is queued again, at ``since`` (T12, T18)."""

    since: int
    trial: int
    number: int
    base: int
    last: int
    until: int | None = None
    earliest: int = 0
    ask_from: int = 0
    again: bool = False


@dataclass
class Oracle:
    """One run; ``run()`` fills ``log``, ``jobs``, ``calls``, ``reason`` and its end, ``now``."""

    blackbox: Blackbox
    scheduler: Scheduler
    workers: int
    stop: Stop
    conditions: Conditions
    seed: int = 1
    now: int = 0
    reason: str = ""
    drained: bool = False
    jobs: list[Job] = field(default_factory=list)
    curves: list[LearningCurve] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    bases: list[int] = field(default_factory=list)
    turns: list[list[int]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    thought: Thought | None = None
    look: int = -1
    news: bool = True
    waiting: list[Ready] = field(default_factory=list)
    called: int = 0
    calls: list[Called] = field(default_factory=list)
    codes: dict[tuple[int, int, int], str] = field(default_factory=dict)
    done: set[tuple[int, Event]] = field(default_factory=set)
    log: list[Happened] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.times = Times(self.conditions, self.seed)
        self.turns = [[0] for _ in range(self.workers)]
        self.deadline = NEVER if self.stop.time is None else round(self.stop.time * SECOND)
        self.poll = None if self.conditions.poll is None else round(self.conditions.poll * SECOND)

    def run(self) -> Oracle:
        self.ask()
        while not self.over:
            if self.nothing_is_left():
                self.reason = self.why_nothing_is_left()
                break
            if self.due():
                self.handle_what_is_due()
                self.drained = bool(self.reason) and not self.under_way()
                self.ask()
            else:
                self.now = min(time for time, event in self.future() if time > self.now)
        self.finish()
        return self

    # --- what is when ---------------------------------------------------------------------------------------

    def due(self) -> list[Event]:
        """What happens at this instant and has not yet been handled."""
        return [event for time, event in self.future() if time == self.now]

    def future(self) -> Iterator[tuple[int, Event]]:
        """All that will happen and when, as far as can be known now."""
        for job in self.jobs:
            for time, event in self.future_of(job):
                if time >= self.now and (time, event) not in self.done:
                    yield time, event
        for worker, turns in enumerate(self.turns):
            kind = "lost" if len(turns) % 2 else "joined"
            yield self.times.turn(worker, turns), Event(ORDER.index(kind), worker)
        for ready in self.waiting:
            event = Event(ORDER.index("queued"), ready.trial, ready.number, ready.base)
            if ready.again and (ready.since, event) not in self.done:
                yield ready.since, event
        if self.thought:
            yield self.thought.until, Event(ORDER.index("answer"))
        elif self.poll and self.takeable(NEVER):
            yield -(-self.now // self.poll) * self.poll, Event(ORDER.index("answer"))
            yield (self.now // self.poll + 1) * self.poll, Event(ORDER.index("answer"))
        if (self.deadline, Event(ORDER.index("deadline"))) not in self.done:
            yield self.deadline, Event(ORDER.index("deadline"))

    def future_of(self, job: Job) -> Iterator[tuple[int, Event]]:
        def event(kind: str, point: int = 0) -> Event:
            return Event(ORDER.index(kind), job.trial, job.number, point)

        if job.start <= job.lost:
            yield job.start, event("start")
        for point in job.points_by(NEVER):
            yield job.arrives[point], event("report", point)
        if job.ended is None and job.own_end <= job.stopped:  # T9b
            yield job.own_end, event("end")
        elif job.ended is None:
            yield job.stopped, event("stopped")
        if job.told_to_end:
            yield job.signal, event("signal")

    def checkpoint(self, trial: int) -> int:
        """The latest delivered report, or where the trial began (T8, T10)."""
        told = [point for (of, _, point), code in self.codes.items() if of == trial and code in TOLD]
        return max([self.bases[trial], *told])

    def jobs_of(self, trial: int) -> list[Job]:
        return [job for job in self.jobs if job.trial == trial]

    def status(self, trial: int) -> TrialStatus:
        if any(ready.trial == trial for ready in self.waiting):
            return TrialStatus.INTERRUPTED if self.over else TrialStatus.RUNNING
        return self.jobs_of(trial)[-1].outcome or TrialStatus.RUNNING

    @property
    def running(self) -> list[Job]:
        return [job for job in self.jobs if job.ended is None]

    def idle(self) -> list[int]:
        busy = [job.worker for job in self.running]
        return [worker for worker, turns in enumerate(self.turns) if len(turns) % 2 and worker not in busy]

    @property
    def keeps_checkpoints(self) -> bool:
        return self.conditions.checkpoints and self.blackbox.schema.fidelity.kind == "incremental"

    # --- what happens ---------------------------------------------------------------------------------------

    def handle_what_is_due(self) -> None:
        """Handle all that is due, in order: a round."""
        self.news = False
        while not self.over and (due := self.due()):
            event = min(due)
            if event.kind == "answer":
                self.answer()
            else:
                self.done.add((self.now, event))
                self.news |= self.handle(event) not in UNHEARD
            self.take()

    def handle(self, event: Event) -> str:
        if event.kind == "deadline":  # T15
            self.end_by("time")
        elif event.kind in ("lost", "joined"):
            self.write(event.kind, event.trial)
            self.turns[event.trial].append(self.now)
            if event.kind == "lost":
                self.lose(event.trial)
        elif event.kind == "queued":
            self.write(event.kind, event.trial, event.segment, event.point)
        else:
            (job,) = [job for job in self.jobs_of(event.trial) if job.number == event.segment]
            return self.handle_job(event, job)
        return event.kind

    def handle_job(self, event: Event, job: Job) -> str:
        if event.kind == "report":
            return self.arrive(job, event.point)
        if event.kind in ("end", "stopped"):
            self.end(job, event.kind)
        else:
            point = job.base if event.kind == "start" else job.last_point_by(self.now)
            self.write(event.kind, job.trial, job.number, point)
        return event.kind

    def write(self, kind: str, trial: int, segment: int = 0, point: int = 0) -> None:
        self.log.append(Happened(self.now, kind, trial, segment, point))

    def arrive(self, job: Job, point: int) -> str:
        code = ""
        if job.told_to_end or job.lost < NEVER:
            code = "late"  # T9, T18
        elif point <= self.checkpoint(job.trial):
            code = "repeated"  # T10
        elif point < job.ask_from:
            code = "continue"  # T22
        else:
            self.requests.append(Request(self.now, REPORT, job.trial, job.number, point))
        self.write("report", job.trial, job.number, point)
        self.becomes(job, point, code)
        return code

    def becomes(self, job: Job, point: int, code: str) -> None:
        if code:
            self.codes[job.trial, job.number, point] = code
        if code in TOLD:
            self.look_at("reports", "cost", "threshold")
        elif code == "repeated":
            self.look_at("cost")

    def end(self, job: Job, kind: str) -> None:
        if job.outcome is None and job.crash < NEVER:
            job.outcome = TrialStatus.FAILED  # T18
        if job.outcome is None:  # T7, T11
            curve = self.curves[job.trial]
            finished = TrialStatus.COMPLETED if curve.status == "ok" else TrialStatus.FAILED
            job.outcome = TrialStatus.PAUSED if job.last < len(curve) - 1 else finished
        job.ended = self.now
        self.write(kind, job.trial, job.number, job.last_point_by(self.now))
        self.requests.append(Request(self.now, ORDER.index(kind), job.trial, job.number))

    # --- lost workers (T18) ---------------------------------------------------------------------------------

    def lose(self, worker: int) -> None:
        self.no_longer_asks(worker)
        for job in [job for job in self.running if job.worker == worker]:
            if self.thought and self.thought.request[1:4] == (REPORT, job.trial, job.number):
                self.thought.counts_already = True
                self.decide(job, self.thought.request.point, self.thought.answer)
            job.lost = self.now
            if job.told_to_end or self.all_is_in(job):
                self.end(job, "end")
            else:
                self.preempt(job)
                if job.outcome is TrialStatus.PREEMPTED:
                    self.look_at("cost")  # T14

    def all_is_in(self, job: Job) -> bool:
        crashed = job.crash == NEVER or job.crash <= self.now
        reports = [point for point, produced in job.produced.items() if produced <= job.crash]
        return crashed and all(job.arrives[point] <= self.now for point in reports)

    def preempt(self, job: Job) -> None:
        for request in self.waiting_reports(job):
            self.requests.remove(request)
            self.becomes(job, request.point, "late")
        if not self.conditions.failures.requeue:
            job.outcome = TrialStatus.FAILED
            self.end(job, "end")
            return
        job.ended, job.outcome = self.now, TrialStatus.PREEMPTED
        self.write("end", job.trial, job.number, job.last_point_by(self.now))
        base = self.checkpoint(job.trial) if self.keeps_checkpoints else -1
        self.waiting.append(
            Ready(
                self.now,
                job.trial,
                job.number + 1,
                base,
                job.last,
                job.until,
                job.earliest,
                job.ask_from,
                again=True,
            )
        )

    # --- work for idle workers (T4, T5) ---------------------------------------------------------------------

    def ask(self) -> None:
        """Serve the jobs that wait, then the workers for which an event may have changed something (T12)."""
        if self.over:
            return
        self.serve()
        known = [request.trial for request in self.requests if request.rank == WORKER]
        if self.news and not self.reason:
            self.requests += [Request(self.now, WORKER, w) for w in self.idle() if w not in known]
        self.take()

    def in_vain(self) -> bool:
        """Whether all trials have started and none could be resumed, so that asking is of no use (T14)."""
        trials = range(len(self.curves))
        return len(trials) == self.stop.trials_started and not any(self.resumable(t) for t in trials)

    def resumable(self, trial: int) -> bool:
        """Paused, or as far as its scheduler has been told on its way there (T9a)."""
        if any(ready.trial == trial for ready in self.waiting):
            return False
        job = self.jobs_of(trial)[-1]
        if job.told_to_end:
            return job.outcome is TrialStatus.PAUSED
        if any((trial, job.number, point) not in self.codes for point in job.points_by(NEVER)):
            return False
        last_of_all = len(self.blackbox.schema.fidelity.values) - 1
        at_bound = (
            job.last == job.until != last_of_all and job.crash == NEVER and self.checkpoint(trial) >= job.last
        )
        by_itself = not job.told and job.outcome is not TrialStatus.PREEMPTED
        return job.outcome is TrialStatus.PAUSED or (at_bound and by_itself)

    def serve(self) -> None:
        """Give workers to the jobs that wait, first come first served (T18)."""
        while self.waiting and self.idle():
            first = min(self.waiting, key=lambda ready: (ready.since, ready.trial))
            self.waiting.remove(first)
            self.begin(first, self.idle()[0])

    def no_longer_asks(self, worker: int) -> None:
        self.requests = [request for request in self.requests if request[1:3] != (WORKER, worker)]

    def begin(self, ready: Ready, worker: int) -> None:
        curve = self.curves[ready.trial]
        points = list(range(ready.base + 1, ready.last + 1))
        if self.blackbox.schema.fidelity.kind == "independent":
            points = points[-1:]  # T6a
        job = Job(
            ready.trial, ready.number, worker, self.now, ready.base, ready.last, ready.ask_from, ready.until
        )
        elapsed = [float(curve["elapsed_time"][point]) for point in range(len(curve))]
        self.times.begin(job, ready.earliest, elapsed, points)
        self.jobs.append(job)
        self.no_longer_asks(worker)

    # --- the scheduler (T12, T13) ---------------------------------------------------------------------------

    def takeable(self, by: int) -> list[Request]:
        """What waits and arrived by then; no work is suggested once a limit holds (T14, T15)."""
        closed = bool(self.reason) or self.now == self.deadline
        return [r for r in self.requests if r.arrived <= by and not (closed and r.rank == WORKER)]

    def take(self) -> None:
        """Call the scheduler as long as it is free and somebody waits."""
        while not self.over:
            if self.in_vain():
                self.requests = [request for request in self.requests if request.rank != WORKER]
            if self.thought:
                return
            waiting = self.takeable(self.look if self.poll else self.now)
            if not waiting:
                return
            first = min(waiting, key=lambda request: (request.rank == WORKER, request))
            self.requests.remove(first)
            self.thought = self.call(first)
            if self.thought.until == self.now:
                self.take_effect()

    def call(self, request: Request) -> Thought:
        values = self.blackbox.schema.fidelity.values
        call = Call("suggest", self.called, self.now / SECOND)
        answer: Any = None
        if request.rank == WORKER:
            answer = self.scheduler.suggest()
        elif request.rank == REPORT:
            fidelity = values[request.point]
            call = Call("on_report", self.called, self.now / SECOND, request.trial, fidelity)
            report = Report(fidelity, request.arrived / SECOND, request.point, self.curves[request.trial])
            answer = self.scheduler.on_report(self.trial(request.trial, TrialStatus.RUNNING), report)
        else:
            call = Call("on_end", self.called, self.now / SECOND, request.trial)
            self.tell_end(request)
        self.called += 1
        asking = [other for other in self.requests if other.rank == WORKER]
        return Thought(request, self.now, self.now + self.times.decision(call), answer, asking)

    def tell_end(self, request: Request) -> None:
        outcomes = [job.outcome for job in self.jobs_of(request.trial) if job.number == request.segment]
        outcome = next(iter(outcomes), TrialStatus.INTERRUPTED)  # without a job, it waited for a worker
        assert outcome is not None
        if outcome is TrialStatus.PAUSED:  # T11
            later = [job for job in self.jobs_of(request.trial) if job.number > request.segment]
            known = [job.outcome for job in later if job.told or job.outcome is TrialStatus.STOPPED]
            outcome = next((status for status in known if status in OVER), outcome)
        self.scheduler.on_end(self.trial(request.trial, outcome, self.last_report(request.trial)))

    def trial(self, number: int, status: TrialStatus, last_report: Report | None = None) -> Trial:
        return Trial(number, self.configurations[number], status, last_report)

    def last_report(self, trial: int) -> Report | None:
        """The latest delivered report; copies of a checkpoint have none of their own."""
        point = self.checkpoint(trial)
        jobs = [n for (of, n, at), code in self.codes.items() if (of, at) == (trial, point) and code in TOLD]
        if not jobs:
            return None
        arrives = next(job.arrives[point] for job in self.jobs_of(trial) if job.number == jobs[0])
        fidelity = self.blackbox.schema.fidelity.values[point]
        return Report(fidelity, arrives / SECOND, point, self.curves[trial])

    def answer(self) -> None:
        if self.thought:
            self.take_effect()
        else:
            self.look = self.now

    def take_effect(self) -> None:
        assert self.thought
        thought, self.thought = self.thought, None
        request, answer = thought.request, thought.answer
        self.news |= request.rank != WORKER
        if request.rank == WORKER:
            self.follow(thought)
            return
        (job,) = [job for job in self.jobs_of(request.trial) if job.number == request.segment]
        if request.rank == REPORT:
            self.record(thought, "on_report", job.trial, job.number, request.point)
            if not thought.counts_already:
                self.decide(job, request.point, answer)
        else:
            self.record(thought, "on_end", job.trial, job.number, job.last_point_by(job.ended or 0))
            job.told = True
            self.look_at("trials_completed", "trials_finished", "cost", "threshold")

    def record(self, thought: Thought, kind: str, trial: int, segment: int, point: int) -> None:
        if self.takes_time:
            self.write("answer", trial, segment, point)
            fidelity = float(self.blackbox.schema.fidelity.values[point]) if kind == "on_report" else None
            self.note(thought, kind, trial, segment, fidelity)

    def note(self, thought: Thought, kind: str, *about: float | None) -> None:
        if self.takes_time:
            times = (thought.request.arrived, thought.taken, self.now)
            self.calls.append(Called(kind, *(about or (None,) * 3), *times))

    def note_what_is_thought_about(self) -> None:
        """What it came to is not known, but how long it would have taken."""
        if self.thought:
            request, values = self.thought.request, self.blackbox.schema.fidelity.values
            of = "on_report" if request.rank == REPORT else "on_end"
            fidelity = float(values[request.point]) if request.rank == REPORT else None
            about = (request.trial, request.segment, fidelity)
            kind, about = ("suggest", (None,) * 3) if request.rank == WORKER else (of, about)
            times = (request.arrived, self.thought.taken, self.thought.until)
            self.calls.append(Called(kind, *about, *times))

    @property
    def takes_time(self) -> bool:
        return bool(self.conditions.decision_time or self.poll)

    # --- decisions ------------------------------------------------------------------------------------------

    def decide(self, job: Job, point: int, decision: Decision) -> None:
        if decision.until is not None:  # T22
            values = self.blackbox.schema.fidelity.values
            job.ask_from = sum(value < decision.until for value in values[:-1])
        if decision.action != "continue":
            self.times.tell_to_end(job, self.now)
            job.outcome = TrialStatus.PAUSED if decision.action == "pause" else TrialStatus.STOPPED
        self.becomes(job, point, decision.action)
        for request in self.waiting_reports(job):
            if job.told_to_end or (request.point < job.ask_from and not self.over):
                self.requests.remove(request)
                self.becomes(job, request.point, "late" if job.told_to_end else "continue")

    def waiting_reports(self, job: Job) -> list[Request]:
        return sorted(r for r in self.requests if r[1:4] == (REPORT, job.trial, job.number))

    # --- suggestions ----------------------------------------------------------------------------------------

    def follow(self, thought: Thought) -> None:
        suggestion, worker = thought.answer, thought.request.trial
        closed = bool(self.reason) or self.now == self.deadline  # T14, T15
        if isinstance(suggestion, Start) and len(self.curves) == self.stop.trials_started:
            suggestion = None  # T14
        if suggestion is None or closed:
            self.note(thought, "suggest")
            self.requests = [r for r in self.requests if not any(r is other for other in thought.asking)]
            return
        ready = self.start(suggestion) if isinstance(suggestion, Start) else self.resume(suggestion)
        self.record(thought, "suggest", ready.trial, ready.number, ready.base)
        if worker in self.idle():
            self.begin(ready, worker)
        else:
            self.waiting.append(ready)
            self.serve()

    def start(self, start: Start) -> Ready:
        base = -1
        if start.checkpoint_of is not None:  # T8
            base = self.checkpoint(start.checkpoint_of)
            assert base >= 0
            assert self.keeps_checkpoints
        self.configurations.append(dict(start.configuration))
        self.curves.append(self.blackbox.curve(start.configuration))
        self.bases.append(base)
        trial = len(self.curves) - 1
        last, until = self.bound(trial, start.until)
        return Ready(self.now, trial, 0, base, last, until)

    def resume(self, resume: Resume) -> Ready:
        previous = self.jobs_of(resume.trial)[-1]
        if not previous.told and not previous.told_to_end:  # T9a: a bounded job whose last report is in
            assert self.all_is_in(previous)
            previous.outcome = TrialStatus.PAUSED
        assert previous.outcome is TrialStatus.PAUSED
        gives_way = min(previous.signal, previous.own_end, previous.lost)
        base = self.checkpoint(resume.trial) if self.keeps_checkpoints else -1  # T10
        last, until = self.bound(resume.trial, resume.until)
        return Ready(self.now, resume.trial, previous.number + 1, base, last, until, gives_way)

    def bound(self, trial: int, until: float | None) -> tuple[int, int | None]:  # T7
        """The last point that the job is to report, and the one that its scheduler has named."""
        values, last = self.blackbox.schema.fidelity.values, len(self.curves[trial]) - 1
        if until is None:
            return last, None
        point = len(values) - 1 if until >= values[-1] else values.index(until)
        return min(last, point), point

    # --- the end --------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        return bool(self.reason) and (self.drained or not self.stop.drain)

    def look_at(self, *limits: str) -> None:
        """The first of these limits that holds, if any, ends the run (T14)."""
        reached = [limit for limit in limits if self.holds(limit)]
        if reached:
            self.end_by(reached[0])

    def holds(self, limit: str) -> bool:
        told = [job.outcome for job in self.jobs if job.told]
        counts = {
            "trials_completed": told.count(TrialStatus.COMPLETED),
            "trials_finished": len(told) - told.count(TrialStatus.PAUSED),
            "reports": sum(code in TOLD for code in self.codes.values()),
        }
        if limit in counts:
            return counts[limit] == getattr(self.stop, limit)
        if limit == "cost":
            cost = self.stop.cost
            return cost is not None and cost.price * self.paid(cost.objective) >= cost.limit
        told_points = [key for key, code in self.codes.items() if code in TOLD]
        losses = [float(self.curves[trial]["loss"][point]) for trial, _, point in told_points]
        goal = self.stop.threshold
        return goal is not None and any(loss <= goal.value for loss in losses)

    def paid(self, objective: str | None) -> float:
        """What all jobs have added to an objective up to their last reports, or the busy seconds."""
        if objective is None:
            ended = [self.now if job.ended is None else job.ended for job in self.jobs]
            return sum(end - job.given for end, job in zip(ended, self.jobs, strict=True)) / SECOND
        paid = 0.0
        for job in self.jobs:
            values, counts = self.curves[job.trial][objective], (*TOLD, "repeated")
            points = [p for p in job.produced if self.codes.get((job.trial, job.number, p)) in counts]
            if points:
                paid += float(values[max(points)]) - (float(values[job.base]) if job.base >= 0 else 0.0)
        return paid

    def end_by(self, limit: str) -> None:
        """From now on nothing is suggested any more."""
        self.reason = self.reason or limit
        self.requests = [request for request in self.requests if request.rank != WORKER]

    def nothing_is_left(self) -> bool:
        """Nothing is under way, and each idle worker has been answered ``None`` (T5)."""
        return bool(self.idle()) and not self.under_way()

    def under_way(self) -> bool:
        """No run waits for a signal to a job that has ended, the limit, or a worker to come or go (T5)."""
        return bool(self.running or self.waiting or self.requests or self.thought)

    def why_nothing_is_left(self) -> str:
        if len(self.curves) == self.stop.trials_started:
            return "trials_started"
        statuses = [self.status(trial) for trial in range(len(self.curves))]
        return "stalled" if TrialStatus.PAUSED in statuses else "exhausted"

    def finish(self) -> None:
        """Tell what waits to be told, interrupt what runs, and write down points on their way (T12, T15)."""
        self.note_what_is_thought_about()
        for job in self.running:
            if (job.start, Event(ORDER.index("start"), job.trial, job.number)) not in self.done:
                job.start, job.produced = NEVER, {}  # T15
            job.outcome, job.ended = job.outcome or TrialStatus.INTERRUPTED, self.now
            self.write("end", job.trial, job.number, job.last_point_by(self.now))
            self.requests.append(Request(self.now, END, job.trial, job.number))
        for ready in self.waiting:
            self.write("end", ready.trial, ready.number, ready.base)
            self.requests.append(Request(self.now, END, ready.trial, ready.number))
        for request in sorted(self.requests, key=lambda request: request[2:]):
            if request.rank in (END, STOPPED):
                self.tell_end(request)
        arrived = {event[1:] for _, event in self.done if event.kind == "report"}
        for job in self.jobs:
            for point in job.points_by(self.now):
                key = (job.trial, job.number, point)
                if key not in arrived:
                    self.codes[key] = "after_end"
                    self.log.append(Happened(job.arrives[point], "report", *key))
        self.log = [h._replace(code=self.code_of(h)) for h in self.log]
        self.log.sort(key=lambda h: (h.time, ORDER.index(h.kind), h.trial, h.segment, h.point))

    def code_of(self, happened: Happened) -> str:
        return self.codes.get(happened[2:5], "waiting") if happened.kind == "report" else ""
