"""The requests that a scheduler serves one after the other where its answers take time (T12, T13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, Literal, NamedTuple, TypeAlias

from simulator.clock import to_ns, to_seconds
from simulator.kernel.events import JobEvent, Kind
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import Call, decision_ns


class WorkerRequest(NamedTuple):
    """A worker that has been without a job since ``time`` (ns) asks for one."""

    time: int
    worker: int


Request: TypeAlias = JobEvent | WorkerRequest
"""A report or an end that is to be told, or a worker that asks for a job."""


@dataclass
class Service:
    """A call of the scheduler, from when it was made until its answer takes effect.

    Args:
        request: What is served.
        answer: What the scheduler answered.
        fidelity: The fidelity of the report that the call is about, if any.
        joined: How many workers had joined the queue when the call was made.
        taken: When the call was made (ns).
        due: When the answer takes effect (ns).
        counted: Whether the answer has taken effect before, because its job lost its worker (T18).
    """

    request: Request
    answer: Any
    fidelity: Any
    joined: int
    taken: int
    due: int
    counted: bool = False

    @property
    def call(self) -> Literal["suggest", "on_report", "on_end"]:
        """The method of the scheduler that was called."""
        return _call_for(self.request)


def _call_for(request: Request) -> Literal["suggest", "on_report", "on_end"]:
    if isinstance(request, WorkerRequest):
        return "suggest"
    return "on_report" if request.kind is Kind.REPORT else "on_end"


class RequestQueue:
    """The requests that wait, and the one that is being served: reports and ends before workers.

    Args:
        conditions: How long an answer takes, and when the scheduler looks for requests.
        seed: The run's.

    Attributes:
        service: The call whose answer has not taken effect yet, if there is one.
    """

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._policy, self._seed = conditions.decision_time, seed
        self._interval = None if conditions.poll is None else to_ns(conditions.poll)
        self._looked = self._next_look = -1
        self._news: list[JobEvent] = []  # reports and ends; a heap
        self._workers: list[WorkerRequest] = []  # a heap, in which those that left the queue stay
        self._asking: dict[int, tuple[int, int]] = {}  # worker that waits -> since when, and which to join
        self._joined = 0
        self._calls = 0
        self.service: Service | None = None

    def add(self, request: JobEvent) -> None:
        """A report or an end joins the queue."""
        heappush(self._news, request)

    def add_workers(self, idle: Iterable[int], now: int) -> None:
        """Idle workers that do not wait yet join the queue."""
        for worker in idle:
            if worker not in self._asking:
                self._asking[worker] = now, self._joined
                self._joined += 1
                heappush(self._workers, WorkerRequest(now, worker))

    def remove_worker(self, worker: int) -> None:
        """A worker that has got a job, or is lost, leaves the queue."""
        self._asking.pop(worker, None)

    def remove_workers(self, service: Service) -> None:
        """The workers that waited when this call was made leave the queue: there is nothing for them."""
        self._asking = {w: place for w, place in self._asking.items() if place[1] >= service.joined}

    def remove_all_workers(self) -> None:
        """All workers leave the queue."""
        self._asking.clear()

    def cancel_look(self) -> int | None:
        """The time of the next look, if all requests have left the queue; the look is then cancelled."""
        if self._news or self._asking or self._next_look <= self._looked:
            return None
        look, self._next_look = self._next_look, self._looked
        return look

    def reports_of(self, trial: int, segment: int) -> list[JobEvent]:
        """The reports of a job that wait and are not being served, in their order."""
        about = (Kind.REPORT, trial, segment)
        return sorted(request for request in self._news if request[1:4] == about)

    def remove_report(self, report: JobEvent) -> None:
        """A report needs no answer any more."""
        self._news.remove(report)
        heapify(self._news)

    def take(self) -> Request | None:
        """The next request, if one may be taken now; between two looks only what came before the first."""
        if self.service is not None:
            return None
        self._drop_stale_workers()
        if self._may_take(self._news):
            return heappop(self._news)
        if self._may_take(self._workers):
            request = heappop(self._workers)
            del self._asking[request.worker]
            return request
        return None

    def _may_take(self, queue: list[JobEvent] | list[WorkerRequest]) -> bool:
        return bool(queue) and (self._interval is None or queue[0][0] <= self._looked)

    def _drop_stale_workers(self) -> None:
        workers = self._workers
        while workers and self._asking.get(workers[0].worker, (-1,))[0] != workers[0].time:
            heappop(workers)

    def new_look(self, now: int) -> int | None:
        """When the scheduler will look for requests, if that has just become clear."""
        waits = self._news or self._asking
        if self._interval is None or self.service is not None or not waits:
            return None
        self._drop_stale_workers()
        if self._may_take(self._news) or self._may_take(self._workers) or self._next_look > self._looked:
            return None
        multiple = -(-now // self._interval) * self._interval
        self._next_look = multiple if multiple > self._looked else multiple + self._interval
        return self._next_look

    def look(self, now: int) -> None:
        """The scheduler looks for requests: it will take those that arrived by now."""
        self._looked = now

    def serve(self, request: Request, answer: Any, now: int, fidelity: Any) -> int:
        """The scheduler was called; its answer takes effect at the moment (ns) that is returned."""
        trial = None if isinstance(request, WorkerRequest) else request.trial
        call = Call(_call_for(request), self._calls, to_seconds(now), trial, fidelity)
        self._calls += 1
        due = now + decision_ns(self._policy, self._seed, call)
        self.service = Service(request, answer, fidelity, self._joined, now, due)
        return due

    def finish_service(self) -> Service:
        """The answer takes effect."""
        service, self.service = self.service, None
        assert service is not None
        return service

    def waiting(self, *kinds: Kind) -> list[JobEvent]:
        """The requests of these kinds that have no answer yet, in their order; one being served included."""
        service = self.service
        served = [] if service is None or isinstance(service.request, WorkerRequest) else [service.request]
        pending = [] if service is not None and service.counted else served
        return sorted(request for request in [*pending, *self._news] if request.kind in kinds)
