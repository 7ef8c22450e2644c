from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator import (
    ASHA,
    CONTINUE,
    PAUSE,
    STOP,
    Callback,
    Conditions,
    Cost,
    Decision,
    Delays,
    Failures,
    PromotionASHA,
    Report,
    Resume,
    RunState,
    Start,
    Stop,
    Threshold,
    Trial,
    continue_until,
    simulate,
)


def reports(story: list[str]) -> list[str]:
    return [line for line in story if "report" in line and "after_end" not in line]


def test_a_threshold_ends_the_run_right_after_the_report_that_reaches_it_T14(play: Any, job: Any) -> None:
    story, _, run = play([job(10), job(12)], workers=2, stop=Stop(threshold=Threshold(0.5)))
    assert reports(story) == [
        "10 report 0.0 epoch 1 continue",
        "12 report 1.0 epoch 1 continue",
        "20 report 0.0 epoch 2 continue",
    ]
    assert (run.reason, run.seconds) == ("threshold", 20.0)


def test_a_threshold_is_seen_in_reports_that_the_scheduler_does_not_hear_T14_T22(play: Any, job: Any) -> None:
    _, scheduler, run = play(
        [job(10)], {(0, 1): continue_until(4)}, stop=Stop(threshold=Threshold(0.4, "loss"))
    )
    assert (run.reason, run.seconds) == ("threshold", 30.0)
    assert [epoch for _, _, epoch, _ in scheduler.heard] == [1]


def test_the_busy_seconds_of_all_workers_times_a_price_are_a_cost_T14(play: Any, job: Any) -> None:
    _, _, run = play(
        [job(10), job(20)],
        workers=3,
        stop=Stop(cost=Cost(80.0, price=2)),
        conditions=Conditions(Delays(start=5)),
    )
    # 2 workers are busy from the start: 2 x 2 x 20 s; the first event at or after that is at 25 s
    assert (run.reason, run.seconds) == ("cost", 25.0)


def test_a_cumulative_objective_is_a_cost_and_repetitions_are_paid_again_T14(
    play: Any, job: Any, after: Any
) -> None:
    script, decisions = [job(10), after((0, 2), Resume(0))], {(0, 2): PAUSE}
    _, _, run = play(script, decisions, stop=Stop(cost=Cost(40.0, "elapsed_time")))
    assert (run.reason, run.seconds) == ("cost", 40.0)
    stop, conditions = Stop(cost=Cost(40.0, "elapsed_time")), Conditions(checkpoints=False)
    story, _, run = play(script, decisions, stop=stop, conditions=conditions)
    assert (run.reason, run.seconds) == ("cost", 40.0)
    assert story[-3:] == ["40 report 0.1 epoch 2 repeated", "40 end 0.1", "40 deadline 0.1"]


def test_a_function_of_the_state_may_end_the_run_T14(play: Any, job: Any) -> None:
    seen: list[RunState] = []

    def enough(state: RunState) -> bool:
        seen.append(state)
        return state.best is not None and state.best < 0.4 and state.trials_completed == 0

    _, _, run = play([job(10), job(40)], workers=2, stop=Stop(when=enough))
    assert (run.reason, run.seconds) == ("when", 30.0)
    assert seen[-1] == RunState(
        time=30.0,
        trials_started=2,
        trials_completed=0,
        trials_finished=0,
        running=2,
        reports=3,
        busy_seconds=60.0,
        best=1 / 3,
    )


@pytest.mark.parametrize(
    ("limit", "reason"),
    [({"time": 15}, "time"), ({"reports": 1}, "reports"), ({"trials_finished": 1}, "trials_finished")],
)
def test_draining_lets_the_running_jobs_end_and_starts_no_more_T14(
    play: Any, job: Any, limit: Any, reason: str
) -> None:
    _, scheduler, run = play(
        [job(10), job(12), job(5)], {(1, 1): STOP}, workers=2, stop=Stop(**limit, drain=True)
    )
    expected = [(1, "stopped"), (0, "completed")]
    if reason == "time":  # the freed worker was given work before the limit
        expected = [(1, "stopped"), (2, "completed"), (0, "completed")]
    assert scheduler.ended == expected
    assert (run.reason, run.seconds) == (reason, 40.0)


