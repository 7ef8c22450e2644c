"""Wrappers around a scheduler that is tested."""

from __future__ import annotations

from simulator.scheduler import CONTINUE, Decision, Report, Scheduler, Suggestion, Trial


class Watched:
    """A scheduler that must leave alone what it is handed."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.__wrapped__ = scheduler

    def suggest(self) -> Suggestion:
        """What the scheduler suggests."""
        return self.__wrapped__.suggest()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides."""
        before = dict(trial.configuration)
        decision = self.__wrapped__.on_report(trial, report)
        self._check(before, trial)
        return decision

    def on_end(self, trial: Trial) -> None:
        """Told to the scheduler."""
        before = dict(trial.configuration)
        self.__wrapped__.on_end(trial)
        self._check(before, trial)

    def close(self) -> None:
        """Lets the scheduler go."""
        getattr(self.__wrapped__, "close", lambda: None)()

    @staticmethod
    def _check(before: object, trial: Trial) -> None:
        assert before == trial.configuration, (
            f"it changed trial.configuration, which is the run's, from {before} to {trial.configuration}; "
            f"make a copy of it"
        )


class Chatty(Watched):
    """A scheduler that is never spared a call: its ``continue_until`` is taken for ``CONTINUE``."""

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides, without the wish."""
        decision = super().on_report(trial, report)
        return CONTINUE if decision.action == "continue" else decision
