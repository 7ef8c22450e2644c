"""Random durations: functions of a position in [0, 1), which a keyed draw gives (T16)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import TypeAlias

from blackbox_repo.domains import significant
from blackbox_repo.errors import InvalidOption

_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True)
class Uniform:
    """Equally likely anywhere from ``low`` to ``high`` seconds."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check(self)
        if self.low > self.high:
            raise InvalidOption(f"Uniform runs from {self.low!r} to {self.high!r}, but must not run down")

    def at(self, position: float) -> float:
        """The duration below which a share ``position`` of all draws lies, in seconds."""
        return significant(self.low + position * (self.high - self.low), 12)


@dataclass(frozen=True)
class Exponential:
    """At least ``shift`` seconds, and beyond that memoryless with this ``mean``."""

    mean: float
    shift: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def at(self, position: float) -> float:
        """The duration below which a share ``position`` of all draws lies, in seconds."""
        return significant(self.shift - self.mean * math.log1p(-position), 12)


@dataclass(frozen=True)
class LogNormal:
    """Half of all draws below ``median`` seconds, and a long tail; ``sigma`` is the logarithm's deviation."""

    median: float
    sigma: float

    def __post_init__(self) -> None:
        _check(self)

    def at(self, position: float) -> float:
        """The duration below which a share ``position`` of all draws lies, in seconds."""
        middle = min(max(position, 2.0**-53), 1 - 2.0**-53)  # the ends are infinitely far away
        return significant(self.median * math.exp(self.sigma * _STANDARD_NORMAL.inv_cdf(middle)), 12)


Distribution: TypeAlias = Uniform | Exponential | LogNormal


def _check(distribution: Distribution) -> None:
    for field in fields(distribution):
        value = getattr(distribution, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            name = f"{type(distribution).__name__}.{field.name}"
            raise InvalidOption(f"{name} is {value!r}, but must be a finite number, 0 or more")
