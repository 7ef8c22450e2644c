"""Domains: the values that one hyperparameter may take."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np

from blackbox_repo.errors import InvalidSpace
from blackbox_repo.numeric.elementary import exp, exp_array, log
from blackbox_repo.numeric.rounding import Array, round_significant, significant
from blackbox_repo.numeric.scalars import finite_real, is_bool, is_number, is_real, plain

Value: TypeAlias = str | int | float | bool
_Number = TypeVar("_Number", int, float)
_LARGEST = sys.float_info.max
CLOSE = 1e-12
"""Two numbers count as the same if they differ by no more than this share."""


def _is_meant(value: float, exact: float) -> bool:
    """Whether a float agrees with a number to 12 significant digits, as ``0.1 * 3`` does with 0.3."""
    return abs(value - exact) <= CLOSE * abs(exact)


def _check_choice(value: object) -> Value:
    """A choice as a built-in value; numpy's scalars are converted."""
    choice = plain(value)
    if isinstance(choice, str):
        return _check_unicode(choice)
    if isinstance(choice, int):
        return choice
    if is_real(choice) and math.isfinite(choice):
        return float(choice)
    raise InvalidSpace(f"a choice is a string, a finite number or a bool, not {value!r}")


def _check_unicode(text: str) -> str:
    """The text, if it can be written to a file: it must have no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise InvalidSpace(
            f"the choice {text!a} is not Unicode text, which no file could hold: {err}"
        ) from err
    return text


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if is_bool(value):
        return "bool"
    return "number" if is_real(value) else "other"


@dataclass(frozen=True)
class Float:
    """A real number from ``lower`` to ``upper``, ends included; ``log`` draws it in log scale.

    A number that agrees with an end to 12 significant digits becomes that end: ``numpy.geomspace`` misses its
    ends by so much.
    """

    lower: float
    upper: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)
        object.__setattr__(self, "lower", float(self.lower))
        object.__setattr__(self, "upper", float(self.upper))

    @property
    def size(self) -> int | None:
        """The number of values: 1, or ``None`` for infinitely many."""
        return 1 if self.lower == self.upper else None

    @property
    def values(self) -> tuple[float, ...] | None:
        """The value if there is only one, else ``None``."""
        return (self.lower,) if self.lower == self.upper else None

    def check(self, value: object) -> float:
        """``value`` as a float; ``ValueError`` with the rule that it breaks."""
        if type(value) is float and self.lower <= value <= self.upper:
            return value
        number = float(finite_real(value))
        if self.lower <= number <= self.upper:
            return number
        for end in (self.lower, self.upper):
            if _is_meant(number, end):
                return end
        raise ValueError(f"is not in [{self.lower}, {self.upper}]")

    def clip(self, number: float) -> float:
        """The value that is closest to a number; NaN stays NaN, which :meth:`check` refuses."""
        return min(max(number, self.lower), self.upper)

    def at(self, position: float) -> float:
        """The value at a position in [0, 1], rounded to 12 significant digits unless it is an end."""
        if not 0 < position < 1:
            return self.upper if position >= 1 else self.lower
        low, width = self._scale
        raw = low + position * width
        return self.clip(significant(exp(raw) if self.log else raw, 12))

    def at_all(self, positions: Array) -> list[float]:
        """The values at many positions in [0, 1), each as :meth:`at` gives it."""
        low, width = self._scale
        with np.errstate(under="ignore"):
            raw = low + positions * width
        found = round_significant(exp_array(raw) if self.log else raw, 12).clip(self.lower, self.upper)
        found[positions == 0] = self.lower
        values: list[float] = found.tolist()
        return values

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """The start of the scale and its width."""
        low, high = (log(self.lower), log(self.upper)) if self.log else (self.lower, self.upper)
        return low, high - low

    def spread(self, points: int) -> tuple[float, ...]:
        """``points`` evenly spaced values from end to end; a single one is the lower end."""
        return tuple(dict.fromkeys(self.at(k / max(points - 1, 1)) for k in range(points)))

    @property
    def middle(self) -> float:
        """The value halfway between the ends, in log scale if the domain is."""
        return self.at(0.5)


@dataclass(frozen=True)
class Integer:
    """A whole number from ``lower`` to ``upper``, both included; ``log`` draws it in log scale.

    A number that is whole to 12 significant digits becomes that integer.
    """

    lower: int
    upper: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)
        for end in (self.lower, self.upper):
            if end != int(end):
                raise InvalidSpace(f"the bounds of an Integer are whole numbers, not {end!r}")
        object.__setattr__(self, "lower", int(self.lower))
        object.__setattr__(self, "upper", int(self.upper))

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.upper - self.lower + 1

    @property
    def values(self) -> range:
        """All values, ascending."""
        return range(self.lower, self.upper + 1)

    def check(self, value: object) -> int:
        """``value`` as an int (1.0 is 1); ``ValueError`` with the rule that it breaks."""
        if type(value) is int and self.lower <= value <= self.upper:
            return value
        number = finite_real(value)
        whole: int = round(number)
        if number != whole and not _is_meant(float(number), whole):
            raise ValueError("is not a whole number")
        if not self.lower <= whole <= self.upper:
            raise ValueError(f"is not in {self.lower} .. {self.upper}")
        return whole

    def clip(self, number: _Number) -> _Number:
        """The number from ``lower`` to ``upper`` that is closest to another; it is not rounded."""
        return min(max(number, self.lower), self.upper)

    def at(self, position: float) -> int:
        """The value at a position in [0, 1]; unless in log scale all values have an equal share."""
        if self.log:
            low, width = self._scale
            found = math.floor(significant(exp(low + position * width), 12))
        elif self.size <= _EXACT:
            found = self.lower + math.floor(position * self.size)
        else:
            found = self.lower + (int(position * _EXACT) * self.size >> 53)
        return self.clip(found)

    def at_all(self, positions: Array) -> list[int]:
        """The values at many positions in [0, 1), each as :meth:`at` gives it."""
        if max(self.size, abs(self.lower), abs(self.upper)) > _EXACT:
            return [self.at(position) for position in positions.tolist()]
        if self.log:
            low, width = self._scale
            found = np.floor(round_significant(exp_array(low + positions * width), 12))
        else:
            found = self.lower + np.floor(positions * self.size)
        values: list[int] = found.clip(self.lower, self.upper).astype(np.int64).tolist()
        return values

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """The start of the logarithmic scale and its width; each value's share reaches to the next one."""
        low = log(self.lower)
        return low, log(self.upper + 1) - low

    def spread(self, points: int) -> tuple[int, ...]:
        """All values, or ``points`` evenly spaced ones from end to end if there are more."""
        if self.size <= points:
            return tuple(self.values)
        return tuple(dict.fromkeys(self.closest(k / max(points - 1, 1)) for k in range(points)))

    @property
    def middle(self) -> int:
        """The integer closest to halfway, in log scale if the domain is; of two the even one."""
        return self.closest(0.5)

    def closest(self, position: float) -> int:
        """The integer closest to a position in [0, 1] between the ends; of two the even one."""
        if not 0 < position < 1:
            return self.upper if position >= 1 else self.lower
        if self.log or max(abs(self.lower), abs(self.upper)) <= _EXACT_TO_A_HALF:
            found = round(Float(self.lower, self.upper, log=self.log).at(position))
        else:
            found = round(self.lower + Fraction(position) * (self.upper - self.lower))
        return self.clip(found)


