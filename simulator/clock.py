"""Simulated time: whole nanoseconds inside, float seconds outside (T1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blackbox_repo.curve import Array

NANOSECONDS = 1_000_000_000
Nanoseconds = npt.NDArray[np.int64]


def to_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds, rounded half to even."""
    return round(seconds * NANOSECONDS)


def to_seconds(nanoseconds: int) -> float:
    """Whole nanoseconds as seconds, correctly rounded."""
    return nanoseconds / NANOSECONDS


def array_to_ns(seconds: Array) -> Nanoseconds:
    """An array of seconds as whole nanoseconds, rounded half to even."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number becomes the least integer
        return np.rint(seconds.astype(np.float64) * NANOSECONDS).astype(np.int64)
