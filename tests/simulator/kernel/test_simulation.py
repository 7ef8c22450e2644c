"""Stories of small runs, each with the rule of docs/time.md that it tells."""

from __future__ import annotations

import time
from typing import Any

import pytest

from blackbox_repo.blackbox import from_function
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidOption
from blackbox_repo.repository import load_blackbox
from blackbox_repo.views import with_time_model
from simulator import (
    ASHA,
    PAUSE,
    STOP,
    Conditions,
    Decision,
    Delays,
    Failures,
    RandomSearch,
    Resume,
    SchedulerError,
    SimulationError,
    Start,
    Stop,
    Uniform,
    continue_until,
    simulate,
)
from simulator.kernel.agenda import Agenda
from simulator.kernel.events import Event


def delayed(**seconds: float) -> Conditions:
    return Conditions(delays=Delays(**seconds))


def test_a_trial_alone_lasts_as_long_as_its_curve_T6_T21(play: Any, job: Any) -> None:
    story, scheduler, run = play([job(10)])
    assert story == [
        "0 start 0.0",
        "10 report 0.0 epoch 1 continue",
        "20 report 0.0 epoch 2 continue",
        "30 report 0.0 epoch 3 continue",
        "40 report 0.0 epoch 4 continue",
        "40 end 0.0",
        "40 deadline 0.0",
    ]
    assert scheduler.heard == [(10.0, 0, 1, 1.0), (20.0, 0, 2, 0.5), (30.0, 0, 3, 1 / 3), (40.0, 0, 4, 0.25)]
    assert scheduler.ended == [(0, "completed")]
    assert (run.reason, run.seconds) == ("exhausted", 40.0)


def test_points_on_their_way_to_a_stopped_worker_are_late_and_hold_up_nobody_T9(play: Any, job: Any) -> None:
    story, scheduler, _ = play(
        [job(10), job(20, until=1)],
        {(0, 2): STOP},
        workers=2,
        conditions=delayed(start=1, report=2, stop=5, stopped=3),
    )
    assert story == [
        "1 start 0.0",
        "1 start 1.0",
        "13 report 0.0 epoch 1 continue",
        "23 report 0.0 epoch 2 stop",
        "23 report 1.0 epoch 1 continue",
        "23 end 1.0",
        "28 signal 0.0",
        "31 stopped 0.0",
        "31 deadline 0.0",
    ]
    assert scheduler.ended == [(1, "paused"), (0, "stopped")]


