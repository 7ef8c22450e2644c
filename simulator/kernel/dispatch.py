"""When the scheduler hears of things and answers: at once, or as a server that takes time (T12, T13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from simulator.clock import to_seconds
from simulator.kernel.events import Event, Kind
from simulator.kernel.request_queue import CALLS, Server, Service
from simulator.kernel.segments import Segment
from simulator.scheduler import CONTINUE, Decision
from simulator.settings.conditions import Conditions

if TYPE_CHECKING:
    from simulator.kernel.simulation import Simulation


class Attention(Protocol):
    """What a simulation asks of its scheduler's attention."""

    calls: list[tuple[Any, ...]]
    """Rows of ``simulator.results.columns.CALLS``: the calls of the scheduler, where thinking takes time."""

    def ask(self) -> None:
        """There may be idle workers: ask for jobs."""

    def on_worker_gone(self, worker: int) -> None:
        """An idle worker has got a job, or is lost."""

    def on_drain(self) -> None:
        """Nothing is suggested any more, or not for now."""

    def hear_report(self, event: Event) -> None:
        """A report that the scheduler wants to hear has arrived."""

    def hear_end(self, event: Event) -> None:
        """A job has ended."""

    def on_answer(self, event: Event) -> None:
        """The scheduler has thought, or looks for requests."""

    def answer_at_once(self, segment: Segment) -> None:
        """A job has lost its worker while the scheduler may be thinking about it."""

    def on_preempted(self, segment: Segment) -> None:
        """A job has lost its worker, and with it the reports that are not yet told."""

    def waiting_reports(self) -> list[Event]:
        """The reports on which there is no decision yet, in their order."""

    def waiting_ends(self) -> list[Event]:
        """The ends that were not told yet."""

    def on_close(self) -> None:
        """The run is over."""


