"""The limits of a run: when it ends (T14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import flag, number, whole
from blackbox_repo.schema import Schema
from simulator.run_state import RunState

COUNTS = ("trials_started", "trials_completed", "trials_finished", "reports")


@dataclass(frozen=True)
class Cost:
    """A budget: what all training together may cost.

    Args:
        limit: The run ends when the cost reaches it.
        objective: A cumulative objective, such as the energy used: what every job adds to it up to its last
            report counts, repetitions too. ``None`` for the seconds that workers are busy.
        price: Cost of one unit of the objective, or of one busy worker-second.

    Raises:
        InvalidOption: A limit or price that is not above 0.
    """

    limit: float
    objective: str | None = None
    price: float = 1.0

    def __post_init__(self) -> None:
        for name in ("limit", "price"):
            object.__setattr__(self, name, number(f"Cost.{name}", getattr(self, name), above=0))


@dataclass(frozen=True)
class Threshold:
    """A goal: a report whose objective (by default the target) is at least as good as ``value``."""

    value: float
    objective: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number("Threshold.value", self.value))


@dataclass(frozen=True)
class Stop:
    """Limits of a run; the first one that holds ends it, right after that event.

    Args:
        time: Simulated seconds; reports that arrive at exactly this time count (T15).
        trials_started: So many trials start, paused ones may still be resumed, and the run ends when nothing
            runs any more.
        trials_completed: Trials that reached the end of their curve.
        trials_finished: Trials completed, stopped or failed.
        reports: Reports that reached the scheduler's side in time; late ones do not count.
        cost: What all training may cost.
        threshold: How good a report must be.
        when: A function of the run's state, asked after every report and every job's end; true ends the run.
        drain: Let the jobs that run at the end go on to theirs; nothing is suggested any more.

    Raises:
        InvalidOption: No limit at all, or one that is not positive.
    """

    time: float | None = None
    trials_started: int | None = None
    trials_completed: int | None = None
    trials_finished: int | None = None
    reports: int | None = None
    cost: Cost | None = None
    threshold: Threshold | None = None
    when: Callable[[RunState], bool] | None = None
    drain: bool = False

    def __post_init__(self) -> None:
        limits = [field.name for field in fields(self) if field.name != "drain"]
        if all(getattr(self, name) is None for name in limits):
            raise InvalidOption("a run needs an end: give Stop a time or a count, such as Stop(time=7200)")
        if self.time is not None:
            object.__setattr__(self, "time", number("the limit time", self.time, above=0))
        for name in COUNTS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, whole(f"the limit {name}", getattr(self, name), 1))
        object.__setattr__(self, "drain", flag("drain", self.drain))

    def check(self, schema: Schema) -> None:
        """Refuse objectives that cannot play their part.

        Raises:
            UnknownName: An objective that does not exist.
            InvalidOption: One that is not cumulative, or has no goal.
        """
        if self.cost is not None and self.cost.objective is not None:
            objective = schema.objective(self.cost.objective)
            if not objective.cumulative or objective.constant:
                raise InvalidOption(f"the cost {objective.name!r} must be cumulative along the curve")
        if self.threshold is not None and self.threshold.objective is not None:
            objective = schema.objective(self.threshold.objective)
            if objective.goal == "none" or objective.constant:
                raise InvalidOption(f"the threshold's {objective.name!r} must have a goal and be no constant")

    @property
    def looks_at_every_report(self) -> bool:
        """Whether reports must be delivered singly for a limit to be noticed in time."""
        return any(limit is not None for limit in (self.reports, self.cost, self.threshold, self.when))

    def describe(self) -> dict[str, Any]:
        """The limits that are set, as JSON; a function by its name."""
        set_ones = {field.name: getattr(self, field.name) for field in fields(self)}
        described: dict[str, Any] = {}
        for name, value in set_ones.items():
            if isinstance(value, Cost | Threshold):
                described[name] = vars(value)
            elif name == "when" and value is not None:
                described[name] = getattr(value, "__qualname__", type(value).__qualname__)
            elif value is not None and value is not False:
                described[name] = value
        return described
