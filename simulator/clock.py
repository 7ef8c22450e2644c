"""Simulated time: whole nanoseconds inside, float seconds outside (T1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blackbox_repo.curve import Array

NANOSECONDS = 1_000_000_000
END_OF_TIME = 2**63 - 1
"""The last nanosecond of simulated time, after 292 years: event records hold 64 bits (T1, T19)."""
_BEYOND = 2.0**80
Nanoseconds = npt.NDArray[np.int64]


def to_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds, rounded half to even."""
    return rounded(seconds * NANOSECONDS)


def rounded(nanoseconds: float) -> int:
    """Whole nanoseconds, half to even; all far beyond the end of time are one, infinity too."""
    return round(min(nanoseconds, _BEYOND))


def to_seconds(nanoseconds: int) -> float:
    """Whole nanoseconds as seconds, correctly rounded."""
    return nanoseconds / NANOSECONDS


def array_to_ns(seconds: Array) -> Nanoseconds:
    """An array of seconds as whole nanoseconds, rounded half to even."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number becomes the least integer
        return np.rint(seconds.astype(np.float64) * NANOSECONDS).astype(np.int64)
