"""What holds of every run (T21, T22), on random little worlds, with the cluster checked after every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator import CONTINUE, Delays, Run, simulate
from simulator.clock import NANOSECONDS, to_ns
from simulator.events import Event, Kind
from simulator.loop import Simulation
from simulator.run import TOLD
from simulator.scheduler import Resume, Scheduler, Start, Suggestion
from simulator.segments import Code
from simulator.stopping import Stop
from tests.simulator.worlds import Case, Patient, Recorder, Row, World, examples, plain_cases


class Watched(Simulation):
    """Checks the cluster after every event, and adds up for how long workers are idle (ns)."""

    def __init__(self, case: Case, scheduler: Scheduler, world: World | None = None) -> None:
        super().__init__(world or case.world, scheduler, case.workers, case.stop, 1, case.conditions)
        self.handlers = {kind: self.checking(handler) for kind, handler in self.handlers.items()}
        self.idle_time = 0

    def checking(self, handler: Callable[[Event], None]) -> Callable[[Event], None]:
        def handle(event: Event) -> None:
            handler(event)
            self.cluster.check()

        return handle

    def ask(self) -> int:
        suggestions = super().ask()
        self.cluster.check()
        return suggestions

    def handle_instant(self) -> None:
        before, idle = self.now, len(self.cluster.idle)
        super().handle_instant()
        self.idle_time += idle * (self.now - before)


@dataclass(frozen=True)
class Watching:
    """A finished run with what was seen of it."""

    case: Case
    run: Run
    simulation: Watched
    scheduler: Recorder

    @property
    def jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.run.segments().to_pylist()
        return jobs

    @property
    def reports(self) -> list[dict[str, Any]]:
        reports: list[dict[str, Any]] = self.run.reports().to_pylist()
        return reports


def watched(case: Case) -> Watching:
    scheduler = case.scheduler()
    simulation = Watched(case, scheduler)
    run = simulation.run()
    simulation.cluster.check()
    return Watching(case, run, simulation, scheduler)


WATCHED = plain_cases().map(watched)


@given(WATCHED)
@examples(150)
def test_no_worker_has_two_jobs_at_once_T21(seen: Watching) -> None:
    def times(job: dict[str, Any]) -> tuple[int, float, float]:
        return job["worker"], job["busy_from"], job["ended"]

    jobs = sorted(map(times, seen.jobs))
    assert all(0 <= worker < seen.case.workers for worker, _, _ in jobs)
    assert all(
        ended <= busy_from
        for (worker, _, ended), (other, busy_from, _) in zip(jobs, jobs[1:], strict=False)
        if worker == other
    )


@given(WATCHED)
@examples(100)
def test_busy_and_idle_time_add_up_to_the_workers_presence_T21(seen: Watching) -> None:
    busy = sum(to_ns(job["ended"]) - to_ns(job["busy_from"]) for job in seen.jobs)
    assert busy + seen.simulation.idle_time == seen.case.workers * seen.run.end


@given(WATCHED)
@examples(200)
def test_every_point_that_was_produced_is_recorded_once_T21(seen: Watching) -> None:
    """A job produces its points up to its bound, the signal, or the run's end."""
    recorded = [(report["trial"], report["segment"], report["fidelity"]) for report in seen.reports]
    assert len(set(recorded)) == len(recorded)
    values, independent = seen.case.world.schema.fidelity.values, seen.case.kind == "independent"
    signals = times_of(seen.run, Kind.SIGNAL)
    bases = {
        (record["trial"], record["segment"]): int(record["point"])
        for record in seen.run.records
        if record["kind"] == Kind.START
    }
    expected = []
    for (trial, segment), until in bounds(seen).items():
        steps = seen.case.rows[int(seen.run.trial_columns["config.row"][trial])].steps
        elapsed = [sum(steps[: point + 1]) for point in range(len(steps))]
        if (trial, segment) not in bases:
            continue  # the run ended before the job began
        base, start = bases[trial, segment], times_of(seen.run, Kind.START)[trial, segment]
        last = len(steps) - 1 if until is None else min(len(steps) - 1, values.index(until))
        paid = elapsed[base] if 0 <= base < len(elapsed) else 0
        known_by = min(seen.run.end, signals.get((trial, segment), seen.run.end))
        expected += [
            (trial, segment, values[point])
            for point in range(max(last, 0) if independent else base + 1, last + 1)
            if start + (elapsed[point] - paid) * NANOSECONDS <= known_by
        ]
    assert sorted(recorded) == sorted(expected)


def times_of(run: Run, kind: Kind) -> dict[tuple[int, int], int]:
    return {
        (int(record["trial"]), int(record["segment"])): int(record["time"])
        for record in run.records
        if record["kind"] == kind
    }


