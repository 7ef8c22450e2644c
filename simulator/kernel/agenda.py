"""What happens next, and what time it is: the one place where simulated time moves (T1, T3)."""

from __future__ import annotations

from heapq import heappop, heappush

from simulator.clock import END_OF_TIME, to_seconds
from simulator.errors import SimulationError
from simulator.kernel.events import Event, describe


class Agenda:
    """A heap of events, from which some are taken back before they happen.

    Attributes:
        now: The present instant, in nanoseconds since the run began.
    """

    def __init__(self) -> None:
        self.now = 0
        self._heap: list[Event] = []
        self._cancelled: set[Event] = set()
        self._background = 0

    def push(self, event: Event) -> None:
        """Queue an event."""
        if self._cancelled and event in self._cancelled:
            self._cancelled.remove(event)  # it is still in the heap
        else:
            heappush(self._heap, event)

    def push_background(self, event: Event) -> None:
        """Queue an event for whose sake no run goes on (T5)."""
        self.push(event)
        self._background += 1

    def move_to_background(self) -> None:
        """From now on no run goes on for the sake of one of the queued events."""
        self._background += 1

    def leave_background(self) -> None:
        """One of the events for whose sake no run goes on has happened."""
        self._background -= 1

    def cancel(self, event: Event) -> None:
        """Take back an event that is queued."""
        self._cancelled.add(event)
        self._drop_cancelled()

    def pop(self) -> Event | None:
        """Remove and return the next event of the present instant; ``None`` if there is none left."""
        heap = self._heap
        if not heap or heap[0][0] != self.now:
            return None
        event = heappop(heap)
        if self._cancelled:
            self._drop_cancelled()
        return event

    def advance(self) -> bool:
        """Move to the instant of the next event; whether that is another one.

        Raises:
            SimulationError: It comes after the end of simulated time (T1).
        """
        time = self._heap[0][0]
        if time == self.now:
            return False
        if time > END_OF_TIME:
            raise SimulationError(
                f"the next event ({describe(self._heap[0])}) would happen at the simulated second "
                f"{to_seconds(time):.6g}, but simulated time ends after 292 years, at "
                f"{to_seconds(END_OF_TIME):.6g} s: end the run sooner with Stop(time=...), or, should the "
                f"times of the curves be in milliseconds, divide them"
            )
        self.now = time
        return True

    @property
    def foreground(self) -> int:
        """How many queued events a run goes on for."""
        return len(self._heap) - len(self._cancelled) - self._background

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0] in self._cancelled:
            self._cancelled.remove(heappop(self._heap))
