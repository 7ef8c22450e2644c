"""A finished run told to people: the story of one trial, and the state of the cluster at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.errors import InvalidOption
from simulator.clock import to_ns, to_seconds
from simulator.kernel.events import Kind
from simulator.results.run import Run


@dataclass(frozen=True)
class Moment:
    """Something that happened to a trial: when (simulated seconds), and what, in words."""

    time: float
    what: str


@dataclass(frozen=True)
class Occupation:
    """What a worker does at a moment: ``trial`` is ``None`` if it is idle or away.

    Args:
        worker: The worker's number.
        trial: The trial that it is busy with.
        segment: Which stretch of that trial.
        since: From when it has been busy, idle or away, in simulated seconds.
        fidelity: The last fidelity of the stretch that has been reported, ``None`` before the first.
    """

    worker: int
    trial: int | None
    segment: int | None
    since: float
    fidelity: float | None
    away: bool = False


def story_of_trial(run: Run, trial: int) -> list[Moment]:
    """All that happened to a trial, in order: its jobs, its reports, the decisions, and why it ended.

    Raises:
        InvalidOption: The run has no such trial.
    """
    count = len(run.trial_columns["trial"])
    if not 0 <= trial < count:
        raise InvalidOption(f"there is no trial {trial}: the run has the trials 0 to {count - 1}")
    reports = [row for row in run.reports().to_pylist() if row["trial"] == trial]
    moments = [Moment(row["time"], _report(run, row)) for row in reports]
    jobs = _rows(run.segment_columns, trial)
    decisions = _rows(run.call_columns, trial)
    moments += [_decided(run, row) for row in decisions if row["call"] == "on_report"]
    moments += [_ended(row) for row in jobs]
    moments += [_given(row) for row in jobs]
    moments += [_started(row) for row in jobs if row["started"] not in (None, row["busy_from"])]
    return sorted(moments, key=lambda moment: moment.time)


def _rows(columns: Any, trial: int) -> list[dict[str, Any]]:
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row for row in rows if row["trial"] == trial]


def _ended(row: dict[str, Any]) -> Moment:
    worker = f"worker {row['worker']}"
    if row["outcome"] == "preempted":
        return Moment(row["ended"], f"{_job(row)} ends: {worker} is lost, the trial is queued again")
    return Moment(row["ended"], f"{_job(row)} ends: {row['outcome']}, {worker} is free")


def _decided(run: Run, row: dict[str, Any]) -> Moment:
    fidelity = f"{run.schema.fidelity.name} {row['fidelity']:g}"
    if row["answer"] is None:
        return Moment(row["taken"], f"the scheduler begins to think about {fidelity}, to no end in this run")
    what = f"the scheduler, thinking since {row['taken']:.9g} s, decides on {fidelity}: {row['answer']}"
    return Moment(row["answered"], what)


def _given(row: dict[str, Any]) -> Moment:
    return Moment(row["busy_from"], f"worker {row['worker']} is given {_job(row)}")


def _started(row: dict[str, Any]) -> Moment:
    return Moment(row["started"], f"{_job(row)} starts")


def _job(row: dict[str, Any]) -> str:
    return f"job {row['segment'] + 1}"


def _report(run: Run, row: dict[str, Any]) -> str:
    fidelity, target = run.schema.fidelity.name, run.schema.target
    decision = row["decision"].replace("_", " ")
    return f"{fidelity} {row['fidelity']}: {target} {row[target]:.6g}, {decision}"


def cluster_at(run: Run, time: float) -> list[Occupation]:
    """What each worker does at a simulated second; a job that ends at that instant has ended.

    Raises:
        InvalidOption: The run does not reach so far.
    """
    if not 0 <= time <= run.seconds:
        raise InvalidOption(f"the time is {time}, but the run lasts from 0 to {run.seconds} simulated s")
    columns = run.segment_columns
    workers = {number: Occupation(number, None, None, 0.0, None) for number in range(run.header["workers"])}
    for row in zip(*columns.values(), strict=True):
        job = dict(zip(columns, row, strict=True))
        number = job["worker"]
        if job["busy_from"] <= time < job["ended"]:
            reached = _reached(run, job, time)
            workers[number] = Occupation(number, job["trial"], job["segment"], job["busy_from"], reached)
        elif job["ended"] <= time and workers[number].trial is None:
            since = max(workers[number].since, job["ended"])
            workers[number] = Occupation(number, None, None, since, None)
    for number, since, away in _comings_and_goings(run, time):
        if away or workers[number].since < since:
            workers[number] = Occupation(number, None, None, since, None, away)
    return [workers[number] for number in sorted(workers)]


def _comings_and_goings(run: Run, time: float) -> list[tuple[int, float, bool]]:
    """Workers that were lost by then: their number, since when they are away or back, and which it is."""
    records = run.records[np.isin(run.records["kind"], (Kind.LOST, Kind.JOINED))]
    last = {
        int(record["trial"]): (to_seconds(int(record["time"])), bool(record["kind"] == Kind.LOST))
        for record in records[records["time"] <= to_ns(time)]
    }
    return [(worker, since, away) for worker, (since, away) in last.items()]


def _reached(run: Run, job: dict[str, Any], time: float) -> float | None:
    reports = run.report_columns
    mine = (reports["trial"] == job["trial"]) & (reports["segment"] == job["segment"])
    fidelities = reports["fidelity"][mine & (reports["time"] <= time)]
    return fidelities.max().item() if len(fidelities) else None
