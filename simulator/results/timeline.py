"""The timeline of a finished run: all that happened to one trial, and what each worker does at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.errors import InvalidOption
from simulator.clock import to_ns, to_seconds
from simulator.kernel.events import Kind
from simulator.results.run import Run


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened to a trial.

    Args:
        time: When, in simulated seconds.
        what: What happened, in words.
    """

    time: float
    what: str


@dataclass(frozen=True)
class WorkerState:
    """What a worker does at a time.

    Args:
        worker: The worker's number.
        trial: The trial that it works on; ``None`` if it is idle or away.
        segment: Which segment of that trial.
        since: When it began to be busy, idle or away, in simulated seconds.
        fidelity: The last fidelity of the segment that has been reported, ``None`` before the first.
        away: Whether it is away since it was preempted.
    """

    worker: int
    trial: int | None
    segment: int | None
    since: float
    fidelity: float | None
    away: bool = False


def describe_trial(run: Run, trial: int) -> list[TimelineEntry]:
    """All that happened to a trial, in order: its jobs, its reports, the decisions, and why it ended.

    Args:
        run: The run.
        trial: The number of the trial.

    Raises:
        InvalidOption: The run has no such trial.
    """
    count = len(run.trial_columns["trial"])
    if not 0 <= trial < count:
        raise InvalidOption(f"there is no trial {trial}: the run has the trials 0 to {count - 1}")
    jobs, calls = (_rows_of_trial(columns, trial) for columns in (run.segment_columns, run.call_columns))
    entries = [_describe_report(run, row) for row in _reports_of_trial(run, trial)]
    entries += [_describe_decision(run, row) for row in calls if row["call"] == "on_report"]
    entries += [_describe_end(row) for row in jobs]
    entries += [_describe_assignment(row) for row in jobs]
    entries += [_describe_start(row) for row in jobs if row["started"] not in (None, row["busy_from"])]
    return sorted(entries, key=lambda entry: entry.time)


def _rows_of_trial(columns: Mapping[str, Sequence[Any]], trial: int) -> list[dict[str, Any]]:
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row for row in rows if row["trial"] == trial]


def _reports_of_trial(run: Run, trial: int) -> list[dict[str, Any]]:
    return [row for row in run.reports().to_pylist() if row["trial"] == trial]


def _describe_report(run: Run, row: Mapping[str, Any]) -> TimelineEntry:
    target, decision = run.schema.target, row["decision"].replace("_", " ")
    value = f"{target} {row[target]:.6g}"
    return TimelineEntry(row["time"], f"{run.schema.fidelity.name} {row['fidelity']}: {value}, {decision}")


def _describe_decision(run: Run, row: Mapping[str, Any]) -> TimelineEntry:
    fidelity = f"{run.schema.fidelity.name} {row['fidelity']:g}"
    if row["answer"] is None:
        what = f"the scheduler begins to decide on {fidelity}; the run ends before it answers"
        return TimelineEntry(row["taken"], what)
    what = f"the scheduler, thinking since {row['taken']:.9g} s, decides on {fidelity}: {row['answer']}"
    return TimelineEntry(row["answered"], what)


def _describe_end(row: Mapping[str, Any]) -> TimelineEntry:
    worker = f"worker {row['worker']}"
    if row["outcome"] == "preempted":
        what = f"{_name_job(row)} ends: {worker} is lost, the trial is queued again"
        return TimelineEntry(row["ended"], what)
    return TimelineEntry(row["ended"], f"{_name_job(row)} ends: {row['outcome']}, {worker} is free")


def _describe_assignment(row: Mapping[str, Any]) -> TimelineEntry:
    return TimelineEntry(row["busy_from"], f"worker {row['worker']} is given {_name_job(row)}")


def _describe_start(row: Mapping[str, Any]) -> TimelineEntry:
    return TimelineEntry(row["started"], f"{_name_job(row)} starts")


def _name_job(row: Mapping[str, Any]) -> str:
    return f"job {row['segment'] + 1}"


def describe_workers(run: Run, time: float) -> list[WorkerState]:
    """What each worker does at a time, in the order of their numbers.

    A job that ends at exactly that time has ended.

    Args:
        run: The run.
        time: When to look, in simulated seconds.

    Raises:
        InvalidOption: The run ends before that time.
    """
    if not 0 <= time <= run.seconds:
        raise InvalidOption(f"the time is {time}, but the run lasts from 0 to {run.seconds} simulated s")
    columns = run.segment_columns
    workers = {number: WorkerState(number, None, None, 0.0, None) for number in range(run.header["workers"])}
    for row in zip(*columns.values(), strict=True):
        job = dict(zip(columns, row, strict=True))
        number = job["worker"]
        if job["busy_from"] <= time < job["ended"]:
            reached = _last_fidelity(run, job, time)
            workers[number] = WorkerState(number, job["trial"], job["segment"], job["busy_from"], reached)
        elif job["ended"] <= time and workers[number].trial is None:
            since = max(workers[number].since, job["ended"])
            workers[number] = WorkerState(number, None, None, since, None)
    for number, since, away in _find_preemptions(run, time):
        if away or workers[number].since < since:
            workers[number] = WorkerState(number, None, None, since, None, away)
    return [workers[number] for number in sorted(workers)]


def _find_preemptions(run: Run, time: float) -> list[tuple[int, float, bool]]:
    """Workers that were lost by then: number, since when each is away or back, and whether it is away."""
    records = run.records[np.isin(run.records["kind"], (Kind.LOST, Kind.JOINED))]
    last = {
        int(record["trial"]): (to_seconds(int(record["time"])), bool(record["kind"] == Kind.LOST))
        for record in records[records["time"] <= to_ns(time)]
    }
    return [(worker, since, away) for worker, (since, away) in last.items()]


def _last_fidelity(run: Run, job: Mapping[str, Any], time: float) -> float | None:
    """The last fidelity of a job that was reported by then."""
    reports = run.report_columns
    of_job = (reports["trial"] == job["trial"]) & (reports["segment"] == job["segment"])
    fidelities = reports["fidelity"][of_job & (reports["time"] <= time)]
    return fidelities.max().item() if len(fidelities) else None