def test_late_points_never_count_T14(play: Any, job: Any) -> None:
    _, _, run = play(
        [job(10), job(30)],
        {(0, 1): STOP},
        workers=2,
        stop=Stop(reports=3),
        conditions=Conditions(Delays(stop=25)),
    )
    assert (run.reason, run.seconds) == ("reports", 60.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cost(0), "Cost.limit is 0, but must be a number above 0"),
        (lambda: Cost(1, price=-2), "Cost.price is -2, but must be a number above 0"),
        (lambda: Threshold(float("nan")), "Threshold.value is nan, but must be a finite number"),
        (lambda: Stop(drain=True), "a run needs an end"),
    ],
)
def test_limits_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make()


def test_limits_on_objectives_that_cannot_bear_them_are_refused(tiny: Any) -> None:
    with pytest.raises(UnknownName, match="unknown objective 'lose'; did you mean 'loss'"):
        simulate(tiny, ASHA, workers=1, stop=Stop(threshold=Threshold(1, "lose")))
    with pytest.raises(InvalidOption, match="the threshold's 'elapsed_time' must have a goal"):
        simulate(tiny, ASHA, workers=1, stop=Stop(threshold=Threshold(1, "elapsed_time")))
    with pytest.raises(InvalidOption, match="the cost 'loss' must be cumulative"):
        simulate(tiny, ASHA, workers=1, stop=Stop(cost=Cost(1, "loss")))


class Diary(Callback):
    def __init__(self, *, hears: bool = True) -> None:
        self.hears_reports = hears
        self.lines: list[str] = []
        self.states: list[RunState] = []

    def on_start(self, schema: Any, workers: int, stop: Stop) -> None:
        self.lines.append(f"start {schema.target} {workers} {stop.time}")

    def on_report(self, trial: Trial, report: Report, decision: Decision | None) -> None:
        self.lines.append(f"{report.time:g} {trial.number} {report.fidelity} {decision and decision.action}")

    def on_end(self, trial: Trial, time: float) -> None:
        self.lines.append(f"{time:g} end {trial.number} {trial.status.value}")

    def on_instant(self, state: RunState) -> None:
        self.states.append(state)

    def on_finish(self, run: Any) -> None:
        self.lines.append(f"finish {run.reason}")


def test_a_callback_hears_everything_in_order(play: Any, job: Any, tiny: Any, scripted: Any) -> None:
    diary = Diary()
    scheduler = scripted([job(10), job(15)], {(0, 1): continue_until(4), (1, 2): STOP})
    simulate(tiny, scheduler, workers=2, stop=Stop(time=100), callbacks=[diary])
    assert diary.lines == [
        "start loss 2 100",
        "10 0 1 continue",
        "15 1 1 continue",
        "20 0 2 None",
        "30 0 3 None",
        "30 1 2 stop",
        "30 end 1 stopped",
        "40 0 4 continue",
        "40 end 0 completed",
        "finish exhausted",
    ]
    assert [state.time for state in diary.states] == [0, 10, 15, 20, 30, 40, 40]
    assert diary.states[-1].busy_seconds == 70


@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA])
@pytest.mark.parametrize("hears", [True, False])
def test_callbacks_and_watchful_limits_change_no_digest_T22(tiny: Any, scheduler: Any, hears: bool) -> None:
    stops = [Stop(time=20000), Stop(time=20000, when=lambda state: False), Stop(time=20000, reports=10**9)]
    runs = [simulate(tiny, scheduler, workers=3, stop=stop, seed=1) for stop in stops]
    runs.append(simulate(tiny, scheduler, workers=3, stop=stops[0], seed=1, callbacks=[Diary(hears=hears)]))
    assert len({run.digest for run in runs}) == 1


def test_busy_seconds_count_from_when_a_worker_was_given_its_job_T14(play: Any, job: Any) -> None:
    """Three jobs on two workers, with 5 s until each trains: trial 0 has cost 45, then trial 2 costs on."""
    script, stop = [job(10), job(25), job(40)], Stop(cost=Cost(160.0))
    _, _, run = play(script, workers=2, stop=stop, conditions=Conditions(Delays(start=5)))
    # busy by 80 s: worker 0 for 45 + 35 s, worker 1 for 80 s; reports come at 30, 55, 80 s from trial 1
    assert (run.reason, run.seconds) == ("cost", 80.0)
    busy = [row["ended"] - row["busy_from"] for row in run.segments().to_pylist()]
    assert sum(busy) == 160.0


