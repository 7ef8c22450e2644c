"""Arithmetic without rounding: numbers are the decimals that they are written as, and become fractions."""

from __future__ import annotations

import math
from fractions import Fraction

from blackbox_repo.schema import SAME

_NOISE = Fraction(SAME)
_LARGEST_DENOMINATOR = 10**9


def fraction(number: float) -> Fraction:
    """A number as the decimal that it is written as: 0.1 is a tenth, and so is numpy's float32 of it."""
    return Fraction(number) if isinstance(number, int) else Fraction(str(number))


def ratio(low: float, high: float) -> Fraction:
    """How many of ``high`` one of ``low`` is; 0.1 of 0.3 is a third, and so is 0.1111111111111111 of 1/3."""
    return (fraction(low) / fraction(high)).limit_denominator(_LARGEST_DENOMINATOR)


def floor(number: Fraction) -> int:
    """The largest whole number below or at a fraction; what agrees in twelve digits is at it."""
    return math.floor(number * (1 + _NOISE))


def ceil(number: Fraction) -> int:
    """The smallest whole number above or at a fraction; what agrees in twelve digits is at it."""
    return math.ceil(number * (1 - _NOISE))
