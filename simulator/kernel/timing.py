"""How long things take on the simulated cluster (ns): delays, speeds, and until something fails."""

from __future__ import annotations

from blackbox_repo.errors import InvalidOption
from blackbox_repo.keyed_random import Stream
from simulator.clock import rounded, to_ns
from simulator.settings.conditions import Conditions


class Timing:
    """Delays by what they are for, speeds by worker, failures; draws are functions of their key (T16).

    Args:
        conditions: The delays, speeds and failures, constant or to be drawn.
        workers: How many there are.
        seed: Seed of the run.

    Raises:
        InvalidOption: A speed for each worker is missing or not above 0.
    """

    def __init__(self, conditions: Conditions, workers: int, seed: int) -> None:
        delays = vars(conditions.delays)
        self._constants = {n: to_ns(d) for n, d in delays.items() if isinstance(d, int | float)}
        self._drawn = {
            n: (d, Stream(seed, "delay", n)) for n, d in delays.items() if n not in self._constants
        }
        self.report = self._constants.get("report")
        """The delay of every report, or ``None`` where each has its own."""
        failures = vars(conditions.failures)
        self._failures = {name: (failures[name], Stream(seed, name)) for name in ("crash", "preempt", "away")}
        speeds = conditions.speeds
        if speeds is None:
            self._speeds = None
        elif isinstance(speeds, tuple):
            self._speeds = list(speeds)
        else:
            drawn = Stream(seed, "speed").units(0, workers)
            self._speeds = [speeds.at(position) for position in drawn.tolist()]
        if self._speeds is not None and (len(self._speeds) != workers or min(self._speeds) <= 0):
            raise InvalidOption(
                f"speeds is {speeds!r}, which gives {self._speeds!r}, but {workers} workers need one each, "
                f"above 0"
            )

    def delay(self, name: str, trial: int, segment: int, point: int = -1) -> int:
        """The delay of that name for a segment, or for a point of it."""
        constant = self._constants.get(name)
        if constant is not None:
            return constant
        distribution, stream = self._drawn[name]
        return to_ns(distribution.at(stream.unit(trial, segment, point)))

    def crash(self, trial: int, segment: int) -> int | None:
        """After how much time on its worker a segment crashes; ``None``: it does not."""
        return self._until("crash", trial, segment)

    def presence(self, worker: int, count: int) -> int | None:
        """How long a worker is present that was lost ``count`` times; ``None``: for ever."""
        return self._until("preempt", worker, count)

    def absence(self, worker: int, count: int) -> int:
        """How long a worker is away that was lost ``count`` times before."""
        return self._until("away", worker, count) or 0

    def _until(self, what: str, *numbers: int) -> int | None:
        delay, stream = self._failures[what]
        if delay is None or isinstance(delay, int | float):
            return None if delay is None else to_ns(delay)
        return to_ns(delay.at(stream.unit(*numbers)))

    def worked(self, worker: int, training: int) -> int:
        """How long a worker takes for so many nanoseconds of training as the curve has them."""
        if self._speeds is None or self._speeds[worker] == 1:
            return training
        return rounded(training / self._speeds[worker])

    @property
    def uniform(self) -> bool:
        """Whether all workers train as fast as the curves say."""
        return self._speeds is None
