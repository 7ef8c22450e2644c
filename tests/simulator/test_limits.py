from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator import (
    ASHA,
    PAUSE,
    STOP,
    Callback,
    Conditions,
    Cost,
    Decision,
    Delays,
    PromotionASHA,
    Report,
    Resume,
    RunState,
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
