"""When the scheduler is called and its answers take effect: at once, or one request after the other (T12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from simulator.clock import to_seconds
from simulator.kernel.agenda import Agenda
from simulator.kernel.events import JobEvent, Kind, TimerEvent
from simulator.kernel.request_queue import RequestQueue, Service, WorkerRequest
from simulator.kernel.segments import Job, Segment
from simulator.scheduler import CONTINUE, Decision
from simulator.settings.conditions import Conditions


class Desk(Protocol):
    """What a dispatcher needs of the run: calls of the scheduler, and commands that carry out its answers."""

    @property
    def idle(self) -> list[int]:
        """The workers without a job."""

    @property
    def eventful(self) -> bool:
        """Whether more has happened in this round than looks and answers to ``suggest()``."""

    @property
    def takes_suggestions(self) -> bool:
        """Whether asking for jobs is of any use (T14)."""

    @property
    def at_limit(self) -> bool:
        """Whether the time limit is now: nothing is suggested any more (T15)."""

    @property
    def draining(self) -> bool:
        """Whether a limit holds already, while jobs go on to their ends (T14)."""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""

    def suggest(self) -> Any:
        """Call the scheduler: what should a worker do?"""

    def decide(self, report: JobEvent) -> Decision:
        """Call the scheduler: what becomes of a trial after this report?"""

    def tell_end(self, end: JobEvent) -> None:
        """Call the scheduler: a job has ended."""

    def take_up(self, suggestion: Any, worker: int | None = None) -> Job | None:
        """Carry out a suggestion; ``None`` if there is nothing to do."""

    def deliver(self, report: JobEvent, decision: Decision | None) -> Segment:
        """Carry out a decision, or pass over a report of which the scheduler is not told."""

    def await_next(self, segment: Segment) -> None:
        """Let a job go on to its next report, or its end."""

    def count_end(self, end: JobEvent) -> None:
        """The scheduler knows that a job has ended."""

    def record_answer(self, about: JobEvent, answer: str) -> None:
        """Keep an answer that has taken effect."""

    def segment_of(self, event: JobEvent) -> Segment:
        """The segment that an event is about."""

    def make_eventful(self) -> None:
        """The scheduler has been told something."""


class Dispatcher(Protocol):
    """Brings to the scheduler what it is to be asked and told, and its answers back.

    Attributes:
        calls: One row a call of the scheduler, where its answers take time.
    """

    calls: list[tuple[Any, ...]]

    def ask(self) -> None:
        """There may be idle workers: ask for jobs."""

    def report(self, report: JobEvent, segment: Segment) -> None:
        """A report of which the scheduler wants to be told has arrived."""

    def end(self, end: JobEvent) -> None:
        """A job has ended."""

    def answer(self, event: TimerEvent) -> None:
        """An answer is due, or it is time to look for requests."""

    def drop_worker(self, worker: int) -> None:
        """An idle worker has got a job, or is lost."""

    def drop_workers(self) -> None:
        """Nothing is suggested any more, or not for now."""

    def answer_early(self, segment: Segment) -> None:
        """A job has lost its worker while the scheduler may be deciding on one of its reports."""

    def drop_reports(self, segment: Segment) -> None:
        """A job is preempted: its reports need no answer."""

    def unanswered_reports(self) -> list[JobEvent]:
        """The reports without a decision, in their order."""

    def untold_ends(self) -> list[JobEvent]:
        """The ends of which the scheduler has not been told."""

    def close(self) -> None:
        """The run is over."""


class ImmediateDispatcher:
    """Answers take no time: the scheduler is called where something happens, and its answer counts there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.calls: list[tuple[Any, ...]] = []

    def ask(self) -> None:
        """Ask for each idle worker until the scheduler answers ``None``, if anything has happened (T5)."""
        desk = self._desk
        while desk.eventful and desk.idle and desk.takes_suggestions:
            if desk.take_up(desk.suggest()) is None:
                break

    def report(self, report: JobEvent, segment: Segment) -> None:
        """The decision takes effect here and now."""
        self._desk.deliver(report, self._desk.decide(report))
        if segment.outcome is None:
            self._desk.await_next(segment)

    def end(self, end: JobEvent) -> None:
        """The scheduler is told here and now."""
        self._desk.tell_end(end)
        self._desk.count_end(end)

    def answer(self, event: TimerEvent) -> None:
        """No answer is ever due later."""

    def drop_worker(self, worker: int) -> None:
        """No request waits."""

    def drop_workers(self) -> None:
        """No request waits."""

    def answer_early(self, segment: Segment) -> None:
        """All answers have taken effect."""

    def drop_reports(self, segment: Segment) -> None:
        """No report waits."""

    def unanswered_reports(self) -> list[JobEvent]:
        """No report waits."""
        return []

    def untold_ends(self) -> list[JobEvent]:
        """No end waits."""
        return []

    def close(self) -> None:
        """No request waits."""


