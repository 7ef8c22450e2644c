"""How far a run is: what limits and callbacks look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunState:
    """A snapshot of a run in progress.

    Args:
        time: Simulated seconds since it began.
        trials_started: Trials that were started.
        trials_completed: Those that reached the end of their curve.
        trials_finished: Those completed, stopped or failed.
        running: Jobs whose end is not registered.
        reports: Reports that arrived in time. Where no limit and no callback looks at every report, those
            that the scheduler did not want to hear are counted when it hears the next one of their trial.
        busy_seconds: Seconds that all workers together were busy.
        best: The best value of the target in a report, or ``None`` before the first.
    """

    time: float
    trials_started: int
    trials_completed: int
    trials_finished: int
    running: int
    reports: int
    busy_seconds: float
    best: float | None
