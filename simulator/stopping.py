"""When a run ends (T14)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from blackbox_repo.errors import InvalidOption


@dataclass(frozen=True)
class Stop:
    """Limits of a run; the first one reached ends it, right after that event.

    Args:
        time: Simulated seconds; reports that arrive at exactly this time count (T15).
        trials_started: So many trials start, paused ones may still be resumed, and the run ends when nothing
            runs any more.
        trials_completed: Trials that reached the end of their curve.
        trials_finished: Trials completed, stopped or failed.
        reports: Reports that reached the scheduler's side in time; late ones do not count.

    Raises:
        InvalidOption: No limit at all, or one that is not positive.
    """

    time: float | None = None
    trials_started: int | None = None
    trials_completed: int | None = None
    trials_finished: int | None = None
    reports: int | None = None

    def __post_init__(self) -> None:
        limits = {name: value for name, value in vars(self).items() if value is not None}
        if not limits:
            raise InvalidOption("a run needs an end: give Stop a time or a count, such as Stop(time=7200)")
        for name, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InvalidOption(f"the limit {name} is {value!r}, but must be a finite number")
            if value <= 0 or (name != "time" and value != int(value)):
                rule = "above 0" if name == "time" else "a whole number, 1 or more"
                raise InvalidOption(f"the limit {name} is {value!r}, but must be {rule}")
