"""What a run shows to those that look on."""

from __future__ import annotations

from typing import Protocol

from simulator.run_state import RunState
from simulator.scheduler import Decision, Report, Trial


class Observer(Protocol):
    """Looks on; no result depends on it."""

    hears_reports: bool

    def on_report(self, trial: Trial, report: Report, decision: Decision | None) -> None:
        """A report has arrived in time."""

    def on_end(self, trial: Trial, time: float) -> None:
        """A job has ended at a simulated second."""

    def on_instant(self, state: RunState) -> None:
        """All events of an instant have been handled."""
