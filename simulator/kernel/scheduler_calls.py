"""The calls of the scheduler: what it raises, or answers against the rules, is an error naming the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.clock import to_seconds
from simulator.errors import RunError, SchedulerError
from simulator.kernel.agenda import Agenda
from simulator.scheduler import Decision, Report, Scheduler, Trial, unwrapped


class SchedulerCalls:
    """Calls a scheduler.

    Args:
        scheduler: What is called.
        agenda: Knows what time it is.
    """

    def __init__(self, scheduler: Scheduler, agenda: Agenda) -> None:
        self._scheduler, self._agenda = scheduler, agenda

    def suggest(self) -> Any:
        """What a worker should do, whatever the scheduler has answered."""
        return self._call("suggest()", None, self._scheduler.suggest)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What becomes of a trial after a report."""
        decision = self._call("on_report()", trial.number, self._scheduler.on_report, trial, report)
        if not isinstance(decision, Decision):
            raise self.error("on_report()", f"answered {decision!r} to trial {trial.number}: no Decision")
        return decision

    def on_end(self, trial: Trial) -> None:
        """The scheduler is told that a job has ended."""
        self._call("on_end()", trial.number, self._scheduler.on_end, trial)

    def _call(self, name: str, trial: int | None, method: Callable[..., Any], *about: Any) -> Any:
        """Call the scheduler; what it raises, an exit from the program too, is an error of the run."""
        try:
            return method(*about)
        except RunError:
            raise
        except (Exception, SystemExit) as err:
            whose = "" if trial is None else f" about trial {trial}"
            raise self.error(name, f"raised {err!r}{whose}") from err

    def error(self, call: str, what: str) -> SchedulerError:
        """The error of a run that a call of the scheduler is to blame for."""
        name = type(unwrapped(self._scheduler)).__name__
        return SchedulerError(f"{name}.{call} at the simulated second {to_seconds(self._agenda.now)} {what}")
