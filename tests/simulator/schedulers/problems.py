"""The problems that schedulers are tested with, and a way to tell one what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackbox_repo.domains import Categorical, Integer
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator.scheduler import Decision, Report, Scheduler, Trial, TrialStatus
from simulator.testing.problems import CONDITIONAL, PROBLEMS, ROWS, SCATTERED, TINY, Rough, schema_of

__all__ = [
    "CONDITIONAL",
    "PROBLEMS",
    "ROWS",
    "SCATTERED",
    "TINY",
    "WIDE",
    "Driver",
    "Point",
    "Rough",
    "schema_of",
]


WIDE = Space({"a": Integer(0, 999), "b": Categorical(("p", "q"))})
"""Finite, but not used up by a test."""


class Point:
    """A report for a scheduler that is driven by hand."""

    def __init__(self, schema: Schema, fidelity: float, values: Mapping[str, float]) -> None:
        self.fidelity, self.index, self.time = fidelity, schema.fidelity.index(fidelity), 0.0
        self._values = values

    def __getitem__(self, objective: str) -> float:
        return self._values[objective]

    def values(self) -> dict[str, float]:
        return dict(self._values)


class Driver:
    """Tells a scheduler what happened, one line at a time."""

    def __init__(self, scheduler: Scheduler, schema: Schema) -> None:
        self.scheduler, self.schema = scheduler, schema
        self.configurations: dict[int, Configuration] = {}
        self.last_reports: dict[int, Report] = {}

    def report(self, trial: int, fidelity: float, score: float, **others: float) -> str:
        point: Any = Point(self.schema, fidelity, {"score": score, **others})
        told: Report = point
        self.last_reports[trial] = told
        configuration = self.configurations.get(trial, {})
        decision: Decision = self.scheduler.on_report(Trial(trial, configuration, TrialStatus.RUNNING), told)
        return decision.action + ("" if decision.until is None else f" until {decision.until}")

    def end(self, trial: int, status: str = "paused") -> None:
        configuration = self.configurations.get(trial, {})
        last = self.last_reports.get(trial)
        self.scheduler.on_end(Trial(trial, configuration, TrialStatus(status), last))
