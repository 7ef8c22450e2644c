"""Rounding of numbers and arrays to significant decimal digits, with the results that printing has."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# 10^22 is the largest power of ten that a double holds exactly; written out, as not every pow() is exact
_POWERS = np.array([float(f"1e{power}") for power in range(23)])
_FEW = 40
_AGREED = 12  # so many digits of a sum are the same in whatever order it is added up


def significant(value: float, digits: int) -> float:
    """``value`` rounded to a number of significant decimal digits, as ``f"{x:.5e}"`` rounds."""
    return float(f"{value:.{digits - 1}e}")


def round_significant(array: Array, digits: int, *, noise: float = 0.0) -> Array:
    """Every value rounded to a number of significant decimal digits, as ``f"{x:.5e}"`` rounds.

    The result is the double nearest to the rounded decimal, so it does not depend on the machine. NaN,
    infinities and zeros stay what they are.

    Args:
        array: Float64, of any shape; it is not changed.
        digits: From 1 to 15.
        noise: How far, relative to itself, a value may be off because its sum was added up in another order.
            A value that is as near to a tie is rounded to 12 digits first, so that machines agree.
    """
    flat = array.ravel()
    if flat.size <= _FEW:
        return _round_by_printing(flat, digits, noise=noise).reshape(array.shape)
    size = np.abs(flat)
    with np.errstate(all="ignore"):
        shift = digits - 1 - np.floor(np.log10(size))
        sure = np.abs(shift) <= 22
        power = _POWERS[np.where(sure, np.abs(shift), 0).astype(np.intp)]
        scaled = np.where(shift < 0, size / power, size * power)
        whole = np.rint(scaled)
        # scaling errs in its last bit, so a value beside a tie or a power of ten is left to the printer
        sure &= (scaled >= _POWERS[digits - 1]) & (scaled < _POWERS[digits])
        sure &= np.abs(np.abs(scaled - whole) - 0.5) > scaled * max(noise, 1e-15)
        rounded: Array = np.copysign(np.where(shift < 0, whole * power, whole / power), flat)
    unsure = np.flatnonzero(~sure)
    rounded[unsure] = _round_by_printing(flat[unsure], digits, noise=noise)
    return rounded.reshape(array.shape)


def round_decimals(array: Array, decimals: int) -> Array:
    """Every value rounded to a number of decimals; a zero is never negative.

    The result is the double nearest to the rounded decimal. A value whose relative distance to a tie is below
    1e-16 may be rounded up or down.

    Args:
        array: Float64.
        decimals: From 0 to 22.
    """
    rounded: Array = np.rint(array * _POWERS[decimals]) / _POWERS[decimals] + 0.0
    return rounded


def _round_by_printing(flat: Array, digits: int, *, noise: float) -> Array:
    values = flat.tolist()
    if noise:
        values = [significant(value, _AGREED) for value in values]
    return np.array([significant(value, digits) for value in values], dtype=np.float64)
