"""The scheduler as one server: requests wait for it, and it takes its time for each (T12, T13)."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

from simulator.clock import to_ns, to_seconds
from simulator.kernel.events import Event, Kind
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import Call, decision_ns

CALLS = {Kind.REPORT: "on_report", Kind.END: "on_end", Kind.STOPPED: "on_end", Kind.FREE: "suggest"}


@dataclass
class Service:
    """A call of the scheduler that it is thinking about: the answer takes effect when it is ``due`` (ns)."""

    request: Event
    answer: Any
    fidelity: float | None
    joined: int
    """How many workers had joined the queue by that moment."""
    taken: int
    due: int
    counted: bool = False
    """The answer has taken effect before its time, because its job lost its worker (T18)."""


class Server:
    """The requests that wait, and the one that is being thought about: reports and ends before workers.

    Args:
        conditions: How long an answer takes, and when the server looks for requests.
        seed: Of the run.
    """

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._policy, self._seed = conditions.decision_time, seed
        self._interval = None if conditions.poll is None else to_ns(conditions.poll)
        self._looked = self._next_look = -1
        self._news: list[Event] = []  # reports and ends; a heap
        self._workers: list[Event] = []  # free ones; a heap, in which those that left the queue stay
        self._asking: dict[int, tuple[int, int]] = {}  # worker that waits -> since when, and which to join
        self._joined = 0
        self._calls = 0
        self.service: Service | None = None

    def add(self, request: Event) -> None:
        """A report or an end joins the queue."""
        heapq.heappush(self._news, request)

    def add_workers(self, idle: list[int], now: int) -> None:
        """Idle workers that do not wait yet join the queue."""
        for worker in idle:
            if worker not in self._asking:
                self._asking[worker] = now, self._joined
                self._joined += 1
                heapq.heappush(self._workers, Event(now, Kind.FREE, worker, 0, 0))

    def remove_worker(self, worker: int) -> None:
        """A worker that has got a job, or is lost, leaves the queue."""
        self._asking.pop(worker, None)

    def remove_workers(self, service: Service) -> None:
        """The workers that waited when this call was made leave the queue: there is nothing for them."""
        self._asking = {w: place for w, place in self._asking.items() if place[1] >= service.joined}

    def drop_workers(self) -> None:
        """All workers leave the queue."""
        self._asking.clear()

    def look_in_vain(self) -> int | None:
        """When the server was to look for requests that have all left the queue, if so; it will not."""
        if self._news or self._asking or self._next_look <= self._looked:
            return None
        look, self._next_look = self._next_look, self._looked
        return look

    def waiting_reports(self, trial: int, segment: int) -> list[Event]:
        """The reports of a job that wait and are not thought about, in their order."""
        about = (Kind.REPORT, trial, segment)
        return sorted(request for request in self._news if request[1:4] == about)

    def remove_report(self, report: Event) -> None:
        """A report needs no answer any more."""
        self._news.remove(report)
        heapq.heapify(self._news)

    def take(self) -> Event | None:
        """The next request, if the server may take one now; between two looks it takes what came before."""
        queue = None if self.service is not None else self._takeable()
        if queue is None:
            return None
        request = heapq.heappop(queue)
        if request.kind is Kind.FREE:
            del self._asking[request.trial]
        return request

    def _takeable(self) -> list[Event] | None:
        """The queue whose first request may be taken now: what is to be told comes before who asks (T12)."""
        while self._workers and self._asking.get(self._workers[0].trial, (-1,))[0] != self._workers[0].time:
            heapq.heappop(self._workers)
        for queue in (self._news, self._workers):
            if queue and (self._interval is None or queue[0].time <= self._looked):
                return queue
        return None

    def new_look(self, now: int) -> int | None:
        """When the server will look for requests, if that has just become clear."""
        waits = self._news or self._asking
        if self._interval is None or self.service is not None or not waits or self._takeable() is not None:
            return None
        if self._next_look > self._looked:
            return None  # that is known
        multiple = -(-now // self._interval) * self._interval
        self._next_look = multiple if multiple > self._looked else multiple + self._interval
        return self._next_look

    def look(self, now: int) -> None:
        """The server looks for requests: it will take those that arrived by now."""
        self._looked = now

    def think(self, request: Event, answer: Any, now: int, fidelity: float | None) -> int:
        """The scheduler was called, and thinks about its answer until the moment (ns) that is returned."""
        trial = None if request.kind is Kind.FREE else request.trial
        kind: Any = CALLS[request.kind]
        call = Call(kind, self._calls, to_seconds(now), trial, fidelity)
        self._calls += 1
        due = now + decision_ns(self._policy, self._seed, call)
        self.service = Service(request, answer, fidelity, self._joined, now, due)
        return due

    def done(self) -> Service:
        """The scheduler has thought."""
        service, self.service = self.service, None
        assert service is not None
        return service

    def waiting(self, kind: Kind) -> list[Event]:
        """The requests of a kind that wait, in their order; for reports, first the one thought about."""
        thought = [] if self.service is None or self.service.counted else [self.service.request]
        return sorted(request for request in [*thought, *self._news] if request.kind is kind)
