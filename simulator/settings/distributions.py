"""Distributions of random durations, as functions of a keyed draw in [0, 1) (T16)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.elementary import exp, log, normal_quantile
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.numeric.scalars import number

_END = 1 / (1 << 53)


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
        return significant(self.shift - self.mean * log(1 - position), 12)


@dataclass(frozen=True)
class LogNormal:
    """Half of all draws below ``median`` seconds, and a long tail; ``sigma`` is the logarithm's deviation."""

    median: float
    sigma: float

    def __post_init__(self) -> None:
        _check(self)

    def at(self, position: float) -> float:
        """The duration below which a share ``position`` of all draws lies, in seconds."""
        middle = min(max(position, _END), 1 - _END)  # the ends are infinitely far away
        return significant(self.median * exp(self.sigma * normal_quantile(middle)), 12)


Distribution: TypeAlias = Uniform | Exponential | LogNormal


def _check(distribution: Distribution) -> None:
    for field in fields(distribution):
        name = f"{type(distribution).__name__}.{field.name}"
        checked = number(name, getattr(distribution, field.name), 0)
        object.__setattr__(distribution, field.name, checked)
