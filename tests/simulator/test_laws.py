"""What holds of every run (T21, T22), on random little worlds, with the cluster checked after every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator import CONTINUE, Call, Conditions, Delays, Run, Uniform, simulate
from simulator.callbacks import Callback
from simulator.clock import to_ns
from simulator.kernel.dispatch import QueuedDispatcher
from simulator.kernel.events import Event, Kind, TimerEvent
from simulator.kernel.segments import Code
from simulator.kernel.simulation import Simulation
from simulator.kernel.trace import digest_of
from simulator.results.build import build_run, describe_run
from simulator.results.run import TOLD
from simulator.scheduler import Resume, Scheduler, Start, Suggestion, TrialStatus
from simulator.settings.stopping import Stop
from tests.simulator.oracle_jobs import NEVER, Job, Times
from tests.simulator.worlds import Case, Patient, Recorder, Row, World, cases, examples


class Watched(Simulation):
    """Checks the cluster after every event, and adds up for how long workers are idle (ns)."""

    def __init__(self, case: Case, scheduler: Scheduler, world: World | None = None) -> None:
        super().__init__(world or case.world, scheduler, case.workers, case.stop, 1, case.conditions)
        self.case = case
        self.idle_time = 0
        self.instants: set[int] = set()

    def handle(self, event: Event) -> None:
        super().handle(event)
        self.cluster.check()

    def ask(self) -> None:
        super().ask()
        self.cluster.check()

    def handle_instant(self) -> None:
        before, idle = self.agenda.now, len(self.cluster.idle)
        super().handle_instant()
        self.instants.add(self.agenda.now)
        self.idle_time += idle * (self.agenda.now - before)

    def finish(self) -> Run:
        case, stop = self.case, self.stop
        header = describe_run(self.blackbox, self.scheduler, 1, case.workers, stop, case.conditions)
        outcome = self.run()
        run = build_run(header, self.blackbox, outcome)
        if outcome.error is not None:
            outcome.error.run = run
            raise outcome.error
        return run


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

    @property
    def absences(self) -> list[tuple[int, int, int]]:
        """Worker, when it was lost, and when it came back; the end of the run if it did not."""
        found, lost = [], dict[int, int]()
        for record in self.run.records:
            worker, time = int(record["trial"]), int(record["time"])
            if record["kind"] == Kind.LOST:
                lost[worker] = time
            elif record["kind"] == Kind.JOINED:
                found.append((worker, lost.pop(worker), time))
        return found + [(worker, time, self.run.end) for worker, time in lost.items()]


def watched(case: Case) -> Watching:
    scheduler = case.scheduler()
    simulation = Watched(case, scheduler)
    run = simulation.finish()
    simulation.cluster.check()
    return Watching(case, run, simulation, scheduler)


WATCHED = cases().map(watched)


@given(WATCHED)
@examples(100)
def test_no_worker_has_two_jobs_at_once_nor_one_while_it_is_away_T21(seen: Watching) -> None:
    jobs = [(job["worker"], to_ns(job["busy_from"]), to_ns(job["ended"])) for job in seen.jobs]
    assert all(0 <= worker < seen.case.workers for worker, _, _ in jobs)
    taken = sorted(jobs + seen.absences)
    assert all(
        ended <= begins
        for (worker, _, ended), (other, begins, _) in zip(taken, taken[1:], strict=False)
        if worker == other
    )


@given(WATCHED)
@examples(100)
def test_busy_idle_and_absent_time_add_up_T21(seen: Watching) -> None:
    busy = sum(to_ns(job["ended"]) - to_ns(job["busy_from"]) for job in seen.jobs)
    away = sum(joined - lost for _, lost, joined in seen.absences)
    assert busy + seen.simulation.idle_time + away == seen.case.workers * seen.run.end


@given(WATCHED)
@examples(120)
def test_every_point_that_was_produced_is_recorded_once_T21(seen: Watching) -> None:
    """A job produces its points up to its bound, a crash, the signal, the loss of its worker, or the end."""
    recorded = [(report["trial"], report["segment"], report["fidelity"]) for report in seen.reports]
    assert len(set(recorded)) == len(recorded)
    values, starts, expected = seen.case.world.schema.fidelity.values, starts_of(seen.run), []
    for key, place in jobs_by_key(seen).items():
        if key not in starts:
            continue  # the run ended, or the worker was lost, before the job began
        job = timetable(seen, place, *starts[key])
        expected += [(*key, values[point]) for point in job.points_by(seen.run.end)]
    assert sorted(recorded) == sorted(expected)


def polling(case: Case) -> Case:
    return replace(case, conditions=replace(case.conditions, poll=case.conditions.poll or 1 + case.seed % 7))


@given(cases().map(polling))
@examples(80)
def test_a_server_looks_only_when_there_is_something_to_take_T13(case: Case) -> None:
    simulation = Watched(case, case.scheduler())
    assert isinstance(simulation.dispatcher, QueuedDispatcher)
    queue, answer = simulation.dispatcher._queue, simulation._handlers[Kind.ANSWER]

    def takes_something(event: TimerEvent) -> None:
        looks, before = queue.service is None, queue._calls
        answer(event)
        assert not looks or queue._calls > before or event.time == simulation.limit

    simulation._handlers[Kind.ANSWER] = takes_something
    simulation.finish()


@given(WATCHED)
@examples(50)
def test_the_clock_moves_from_event_to_event_T3(seen: Watching) -> None:
    """Each instant is in the trace, or is an answer that came to nothing, a look, or the limit."""
    answered = {to_ns(answered) for answered in seen.run.call_columns["answered"]}
    interval = to_ns(seen.case.conditions.poll or 0)
    looks = {now for now in seen.simulation.instants if interval and now % interval == 0}
    limit = to_ns(seen.case.stop.time or 0)  # from which on a run may be drained
    assert seen.simulation.instants <= {*seen.run.records["time"].tolist(), *answered, *looks, limit}


Key = tuple[int, int]


def jobs_by_key(seen: Watching) -> dict[Key, dict[str, Any]]:
    """(trial, segment) -> a job, with its ``until`` from the suggestions, which a preempted trial keeps."""
    starts = (suggestion for suggestion in seen.scheduler.suggestions if isinstance(suggestion, Start))
    resumes = [suggestion for suggestion in seen.scheduler.suggestions if isinstance(suggestion, Resume)]
    found: dict[Key, dict[str, Any]] = {}
    for job in seen.jobs:
        trial, segment = job["trial"], job["segment"]
        before = found.get((trial, segment - 1))
        if before is None:
            until = next(starts).until
        elif before["outcome"] == "preempted":
            until = before["until"]
        else:
            resume = next(resume for resume in resumes if resume.trial == trial)
            resumes.remove(resume)
            until = resume.until
        found[trial, segment] = {**job, "until": until}
    return found


def starts_of(run: Run) -> dict[Key, tuple[int, int]]:
    """(trial, segment) -> when it began to train, and from which point."""
    records = run.records[run.records["kind"] == Kind.START]
    return {(int(r["trial"]), int(r["segment"])): (int(r["time"]), int(r["point"])) for r in records}


def timetable(seen: Watching, place: dict[str, Any], start: int, base: int) -> Job:
    """What a job that began at ``start`` (ns) would produce and when, until something ended it."""
    case, values = seen.case, seen.case.world.schema.fidelity.values
    steps = case.rows[int(seen.run.trial_columns["config.row"][place["trial"]])].steps
    until = place["until"]
    last = len(steps) - 1 if until is None else min(len(steps) - 1, values.index(until))
    points = range(max(last, 0), last + 1) if case.kind == "independent" else range(base + 1, last + 1)
    job = Job(place["trial"], place["segment"], place["worker"], 0, base, last, 0)
    times = Times(case.conditions, 1)
    job.given = start - times.delay("start", job)
    times.begin(job, 0, [sum(steps[: point + 1]) for point in range(len(steps))], points)
    signals = seen.run.records[seen.run.records["kind"] == Kind.SIGNAL]
    told = [int(s["time"]) for s in signals if (s["trial"], s["segment"]) == (job.trial, job.number)]
    ended = to_ns(place["ended"])
    lost = [time for worker, time, _ in seen.absences if (worker, time) == (job.worker, ended)]
    job.signal, job.lost = min([NEVER, *told]), min([NEVER, *lost])
    return job


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


def without_thinking(case: Case) -> Case:
    return replace(case, conditions=replace(case.conditions, decision_time=0, poll=None))


@given(cases().map(without_thinking))
@examples(120)
def test_asking_not_to_be_called_changes_no_run_T22(case: Case) -> None:
    plain, patient = case.scheduler(), case.scheduler()
    assert digest(case, patient) == digest(case, Patient(plain))
    assert told(patient) == told(plain)


@given(cases().map(without_thinking))
@examples(50)
def test_a_server_that_needs_no_time_is_as_good_as_none_T12(case: Case) -> None:
    served = replace(case, conditions=replace(case.conditions, decision_time=no_time))
    at_once, by_and_by = case.scheduler(), served.scheduler()
    run, slow = (Watched(one, by).finish() for one, by in ((case, at_once), (served, by_and_by)))
    events = slow.records[slow.records["kind"] != Kind.ANSWER]
    assert run.digest == digest_of(events)
    assert told(at_once) == told(by_and_by)


def moody(case: Case) -> Case:
    """Its scheduler answers otherwise when it is asked once more, though it was told nothing."""
    return replace(case, character=replace(case.character, moody=True))


@given(cases().map(moody))
@examples(60)
def test_who_looks_on_changes_no_run_T22_T5(case: Case) -> None:
    """Though every report is delivered singly then: not even how often the scheduler is asked."""
    alone, watched_one = case.scheduler(), case.scheduler()
    runs = [
        simulate(
            case.world,
            scheduler,
            workers=case.workers,
            stop=case.stop,
            seed=1,
            conditions=case.conditions,
            callbacks=callbacks,
        )
        for scheduler, callbacks in ((alone, ()), (watched_one, (Callback(),)))
    ]
    assert runs[0].digest == runs[1].digest
    assert alone.calls == watched_one.calls


@given(cases().map(moody))
@examples(60)
def test_a_limit_that_never_binds_changes_no_run_T22_T5(case: Case) -> None:
    boundless = replace(case.stop, reports=case.stop.reports or 10**9)
    one, other = case.scheduler(), case.scheduler()
    assert digest(case, one) == digest(replace(case, stop=boundless), other)
    assert one.calls == other.calls


class Knocking(Watched):
    """Asks its scheduler for work even after all trials have started."""

    @property
    def takes_suggestions(self) -> bool:
        return not self.drained_by


@given(cases().map(lambda case: without_thinking(with_a_door(case))))
@examples(80)
def test_not_asking_behind_the_closed_door_changes_no_run_T14(case: Case) -> None:
    asked, spared = case.scheduler(), case.scheduler()
    assert Knocking(case, asked).finish().digest == digest(case, spared)
    assert told(asked) == told(spared)
    assert len(spared.calls) <= len(asked.calls)


def with_a_door(case: Case) -> Case:
    return replace(
        case, stop=replace(case.stop, trials_started=case.stop.trials_started or 1 + case.seed % 4)
    )


@given(cases().map(with_a_door))
@examples(80)
def test_behind_the_closed_door_nobody_is_asked_unless_a_trial_can_be_resumed_T14(case: Case) -> None:
    scheduler = case.scheduler()
    simulation = Watched(case, scheduler)
    asked, suggest = [], simulation.suggest

    def suggest_and_see() -> Suggestion:
        asked.append(simulation.takes_suggestions)
        return suggest()

    simulation.suggest = suggest_and_see  # type: ignore[method-assign]
    simulation.finish()
    assert all(asked)


@given(WATCHED)
@examples(100)
def test_a_trial_that_is_known_to_be_over_is_never_told_to_be_paused_T11(seen: Watching) -> None:
    over: set[int] = set()
    for trial in seen.scheduler.ends:
        assert not (trial.status is TrialStatus.PAUSED and trial.number in over)
        if trial.status is not TrialStatus.PAUSED:
            over.add(trial.number)


def no_time(call: Call) -> float:
    return 0.0


def digest(case: Case, scheduler: Scheduler, world: World | None = None) -> str:
    return Watched(case, scheduler, world).finish().digest


def told(scheduler: Recorder) -> list[str]:
    return [call for call in scheduler.calls if not call.startswith("suggest")]


@given(cases())
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


def scaled(conditions: Conditions, change: Callable[[Any], Any]) -> Conditions:
    """All times of the conditions, changed; ``None`` stays."""
    failures = conditions.failures
    times = {name: getattr(failures, name) for name in ("crash", "preempt", "away")}
    return replace(
        conditions,
        delays=Delays(*(change(delay) for delay in vars(conditions.delays).values())),
        decision_time=change(conditions.decision_time),
        poll=change(conditions.poll),
        failures=replace(failures, **{name: change(time) for name, time in times.items()}),
    )


def in_even_seconds(case: Case) -> Case:
    """Without what would be rounded to nanoseconds after it was drawn or divided."""

    def even(time: Any) -> Any:
        return time.high if isinstance(time, Uniform) else time

    delays = case.conditions.delays
    longer = replace(delays, complete=even(delays.report) + even(delays.complete))
    speeds = case.conditions.speeds
    even_speeds = (
        tuple(2 if speed == 1.5 else speed for speed in speeds) if isinstance(speeds, tuple) else None
    )
    return replace(
        case, conditions=replace(scaled(replace(case.conditions, delays=longer), even), speeds=even_speeds)
    )


def slowed(case: Case, factor: int) -> Case:
    def slow(time: Any) -> Any:
        if callable(time):
            return lambda call: factor * time(replace(call, time=round(call.time / factor, 9)))
        return None if time is None else factor * time

    time = None if case.stop.time is None else case.stop.time * factor
    cost = case.stop.cost and replace(case.stop.cost, limit=case.stop.cost.limit * factor)
    stop = replace(case.stop, time=time, cost=cost)
    return replace(case, stop=stop, conditions=scaled(case.conditions, slow))


@given(cases().map(in_even_seconds), st.sampled_from((3, 1000)))
@examples(100)
def test_in_slow_motion_the_same_happens_T1(case: Case, factor: int) -> None:
    world = case.world
    world.scale = factor
    slow_case = slowed(case, factor)
    run = Watched(case, case.scheduler()).finish()
    slow = Watched(slow_case, slow_case.scheduler(), world).finish()
    expected = run.records[run.records["kind"] != Kind.ANSWER]  # whose text says when a request was taken
    expected["time"] *= factor
    events = slow.records[slow.records["kind"] != Kind.ANSWER]
    assert digest_of(events) == digest_of(expected)
    assert [factor * time for time in run.call_columns["answered"]] == slow.call_columns["answered"]


def test_the_worlds_are_varied_enough_to_mean_something() -> None:
    """Each kind of event, each code, each outcome and each reason occurs among the first examples."""
    found: Counter[str] = Counter()

    @given(WATCHED)
    @examples(300)
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
    limits = ("time", "trials_started", "trials_completed", "trials_finished", "reports", "cost", "threshold")
    assert {name for name, count in found.items() if count >= 4} == {
        *("start", "report", "end", "signal", "stopped", "deadline"),
        *("lost", "joined", "queued", "answer"),
        *("continue", "pause", "stop", "late", "repeated", "after_end", "waiting"),
        *("completed", "failed", "paused", "interrupted", "preempted", "resumed", "copied"),
        *(f"ended by {reason}" for reason in (*limits, "exhausted", "stalled")),
    }