def test_a_signal_that_comes_after_the_end_does_nothing_T9b(play: Any, job: Any) -> None:
    story, scheduler, _ = play(
        [job(10), job(20, until=1)], {(0, 2): STOP}, conditions=delayed(start=1, report=2, stop=25, stopped=3)
    )
    assert story == [
        "1 start 0.0",
        "13 report 0.0 epoch 1 continue",
        "23 report 0.0 epoch 2 stop",
        "33 report 0.0 epoch 3 late",
        "43 report 0.0 epoch 4 late",
        "43 end 0.0",
        "44 start 1.0",
        "48 signal 0.0",
        "66 report 1.0 epoch 1 continue",
        "66 end 1.0",
        "66 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "stopped"), (1, "paused")]


def test_a_paused_trial_is_resumed_from_its_checkpoint_when_the_signal_is_there_T9a_T10(
    play: Any, job: Any, after: Any
) -> None:
    story, scheduler, _ = play(
        [job(10), after((0, 2), Resume(0))],
        {(0, 2): PAUSE},
        workers=2,
        conditions=delayed(start=1, stop=15, stopped=30),
    )
    assert story == [
        "1 start 0.0",
        "11 report 0.0 epoch 1 continue",
        "21 report 0.0 epoch 2 pause",
        "31 report 0.0 epoch 3 late",
        "36 start 0.1",
        "36 signal 0.0",
        "41 end 0.0",
        "46 report 0.1 epoch 3 continue",
        "56 report 0.1 epoch 4 continue",
        "56 end 0.1",
        "56 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "paused"), (0, "completed")]


def test_a_resumed_segment_waits_no_longer_than_the_job_before_it_runs_T9a(
    play: Any, job: Any, after: Any
) -> None:
    story, _, _ = play(
        [job(10), after((0, 2), Resume(0))],
        {(0, 2): PAUSE},
        workers=2,
        conditions=delayed(report=2, stop=25, stopped=3),
    )
    assert [line for line in story if "start" in line] == ["0 start 0.0", "42 start 0.1"]


def test_a_bounded_job_ends_by_itself_and_its_trial_is_paused_T7(play: Any, job: Any, after: Any) -> None:
    story, scheduler, run = play(
        [job(10, until=2), after(("end", 0), Resume(0, until=3)), after((0, 3), Resume(0))]
    )
    assert story == [
        "0 start 0.0",
        "10 report 0.0 epoch 1 continue",
        "20 start 0.1",
        "20 report 0.0 epoch 2 continue",
        "20 end 0.0",
        "30 start 0.2",
        "30 report 0.1 epoch 3 continue",
        "30 end 0.1",
        "40 report 0.2 epoch 4 continue",
        "40 end 0.2",
        "40 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "paused"), (0, "paused"), (0, "completed")]
    assert run.trial_columns["segments"] == [3]


def test_resuming_a_bounded_job_waits_for_its_end_T9a(play: Any, job: Any, after: Any) -> None:
    story, _, _ = play(
        [job(10, until=2), after((0, 2), Resume(0))], workers=2, conditions=delayed(report=1, complete=4)
    )
    assert story[2:5] == ["21 report 0.0 epoch 2 continue", "24 start 0.1", "24 end 0.0"]


def test_without_checkpoints_a_resumed_trial_repeats_what_it_told_T10(
    play: Any, job: Any, after: Any
) -> None:
    story, scheduler, _ = play(
        [job(10), after((0, 2), Resume(0))], {(0, 2): PAUSE}, conditions=Conditions(checkpoints=False)
    )
    assert story[5:9] == [
        "20 stopped 0.0",
        "30 report 0.1 epoch 1 repeated",
        "40 report 0.1 epoch 2 repeated",
        "50 report 0.1 epoch 3 continue",
    ]
    assert [epoch for _, _, epoch, _ in scheduler.heard] == [1, 2, 3, 4]


def test_a_trial_may_begin_at_the_checkpoint_of_another_on_its_own_curve_T8(
    play: Any, job: Any, after: Any
) -> None:
    story, scheduler, _ = play([job(10), after((0, 2), job(5, 3, checkpoint_of=0))], workers=2)
    assert [line for line in story if " 1.0" in line] == [
        "20 start 1.0",
        "25 report 1.0 epoch 3 continue",
        "30 report 1.0 epoch 4 continue",
        "30 end 1.0",
    ]
    assert (25.0, 1, 3, 3 + 1 / 3) in scheduler.heard


def test_a_checkpoint_is_as_new_as_the_reports_that_nobody_wanted_to_hear_T8_T22(
    play: Any, job: Any, after: Any
) -> None:
    story, _, _ = play(
        [job(10), job(30, until=1), after((1, 1), job(1, checkpoint_of=0))],
        {(0, 1): continue_until(4)},
        workers=3,
    )
    assert "30 start 2.0" in story
    assert "31 report 2.0 epoch 4 continue" in story


def test_a_report_that_nobody_wants_to_hear_is_no_checkpoint_before_it_arrives_T8_T22(
    play: Any, job: Any, after: Any
) -> None:
    story, _, _ = play(
        [job(10), job(28, until=1), after((1, 1), job(1, checkpoint_of=0))],
        {(0, 1): continue_until(4)},
        workers=3,
        conditions=delayed(report=5),
    )
    assert [line for line in story if " 2.0" in line][:2] == [
        "33 start 2.0",
        "39 report 2.0 epoch 3 continue",
    ]


def test_an_independent_fidelity_costs_in_full_and_reports_only_its_end_T6a(
    play: Any, job: Any, after: Any, make_tiny: Any
) -> None:
    story, _, _ = play(
        [job(10, until=2), after((0, 2), Resume(0, until=4))], blackbox=make_tiny(kind="independent")
    )
    assert story == [
        "0 start 0.0",
        "20 start 0.1",
        "20 report 0.0 epoch 2 continue",
        "20 end 0.0",
        "60 report 0.1 epoch 4 continue",
        "60 end 0.1",
        "60 deadline 0.0",
    ]


def test_an_independent_job_that_has_no_points_ends_at_its_start_T6a(
    play: Any, job: Any, make_tiny: Any
) -> None:
    nothing = make_tiny(kind="independent", lengths={10.0: 0}, status="crashed")
    story, scheduler, _ = play([job(10)], blackbox=nothing, conditions=delayed(start=1))
    assert story == ["1 start 0.0", "1 end 0.0", "1 deadline 0.0"]
    assert scheduler.ended == [(0, "failed")]


def test_a_report_that_is_due_is_no_checkpoint_before_it_is_told_T8(play: Any, job: Any, after: Any) -> None:
    script = [job(10, until=1), job(0), job(5, checkpoint_of=1)]
    with pytest.raises(SchedulerError, match="checkpoint of trial 1, which has not reported yet"):
        play(script, workers=3)
    _, scheduler, _ = play([*script[:2], after((1, 1), script[2])], workers=3)
    assert [epoch for _, trial, epoch, _ in scheduler.heard if trial == 1] == [1, 2, 3, 4]


def test_at_the_end_jobs_are_told_in_the_order_of_trials_not_of_starts_T2_T15(
    play: Any, job: Any, after: Any
) -> None:
    script = [job(10, until=1), job(20), after(("end", 0), Resume(0))]
    _, scheduler, _ = play(script, workers=2, stop=Stop(time=15))
    assert scheduler.ended == [(0, "paused"), (0, "interrupted"), (1, "interrupted")]


def test_reports_at_the_limit_count_and_nothing_is_suggested_there_T15(play: Any, job: Any) -> None:
    story, scheduler, run = play([job(10), job(10), job(10)], {(0, 2): STOP}, workers=2, stop=Stop(time=20))
    assert story[2:] == [
        "10 report 0.0 epoch 1 continue",
        "10 report 1.0 epoch 1 continue",
        "20 report 0.0 epoch 2 stop",
        "20 report 1.0 epoch 2 continue",
        "20 end 1.0",
        "20 signal 0.0",
        "20 stopped 0.0",
        "20 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "stopped"), (1, "interrupted")]
    assert (run.reason, len(scheduler.script)) == ("time", 1)


def test_points_produced_before_the_end_that_arrive_after_it_are_recorded_T15_T21(
    play: Any, job: Any
) -> None:
    story, scheduler, _ = play([job(10)], stop=Stop(time=20), conditions=delayed(report=5))
    assert story[1:] == [
        "15 report 0.0 epoch 1 continue",
        "20 end 0.0",
        "20 deadline 0.0",
        "25 report 0.0 epoch 2 after_end",
    ]
    assert scheduler.heard == [(15.0, 0, 1, 1.0)]


def test_late_points_after_the_end_are_told_apart_and_later_ones_never_were_T9_T15(
    play: Any, job: Any
) -> None:
    story, _, _ = play([job(10)], {(0, 1): STOP}, stop=Stop(time=32), conditions=delayed(report=5, stop=30))
    assert story[1:] == [
        "15 report 0.0 epoch 1 stop",
        "25 report 0.0 epoch 2 late",
        "32 end 0.0",
        "32 deadline 0.0",
        "35 report 0.0 epoch 3 after_end",
    ]


def test_a_point_produced_at_the_very_end_is_after_it_late_or_not_T15(play: Any, job: Any) -> None:
    story, _, _ = play([job(10)], {(0, 1): STOP}, stop=Stop(time=30), conditions=delayed(report=5, stop=30))
    assert story[3:] == ["30 end 0.0", "30 deadline 0.0", "35 report 0.0 epoch 3 after_end"]


def test_a_late_point_that_ties_with_the_last_report_is_after_it_T2_T14(play: Any, job: Any) -> None:
    _, _, run = play(
        [job(10), job(10)], {(1, 1): STOP}, workers=2, stop=Stop(reports=3), conditions=delayed(stop=15)
    )
    assert [(row["trial"], row["decision"]) for row in run.reports().to_pylist()] == [
        (0, "continue"),
        (1, "stop"),
        (0, "continue"),
        (1, "after_end"),
    ]


def test_a_count_ends_the_run_right_after_that_event_T14(play: Any, job: Any) -> None:
    story, _, run = play([job(10), job(12), job(20)], workers=3, stop=Stop(reports=3))
    assert [line for line in story if "report" in line] == [
        "10 report 0.0 epoch 1 continue",
        "12 report 1.0 epoch 1 continue",
        "20 report 0.0 epoch 2 continue",
        "20 report 2.0 epoch 1 after_end",
    ]
    assert (run.reason, run.seconds) == ("reports", 20.0)


@pytest.mark.parametrize(("limit", "end"), [("trials_completed", 40.0), ("trials_finished", 12.0)])
def test_trials_are_counted_when_their_end_is_registered_T14(
    play: Any, job: Any, limit: str, end: float
) -> None:
    _, _, run = play([job(10), job(12)], {(1, 1): STOP}, workers=2, stop=Stop(**{limit: 1}))
    assert (run.reason, run.seconds) == (limit, end)


def test_of_two_limits_that_one_end_reaches_the_narrower_is_the_reason_T14(play: Any, job: Any) -> None:
    _, _, run = play([job(10)], stop=Stop(trials_finished=1, trials_completed=1))
    assert run.reason == "trials_completed"


def test_after_so_many_starts_paused_trials_may_still_go_on_T14(play: Any, job: Any, after: Any) -> None:
    _, scheduler, run = play(
        [job(10, until=1), job(12), after(("end", 0), Resume(0)), job(1)],
        workers=2,
        stop=Stop(trials_started=2),
    )
    assert scheduler.ended == [(0, "paused"), (0, "completed"), (1, "completed")]
    assert (run.reason, run.seconds, run.trial_columns["trial"]) == ("trials_started", 48.0, [0, 1])


def test_a_run_with_nothing_to_do_is_exhausted_or_stalled_T5(play: Any, job: Any) -> None:
    assert play([])[2].reason == "exhausted"
    assert play([job(10, until=2)])[2].reason == "stalled"


def test_a_diverged_curve_ends_in_failure_T11(play: Any, job: Any, make_tiny: Any) -> None:
    _, scheduler, _ = play([job(10)], blackbox=make_tiny(lengths={10.0: 2}, status="diverged"))
    assert scheduler.ended == [(0, "failed")]
    _, scheduler, _ = play([job(10)], blackbox=make_tiny(lengths={10.0: 2}))
    assert scheduler.ended == [(0, "completed")]


@pytest.mark.parametrize(
    "conditions", [Conditions(), Conditions(Delays(1, 2, 3), decision_time=Uniform(1, 9), poll=7)]
)
def test_no_real_clock_is_read_T3(
    make_tiny: Any, monkeypatch: pytest.MonkeyPatch, conditions: Conditions
) -> None:
    def forbidden() -> float:
        raise AssertionError

    blackbox, clocks = make_tiny(27), ("time", "monotonic", "perf_counter", "process_time")
    with monkeypatch.context() as patched:
        for clock in (*clocks, *(f"{clock}_ns" for clock in clocks)):
            patched.setattr(time, clock, forbidden)
        run = simulate(blackbox, ASHA, workers=4, stop=Stop(time=50000), conditions=conditions)
    assert len(run.records) > 100


@pytest.mark.parametrize("scheduler", [ASHA, RandomSearch])
def test_of_a_job_that_runs_one_event_is_queued_and_not_its_curve(
    make_tiny: Any, monkeypatch: pytest.MonkeyPatch, scheduler: Any
) -> None:
    """So memory grows with what is kept, and time with the logarithm of the workers."""
    sizes, add = list[int](), Agenda.push

    def push(queue: Agenda, event: Event) -> None:
        add(queue, event)
        sizes.append(len(queue._heap))

    monkeypatch.setattr(Agenda, "push", push)
    run = simulate(make_tiny(200), scheduler, workers=50, stop=Stop(trials_started=300))
    assert len(run.reports()) > 1500
    assert max(sizes) <= 2 * 50


def test_idle_workers_are_served_after_all_events_of_an_instant_T4(play: Any, job: Any) -> None:
    story, _, _ = play([job(10, until=1), job(10, until=1), job(5, until=1)], workers=2)
    assert story[2:] == [
        "10 start 2.0",
        "10 report 0.0 epoch 1 continue",
        "10 report 1.0 epoch 1 continue",
        "10 end 0.0",
        "10 end 1.0",
        "15 report 2.0 epoch 1 continue",
        "15 end 2.0",
        "15 deadline 0.0",
    ]


def test_trials_that_take_no_time_do_not_hang_the_run_T5(tiny: Any) -> None:
    class Endless(RandomSearch):
        def suggest(self) -> Start:
            return Start({"pace": 0.0, "level": 0})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.kernel.simulation.MAX_SUGGESTIONS_AT_ONE_INSTANT", 100)
        with pytest.raises(
            SimulationError, match="at the simulated second 0.0: the curves of 'tiny' take no"
        ):
            simulate(tiny, Endless, workers=2, stop=Stop(time=10))


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        ("go", "answered 'go', which is no Start, Resume or None"),
        (Start({"pace": 10.0}), "started {'pace': 10.0}: {'pace': 10.0} lacks the hyperparameter 'level'"),
        (Start({"pace": 10.0, "level": 1}, until=2.5), "epoch=2.5 is not in 1..4"),
        (Start({"pace": 1.0, "level": 1}, checkpoint_of=4), "checkpoint of trial 4, but there are 0 trials"),
        (Resume(3), "resumed trial 3, but there are 0 trials"),
        (Resume("0"), "resumed trial '0', but there are 0 trials"),  # type: ignore[arg-type]
    ],
)
def test_impossible_suggestions_are_named_with_call_and_time(
    play: Any, suggestion: Any, message: str
) -> None:
    with pytest.raises(SchedulerError) as caught:
        play([suggestion])
    assert str(caught.value).startswith("Scripted.suggest() at the simulated second 0.0 ")
    assert message in str(caught.value)


def test_only_paused_trials_can_be_resumed_T9a(play: Any, job: Any, after: Any) -> None:
    with pytest.raises(SchedulerError, match=r"second 10\.0 resumed trial 0, which is running"):
        play([job(10), after((0, 1), Resume(0))], workers=2)
    with pytest.raises(SchedulerError, match="resumed trial 0, which is stopped"):
        play([job(10), after((0, 1), Resume(0))], {(0, 1): STOP})
    with pytest.raises(SchedulerError, match="resumed trial 0, which is completed"):
        play([job(10), after(("end", 0), Resume(0))])


def test_a_checkpoint_needs_a_report_and_a_cluster_that_keeps_it_T8(play: Any, job: Any, after: Any) -> None:
    with pytest.raises(SchedulerError, match="checkpoint of trial 0, which has not reported yet"):
        play([job(10), job(10, checkpoint_of=0)], workers=2)
    with pytest.raises(SchedulerError, match="checkpoint of trial 0, which keeps no checkpoints here"):
        play(
            [job(10), after((0, 1), job(10, checkpoint_of=0))],
            workers=2,
            conditions=Conditions(checkpoints=False),
        )


def test_an_answer_that_is_no_decision_is_refused(tiny: Any) -> None:
    class Mute(RandomSearch):
        def on_report(self, trial: Any, report: Any) -> Any:
            return "stop"

    with pytest.raises(SchedulerError, match=r"Mute\.on_report\(\) at .* answered 'stop' to trial 0"):
        simulate(tiny, Mute, workers=1, stop=Stop(time=1e6))


def test_the_arguments_of_simulate_are_checked(tiny: Any) -> None:
    with pytest.raises(InvalidOption, match="workers is 0, but must be a whole number, from 1 to 1000000"):
        simulate(tiny, RandomSearch, workers=0, stop=Stop(time=1))
    with pytest.raises(InvalidOption, match="seed is 1.5, but must be a whole number"):
        simulate(tiny, RandomSearch, workers=1, stop=Stop(time=1), seed=1.5)
    with pytest.raises(InvalidOption, match="a run needs an end"):
        Stop()
    with pytest.raises(InvalidOption, match="the limit time is -1, but must be a number above 0"):
        Stop(time=-1)
    with pytest.raises(InvalidOption, match="the limit reports is 2.5, but must be a whole number"):
        Stop(reports=2.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match=r"delays\.stop is -1, but must be 0 or more seconds"):
        Delays(stop=-1)
    with pytest.raises(InvalidOption, match=r"delays\.complete is 1, but must not be shorter"):
        Delays(report=2, complete=1)


def test_a_blackbox_without_time_is_refused_and_the_way_out_said_T23(tiny: Any) -> None:
    schema = tiny.schema
    timeless = from_function(
        type(schema)(schema.space, schema.fidelity, schema.objectives[:1], "loss"),
        lambda configuration, seed: {"loss": [1.0] * 4},
    )
    with pytest.raises(
        InvalidOption, match=r"records no time.*views\.with_time_model.*--time-model constant:"
    ):
        simulate(timeless, RandomSearch, workers=1, stop=Stop(time=1))


def test_a_factory_is_made_with_schema_and_seed_and_an_instance_taken_as_it_is(tiny: Any) -> None:
    by_factory = simulate(tiny, ASHA, workers=2, stop=Stop(time=500), seed=3)
    by_instance = simulate(tiny, ASHA(tiny.schema, 3), workers=2, stop=Stop(time=500), seed=3)
    assert by_factory.digest == by_instance.digest
    assert by_factory.header == by_instance.header
    assert by_factory.digest != simulate(tiny, ASHA, workers=2, stop=Stop(time=500), seed=4).digest


def test_the_scheduler_cannot_change_the_configuration_of_a_trial(play: Any, job: Any) -> None:
    start = job(10)
    _, _, run = play([start])
    start.configuration["pace"] = 999.0
    assert run.configuration(0) == {"pace": 10.0, "level": 0}


def test_a_time_that_no_clock_can_hold_is_refused_T1(play: Any, job: Any, make_tiny: Any) -> None:
    class Endless(make_tiny):  # type: ignore[misc]
        def curve(self, configuration: Any, *, seed: int | None = None) -> Any:
            values = {"loss": [1.0] * 4, "elapsed_time": [1e300] * 4}
            return LearningCurve.of(self.schema, values, seed=seed or 0)

    with pytest.raises(SimulationError, match="the time 'elapsed_time' of .* reaches beyond 292 years"):
        play([job(10)], blackbox=Endless())


def test_a_configuration_off_the_table_is_named_with_call_time_and_way_out() -> None:
    blackbox = load_blackbox("icml-xgboost")["a6a"]
    elsewhere = {**blackbox.configurations()[0], "eta": 0.5}

    class Stray(RandomSearch):
        def suggest(self) -> Start:
            return Start(elsewhere)

    timed = with_time_model(blackbox, 1.0)
    with pytest.raises(SchedulerError, match=r"suggest\(\) at .* second 0.0 started .* views.nearest"):
        simulate(timed, Stray, workers=1, stop=Stop(time=10))


def test_a_decision_is_one_of_three() -> None:
    with pytest.raises(InvalidOption, match="a decision is 'continue', 'pause' or 'stop', not 'explode'"):
        Decision("explode")  # type: ignore[arg-type]


# --- signals to jobs that have ended, and ends of trials that are over --------------------------------------


def test_a_signal_to_a_job_that_has_ended_keeps_no_run_open_T9b_T5(play: Any, job: Any) -> None:
    story, scheduler, run = play([job(0.75)], {(0, 4): STOP}, conditions=delayed(stop=5))
    assert story[-3:] == ["3 report 0.0 epoch 4 stop", "3 end 0.0", "3 deadline 0.0"]
    assert scheduler.ended == [(0, "stopped")]
    assert (run.reason, run.seconds) == ("exhausted", 3.0)


def test_if_the_run_goes_on_such_a_signal_is_an_event_all_the_same_T9b(play: Any, job: Any) -> None:
    story, _, run = play([job(0.75), job(2)], {(0, 4): STOP}, workers=2, conditions=delayed(stop=5))
    assert [line for line in story if "signal" in line] == ["8 signal 0.0"]
    assert run.seconds == 8.0


@pytest.mark.parametrize("decision", [STOP, PAUSE])
@pytest.mark.parametrize(("stopped", "end"), [(0, 15.0), (3, 18.0)])
def test_a_signal_that_a_job_waits_for_is_awaited_T9b_T5(
    play: Any, job: Any, decision: Decision, stopped: float, end: float
) -> None:
    story, _, run = play([job(10)], {(0, 1): decision}, conditions=delayed(stop=5, stopped=stopped))
    assert "15 signal 0.0" in story
    assert run.seconds == end


def test_a_drained_run_does_not_wait_for_a_signal_in_vain_T9b_T14(play: Any, job: Any) -> None:
    _, _, run = play(
        [job(0.75)], {(0, 4): STOP}, stop=Stop(reports=4, drain=True), conditions=delayed(stop=5)
    )
    assert (run.reason, run.seconds) == ("reports", 3.0)


def test_a_trial_that_is_over_is_not_told_to_be_paused_when_its_first_worker_is_free_at_last_T11(
    play: Any, job: Any, after: Any
) -> None:
    """It pauses at its last report and is resumed at once: the new job has nothing to do, and ends."""
    script, delays = [job(10), after((0, 4), Resume(0))], delayed(complete=5, stopped=10)
    story, scheduler, run = play(script, {(0, 4): PAUSE}, workers=2, conditions=delays)
    assert story[-6:-1] == [
        "40 start 0.1",
        "40 report 0.0 epoch 4 pause",
        "40 end 0.1",
        "40 signal 0.0",
        "45 end 0.0",
    ]
    assert scheduler.ended == [(0, "completed"), (0, "completed")]
    assert run.segments().to_pydict()["outcome"] == ["paused", "completed"]
    assert run.trials().to_pydict()["status"] == ["completed"]


@pytest.mark.parametrize(
    ("decisions", "status"),
    [({(0, 2): PAUSE}, "completed"), ({(0, 2): PAUSE, (0, 3): STOP}, "stopped")],
)
def test_the_status_of_a_trial_that_went_on_and_is_over_is_told_for_its_earlier_job_too_T11(
    play: Any, job: Any, after: Any, decisions: Any, status: str
) -> None:
    """Its first worker takes long to be free, the second one is twice as fast; it counts as one trial."""
    script, conditions = [job(10), after((0, 2), Resume(0))], Conditions(Delays(stopped=100), speeds=(1, 2))
    _, scheduler, run = play(
        script, decisions, workers=2, stop=Stop(trials_finished=2), conditions=conditions
    )
    assert scheduler.ended == [(0, status), (0, status)]
    assert (run.reason, run.segments().to_pydict()["outcome"]) == ("exhausted", ["paused", status])


def test_a_trial_that_goes_on_is_told_to_be_paused_when_its_earlier_job_ends_T11(
    play: Any, job: Any, after: Any
) -> None:
    """As the scheduler knows: it has resumed it. So it is when it paused once more."""
    script = [job(10), after((0, 1), Resume(0))]
    _, scheduler, _ = play(script, {(0, 1): PAUSE}, workers=2, conditions=delayed(stopped=15))
    assert scheduler.ended == [(0, "paused"), (0, "completed")]
    decisions = {(0, 1): PAUSE, (0, 2): PAUSE}
    _, scheduler, _ = play(script, decisions, workers=2, conditions=delayed(stopped=15))
    assert scheduler.ended == [(0, "paused"), (0, "paused")]


def test_a_segments_until_is_what_its_scheduler_said_the_last_fidelity_too_T7(
    play: Any, job: Any, after: Any, make_tiny: Any
) -> None:
    script = [job(1), job(1, until=4), job(1, until=1000), job(1, until=2), job(3, until=4)]
    _, _, run = play(script, blackbox=make_tiny(lengths={3: 1}))
    assert run.segments().to_pydict()["until"] == [None, 4.0, 4.0, 2.0, 4.0]


def test_a_preempted_trial_keeps_what_its_scheduler_said_of_its_end_T7_T18(play: Any, job: Any) -> None:
    conditions = Conditions(failures=Failures(preempt=25, away=1))
    _, _, run = play([job(10, until=4)], conditions=conditions)
    assert run.segments().to_pydict()["until"] == [4.0, 4.0]


def test_a_trial_that_is_stopped_is_known_to_be_over_from_the_decision_on_T11(
    play: Any, job: Any, after: Any
) -> None:
    """Stopped at 30 s; its first worker is free at 40 s as the curve ends, and so is the second one."""
    script, decisions = [job(10), after((0, 2), Resume(0))], {(0, 2): PAUSE, (0, 3): STOP}
    _, scheduler, _ = play(script, decisions, workers=2, conditions=delayed(stopped=100))
    assert scheduler.ended == [(0, "stopped"), (0, "stopped")]