def bounds(seen: Watching) -> dict[tuple[int, int], float | None]:
    """(trial, segment) -> ``until``, from the suggestions that were accepted."""
    found: dict[tuple[int, int], float | None] = {}
    segments: list[int] = []
    for suggestion in seen.scheduler.suggestions:
        if isinstance(suggestion, Resume):
            segments[suggestion.trial] += 1
            found[suggestion.trial, segments[suggestion.trial]] = suggestion.until
        elif len(segments) != seen.case.stop.trials_started:
            found[len(segments), 0] = suggestion.until
            segments.append(0)
    assert set(found) == {(job["trial"], job["segment"]) for job in seen.jobs}
    return found


@given(WATCHED)
@examples(100)
def test_a_trial_reports_rising_fidelities_in_time_order_T21(seen: Watching) -> None:
    told = [report for report in seen.reports if Code[report["decision"].upper()] in TOLD]
    for _, reports in groupby(sorted(told, key=lambda r: r["trial"]), key=lambda r: r["trial"]):
        rows = list(reports)
        fidelities = [row["fidelity"] for row in rows]
        assert fidelities == sorted(set(fidelities))
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


class InTurn:
    """Trains every row of a world to its end."""

    def __init__(self, count: int) -> None:
        self.rows = list(range(count))

    def suggest(self) -> Start | None:
        return Start({"row": self.rows.pop(0), "shade": "dark"}) if self.rows else None

    def on_report(self, trial: Any, report: Any) -> Any:
        return CONTINUE

    def on_end(self, trial: Any) -> None:
        pass


SECONDS = st.floats(0, 1e5).filter(lambda seconds: seconds == 0 or seconds > 1e-9)


@given(st.lists(st.lists(SECONDS, max_size=5).map(tuple), min_size=1, max_size=6))
@examples(200)
def test_one_worker_takes_as_long_as_all_curves_together_T21(steps: list[tuple[float, ...]]) -> None:
    world = World([Row(row) for row in steps], epochs=5)
    run = simulate(world, InTurn(len(steps)), workers=1, stop=Stop(trials_started=len(steps)))
    assert run.end == sum(to_ns(sum(row)) for row in steps)


@given(plain_cases())
@examples(300)
def test_asking_not_to_be_called_changes_no_run_T22(case: Case) -> None:
    plain, patient = case.scheduler(), case.scheduler()
    assert digest(case, patient) == digest(case, Patient(plain))
    assert told(patient) == told(plain)


def digest(case: Case, scheduler: Scheduler, world: World | None = None) -> str:
    return Watched(case, scheduler, world).run().digest


def told(scheduler: Recorder) -> list[str]:
    return [call for call in scheduler.calls if not call.startswith("suggest")]


@given(plain_cases())
@examples(50)
def test_the_order_of_hyperparameters_changes_no_run_T19(case: Case) -> None:
    class Reversing(Recorder):
        def suggest(self) -> Suggestion:
            suggestion = super().suggest()
            if isinstance(suggestion, Start):
                turned = dict(reversed(suggestion.configuration.items()))
                return replace(suggestion, configuration=turned)
            return suggestion

    assert digest(case, Reversing(case.scheduler())) == digest(case, case.scheduler())


@given(plain_cases(), st.sampled_from((3, 1000)))
@examples(100)
def test_in_slow_motion_the_same_happens_T1(case: Case, factor: int) -> None:
    delays = case.conditions.delays
    slowed = Delays(
        *[factor * d for d in (delays.start, delays.report, delays.complete, delays.stop, delays.stopped)]
    )
    time = None if case.stop.time is None else case.stop.time * factor
    slow_case = replace(
        case, stop=replace(case.stop, time=time), conditions=replace(case.conditions, delays=slowed)
    )
    world = case.world
    world.scale = factor
    run = Watched(case, case.scheduler()).run()
    slow = Watched(slow_case, slow_case.scheduler(), world).run()
    expected = run.records.copy()
    expected["time"] *= factor
    assert slow.digest == replace(run, records=expected).digest


def test_the_worlds_are_varied_enough_to_mean_something() -> None:
    """Each kind of event, each code, each outcome and each reason occurs among the first examples."""
    found: Counter[str] = Counter()

    @given(WATCHED)
    @examples(400)
    def look(seen: Watching) -> None:
        names = {Kind(int(kind)).name.lower() for kind in seen.run.records["kind"]}
        names |= {report["decision"] for report in seen.reports}
        names |= {job["outcome"] for job in seen.jobs}
        names |= {f"ended by {seen.run.reason}"}
        names |= {"resumed" for job in seen.jobs if job["segment"]}
        names |= {
            "copied" for s in seen.scheduler.suggestions if getattr(s, "checkpoint_of", None) is not None
        }
        found.update(names)

    look()
    limits = ("time", "trials_started", "trials_completed", "trials_finished", "reports")
    assert {name for name, count in found.items() if count >= 10} == {
        *("start", "report", "end", "signal", "stopped", "deadline"),
        *("continue", "pause", "stop", "late", "repeated", "after_end"),
        *("completed", "failed", "paused", "interrupted", "resumed", "copied"),
        *(f"ended by {reason}" for reason in (*limits, "exhausted", "stalled")),
    }
