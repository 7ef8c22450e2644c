"""Checks of numbers and bools that callers give; numpy's scalars become the equal built-in values."""

from __future__ import annotations

import math
import numbers
from typing import Any, TypeGuard

import numpy as np

from blackbox_repo.errors import InvalidOption

_BOOLS = (bool, np.bool_)  # made once: these checks are made for every value of a configuration
Scalar = str | int | float | bool | None


def plain(value: object) -> object:
    """A string, bool, whole number or float as the built-in value; anything else as it is."""
    if is_bool(value):
        return bool(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, numbers.Integral) and not isinstance(value, np.timedelta64):
        return int(value)
    return float(value) if isinstance(value, float | np.floating) else value


def is_bool(value: object) -> TypeGuard[bool | np.bool_]:
    """Whether a value is a bool of Python or numpy."""
    return isinstance(value, _BOOLS)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a plain value is an int, which a bool is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a plain value is an int or a float, which a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_real(value: object) -> TypeGuard[numbers.Real]:
    """Whether a value is a real number of any library, fractions included; a bool is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, _BOOLS)


def finite_real(value: object) -> Any:
    """A finite real number of any library as it is; ``ValueError`` with the broken rule for other values."""
    if not is_real(value):
        raise ValueError("is not a number")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an int beyond all floats
        finite = False
    if not finite:
        raise ValueError("is not finite")
    return value


def whole(name: str, value: object, least: float = -math.inf, most: float = math.inf) -> int:
    """``value`` as an int.

    Args:
        name: The name of the value in messages.
        value: A number of Python or numpy, where 3.0 is 3; no bool.
        least: The smallest that is allowed.
        most: The largest that is allowed.

    Raises:
        InvalidOption: The value is no whole number from ``least`` to ``most``.
    """
    checked = plain(value)
    if isinstance(checked, float) and checked.is_integer():
        checked = int(checked)
    if not is_whole(checked) or not least <= checked <= most:
        rule = _describe_range(least, most)
        raise InvalidOption(f"{name} is {value!r}, but must be a whole number{rule and ', ' + rule}")
    return checked


def number(
    name: str,
    value: object,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float | None = None,
    finite: bool = True,
) -> float:
    """``value`` as an int or a float, whichever of the two it is.

    Args:
        name: The name of the value in messages.
        value: An int or a float of Python or numpy; no bool.
        least: The smallest that is allowed.
        most: The largest that is allowed.
        above: A number that it must exceed.
        finite: Whether infinity is refused.

    Raises:
        InvalidOption: The value is no number in this range.
    """
    checked = plain(value)
    inside = (
        is_number(checked)
        and least <= checked <= most
        and (above is None or checked > above)
        and not (finite and abs(checked) == math.inf)
    )
    if not inside:
        rule = _describe_range(least, most) if above is None else f"above {above}"
        what = "a number" if rule and checked not in (math.inf, -math.inf) else "a finite number"
        raise InvalidOption(f"{name} is {value!r}, but must be {what}{_join_rule(rule)}")
    assert isinstance(checked, int | float)
    return checked


def flag(name: str, value: object) -> bool:
    """``value`` as a bool.

    Raises:
        InvalidOption: The value is neither true nor false.
    """
    if not is_bool(value):
        raise InvalidOption(f"{name} is {value!r}, but must be true or false")
    return bool(value)


def _join_rule(rule: str) -> str:
    return f", {rule}" if rule[:1].isdigit() else f" {rule}".rstrip()


def _describe_range(least: float, most: float) -> str:
    if least == -math.inf:
        return "" if most == math.inf else f"{most} or less"
    return f"{least} or more" if most == math.inf else f"from {least} to {most}"