_EXACT = 1 << 53  # up to here every whole number is a float
_EXACT_TO_A_HALF = 10**11  # up to here 12 significant digits are enough to say which one is closest


def _check_range(domain: Float | Integer) -> None:
    kind = type(domain).__name__
    for end in (domain.lower, domain.upper):
        try:
            finite_real(end)
        except ValueError as err:
            raise InvalidSpace(f"the bound {end!r} of {kind} {err}") from err
    if domain.lower > domain.upper:
        raise InvalidSpace(f"{kind} has the lower bound {domain.lower} above the upper bound {domain.upper}")
    if not math.isfinite(domain.upper - domain.lower):
        raise InvalidSpace(
            f"{kind} from {domain.lower} to {domain.upper} has a width beyond the range of floats"
        )
    if domain.log and domain.lower <= 0:
        raise InvalidSpace(f"{kind} in log scale starts at {domain.lower}, but must start above 0")


class _Choices:
    """What categorical and ordinal domains share: all values differ, and a bool is no number.

    A number that agrees with a choice to 12 significant digits becomes it: ``0.1 * 3`` becomes 0.3.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        values = tuple(_check_choice(value) for value in self.values)
        if not values or len(set(values)) < len(values):
            raise InvalidSpace(f"the values {list(values)!r} must be at least one and all different")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "_known", {(_kind(value), value): value for value in values})

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values)

    def check(self, value: object) -> Value:
        """The choice that ``value`` means; ``ValueError`` with the rule that it breaks."""
        known: dict[Any, Value] = self.__dict__["_known"]
        try:
            return known[_kind(value), value]
        except (KeyError, TypeError):  # the latter for what cannot be hashed
            pass
        meant = _find_meant(value, self.values)
        if meant is not None:
            return meant
        shown = ", ".join(map(repr, self.values[:8])) + (", ..." if self.size > 8 else "")
        raise ValueError(f"is none of {shown}{_suggest(value, self.values)}")

    def at(self, position: float) -> Value:
        """The value at a position in [0, 1]."""
        values = self.values
        return values[min(int(position * len(values)), len(values) - 1)]

    def at_all(self, positions: Array) -> list[Value]:
        """The values at many positions in [0, 1), each as :meth:`at` gives it."""
        ranks = (positions * self.size).astype(np.int64).clip(None, self.size - 1)
        return list(map(self.values.__getitem__, ranks.tolist()))

    def spread(self, points: int) -> tuple[Value, ...]:
        """All values, however many points are asked for."""
        return self.values


def _find_meant(value: object, choices: tuple[Value, ...]) -> Value | None:
    """The closest choice that agrees with a number to 12 significant digits, if there is one.

    Integers must agree in all digits.
    """
    try:
        number = float(finite_real(value))
    except ValueError:
        return None
    others = [choice for choice in choices if is_number(choice) and abs(choice) <= _LARGEST]
    floats = {float(choice): choice for choice in others}
    near = [f for f in floats if _is_meant(number, f) and not (f.is_integer() and number.is_integer())]
    return floats[min(near, key=lambda choice: abs(choice - number))] if near else None


def _suggest(value: object, choices: tuple[Value, ...]) -> str:
    """A suggestion where only the type is wrong: ``'1'`` for ``1``."""
    alike = [choice for choice in choices if str(choice) == str(value)]
    return f"; did you mean {alike[0]!r}?" if alike else ""


@dataclass(frozen=True)
class Categorical(_Choices):
    """One of several values without an order."""

    values: tuple[Value, ...]

    @property
    def middle(self) -> Value:
        """The first value, as categories have no middle."""
        return self.values[0]


@dataclass(frozen=True)
class Ordinal(_Choices):
    """One of several values that have an order, given from low to high."""

    values: tuple[Value, ...]

    @property
    def middle(self) -> Value:
        """The value in the middle of the order; of two the higher one."""
        return self.values[self.size // 2]


@dataclass(frozen=True)
class Constant:
    """A single value, which is part of every configuration."""

    value: Value

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _check_choice(self.value))

    size = 1

    @property
    def values(self) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)

    @property
    def middle(self) -> Value:
        """The one value."""
        return self.value

    def check(self, value: object) -> Value:
        """The constant; ``ValueError`` for anything else."""
        same = _kind(value) == _kind(self.value) and value == self.value
        if not same and _find_meant(value, self.values) is None:
            raise ValueError(f"is not the constant {self.value!r}")
        return self.value

    def at(self, position: float) -> Value:
        """The one value."""
        return self.value

    def at_all(self, positions: Array) -> list[Value]:
        """The one value for each position."""
        return [self.value] * len(positions)

    def spread(self, points: int) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)


Domain: TypeAlias = Float | Integer | Categorical | Ordinal | Constant
