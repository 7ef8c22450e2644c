"""The scheduler as one server: requests wait for it, and it takes its time for each (T12, T13)."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

from simulator.clock import to_ns, to_seconds
from simulator.conditions import Conditions
from simulator.decision_time import Call, decision_ns
from simulator.events import Event, Kind

CALLS = {Kind.REPORT: "on_report", Kind.END: "on_end", Kind.STOPPED: "on_end", Kind.FREE: "suggest"}


@dataclass
class Service:
    """A call of the scheduler that it is thinking about: the answer takes effect when it is ``due`` (ns)."""

    request: Event
    answer: Any
    fidelity: float | None
    workers: frozenset[Event]
    """The requests of other workers that waited at that moment."""
    taken: int
    due: int
    counted: bool = False
    """The answer has taken effect before its time, because its job lost its worker (T18)."""


class Server:
    """The requests that wait, and the one that is being thought about.

    Args:
        conditions: How long an answer takes, and when the server looks for requests.
        seed: Of the run.
    """

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._policy, self._seed = conditions.decision_time, seed
        self._interval = None if conditions.poll is None else to_ns(conditions.poll)
        self._looked = self._next_look = -1
        self._waiting: list[Event] = []
        self._workers: set[int] = set()  # that wait
        self._calls = 0
        self.service: Service | None = None

    def add(self, request: Event) -> None:
        """A request joins the queue."""
        heapq.heappush(self._waiting, request)

    def add_workers(self, idle: list[int], now: int) -> None:
        """Idle workers that do not wait yet join the queue."""
        for worker in idle:
            if worker not in self._workers:
                self._workers.add(worker)
                self.add(Event(now, Kind.FREE, worker, 0, 0))

    def remove_worker(self, worker: int) -> None:
        """A worker that has got a job, or is lost, leaves the queue."""
        if worker in self._workers:
            self._remove_workers([r for r in self._waiting if r.kind is Kind.FREE and r.trial == worker])

    def remove_workers(self, service: Service) -> None:
        """The workers that waited when this call was made leave the queue: there is nothing for them."""
        self._remove_workers([request for request in self._waiting if request in service.workers])

    def drop_workers(self) -> None:
        """All workers leave the queue."""
        self._remove_workers([request for request in self._waiting if request.kind is Kind.FREE])

    def look_in_vain(self) -> int | None:
        """When the server was to look for requests that have all left the queue, if so; it will not."""
        if self._waiting or self._next_look <= self._looked:
            return None
        look, self._next_look = self._next_look, self._looked
        return look

    def waiting_reports(self, trial: int, segment: int) -> list[Event]:
        """The reports of a job that wait and are not thought about, in their order."""
        about = (Kind.REPORT, trial, segment)
        return sorted(request for request in self._waiting if request[1:4] == about)

    def remove_report(self, report: Event) -> None:
        """A report needs no answer any more."""
        self._waiting.remove(report)
        heapq.heapify(self._waiting)

    def _remove_workers(self, requests: list[Event]) -> None:
        self._workers -= {request.trial for request in requests}
        self._waiting = [request for request in self._waiting if request not in requests]
        heapq.heapify(self._waiting)

    def take(self) -> Event | None:
        """The next request, if the server may take one now; between two looks it takes what came before."""
        if self.service is not None or not self._waiting or self._must_look_first():
            return None
        request = heapq.heappop(self._waiting)
        if request.kind is Kind.FREE:
            self._workers.remove(request.trial)
        return request

    def _must_look_first(self) -> bool:
        return self._interval is not None and self._waiting[0].time > self._looked

    def new_look(self, now: int) -> int | None:
        """When the server will look for requests, if that has just become clear."""
        idle = self.service is not None or not self._waiting or self._next_look > self._looked
        if self._interval is None or idle or not self._must_look_first():
            return None
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
        others = [r for r in self._waiting if r.kind is Kind.FREE] if request.kind is Kind.FREE else []
        self.service = Service(request, answer, fidelity, frozenset(others), now, due)
        return due

    def done(self) -> Service:
        """The scheduler has thought."""
        service, self.service = self.service, None
        assert service is not None
        return service

    def waiting(self, kind: Kind) -> list[Event]:
        """The requests of a kind that wait, in their order; for reports, first the one thought about."""
        thought = [] if self.service is None or self.service.counted else [self.service.request]
        return sorted(request for request in [*thought, *self._waiting] if request.kind is kind)
