"""How much simulated time a scheduler takes for an answer (T12)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from blackbox_repo import keyed_random
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import is_number, plain
from simulator.clock import to_ns, to_seconds
from simulator.errors import SimulationError
from simulator.settings.delays import Delay, check_delay
from simulator.settings.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the scheduler.

    Args:
        kind: Which of its three methods is called.
        number: How many calls there were before it.
        time: Simulated seconds at which it is made.
        trial: Which trial it is about; ``None`` for ``suggest``.
        fidelity: Which report it is about; ``None`` for the others.
    """

    kind: Literal["suggest", "on_report", "on_end"]
    number: int
    time: float
    trial: int | None = None
    fidelity: float | None = None


@dataclass(frozen=True)
class Recorded:
    """The times that the answers of another run took, call by call; see ``Run.decision_times()``."""

    seconds: tuple[float, ...]

    def __repr__(self) -> str:
        return f"recorded({len(self.seconds)} calls)"

    def __call__(self, call: Call) -> float:
        if call.number >= len(self.seconds):
            raise SimulationError(
                f"decision_time is recorded for {len(self.seconds)} calls of the scheduler, but it is called "
                f"once more at the simulated second {call.time}"
            )
        return self.seconds[call.number]


DecisionTime: TypeAlias = Delay | Callable[[Call], float]


def check_decision_time(value: object) -> DecisionTime:
    """A decision time as it is kept, numpy's numbers as built-in ones.

    Raises:
        InvalidOption: Neither seconds, nor a distribution, nor a function.
    """
    if callable(value) and not isinstance(value, Distribution):
        return value
    return check_delay("conditions.decision_time", value)


def decision_ns(policy: DecisionTime, seed: int, call: Call) -> int:
    """How long the answer to a call takes, in nanoseconds.

    Raises:
        InvalidOption: A function's value is negative or no number.
    """
    if isinstance(policy, int | float):
        return to_ns(policy)
    if isinstance(policy, get_args(Distribution)):
        return to_ns(policy.at(keyed_random.unit(seed, "decision", call.number)))
    assert callable(policy)
    seconds = plain(policy(call))
    if not is_number(seconds) or not 0 <= seconds < math.inf:
        raise InvalidOption(
            f"conditions.decision_time gave {seconds!r} for {call!r} at {to_seconds(to_ns(call.time))} s, "
            f"but must give 0 or more seconds"
        )
    return to_ns(seconds)
