"""Wrappers around a scheduler under test."""

from __future__ import annotations

from simulator.scheduler import CONTINUE, Decision, Report, Scheduler, Suggestion, Trial


class CheckedScheduler:
    """Checks that a scheduler does not change the configurations of its trials.

    Args:
        scheduler: The scheduler under test.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.__wrapped__ = scheduler

    def suggest(self) -> Suggestion:
        """Return the suggestion of the scheduler."""
        return self.__wrapped__.suggest()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Return the decision of the scheduler."""
        before = dict(trial.configuration)
        decision = self.__wrapped__.on_report(trial, report)
        self._check(before, trial)
        return decision

    def on_end(self, trial: Trial) -> None:
        """Tell the scheduler."""
        before = dict(trial.configuration)
        self.__wrapped__.on_end(trial)
        self._check(before, trial)

    def close(self) -> None:
        """Close the scheduler, if it can be closed."""
        getattr(self.__wrapped__, "close", lambda: None)()

    @staticmethod
    def _check(before: object, trial: Trial) -> None:
        assert before == trial.configuration, (
            f"it changed trial.configuration, which belongs to the run, from {before} to "
            f"{trial.configuration}; change a copy of it"
        )


class NeverSkipped(CheckedScheduler):
    """Calls a scheduler at every report: it replaces ``continue_until`` by ``CONTINUE``."""

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Return the decision of the scheduler, without the fidelity until which it need not be called."""
        decision = super().on_report(trial, report)
        return CONTINUE if decision.action == "continue" else decision
