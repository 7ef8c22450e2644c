"""Arithmetic without rounding errors: a number is the decimal that it is written as, held as a fraction."""

from __future__ import annotations

import math
from fractions import Fraction

from blackbox_repo.schema import SAME

_TOLERANCE = Fraction(SAME)
_LARGEST_DENOMINATOR = 10**9


def fraction(number: float) -> Fraction:
    """The decimal that a number is written as: 0.1 is 1/10, and so is ``numpy.float32(0.1)``."""
    return Fraction(number) if isinstance(number, int) else Fraction(str(number))


def ratio(low: float, high: float) -> Fraction:
    """``low / high``: 0.1 / 0.3 is 1/3, and so is 0.1111111111111111 / 0.3333333333333333."""
    return (fraction(low) / fraction(high)).limit_denominator(_LARGEST_DENOMINATOR)


def floor(number: Fraction) -> int:
    """The largest whole number at or below a fraction, after rounding up by one part in 10^12."""
    return math.floor(number * (1 + _TOLERANCE))


def ceil(number: Fraction) -> int:
    """The smallest whole number at or above a fraction, after rounding down by one part in 10^12."""
    return math.ceil(number * (1 - _TOLERANCE))
