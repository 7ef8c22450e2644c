"""What a run tells those who look on."""

from __future__ import annotations

from blackbox_repo.schema import Schema
from simulator.results.run import Run
from simulator.run_state import RunState
from simulator.scheduler import Decision, Report, Trial
from simulator.settings.stopping import Stop


class Callback:
    """Looks on; override what you need. A callback changes no result, only how long the run takes.

    Attributes:
        hears_reports: Whether ``on_report`` is called. Every report is then delivered singly, also those that
            the scheduler does not want to hear of, which takes longer.
    """

    hears_reports: bool = True

    def on_start(self, schema: Schema, workers: int, stop: Stop) -> None:
        """The run begins."""

    def on_report(self, trial: Trial, report: Report, decision: Decision | None) -> None:
        """A report has arrived in time; ``decision`` is ``None`` if the scheduler was not asked."""

    def on_end(self, trial: Trial, time: float) -> None:
        """A job has ended at a simulated second, and its worker is free; ``trial.status`` says why."""

    def on_instant(self, state: RunState) -> None:
        """All events of an instant have been handled."""

    def on_finish(self, run: Run) -> None:
        """The run is over."""
