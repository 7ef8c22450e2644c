"""How far apart configurations are, and which row of a table is the closest to one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Domain, Float, Integer, Ordinal, Value
from blackbox_repo.numeric.elementary import log, log_array
from blackbox_repo.numeric.rounding import round_significant, significant
from blackbox_repo.space import Configuration, Space

INACTIVE = -2.0
"""The coordinate of a hyperparameter that is inactive, which is farther than 1 from every position."""
_EXACT = 1 << 53  # up to here every whole number is a float


def position(domain: Float | Integer, value: Value) -> float:
    """Where a number lies between the ends of its domain, from 0 to 1, in log scale if the domain is."""
    return position_in(domain)(value)


def position_in(domain: Float | Integer) -> Callable[[Value], float]:
    """As :func:`position`, for many numbers of one domain, one by one."""
    exact = int if isinstance(domain, Integer) else float  # whole numbers of any size are subtracted exactly
    scale: Callable[..., float] = log if domain.log else exact
    low = scale(domain.lower)
    width = scale(domain.upper) - low
    if not width:
        return lambda value: 0.0
    return lambda value: _rounded((scale(value) - low) / width)


def _rounded(share: float) -> float:
    """A number rounded to 12 significant digits, as ``significant`` does it in twice the time."""
    if 0.1 <= share < 1:
        scaled = share * 1e12
        whole = round(scaled)
        if abs(abs(scaled - whole) - 0.5) > 0.001:  # far enough from a tie for the error of scaling
            return whole / 1e12
    return significant(share, 12)


def positions(domain: Float | Integer, values: Array) -> Array:
    """As :func:`position`, for an array of numbers that float64 holds exactly."""
    scale = log_array if domain.log else np.asarray
    low, high = scale(np.array([domain.lower, domain.upper], dtype=np.float64))
    if high == low:
        return np.zeros(len(values))
    with np.errstate(under="ignore"):
        return round_significant((scale(values) - low) / (high - low), 12)


def at_position(domain: Float | Integer, wanted: float) -> Value:
    """The number at a position from 0 to 1; for an integer the closest whole number."""
    return domain.closest(wanted) if isinstance(domain, Integer) else domain.at(wanted)


def coordinate(domain: Domain, value: Value | None) -> float:
    """A value as a number: two values are as far apart as their coordinates, but at most 1.

    It is the position of a number, the rank of an ordinal scaled to [0, 1], the rank of a category, and -2
    for a hyperparameter that is inactive.
    """
    if value is None:
        return INACTIVE
    if isinstance(domain, Float | Integer):
        return position(domain, value)
    rank = domain.values.index(value)
    return rank / max(domain.size - 1, 1) if isinstance(domain, Ordinal) else float(rank)


def coordinates(domain: Domain, values: Sequence[Value | None]) -> Array:
    """As :func:`coordinate`, for many values."""
    if not isinstance(domain, Float | Integer) or max(-domain.lower, domain.upper) > _EXACT:
        known = {value: coordinate(domain, value) for value in dict.fromkeys(values)}
        return np.array([known[value] for value in values])
    numbers = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    found = np.full(len(values), INACTIVE)
    found[~np.isnan(numbers)] = positions(domain, numbers[~np.isnan(numbers)])
    return found


class ClosestRow:
    """Finds the row of a table that is closest to a configuration.

    The distance is Euclidean over the hyperparameters. Numbers and ordinals lie in [0, 1] between the ends of
    their domain, in log scale if the domain is. Two different categories are 1 apart, and so are an active
    and an inactive value. Of equally close rows the first is taken.

    Args:
        space: The space of the table; its candidates are the rows.
    """

    def __init__(self, space: Space) -> None:
        assert space.candidates is not None
        self._space, self._rows = space, space.candidates
        self._columns = {
            name: coordinates(domain, space.candidates_of(name)) for name, domain in space.domains.items()
        }

    def to(self, wanted: Configuration, *, other_than: Configuration | None = None) -> dict[str, Value]:
        """The row that is closest to ``wanted`` and differs from ``other_than``.

        Args:
            wanted: A configuration of the space in canonical form.
            other_than: Another one, if it must not be the answer.
        """
        squares = self._squares(wanted)
        if other_than is not None:
            squares[self._squares(other_than) == 0] = np.inf
        return dict(self._rows[_first_smallest(squares)])

    def agreeing(self, wanted: Configuration, fixed: Configuration) -> dict[str, Value] | None:
        """The closest row among those that have the values of ``fixed``, or ``None`` if no row has them.

        Args:
            wanted: A configuration of the space in canonical form.
            fixed: Hyperparameter -> the value that the row must have.
        """
        squares = self._squares(wanted)
        for name, value in fixed.items():
            squares[self._columns[name] != coordinate(self._space.domains[name], value)] = np.inf
        closest = _first_smallest(squares)
        return None if squares[closest] == np.inf else dict(self._rows[closest])

    def _squares(self, configuration: Configuration) -> Array:
        """The squared distance of each row."""
        squares = np.zeros(len(self._rows))
        for name, domain in self._space.domains.items():
            apart = self._columns[name] - coordinate(domain, configuration.get(name))
            squares += np.minimum(np.abs(apart), 1.0) ** 2
        return squares


def _first_smallest(squares: Array) -> int:
    return int(np.argmin(np.round(squares, 12)))  # rounded, so that equal distances are equal
