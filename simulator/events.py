"""The queue of what happens next; its order depends on what an event is, not on when it was pushed (T2)."""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Kinds of events; at one instant they are handled in this order."""

    START = 0
    REPORT = 1
    END = 2
    SIGNAL = 3
    STOPPED = 4
    DEADLINE = 9


class Event(NamedTuple):
    """Something that happens at ``time`` (ns); tuples compare in the order of T2."""

    time: int
    kind: Kind
    trial: int
    segment: int
    point: int


class EventQueue:
    """A heap of events."""

    def __init__(self) -> None:
        self._heap: list[Event] = []

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, event: Event) -> None:
        """Add an event."""
        heapq.heappush(self._heap, event)

    def pop(self) -> Event:
        """Remove and return the first event."""
        return heapq.heappop(self._heap)

    @property
    def next_time(self) -> int:
        """When the first event happens."""
        return self._heap[0].time
