"""Exponential, logarithm and normal quantile out of the basic operations, which are equal on every machine.

Those of C libraries and of numpy differ in the last bit by version and processor, and no rounding of their
results hides that for sure. These err by a few units in the last place, but do so everywhere alike, and for
an array as for its single values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_Number = TypeVar("_Number", float, Floats)

_LOG2_E = 1.4426950408889634
_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # the first ends with 21 zero bits
_TAYLOR = tuple(1 / math.factorial(power) for power in range(13, -1, -1))
_ATANH = tuple(1 / power for power in range(23, 0, -2))

# Wichura, algorithm AS 241 (Applied Statistics 37, 1988): numerators and denominators, highest power first
_MIDDLE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852545925,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
_FLANK = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)


def exp(exponent: float) -> float:
    """E to a finite power; infinity where that is beyond all floats."""
    power = round(exponent * _LOG2_E)
    mantissa = _polynomial(_TAYLOR, exponent - power * _LN2_HIGH - power * _LN2_LOW)
    try:
        return math.ldexp(mantissa, power)
    except OverflowError:
        return math.inf


def exp_array(exponents: Floats) -> Floats:
    """As :func:`exp`, for an array."""
    with np.errstate(over="ignore", under="ignore"):
        powers = np.rint(exponents * _LOG2_E)
        rests = exponents - powers * _LN2_HIGH - powers * _LN2_LOW
        return np.ldexp(_polynomial(_TAYLOR, rests), powers.astype(np.intc))


def log(number: float) -> float:
    """The natural logarithm of a finite number above 0."""
    mantissa, power = math.frexp(number)
    if mantissa < 0.7071067811865476:
        mantissa, power = 2 * mantissa, power - 1
    share = (mantissa - 1) / (mantissa + 1)
    return power * _LN2 + 2 * share * _polynomial(_ATANH, share * share)


def log_array(numbers: Floats) -> Floats:
    """As :func:`log`, for an array."""
    mantissas, powers = np.frexp(numbers)
    low = mantissas < 0.7071067811865476
    mantissas, exponents = np.where(low, 2 * mantissas, mantissas), (powers - low).astype(np.float64)
    shares = (mantissas - 1) / (mantissas + 1)
    with np.errstate(under="ignore"):
        logarithms: Floats = exponents * _LN2 + 2 * shares * _polynomial(_ATANH, shares * shares)
    return logarithms


def normal_quantile(position: float) -> float:
    """Below which value a share ``position`` of the standard normal distribution lies, between 0 and 1."""
    offset = position - 0.5
    if abs(offset) <= 0.425:
        return offset * _ratio(_MIDDLE, 0.180625 - offset * offset)
    depth = math.sqrt(-log(position if offset < 0 else 1 - position))
    size = _ratio(_FLANK, depth - 1.6) if depth <= 5 else _ratio(_TAIL, depth - 5)
    return math.copysign(size, offset)


def _ratio(polynomials: tuple[Sequence[float], Sequence[float]], at: float) -> float:
    above, below = polynomials
    return _polynomial(above, at) / _polynomial(below, at)


def _polynomial(coefficients: Sequence[float], at: _Number) -> _Number:
    """By Horner's rule, the coefficient of the highest power first."""
    value = at * 0.0 + coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * at + coefficient
    return value
