"""The first event in which the traces of two runs differ (T20)."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.kernel.events import Kind
from simulator.kernel.segments import Code
from simulator.kernel.trace import RECORD
from simulator.results.run import Run

EVENTS_BEFORE = 3


def find_first_difference(one: Run, other: Run) -> str | None:
    """The first event that differs, after the three before it, in words; ``None`` if the traces are equal.

    Args:
        one: A run.
        other: Another run on the same blackbox.
    """
    length = min(len(one.records), len(other.records))
    same = np.ones(length, dtype=bool)
    for column in RECORD.names or ():
        same &= one.records[column][:length] == other.records[column][:length]
    where = int(np.argmin(same)) if not same.all() else length
    if where == len(one.records) == len(other.records):
        return None
    before = [f"both: {_describe_event(one, k)}" for k in range(max(where - EVENTS_BEFORE, 0), where)]
    return "; ".join(
        [*before, f"then one: {_describe_event(one, where)}; but the other: {_describe_event(other, where)}"]
    )


def _describe_event(run: Run, index: int) -> str:
    if index >= len(run.records):
        return "nothing more"
    record: Any = run.records[index]
    kind = Kind(int(record["kind"]))
    words = f"{int(record['time'])} ns {kind.name.lower()}"
    if kind is Kind.DEADLINE:
        return f"{words} of the run"
    if kind in (Kind.LOST, Kind.JOINED):
        return f"{words} worker {record['trial']}"
    words += f" of trial {record['trial']}, segment {record['segment']}"
    trial = int(record["trial"])
    if kind is Kind.START:
        return f"{words} with {run.configuration(trial)!r}, training seed {run.trial_columns['seed'][trial]}"
    if kind is not Kind.REPORT:
        return words
    fidelity = run.schema.fidelity
    value = record["value"].view(np.float64)
    decision = Code(int(record["code"])).name.lower().replace("_", " ")
    at = f"{fidelity.name} {fidelity.values[record['point']]}"
    return f"{words}, {at}, {run.schema.target} {value!s}, {decision}"
