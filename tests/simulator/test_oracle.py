"""The kernel and the second-by-second oracle tell the same story of every little world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given

from simulator import Run, simulate
from simulator.clock import to_seconds
from simulator.kernel.events import Kind
from simulator.kernel.segments import Code
from tests.simulator.oracle import Happened, Oracle
from tests.simulator.worlds import Case, Recorder, cases, examples


def simulated(case: Case) -> tuple[Run, Recorder]:
    scheduler = case.scheduler()
    run = simulate(
        case.world, scheduler, workers=case.workers, stop=case.stop, conditions=case.conditions, seed=1
    )
    return run, scheduler


def foretold(case: Case) -> tuple[Oracle, Recorder]:
    scheduler = case.scheduler()
    oracle = Oracle(case.world, scheduler, case.workers, case.stop, case.conditions)
    return oracle.run(), scheduler


def log_of(run: Run) -> list[Happened]:
    """The trace but for its end, which stands beside it."""
    return [
        Happened(
            int(record["time"]),
            Kind(int(record["kind"])).name.lower(),
            int(record["trial"]),
            int(record["segment"]),
            int(record["point"]),
            Code(int(record["code"])).name.lower() if record["code"] else "",
        )
        for record in run.records
        if record["kind"] != Kind.DEADLINE
    ]


def losses_of(run: Run) -> list[str]:
    reports = run.records[run.records["kind"] == Kind.REPORT]
    return [repr(float(value)) for value in np.ascontiguousarray(reports["value"]).view("<f8")]


def assert_they_agree(case: Case, *, moody: bool = False) -> None:
    run, by_kernel = simulated(case)
    oracle, by_oracle = foretold(case)
    assert answers(by_kernel, moody=moody) == answers(by_oracle, moody=moody)
    assert log_of(run) == oracle.log
    assert calls_of(run) == [(*call[:4], *(to_seconds(time) for time in call[4:])) for call in oracle.calls]
    assert (run.reason, run.end) == (oracle.reason, oracle.now)
    statuses = [oracle.status(trial).value for trial in range(len(oracle.curves))]
    assert run.trial_columns["status"] == statuses
    expected = [
        float(oracle.curves[event.trial]["loss"][event.point])
        for event in oracle.log
        if event.kind == "report"
    ]
    assert losses_of(run) == [repr(value) for value in expected]
    jobs = sorted(oracle.jobs, key=lambda job: (job.trial, job.number))
    columns = ("trial", "segment", "worker", "busy_from", "started", "ended", "until", "outcome")
    values = case.world.schema.fidelity.values
    assert [tuple(row[name] for name in columns) for row in run.segments().to_pylist()] == [
        (
            job.trial,
            job.number,
            job.worker,
            to_seconds(job.given),
            to_seconds(job.start) if job.start <= min(oracle.now, job.lost) else None,
            to_seconds(job.ended or 0),
            None if job.until is None else values[job.until],
            job.outcome and job.outcome.value,
        )
        for job in jobs
    ]


def answers(scheduler: Recorder, *, moody: bool) -> list[str]:
    """What was asked, told and answered; unless it is moody, only the first of calls that are repeated."""
    calls = scheduler.calls
    return [call for call, before in zip(calls, ["", *calls], strict=False) if moody or call != before]


def calls_of(run: Run) -> list[tuple[Any, ...]]:
    return [tuple(row.values())[:-1] for row in run.calls().to_pylist()]


@given(cases())
@examples(150)
def test_kernel_and_oracle_agree_on_everything(case: Case) -> None:
    assert_they_agree(case)


@given(cases())
@examples(80)
def test_they_agree_on_how_often_a_scheduler_is_asked_T5(case: Case) -> None:
    """One that answers otherwise when asked again; reports that it does not hear make no difference."""
    assert_they_agree(replace(case, character=replace(case.character, moody=True)), moody=True)
