"""The circumstances of a simulated run, apart from blackbox, scheduler and limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, get_args

from blackbox_repo.errors import InvalidOption
from simulator.delays import Delays
from simulator.distributions import Distribution


@dataclass(frozen=True)
class Conditions:
    """How the simulated cluster behaves; the default is an ideal one.

    Args:
        delays: Seconds for what is not training.
        checkpoints: Whether a paused trial continues where it was; if not, it starts from scratch (T10).
        speeds: How fast each worker trains, 1 being as fast as the curves say; a number for each, or a
            distribution from which each worker's is drawn.
        training_seed: Replay this seed of every configuration; by default one is drawn (T17).

    Raises:
        InvalidOption: A value of the wrong kind.
    """

    delays: Delays = field(default_factory=Delays)
    checkpoints: bool = True
    speeds: tuple[float, ...] | Distribution | None = None
    training_seed: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.checkpoints, bool):
            raise InvalidOption(f"conditions.checkpoints is {self.checkpoints!r}, but must be true or false")
        seed = self.training_seed
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise InvalidOption(f"conditions.training_seed is {seed!r}, but must be a whole number")
        speeds = self.speeds if isinstance(self.speeds, tuple) else ()
        numbers = all(isinstance(speed, int | float) and 0 < speed < math.inf for speed in speeds)
        if not numbers or not isinstance(self.speeds, tuple | None | Distribution):
            raise InvalidOption(
                f"conditions.speeds is {self.speeds!r}, but must be a number above 0 for each worker or a "
                f"distribution such as lognormal(1, 0.3)"
            )

    def described(self) -> dict[str, Any]:
        """The conditions as JSON; a distribution as it is written in Python."""
        delays = {name: _json(value) for name, value in vars(self.delays).items()}
        others = {name: _json(value) for name, value in vars(self).items() if name != "delays"}
        return {"delays": delays, **others}


def _json(value: Any) -> Any:
    return repr(value) if isinstance(value, get_args(Distribution)) else value
