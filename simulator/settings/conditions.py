"""The conditions of a simulated run: how its cluster behaves, apart from blackbox, scheduler and limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, get_args

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import flag, is_number, plain, whole
from simulator.clock import to_ns
from simulator.settings.decision_time import DecisionTime, Recorded, check_decision_time
from simulator.settings.delays import Delays, check_delay
from simulator.settings.distributions import Distribution
from simulator.settings.failures import Failures


@dataclass(frozen=True)
class Conditions:
    """How the simulated cluster behaves; the default is an ideal one.

    Args:
        delays: Seconds for what is not training.
        checkpoints: Whether a paused trial continues where it was; if not, it starts from scratch (T10).
        speeds: How fast each worker trains, 1 being as fast as the curves say; a number for each, or a
            distribution from which each worker's is drawn.
        decision_time: Seconds for each answer of the scheduler: a number, a distribution, a function of the
            :class:`Call`, or those of another run, ``run.decision_times()`` (T12).
        poll: Seconds between the looks of the scheduler for requests; ``None``: it takes each at once (T13).
        failures: Crashes and preemptions; by default there are none (T18).
        training_seed: Replay this seed of every configuration; by default one is drawn (T17).

    Raises:
        InvalidOption: A value of the wrong kind.
    """

    delays: Delays = field(default_factory=Delays)
    checkpoints: bool = True
    speeds: tuple[float, ...] | Distribution | None = None
    decision_time: DecisionTime = 0.0
    poll: float | None = None
    failures: Failures = field(default_factory=Failures)
    training_seed: int | None = None

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "checkpoints": flag("conditions.checkpoints", self.checkpoints),
            "decision_time": check_decision_time(self.decision_time),
            "speeds": self._checked_speeds(),
        }
        if self.poll is not None:
            checked["poll"] = poll = check_delay("conditions.poll", self.poll)
            if not isinstance(poll, int | float) or to_ns(poll) < 1:
                raise InvalidOption(f"conditions.poll is {poll!r}, but must be a nanosecond or more")
        if self.training_seed is not None:
            checked["training_seed"] = whole("conditions.training_seed", self.training_seed)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _checked_speeds(self) -> tuple[float, ...] | Distribution | None:
        if self.speeds is None or isinstance(self.speeds, Distribution):
            return self.speeds
        speeds = tuple(map(plain, self.speeds)) if isinstance(self.speeds, tuple) else ()
        numbers = tuple(speed for speed in speeds if is_number(speed) and 0 < speed < math.inf)
        if not isinstance(self.speeds, tuple) or len(numbers) < len(speeds):
            raise InvalidOption(
                f"conditions.speeds is {self.speeds!r}, but must be a number above 0 for each worker or a "
                f"distribution such as lognormal(1, 0.3)"
            )
        return numbers

    def describe(self) -> dict[str, Any]:
        """The conditions as JSON; a distribution as it is written in Python."""
        return {name: _json(value) for name, value in vars(self).items()}


def _json(value: Any) -> Any:
    if isinstance(value, Delays | Failures):
        return {name: _json(part) for name, part in vars(value).items()}
    if isinstance(value, (*get_args(Distribution), Recorded)):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__) if callable(value) else value
