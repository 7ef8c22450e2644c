"""The values that one hyperparameter may take."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from blackbox_repo.errors import InvalidSpace

Value: TypeAlias = str | int | float | bool
_BOOL = (bool, np.bool_)


def significant(value: float, digits: int) -> float:
    """``value`` rounded to so many significant decimal digits, half to even as printed."""
    return float(f"{value:.{digits - 1}e}")


def _number(value: object) -> Any:
    """A real number as given; ``ValueError`` for anything else, a bool included."""
    if isinstance(value, _BOOL) or not isinstance(value, numbers.Real):
        raise ValueError("is not a number")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an int beyond all floats
        finite = False
    if not finite:
        raise ValueError("is not finite")
    return value


def _plain(value: object) -> Value:
    """A choice as a built-in value: numpy's scalars become Python's."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, _BOOL):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    raise InvalidSpace(f"a choice is a string, a finite number or a bool, not {value!r}")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, _BOOL):
        return "bool"
    return "number" if isinstance(value, numbers.Real) else "other"


@dataclass(frozen=True)
class Float:
    """A real number from ``lower`` to ``upper``, ends included; ``log`` draws it in log scale."""

    lower: float
    upper: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)
        object.__setattr__(self, "lower", float(self.lower))
        object.__setattr__(self, "upper", float(self.upper))

    size = None
    values = None

    def check(self, value: object) -> float:
        """``value`` as a float; ``ValueError`` with the rule that it breaks."""
        number = float(_number(value))
        if not self.lower <= number <= self.upper:
            raise ValueError(f"is not in [{self.lower}, {self.upper}]")
        return number

    def at(self, position: float) -> float:
        """The value at a position in [0, 1], to 12 significant digits: libraries' logs differ after that."""
        if self.log:
            low, high = math.log(self.lower), math.log(self.upper)
            raw = math.exp(low + position * (high - low))
        else:
            raw = self.lower + position * (self.upper - self.lower)
        return min(max(significant(raw, 12), self.lower), self.upper)

    def spread(self, points: int) -> tuple[Value, ...]:
        """``points`` values from end to end."""
        return tuple(self.at(k / max(points - 1, 1)) for k in range(points))


@dataclass(frozen=True)
class Integer:
    """A whole number from ``lower`` to ``upper``, both included; ``log`` draws it in log scale."""

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
        number = _number(value)
        whole = int(number)
        if number != whole:
            raise ValueError("is not a whole number")
        if not self.lower <= whole <= self.upper:
            raise ValueError(f"is not in {self.lower} .. {self.upper}")
        return whole

    def at(self, position: float) -> int:
        """The value at a position in [0, 1]."""
        if self.log:
            low, high = math.log(self.lower), math.log(self.upper + 1)
            raw = significant(math.exp(low + position * (high - low)), 12)
        else:
            raw = significant(self.lower + position * self.size, 12)
        return min(max(math.floor(raw), self.lower), self.upper)

    def spread(self, points: int) -> tuple[Value, ...]:
        """All values, or ``points`` of them from end to end where there are more."""
        if self.size <= points:
            return tuple(self.values)
        scale = Float(self.lower, self.upper, log=self.log)
        return tuple(dict.fromkeys(round(scale.at(k / max(points - 1, 1))) for k in range(points)))


def _check_range(domain: Float | Integer) -> None:
    kind = type(domain).__name__
    for end in (domain.lower, domain.upper):
        try:
            _number(end)
        except ValueError as err:
            raise InvalidSpace(f"the bound {end!r} of {kind} {err}") from err
    if domain.lower > domain.upper:
        raise InvalidSpace(f"{kind} runs from {domain.lower} to {domain.upper}, but must not run down")
    if not math.isfinite(domain.upper - domain.lower):
        raise InvalidSpace(f"{kind} from {domain.lower} to {domain.upper} is wider than a float can say")
    if domain.log and domain.lower <= 0:
        raise InvalidSpace(f"{kind} in log scale starts at {domain.lower}, but must start above 0")


class _Choices:
    """What finite lists of values share: no two equal, and a bool is never a number."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        values = tuple(_plain(value) for value in self.values)
        if not values or len(set(values)) < len(values):
            raise InvalidSpace(f"the values {list(values)!r} must be at least one, and all different")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "_known", {(_kind(value), value): value for value in values})

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values)

    def check(self, value: object) -> Value:
        """The choice that equals ``value``; ``ValueError`` with the rule that it breaks."""
        known: dict[Any, Value] = self.__dict__["_known"]
        try:
            return known[_kind(value), value]
        except (KeyError, TypeError):  # the latter for what cannot be hashed
            pass
        shown = ", ".join(map(repr, self.values[:8])) + (", ..." if self.size > 8 else "")
        raise ValueError(f"is none of {shown}{_hint(value, self.values)}")

    def at(self, position: float) -> Value:
        """The value at a position in [0, 1]."""
        return self.values[min(int(position * self.size), self.size - 1)]

    def spread(self, points: int) -> tuple[Value, ...]:
        """All values: choices have nothing between them."""
        return self.values


def _hint(value: object, choices: tuple[Value, ...]) -> str:
    """A hint where only the type is wrong: ``'1'`` for ``1``."""
    alike = [choice for choice in choices if str(choice) == str(value)]
    return f"; did you mean {alike[0]!r}?" if alike else ""


@dataclass(frozen=True)
class Categorical(_Choices):
    """One of some values without an order."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Ordinal(_Choices):
    """One of some values whose order means something, given from low to high."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Constant:
    """A single value, kept so that a configuration is complete."""

    value: Value

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _plain(self.value))

    size = 1

    @property
    def values(self) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)

    def check(self, value: object) -> Value:
        """The constant; ``ValueError`` for anything else."""
        if _kind(value) != _kind(self.value) or value != self.value:
            raise ValueError(f"is not the constant {self.value!r}")
        return self.value

    def at(self, position: float) -> Value:
        """The one value."""
        return self.value

    def spread(self, points: int) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)


Domain: TypeAlias = Float | Integer | Categorical | Ordinal | Constant

_KINDS: Mapping[str, type[Domain]] = {
    "float": Float,
    "integer": Integer,
    "categorical": Categorical,
    "ordinal": Ordinal,
    "constant": Constant,
}


def domain_to_json(domain: Domain) -> dict[str, Any]:
    """A JSON object with ``type`` and the arguments of the domain."""
    kind = next(kind for kind, cls in _KINDS.items() if type(domain) is cls)
    if isinstance(domain, Constant):
        return {"type": kind, "value": domain.value}
    if isinstance(domain, Float | Integer):
        return {"type": kind, "lower": domain.lower, "upper": domain.upper, "log": domain.log}
    return {"type": kind, "values": list(domain.values)}


def domain_from_json(data: Mapping[str, Any]) -> Domain:
    """The domain that :func:`domain_to_json` wrote."""
    if data.get("type") not in _KINDS:
        raise InvalidSpace(f"the domain type {data.get('type')!r} must be one of {', '.join(_KINDS)}")
    if data["type"] == "constant":
        return Constant(data["value"])
    if data["type"] in ("float", "integer"):
        numeric = Float if data["type"] == "float" else Integer
        return numeric(data["lower"], data["upper"], log=data["log"])
    choices = Categorical if data["type"] == "categorical" else Ordinal
    return choices(tuple(data["values"]))
