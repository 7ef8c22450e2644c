"""Delays of a tuning cluster: the time that everything but training takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TypeAlias, get_args

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import is_number, plain
from simulator.settings.distributions import Distribution

Delay: TypeAlias = float | Distribution


@dataclass(frozen=True)
class Delays:
    """Delays in seconds: constants, or distributions from which each is drawn by what it is for (T6b, T16).

    Args:
        start: From the suggestion until the job runs (T6).
        report: From the point on the worker until the report reaches the scheduler (T6).
        complete: From the last point until the job's end is registered and its worker free (T7); by default
            as long as a constant ``report``, and not after the last report where that is drawn.
        stop: From a STOP or PAUSE decision until the signal reaches the worker (T9).
        stopped: From the signal until the worker is free (T9).

    Raises:
        InvalidOption: A delay that is negative or not a number, or a constant ``complete`` shorter than a
            constant ``report``.
    """

    start: Delay = 0.0
    report: Delay = 0.0
    complete: Delay | None = None
    stop: Delay = 0.0
    stopped: Delay = 0.0

    def __post_init__(self) -> None:
        if self.complete is None:
            drawn = isinstance(self.report, get_args(Distribution))
            object.__setattr__(self, "complete", 0.0 if drawn else self.report)
        for field in fields(self):
            checked = check_delay(f"delays.{field.name}", getattr(self, field.name))
            object.__setattr__(self, field.name, checked)
        constant = isinstance(self.complete, int | float) and isinstance(self.report, int | float)
        if constant and self.complete < self.report:  # type: ignore[operator]
            raise InvalidOption(
                f"delays.complete is {self.complete!r}, but must not be shorter than delays.report = "
                f"{self.report!r}: a job does not end before its last report arrives"
            )


def check_delay(name: str, delay: object) -> Delay:
    """A delay as it is kept, numpy's numbers as built-in ones.

    Raises:
        InvalidOption: Neither 0 or more seconds nor a distribution; the message names it.
    """
    if isinstance(delay, Distribution):
        return delay
    seconds = plain(delay)
    if not is_number(seconds):
        raise InvalidOption(f"{name} is {delay!r}, but must be a number of seconds or a distribution")
    if not 0 <= seconds < math.inf:
        raise InvalidOption(f"{name} is {delay!r}, but must be 0 or more seconds")
    return seconds
