"""A scheduler in five lines: a Python generator that yields what to try and is sent what has finished."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, TypeAlias, cast

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Scheduler, Start, Suggestion, Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that has ended, as it is sent to a generator.

    Args:
        trial: Its number.
        configuration: What was trained; not to be changed.
        value: The target in the last report; NaN without a report.
        loss: The value as a number to be small, whatever the goal; infinite if it is NaN or the trial failed.
        fidelity: The fidelity of the last report; ``None`` without one.
        status: ``"completed"``, ``"failed"``, or ``"paused"`` if the job was bounded (``Start(until=...)``).
    """

    trial: int
    configuration: Configuration
    value: float
    loss: float
    fidelity: float | None
    status: TrialStatus


Search: TypeAlias = Generator[Configuration | Suggestion, list[Finished], None]
SearchFunction: TypeAlias = Callable[[Schema, int], Search]
"""What makes a generator from schema and seed: a function with ``yield`` in it."""

_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))


class GeneratorScheduler:
    """Each ``yield`` answers one ``suggest()``; it gives back what has finished since the last one.

    The generator yields a configuration, ``Start(...)``, ``Resume(...)``, or ``None`` to wait for the next
    event. When it returns, nothing new is started. Jobs run to their ends, and every report is heard, because
    a curve may end anywhere: each takes decision time where there is one (T12).

    Args:
        search: A fresh generator.
        schema: What the blackbox records.

    Example:
        >>> def search(schema, seed, tries=20):
        ...     best = math.inf
        ...     for number in range(tries):
        ...         finished = yield schema.space.sample(seed, number)
        ...         best = min([best, *(job.loss for job in finished)])
    """

    def __init__(self, search: Search, schema: Schema) -> None:
        self._search, self._target = search, schema.objective(schema.target)
        self._name = _described(search)
        self._begun = False
        self._last: dict[int, Report] = {}
        self._finished: list[Finished] = []

    def __repr__(self) -> str:
        return self._name

    def suggest(self) -> Suggestion:
        """What the generator yields next."""
        finished, self._finished = self._finished, []
        try:
            answer = self._search.send(finished) if self._begun else next(self._search)
        except StopIteration:
            return None
        finally:
            self._begun = True
        return Start(answer) if isinstance(answer, Mapping) else answer

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Goes on."""
        self._last[trial.number] = report
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Sent with the next suggestion."""
        report = self._last.get(trial.number)
        value = math.nan if report is None else report[self._target.name]
        loss = math.inf if trial.status is TrialStatus.FAILED else self._target.loss(value)
        fidelity = None if report is None else report.fidelity
        self._finished.append(
            Finished(trial.number, trial.configuration, value, loss, fidelity, trial.status)
        )

    def close(self) -> None:
        """Lets the generator clean up."""
        self._search.close()


def as_scheduler(made: Scheduler | Search, schema: Schema) -> Scheduler:
    """The scheduler of a generator; any scheduler as it is."""
    return GeneratorScheduler(made, schema) if isinstance(made, GeneratorType) else cast("Scheduler", made)


def _described(search: Any) -> str:
    """``search(seed=0, tries=20)``: its arguments, where they are plain values."""
    code, given = search.gi_code, inspect.getgeneratorlocals(search)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    shown = [f"{name}={given[name]!r}" for name in names if isinstance(given[name], _PLAIN)]
    return f"{search.__name__}({', '.join(shown)})"
