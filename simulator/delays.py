"""How long a tuning cluster takes for what is not training."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from blackbox_repo.errors import InvalidOption


@dataclass(frozen=True)
class Delays:
    """Constant delays in seconds.

    Args:
        start: From the suggestion until the job runs (T6).
        report: From the point on the worker until the report reaches the scheduler (T6).
        complete: From the last point until the job's end is registered and its worker free (T7); by default
            as long as ``report``.
        stop: From a STOP or PAUSE decision until the signal reaches the worker (T9).
        stopped: From the signal until the worker is free (T9).

    Raises:
        InvalidOption: A delay that is negative or not a number, or ``complete`` shorter than ``report``.
    """

    start: float = 0.0
    report: float = 0.0
    complete: float | None = None
    stop: float = 0.0
    stopped: float = 0.0

    def __post_init__(self) -> None:
        if self.complete is None:
            object.__setattr__(self, "complete", self.report)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidOption(f"delays.{field.name} is {value!r}, but must be a number of seconds")
            if not math.isfinite(value) or value < 0:
                raise InvalidOption(f"delays.{field.name} is {value!r}, but must be 0 or more seconds")
        if self.complete_seconds < self.report:
            raise InvalidOption(
                f"delays.complete is {self.complete!r}, but must not be shorter than delays.report = "
                f"{self.report!r}: a job does not end before its last report arrives"
            )

    @property
    def complete_seconds(self) -> float:
        """``complete``, which is never ``None`` after construction."""
        assert self.complete is not None
        return self.complete
