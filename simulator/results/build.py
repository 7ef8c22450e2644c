"""From the state at the end of a run to its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blackbox_repo import __version__
from blackbox_repo.blackbox import Blackbox
from simulator.kernel.cluster import Cluster
from simulator.kernel.events import Event
from simulator.kernel.trace import Points, build_records
from simulator.results.columns import call_columns, report_columns, segment_columns, trial_columns
from simulator.results.run import Run
from simulator.scheduler import Scheduler, unwrapped
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop
from simulator.versions import NUMBERS


def build_run(
    described: Mapping[str, Any],
    blackbox: Blackbox,
    cluster: Cluster,
    events: Sequence[tuple[Event, str]],
    calls: Sequence[tuple[Any, ...]],
    last: Event,
) -> Run:
    """The finished run.

    Args:
        described: What was run, for the header.
        blackbox: Whose curves were replayed.
        cluster: At the end, with every job's outcome settled.
        events: All events but reports, each with a text that says what it is about; the last one is the
            run's end.
        calls: Of the scheduler, where its thinking took time.
        last: The event after which the run ended.
    """
    schema = blackbox.schema
    points = Points.of(cluster, last)
    return Run(
        header={**described, "schema": schema.to_json()},
        reason=events[-1][1],
        end=last.time,
        records=build_records(points, points.values(cluster.trials, schema.target), events),
        trial_columns=trial_columns(blackbox, cluster),
        segment_columns=segment_columns(cluster),
        report_columns=report_columns(schema, cluster, points),
        call_columns=call_columns(calls),
        candidates=schema.space.candidates,
    )


def header(
    blackbox: Blackbox, scheduler: Scheduler, seed: int, workers: int, stop: Stop, conditions: Conditions
) -> dict[str, Any]:
    """What is run, as JSON."""
    return {
        "blackbox": blackbox.name,
        "blackbox_digest": blackbox.digest(),
        "scheduler": description(unwrapped(scheduler)),
        "seed": seed,
        "workers": workers,
        "stop": stop.described(),
        "conditions": conditions.described(),
        "version": __version__,
        "numbers": NUMBERS,
    }


def description(scheduler: object) -> str:
    """What a scheduler says of itself; its class name if it says nothing (an address would differ)."""
    if type(scheduler).__repr__ is object.__repr__:
        return type(scheduler).__qualname__
    try:
        said = repr(scheduler)
    except (Exception, SystemExit):  # whatever it raises, no run is lost for its name
        return type(scheduler).__qualname__
    return said.encode(errors="backslashreplace").decode()