class QueuedDispatcher:
    """Requests queue, are served one at a time, and each answer takes effect when it is due.

    Args:
        desk: The run.
        agenda: What happens next in it.
        conditions: How long an answer takes, and when the scheduler looks for requests.
        seed: The run's.
        fidelities: The values of the fidelity.
    """

    def __init__(
        self, desk: Desk, agenda: Agenda, conditions: Conditions, seed: int, fidelities: Sequence[Any]
    ) -> None:
        self._desk, self._agenda = desk, agenda
        self._queue = RequestQueue(conditions, seed)
        self._fidelities = fidelities
        self.calls: list[tuple[Any, ...]] = []

    def ask(self) -> None:
        """Idle workers join the queue after a round in which more happened than suggestions and looks."""
        if self._desk.eventful and self._desk.takes_suggestions:
            self._queue.add_workers(self._desk.idle, self._agenda.now)
        self._serve()

    def drop_worker(self, worker: int) -> None:
        """The worker need not wait any more."""
        self._queue.remove_worker(worker)
        self._cancel_look()

    def drop_workers(self) -> None:
        """No worker waits any more."""
        self._queue.remove_all_workers()
        self._cancel_look()

    def _cancel_look(self) -> None:
        look = self._queue.cancel_look()
        if look is not None:
            self._agenda.cancel(TimerEvent(look, Kind.ANSWER))

    def report(self, report: JobEvent, segment: Segment) -> None:
        """The report waits for its turn, and its job goes on meanwhile."""
        self._desk.await_next(segment)
        self._queue.add(report)
        self._serve()

    def end(self, end: JobEvent) -> None:
        """The end waits for its turn."""
        self._queue.add(end)
        self._serve()

    def answer(self, event: TimerEvent) -> None:
        """The answer that is due takes effect; or it is time to look for requests."""
        if self._queue.service is None:
            self._queue.look(event.time)
        else:
            self._take_effect()
        self._serve()

    def unanswered_reports(self) -> list[JobEvent]:
        """Those that wait, and the one that the scheduler is deciding on."""
        return self._queue.waiting(Kind.REPORT)

    def untold_ends(self) -> list[JobEvent]:
        """Those that wait."""
        service = self._queue.service
        ends = self._queue.waiting(Kind.END, Kind.STOPPED)
        return [end for end in ends if service is None or end != service.request]

    def close(self) -> None:
        """Keep how long the call takes whose answer has not taken effect."""
        service = self._queue.service
        if service is not None:
            about = None if isinstance(service.request, WorkerRequest) else service.request
            self._note(service, about, service.due, service.answer.action if service.counted else None)

    def answer_early(self, segment: Segment) -> None:
        """A decision on one of its reports counts now, or it would come too late (T18)."""
        service = self._queue.service
        if service is None or service.counted or isinstance(service.request, WorkerRequest):
            return
        report = service.request
        about = (Kind.REPORT, segment.trial.number, segment.number)
        if (report.kind, report.trial, report.segment) == about:
            service.counted = True
            self._decided(report, service.answer)

    def drop_reports(self, segment: Segment) -> None:
        """Its reports leave the queue."""
        for report in self._queue.reports_of(segment.trial.number, segment.number):
            self._queue.remove_report(report)
        self._cancel_look()

    def _serve(self) -> None:
        """Take the requests that may be taken now."""
        desk, queue = self._desk, self._queue
        while not desk.over:
            if not desk.takes_suggestions:
                self.drop_workers()
            request = queue.take()
            if request is None:
                break
            self._call(request)
        look = queue.new_look(self._agenda.now)
        if look is not None:
            self._agenda.push(TimerEvent(look, Kind.ANSWER))

    def _call(self, request: JobEvent | WorkerRequest) -> None:
        """Call the scheduler, unless the request has become pointless."""
        desk = self._desk
        answer: Any = None
        fidelity: Any = None
        if isinstance(request, WorkerRequest):
            if desk.at_limit:
                return
            answer = desk.suggest()
        elif request.kind is Kind.REPORT:
            answer, fidelity = desk.decide(request), self._fidelities[request.point]
        else:
            desk.tell_end(request)
        due = self._queue.serve(request, answer, self._agenda.now, fidelity)
        if due > self._agenda.now:
            self._agenda.push(TimerEvent(due, Kind.ANSWER))
        else:
            self._take_effect()

    def _take_effect(self) -> None:
        """What the scheduler has answered takes effect; that it was told something is an event."""
        service = self._queue.finish_service()
        request = service.request
        if isinstance(request, WorkerRequest):
            self._suggested(service, request.worker)
            return
        self._desk.make_eventful()
        self._record(service, request, "" if service.answer is None else service.answer.action)
        if request.kind is not Kind.REPORT:
            self._desk.count_end(request)
        elif not service.counted:
            self._decided(request, service.answer)

    def _decided(self, report: JobEvent, decision: Decision) -> None:
        """A decision takes effect, on the reports that wait behind it too."""
        desk, queue = self._desk, self._queue
        segment = desk.deliver(report, decision)
        if decision == CONTINUE:
            return
        for other in queue.reports_of(report.trial, report.segment):
            late = other.point < segment.next_undecided
            if not desk.over and (late or other.point < segment.next_wanted):
                queue.remove_report(other)
                if not late:
                    desk.deliver(other, None)

    def _suggested(self, service: Service, worker: int) -> None:
        too_late = self._desk.draining or self._desk.at_limit
        job = None if too_late else self._desk.take_up(service.answer, worker)
        if job is None:
            self._record(service, None, "")
            self._queue.remove_workers(service)
        else:
            about = JobEvent(self._agenda.now, Kind.ANSWER, job.trial.number, job.number, job.base)
            self._record(service, about, type(service.answer).__name__.lower())

    def _record(self, service: Service, about: JobEvent | None, answer: str) -> None:
        """Keep when a request was taken and answered; of a ``None`` only the call, which is no event."""
        now = self._agenda.now
        if about is not None:
            event = about._replace(time=now, kind=Kind.ANSWER)
            self._desk.record_answer(event, f"{answer} taken {service.taken}")
        self._note(service, about, now, answer)

    def _note(self, service: Service, about: JobEvent | None, answered: int, answer: str | None) -> None:
        times = [to_seconds(time) for time in (service.request.time, service.taken, answered)]
        trial, segment = (None, None) if about is None else (about.trial, about.segment)
        self.calls.append((service.call, trial, segment, service.fidelity, *times, answer))