def test_a_budget_of_busy_seconds_is_looked_at_when_a_job_is_preempted_T14_T18(play: Any, job: Any) -> None:
    """Nothing is ever reported, as workers are lost too soon."""
    conditions = Conditions(failures=Failures(preempt=4, away=1))
    _, scheduler, run = play([job(100)], stop=Stop(cost=Cost(7.0)), conditions=conditions)
    assert (run.reason, run.seconds) == ("cost", 9.0)
    assert scheduler.ended == [(0, "interrupted")]
    assert run.segments().to_pydict()["outcome"] == ["preempted", "preempted"]


def test_a_budget_is_looked_at_when_a_job_that_is_lost_fails_T14_T18(play: Any, job: Any) -> None:
    conditions = Conditions(failures=Failures(preempt=4, away=1, requeue=False))
    _, scheduler, run = play([job(100), job(100), job(100)], stop=Stop(cost=Cost(7.0)), conditions=conditions)
    assert (run.reason, run.seconds) == ("cost", 9.0)
    assert scheduler.ended == [(0, "failed"), (1, "failed")]


class Counting:
    """Starts a trial but for each fourth time that it is asked; its first one pauses once and is resumed."""

    def __init__(self) -> None:
        self.asked = 0
        self.paused = False

    def suggest(self) -> Start | Resume | None:
        self.asked += 1
        if self.paused:
            self.paused = False
            return Resume(0)
        return Start({"pace": 2.0, "level": 0}) if self.asked % 4 else None

    def on_report(self, trial: Trial, report: Report) -> Decision:
        self.paused = (trial.number, report.fidelity) == (0, 2)
        return PAUSE if self.paused else continue_until(4 if trial.number else 2)

    def on_end(self, trial: Trial) -> None:
        """Known already."""