class AtOnce:
    """Thinking takes no time: everything is heard and answered where it happens."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.calls: list[tuple[Any, ...]] = []

    def ask(self) -> None:
        """Serve the idle workers until the scheduler answers ``None``, if anything has happened (T5)."""
        simulation = self._simulation
        while simulation.eventful and simulation.cluster.idle and simulation.takes_suggestions:
            if simulation.take_up(simulation.suggest()) is None:
                break

    def hear_report(self, event: Event) -> None:
        """The decision takes effect here and now."""
        simulation = self._simulation
        trial, segment = simulation.of(event)
        simulation.delivered(event, simulation.decide(trial, event))
        if segment.outcome is None:
            simulation.await_next(segment)

    def hear_end(self, event: Event) -> None:
        """Told here and now."""
        outcome = self._simulation.of(event)[1].outcome
        assert outcome is not None
        self._simulation.tell_end(event, outcome)
        self._simulation.count_end(event, outcome)

    def on_worker_gone(self, worker: int) -> None:
        """Nobody waits."""

    def on_drain(self) -> None:
        """Nobody waits."""

    def on_answer(self, event: Event) -> None:
        """Does not happen."""

    def answer_at_once(self, segment: Segment) -> None:
        """It has answered."""

    def on_preempted(self, segment: Segment) -> None:
        """All has been told."""

    def waiting_reports(self) -> list[Event]:
        """None waits."""
        return []

    def waiting_ends(self) -> list[Event]:
        """None waits."""
        return []

    def on_close(self) -> None:
        """Nothing is being thought about."""


class Served:
    """Requests queue, are taken singly, and each answer takes effect when the scheduler has thought."""

    def __init__(self, simulation: Simulation, conditions: Conditions) -> None:
        self._simulation = simulation
        self._server = Server(conditions, simulation.seed)
        self._fidelities = simulation.blackbox.schema.fidelity.values
        self.calls: list[tuple[Any, ...]] = []

    def ask(self) -> None:
        """Idle workers join the queue after a round in which more happened than suggestions and looks."""
        if self._simulation.eventful and self._simulation.takes_suggestions:
            self._server.add_workers(self._simulation.cluster.idle, self._simulation.now)
        self._serve()

    def on_worker_gone(self, worker: int) -> None:
        """It need not wait any more."""
        self._server.remove_worker(worker)
        self._look_for_something()

    def on_drain(self) -> None:
        """No worker waits any more."""
        self._server.drop_workers()
        self._look_for_something()

    def _look_for_something(self) -> None:
        look = self._server.look_in_vain()
        if look is not None:
            self._simulation.queue.cancel(Event(look, Kind.ANSWER, 0, 0, 0))

    def hear_report(self, event: Event) -> None:
        """It waits for its turn, and its job goes on meanwhile."""
        self._simulation.await_next(self._simulation.of(event)[1])
        self._server.add(event)
        self._serve()

    def hear_end(self, event: Event) -> None:
        """It waits for its turn."""
        self._server.add(event)
        self._serve()

    def on_answer(self, event: Event) -> None:
        """The answer to the request that was taken takes effect; or it is time to look for requests."""
        if self._server.service is None:
            self._server.look(event.time)
        else:
            self._answer()
        self._serve()

    def waiting_reports(self) -> list[Event]:
        """Those not taken, and the one that is thought about."""
        return self._server.waiting(Kind.REPORT)

    def waiting_ends(self) -> list[Event]:
        """Those not taken."""
        thought = None if self._server.service is None else self._server.service.request
        ends = self._server.waiting(Kind.END) + self._server.waiting(Kind.STOPPED)
        return [end for end in ends if end != thought]

    def on_close(self) -> None:
        """Of what is still being thought about, it is kept how long that would have taken."""
        service = self._server.service
        if service is not None:
            about = None if service.request.kind is Kind.FREE else service.request
            self._note(service, about, service.due, service.answer.action if service.counted else None)

    def answer_at_once(self, segment: Segment) -> None:
        """A decision that is being thought about counts now, or it would come too late (T18)."""
        service = self._server.service
        if service is None or service.counted or service.request.kind is not Kind.REPORT:
            return
        if (service.request.trial, service.request.segment) == (segment.trial, segment.number):
            service.counted = True
            self._decided(service.request, service.answer)

    def on_preempted(self, segment: Segment) -> None:
        """Its reports need no answer."""
        for report in self._server.waiting_reports(segment.trial, segment.number):
            self._server.remove_report(report)
        self._look_for_something()

    def _serve(self) -> None:
        """Take the requests that may be taken now."""
        simulation, server = self._simulation, self._server
        while simulation.ended is None:
            if not simulation.takes_suggestions:
                self.on_drain()
            request = server.take()
            if request is None:
                break
            self._call(request)
        look = server.new_look(simulation.now)
        if look is not None:
            simulation.queue.push(Event(look, Kind.ANSWER, 0, 0, 0))

    def _call(self, request: Event) -> None:
        """Call the scheduler, unless there is no need any more."""
        simulation = self._simulation
        answer: Any = None
        fidelity = None
        if request.kind is Kind.FREE:
            if simulation.now == simulation.limit:
                return  # nothing is suggested any more (T15)
            answer = simulation.suggest()
        elif request.kind is Kind.REPORT:
            answer = simulation.decide(simulation.of(request)[0], request)
            fidelity = self._fidelities[request.point]
        else:
            outcome = simulation.of(request)[1].outcome
            assert outcome is not None
            simulation.tell_end(request, outcome)
        due = self._server.think(request, answer, simulation.now, fidelity)
        if due > simulation.now:
            simulation.queue.push(Event(due, Kind.ANSWER, 0, 0, 0))
        else:
            self._answer()

    def _answer(self) -> None:
        """The scheduler has thought, and what it answered takes effect; what it was told is an event."""
        simulation = self._simulation
        service = self._server.done()
        request = service.request
        if request.kind is Kind.FREE:
            self._suggested(service)
            return
        simulation.eventful = True
        self._record(service, request, "" if service.answer is None else service.answer.action)
        if request.kind is Kind.REPORT:
            if not service.counted:
                self._decided(request, service.answer)
        else:
            outcome = simulation.of(request)[1].outcome
            assert outcome is not None
            simulation.count_end(request, outcome)

    def _decided(self, report: Event, decision: Decision) -> None:
        """A decision takes effect, on the reports that wait behind it too."""
        simulation, server = self._simulation, self._server
        simulation.delivered(report, decision)
        if decision == CONTINUE:
            return
        segment = simulation.of(report)[1]
        for other in server.waiting_reports(segment.trial, segment.number):
            late = other.point < segment.next
            if simulation.ended is None and (late or other.point < segment.wake):
                server.remove_report(other)
                if not late:
                    simulation.delivered(other, None)

    def _suggested(self, service: Service) -> None:
        simulation = self._simulation
        too_late = simulation.draining or simulation.now == simulation.limit
        job = None if too_late else simulation.take_up(service.answer, service.request.trial)
        if job is None:
            self._record(service, None, "")
            self._server.remove_workers(service)
        else:
            about = Event(simulation.now, Kind.ANSWER, job.trial.number, job.number, job.base)
            self._record(service, about, type(service.answer).__name__.lower())

    def _record(self, service: Service, about: Event | None, answer: str) -> None:
        """Keep when a request was taken and answered; of a ``None`` only the call, which is no event."""
        now = self._simulation.now
        if about is not None:
            event = about._replace(time=now, kind=Kind.ANSWER)
            self._simulation.events.append((event, f"{answer} taken {service.taken}"))
        self._note(service, about, now, answer)

    def _note(self, service: Service, about: Event | None, answered: int, answer: str | None) -> None:
        request = service.request
        times = [to_seconds(time) for time in (request.time, service.taken, answered)]
        trial, segment = (None, None) if about is None else (about.trial, about.segment)
        self.calls.append((CALLS[request.kind], trial, segment, service.fidelity, *times, answer))
