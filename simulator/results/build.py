"""Makes the results of a run from its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo import __version__
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.frozen import sealed
from blackbox_repo.schema import Schema
from simulator.kernel.outcome import Outcome
from simulator.kernel.trace import Records, build_records
from simulator.results.columns import (
    Columns,
    call_columns,
    report_columns,
    segment_columns,
    trial_columns,
)
from simulator.results.record import KeptTrace
from simulator.results.run import Run
from simulator.scheduler import Scheduler, unwrapped
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop
from simulator.versions import NUMBERS


@dataclass(frozen=True, eq=False)
class _SimulatedTrace:
    """The trace of a run, made when it is read."""

    schema: Schema
    outcome: Outcome

    @cached_property
    def records(self) -> Records:
        return sealed(build_records(self.outcome, self._targets()))

    def _targets(self) -> Array:
        points, target = self.outcome.points, self.schema.target
        if self.schema.objective(target).constant:
            return np.array(self.outcome.trials.constants[target])[points.trial]
        return points.values[target]

    @cached_property
    def reports(self) -> Columns:
        return report_columns(self.schema, self.outcome)

    def __reduce__(self) -> tuple[Any, ...]:
        return KeptTrace, (self.records, dict(self.reports))


def build_run(header: Mapping[str, Any], blackbox: Blackbox, outcome: Outcome) -> Run:
    """The finished run.

    Args:
        header: What was run.
        blackbox: The blackbox whose curves were replayed.
        outcome: What it came to.
    """
    schema = blackbox.schema
    return Run(
        header={**header, "schema": schema.to_json()},
        reason=outcome.reason,
        end=outcome.end,
        trace=_SimulatedTrace(schema, outcome),
        trial_columns=trial_columns(schema, outcome),
        segment_columns=segment_columns(schema, outcome.segments),
        call_columns=call_columns(outcome.calls),
        candidates=schema.space.candidates,
    )


def describe_run(
    blackbox: Blackbox, scheduler: Scheduler, seed: int, workers: int, stop: Stop, conditions: Conditions
) -> dict[str, Any]:
    """What is run, as JSON: the header of the run, but for the schema."""
    return {
        "blackbox": blackbox.name,
        "blackbox_digest": blackbox.digest(),
        "scheduler": describe_scheduler(unwrapped(scheduler)),
        "seed": seed,
        "workers": workers,
        "stop": stop.describe(),
        "conditions": conditions.describe(),
        "version": __version__,
        "numbers": NUMBERS,
    }


def describe_scheduler(scheduler: object) -> str:
    """What a scheduler says of itself; its class name if it says nothing (an address would differ)."""
    if type(scheduler).__repr__ is object.__repr__:
        return type(scheduler).__qualname__
    try:
        said = repr(scheduler)
    except (Exception, SystemExit):  # whatever it raises, no run is lost for its name
        return type(scheduler).__qualname__
    return said.encode(errors="backslashreplace").decode()
