"""The queue of what happens next; its order depends on what an event is, not on when it was pushed (T2)."""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import NamedTuple

from simulator.clock import END_OF_TIME, to_seconds
from simulator.errors import SimulationError


class Kind(IntEnum):
    """Kinds of events; at one instant they are handled in this order."""

    START = 0
    REPORT = 1
    END = 2
    SIGNAL = 3
    STOPPED = 4
    LOST = 5
    JOINED = 6
    QUEUED = 7
    ANSWER = 8
    DEADLINE = 9
    FREE = 10
    """A worker is free: no event, but a request to the scheduler, and the last in the order of requests."""


class Event(NamedTuple):
    """Something that happens at ``time`` (ns); tuples compare in the order of T2.

    Where it is a worker's, its number stands in the place of the trial's.
    """

    time: int
    kind: Kind
    trial: int
    segment: int
    point: int


class EventQueue:
    """A heap of events, from which some are taken back before they happen."""

    def __init__(self) -> None:
        self._heap: list[Event] = []
        self._cancelled: set[Event] = set()

    def __len__(self) -> int:
        return len(self._heap) - len(self._cancelled)

    def push(self, event: Event) -> None:
        """Add an event."""
        if event in self._cancelled:
            self._cancelled.remove(event)  # it is still in the heap
        else:
            heapq.heappush(self._heap, event)

    def pop(self) -> Event:
        """Remove and return the first event."""
        event = heapq.heappop(self._heap)
        if self._cancelled:
            self._drop_cancelled()
        return event

    def cancel(self, event: Event) -> None:
        """Take back an event that is in the queue."""
        self._cancelled.add(event)
        self._drop_cancelled()

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0] in self._cancelled:
            self._cancelled.remove(heapq.heappop(self._heap))

    @property
    def next_time(self) -> int:
        """When the first event happens."""
        return self._heap[0].time

    def check_time(self) -> None:
        """Refuse to go on to the first event if that is after the end of simulated time (T1).

        Raises:
            SimulationError: It is.
        """
        if self._heap[0].time > END_OF_TIME:
            raise SimulationError(_too_late(self._heap[0]))


def _too_late(event: Event) -> str:
    whose = "worker" if event.kind in {Kind.LOST, Kind.JOINED} else "trial"
    return (
        f"the next event ({event.kind.name.lower()}, {whose} {event.trial}) would happen at the simulated "
        f"second {to_seconds(event.time):.6g}, but simulated time ends after 292 years, at "
        f"{to_seconds(END_OF_TIME):.6g} s: end the run sooner with Stop(time=...), or, should the times of "
        f"the curves be in milliseconds, divide them"
    )