@pytest.mark.parametrize("checkpoints", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_that_never_binds_changes_nothing_even_for_one_who_counts_T5_T10_T22(
    tiny: Any, checkpoints: bool, workers: int
) -> None:
    """Repeated reports, and those before a ``continue_until``, are delivered singly with such a limit."""
    runs, schedulers = [], [Counting() for _ in range(4)]
    never: list[dict[str, Any]] = [{}, {"reports": 10**9}, {"when": lambda state: False}, {"cost": Cost(1e9)}]
    for scheduler, limit in zip(schedulers, never, strict=True):
        stop, conditions = Stop(time=31, **limit), Conditions(checkpoints=checkpoints)
        runs.append(simulate(tiny, scheduler, workers=workers, stop=stop, conditions=conditions))
    assert len({run.digest for run in runs}) == 1
    assert len({scheduler.asked for scheduler in schedulers}) == 1
    assert len(runs[0].trials()) > 1


class Asked:
    """Starts trials for ever, each of which pauses after its first epoch if its number says so."""

    def __init__(self, pausing: int | None = None) -> None:
        self.pausing = pausing
        self.asked: list[int] = []
        self.known: list[int] = []
        self.paused: list[int] = []

    def suggest(self) -> Start | Resume:
        self.asked.append(len(self.known))
        if self.paused:
            return Resume(self.paused.pop())
        return Start({"pace": 10.0 + len(self.asked), "level": 0})

    def on_report(self, trial: Trial, report: Report) -> Decision:
        self.known.append(trial.number)
        if trial.number == self.pausing and report.fidelity == 1:
            self.paused.append(trial.number)
            return PAUSE
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Nothing to note."""


@pytest.mark.parametrize("decision_time", [0, 1])
def test_a_closed_door_is_not_knocked_at_T14(tiny: Any, decision_time: float) -> None:
    scheduler = Asked()
    conditions = Conditions(decision_time=decision_time)
    run = simulate(tiny, scheduler, workers=3, stop=Stop(trials_started=4), conditions=conditions)
    assert (run.reason, len(run.trials()), len(scheduler.asked)) == ("trials_started", 4, 4)


@pytest.mark.parametrize("conditions", [None, Conditions(decision_time=1), Conditions(poll=5)])
def test_behind_the_closed_door_one_is_asked_while_a_trial_is_paused_T14(tiny: Any, conditions: Any) -> None:
    """Trial 1 pauses when all have started; it is resumed at once, and then there is no use in asking."""
    scheduler = Asked(pausing=1)
    run = simulate(tiny, scheduler, workers=2, stop=Stop(trials_started=2), conditions=conditions)
    assert len(scheduler.asked) == 3
    assert run.segments().to_pydict()["trial"] == [0, 1, 1]
    assert set(run.trials().to_pydict()["status"]) == {"completed"}


def test_behind_the_closed_door_one_is_asked_from_the_decision_to_pause_on_T14_T9a(tiny: Any) -> None:
    """Trial 1 pauses at 12 s, its worker is free at 40 s, when its curve ends; another worker is idle."""
    scheduler, conditions = Asked(pausing=1), Conditions(Delays(stopped=28))
    run = simulate(tiny, scheduler, workers=3, stop=Stop(trials_started=2), conditions=conditions)
    jobs = [
        (row["trial"], row["worker"], row["busy_from"], row["ended"]) for row in run.segments().to_pylist()
    ]
    assert jobs == [(0, 0, 0.0, 44.0), (1, 1, 0.0, 40.0), (1, 2, 12.0, 48.0)]


class Wary(Asked):
    """Resumes its paused trial only when it has been asked five times more."""

    def suggest(self) -> Start | Resume:
        paused, self.paused = self.paused, self.paused if len(self.asked) >= 7 else []
        suggestion = super().suggest()
        self.paused = self.paused if isinstance(suggestion, Resume) else paused
        return suggestion


def test_as_long_as_a_trial_is_paused_one_is_asked_after_each_event_and_its_starts_are_dropped_T14(
    tiny: Any,
) -> None:
    scheduler = Wary(pausing=1)
    run = simulate(tiny, scheduler, workers=3, stop=Stop(trials_started=3))
    assert len(scheduler.asked) == 8
    assert len(run.trials()) == 3
    assert run.segments().to_pydict()["trial"] == [0, 1, 1, 2]


def test_a_trial_at_its_bound_can_be_resumed_behind_the_closed_door_before_its_end_T14_T9a(
    play: Any, job: Any, after: Any
) -> None:
    """Its report at 20 s is told, its end is registered at 24 s; another worker is idle."""
    delays = Conditions(Delays(complete=4))
    script = [job(10, until=2), job(1), after((0, 2), Resume(0))]
    story, _, _ = play(script, workers=2, stop=Stop(trials_started=2), conditions=delays)
    assert "24 start 0.1" in story
    assert "24 end 0.0" in story


@pytest.mark.parametrize("workers", [0, -1, 2.5, True, "3", 1_000_001, 10**9, 10**30])
def test_numbers_of_workers_that_cannot_be_are_refused(tiny: Any, workers: Any) -> None:
    with pytest.raises(InvalidOption, match="workers is .*, but must be a whole number, from 1 to 1000000"):
        simulate(tiny, ASHA, workers=workers, stop=Stop(time=1))


def test_the_state_knows_to_the_second_for_how_long_workers_have_been_busy_T14(play: Any, job: Any) -> None:
    """Two workers are busy without a break until 105 s, from before each of their jobs trains."""
    seen: list[tuple[float, float]] = []

    def look(state: RunState) -> bool:
        seen.append((state.time, state.busy_seconds))
        return False

    conditions = Conditions(Delays(start=5))
    play([job(10), job(25), job(40)], workers=2, stop=Stop(when=look), conditions=conditions)
    assert [time for time, _ in seen][:6] == [15.0, 25.0, 30.0, 35.0, 45.0, 45.0]
    assert [busy for time, busy in seen if time <= 105] == [2 * time for time, _ in seen if time <= 105]
    assert [(time, busy - 105) for time, busy in seen if time > 105] == [
        *[(time, time) for time in (130.0, 170.0, 210.0, 210.0)],
    ]
