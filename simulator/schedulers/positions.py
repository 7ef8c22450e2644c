"""Where values lie in their domains, and which row of a table is closest to a configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Domain, Float, Integer, Ordinal, Value
from blackbox_repo.numeric.elementary import log, log_array
from blackbox_repo.numeric.rounding import round_significant, significant
from blackbox_repo.space import Configuration, Space

_INACTIVE = -2.0  # farther than 1 from every position
_EXACT = 1 << 53  # up to here every whole number is a float


def place(domain: Float | Integer, value: Value) -> float:
    """Where a number lies in its domain, from 0 to 1 from end to end, in log scale where that is."""
    exact = int if isinstance(domain, Integer) else float  # whole numbers of any size are subtracted exactly
    scale: Callable[..., float] = log if domain.log else exact
    low, high = scale(domain.lower), scale(domain.upper)
    return significant((scale(value) - low) / (high - low), 12) if high > low else 0.0


def places(domain: Float | Integer, values: Array) -> Array:
    """As :func:`place`, for an array of numbers."""
    scale = log_array if domain.log else np.asarray
    low, high = scale(np.array([domain.lower, domain.upper], dtype=np.float64))
    if high == low:
        return np.zeros(len(values))
    with np.errstate(under="ignore"):
        return round_significant((scale(values) - low) / (high - low), 12)


def at_place(domain: Float | Integer, wanted: float) -> Value:
    """The number at a place in [0, 1]; the nearest whole one for an integer."""
    return domain.closest(wanted) if isinstance(domain, Integer) else domain.at(wanted)


class ClosestRow:
    """The rows of a table that is no full grid.

    The distance is that of ``views.nearest``: Euclidean over hyperparameters, numbers and ordinals in [0, 1]
    from end to end of their domain, categories that differ 1 apart, as active and inactive ones.

    Args:
        space: With candidates.
    """

    def __init__(self, space: Space) -> None:
        assert space.candidates is not None
        self._space, self._rows = space, space.candidates
        self._columns = {
            name: _coordinates(domain, space.candidates_of(name)) for name, domain in space.domains.items()
        }

    def to(self, wanted: Configuration, other_than: Configuration) -> dict[str, Value]:
        """The row closest to a configuration that is not the other one; of equally close ones the first."""
        squares = self._squares(wanted)
        squares[self._squares(other_than) == 0] = np.inf
        return dict(self._rows[int(np.argmin(np.round(squares, 12)))])

    def agreeing(self, wanted: Configuration, fixed: Configuration) -> dict[str, Value] | None:
        """The row closest to a configuration among those with some fixed values; ``None``: there is none."""
        squares = self._squares(wanted)
        for name, value in fixed.items():
            squares[self._columns[name] != _coordinate(self._space.domains[name], value)] = np.inf
        closest = int(np.argmin(np.round(squares, 12)))
        return None if squares[closest] == np.inf else dict(self._rows[closest])

    def _squares(self, configuration: Configuration) -> Array:
        squares = np.zeros(len(self._rows))
        for name, domain in self._space.domains.items():
            apart = self._columns[name] - _coordinate(domain, configuration.get(name))
            squares += np.minimum(np.abs(apart), 1.0) ** 2
        return squares


def _coordinates(domain: Domain, values: Sequence[Value | None]) -> Array:
    """As :func:`_coordinate`, for many values."""
    if not isinstance(domain, Float | Integer) or max(-domain.lower, domain.upper) > _EXACT:
        known = {value: _coordinate(domain, value) for value in dict.fromkeys(values)}
        return np.array([known[value] for value in values])
    numbers = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    found = np.full(len(values), _INACTIVE)
    found[~np.isnan(numbers)] = places(domain, numbers[~np.isnan(numbers)])
    return found


def _coordinate(domain: Domain, value: Value | None) -> float:
    if value is None:
        return _INACTIVE
    if isinstance(domain, Float | Integer):
        return place(domain, value)
    rank = domain.values.index(value)
    return rank / max(domain.size - 1, 1) if isinstance(domain, Ordinal) else float(rank)
