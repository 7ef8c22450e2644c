"""Stories of jobs that crash and of workers that are lost and come back (T18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import (
    ASHA,
    PAUSE,
    STOP,
    Conditions,
    Delays,
    Exponential,
    Failures,
    Resume,
    Start,
    Stop,
    Uniform,
    continue_until,
    simulate,
)
from simulator.errors import SchedulerError, SimulationError
from simulator.kernel.events import Kind

Play = Callable[..., Any]
Job = Callable[..., Start]


def failing(delays: Delays | None = None, *, checkpoints: bool = True, **failures: Any) -> Conditions:
    return Conditions(delays or Delays(), checkpoints=checkpoints, failures=Failures(**failures))


def test_a_job_crashes_and_what_it_produced_before_is_reported_T18(play: Play, job: Job) -> None:
    story, scheduler, run = play([job(10)], conditions=failing(Delays(report=2), crash=25))
    assert story == [
        "0 start 0.0",
        "12 report 0.0 epoch 1 continue",
        "22 report 0.0 epoch 2 continue",
        "27 end 0.0",
        "27 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "failed")]
    assert run.trials().to_pydict()["status"] == ["failed"]


def test_a_report_at_the_very_crash_counts_and_a_job_that_is_done_does_not_crash_T18(
    play: Play, job: Job
) -> None:
    story, scheduler, _ = play([job(10)], conditions=failing(crash=20))
    assert story[2:] == ["20 report 0.0 epoch 2 continue", "20 end 0.0", "20 deadline 0.0"]
    _, scheduler, _ = play([job(10)], conditions=failing(crash=40))
    assert scheduler.ended == [(0, "completed")]


def test_a_crashed_trial_is_not_resumed_even_if_its_bound_was_near_T18_T9a(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    delayed = failing(Delays(complete=10), crash=25)
    with pytest.raises(SchedulerError, match="resumed trial 0, which is running"):
        play([job(10, until=3), after((0, 2), Resume(0))], workers=2, conditions=delayed)


def test_who_is_stopped_before_the_crash_does_not_crash_T18(play: Play, job: Job) -> None:
    _, scheduler, _ = play([job(10)], {(0, 2): STOP}, conditions=failing(Delays(stop=3), crash=25))
    assert scheduler.ended == [(0, "stopped")]


def test_a_trial_whose_worker_is_lost_goes_on_elsewhere_and_nobody_is_told_T18(play: Play, job: Job) -> None:
    story, scheduler, run = play([job(10)], conditions=failing(preempt=25, away=5))
    assert story == [
        "0 start 0.0",
        "10 report 0.0 epoch 1 continue",
        "20 report 0.0 epoch 2 continue",
        "25 end 0.0",
        "25 lost 0.0",
        "25 queued 0.1",
        "30 start 0.1",
        "30 joined 0.0",
        "40 report 0.1 epoch 3 continue",
        "50 report 0.1 epoch 4 continue",
        "50 end 0.1",
        "50 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "completed")]
    assert [epoch for _, _, epoch, _ in scheduler.heard] == [1, 2, 3, 4]
    assert run.segments().to_pydict()["outcome"] == ["preempted", "completed"]
    assert run.trials().to_pydict()["status"] == ["completed"]


def test_without_requeueing_it_fails_T18(play: Play, job: Job) -> None:
    _, scheduler, run = play([job(10), job(1)], conditions=failing(preempt=25, away=5, requeue=False))
    assert scheduler.ended == [(0, "failed"), (1, "completed")]
    assert run.segments().to_pydict()["busy_from"] == [0.0, 30.0]


def test_points_on_their_way_from_a_lost_worker_are_late_and_produced_again_T18(play: Play, job: Job) -> None:
    conditions = failing(Delays(report=7), preempt=25, away=5)
    story, scheduler, _ = play([job(10)], conditions=conditions, stop=Stop(time=48))
    assert story == [
        "0 start 0.0",
        "17 report 0.0 epoch 1 continue",
        "25 end 0.0",
        "25 lost 0.0",
        "25 queued 0.1",
        "27 report 0.0 epoch 2 late",
        "30 start 0.1",
        "30 joined 0.0",
        "47 report 0.1 epoch 2 continue",
        "48 end 0.1",
        "48 deadline 0.0",
    ]
    assert [(time, epoch) for time, _, epoch, _ in scheduler.heard] == [(17.0, 1), (47.0, 2)]


def test_without_checkpoints_a_preempted_trial_starts_from_scratch_T18_T10(play: Play, job: Job) -> None:
    story, scheduler, _ = play(
        [job(10, until=3)], conditions=failing(checkpoints=False, preempt=25, away=5), stop=Stop(time=54)
    )
    assert story[5:] == [
        "25 queued 0.1",
        "30 start 0.1",
        "30 joined 0.0",
        "40 report 0.1 epoch 1 repeated",
        "50 report 0.1 epoch 2 repeated",
        "54 end 0.1",
        "54 deadline 0.0",
    ]
    assert len(scheduler.heard) == 2


def test_a_preempted_trial_keeps_its_bound_and_the_wish_not_to_be_called_T18_T22(
    play: Play, job: Job
) -> None:
    _, scheduler, run = play(
        [job(10, until=3)], {(0, 1): continue_until(3)}, conditions=failing(preempt=25, away=5)
    )
    assert [(time, epoch) for time, _, epoch, _ in scheduler.heard] == [(10.0, 1), (40.0, 3)]
    assert scheduler.ended == [(0, "paused")]
    assert run.reports().to_pydict()["time"] == [10.0, 20.0, 40.0]


def test_trials_that_wait_are_served_before_the_scheduler_is_asked_T18(play: Play, job: Job) -> None:
    """Both workers are lost at 25 and back at 27: the preempted trials get them, and trial 3 must wait."""
    script = [job(10), job(20, until=1), job(2), job(1)]
    story, _, run = play(script, workers=2, conditions=failing(preempt=25, away=2))
    assert [line for line in story if "queued" in line or "start" in line][3:] == [
        "25 queued 0.1",
        "25 queued 2.1",
        "27 start 0.1",
        "27 start 2.1",
        "31 start 3.0",
    ]
    workers = {(row["trial"], row["segment"]): row["worker"] for row in run.segments().to_pylist()}
    assert (workers[0, 1], workers[2, 1], workers[3, 0]) == (0, 1, 1)


def test_trials_that_wait_since_one_instant_are_served_by_number_T18_T12(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    """At 25, trial 1 is preempted, and the resume of trial 0, thought about since 10, finds no worker."""
    conditions = Conditions(
        failures=Failures(preempt=25, away=5), decision_time=lambda call: 15 * (call.number == 5)
    )
    script = [job(10, until=1), job(10), after(("end", 0), Resume(0))]
    story, _, run = play(script, workers=2, conditions=conditions, stop=Stop(time=40))
    call = run.calls().to_pylist()[5]
    assert [call[name] for name in ("call", "trial", "taken", "answered")] == ["suggest", 0, 10.0, 25.0]
    assert "25 queued 1.1" in story
    workers = {(row["trial"], row["segment"]): row["worker"] for row in run.segments().to_pylist()}
    assert (workers[0, 1], workers[1, 1]) == (0, 1)


def test_a_job_that_was_told_to_stop_ends_with_its_worker_T18(play: Play, job: Job) -> None:
    """The signal would arrive at 7, and the worker is lost at 5: what comes after is not produced."""
    story, scheduler, run = play(
        [job(2)], {(0, 1): STOP}, conditions=failing(Delays(stop=5), preempt=5, away=50), stop=Stop(time=20)
    )
    assert story == [
        "0 start 0.0",
        "2 report 0.0 epoch 1 stop",
        "4 report 0.0 epoch 2 late",
        "5 end 0.0",
        "5 lost 0.0",
        "7 signal 0.0",
        "20 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "stopped")]
    assert run.segments().to_pydict()["ended"] == [5.0]
    (signal,) = run.records[run.records["kind"] == Kind.SIGNAL]
    assert signal["point"] == 1, "the last point that was produced, not the one that would have been"


def test_a_job_whose_points_are_all_reported_ends_as_it_would_have_T18(play: Play, job: Job) -> None:
    _, scheduler, run = play([job(10)], conditions=failing(Delays(complete=9), preempt=45, away=1))
    assert scheduler.ended == [(0, "completed")]
    assert run.segments().to_pydict()["ended"] == [45.0]


def test_who_resumes_it_need_not_wait_for_the_end_that_it_would_have_had_T18_T9a(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    """The end was to be registered at 12, but the worker is lost at 4."""
    story, _, _ = play(
        [job(2, until=1), after(("end", 0), Resume(0))], conditions=failing(Delays(complete=10), preempt=4)
    )
    assert story[1:5] == ["2 report 0.0 epoch 1 continue", "4 start 0.1", "4 end 0.0", "4 lost 0.0"]


def test_who_waits_for_the_signal_still_waits_for_it_when_queued_again_T18_T9a(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    """The pause of 10 reaches the old job at 40; both workers are lost at 25 and back at 27."""
    conditions = failing(Delays(stop=30), preempt=25, away=2)
    script = [job(10), after((0, 1), Resume(0, until=2)), None]
    story, _, run = play(script, {(0, 1): PAUSE}, workers=2, conditions=conditions, stop=Stop(time=51))
    assert "25 queued 0.2" in story
    assert "40 start 0.2" in story
    assert [row["outcome"] for row in run.segments().to_pylist()][:2] == ["paused", "preempted"]


def test_a_decision_in_the_making_counts_when_the_worker_is_lost_T18_T12(play: Play, job: Job) -> None:
    conditions = Conditions(
        failures=Failures(preempt=25, away=5),
        decision_time=lambda call: 8 * (call.fidelity == 2),
    )
    story, scheduler, _ = play([job(10)], {(0, 2): PAUSE}, conditions=conditions, stop=Stop(time=60))
    assert [line for line in story if "answer" not in line][2:5] == [
        "20 report 0.0 epoch 2 pause",
        "25 end 0.0",
        "25 signal 0.0",
    ]
    assert scheduler.ended == [(0, "paused")]


def test_a_decision_in_the_making_may_be_about_a_job_that_has_done_all_T18_T12_T9b(
    play: Play, job: Job
) -> None:
    """Its own end was to be registered at 8, before the signal would have freed the worker."""
    conditions = Conditions(
        Delays(complete=4, stopped=4),
        failures=Failures(preempt=6, away=50),
        decision_time=lambda call: 10 * (call.fidelity == 4),
    )
    story, scheduler, _ = play([job(1)], {(0, 4): PAUSE}, conditions=conditions, stop=Stop(time=30))
    assert [line for line in story if "answer" not in line][4:] == [
        "4 report 0.0 epoch 4 pause",
        "6 end 0.0",
        "6 signal 0.0",
        "6 lost 0.0",
        "30 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "paused")]


def test_what_waits_at_the_end_of_the_run_is_interrupted_T18(play: Play, job: Job) -> None:
    story, scheduler, run = play([job(10)], conditions=failing(preempt=25, away=50), stop=Stop(time=60))
    assert story[-3:] == ["25 queued 0.1", "60 end 0.1", "60 deadline 0.0"]
    assert scheduler.ended == [(0, "interrupted")]
    assert run.trials().to_pydict()["status"] == ["interrupted"]
    assert run.segments().to_pydict()["outcome"] == ["preempted"]


def test_losses_alone_keep_no_run_going_T5_T18(play: Play, job: Job) -> None:
    _, _, run = play([job(1)], workers=3, conditions=failing(preempt=1000, away=5))
    assert (run.reason, run.seconds) == ("exhausted", 4.0)


def test_a_run_ends_though_some_workers_are_always_away_T5_T18(play: Play, job: Job) -> None:
    hardly_there = Failures(preempt=Exponential(100), away=Exponential(900))
    _, scheduler, run = play([job(1)] * 3, workers=50, conditions=Conditions(failures=hardly_there))
    assert run.reason == "exhausted"
    assert run.seconds < 100
    assert sorted(scheduler.ended) == [(0, "completed"), (1, "completed"), (2, "completed")]


def test_while_all_workers_are_away_the_first_to_come_back_is_awaited_T5_T18(play: Play, job: Job) -> None:
    story, _, run = play([job(5, until=1), job(1)], conditions=failing(preempt=5, away=10))
    assert story[2:6] == ["5 end 0.0", "5 lost 0.0", "15 start 1.0", "15 joined 0.0"]
    assert run.seconds == 19


def test_a_drained_run_awaits_no_worker_that_nobody_needs_T14_T18(play: Play, job: Job) -> None:
    drained = Stop(time=15, drain=True)
    _, _, run = play([job(10)], conditions=failing(preempt=25, away=50, requeue=False), stop=drained)
    assert (run.reason, run.seconds) == ("time", 25)
    _, scheduler, run = play([job(10)], conditions=failing(preempt=25, away=50), stop=drained)
    assert (run.reason, run.seconds) == ("time", 95), "its trial goes on when the worker is back"
    assert scheduler.ended == [(0, "completed")]


def test_a_run_that_could_not_get_on_is_ended_with_an_error_T18(play: Play, job: Job) -> None:
    with pytest.raises(SimulationError, match="trial 0 was preempted 1000 times without a report"):
        play([job(10)], conditions=failing(preempt=5), stop=Stop(time=1e9))


def test_draws_are_by_what_they_are_for_T16_T18(make_tiny: Any) -> None:
    """More workers change no crash of the first trials, and a run with failures is one run."""
    failures = Failures(crash=Exponential(900), preempt=Exponential(2000), away=Exponential(60))
    runs = [
        simulate(
            make_tiny(81),
            ASHA,
            workers=3,
            stop=Stop(time=9000),
            seed=seed,
            conditions=Conditions(failures=failures),
        )
        for seed in (5, 5, 6)
    ]
    assert runs[0].digest == runs[1].digest != runs[2].digest
    assert {"failed", "stopped"} <= set(runs[0].trials().to_pydict()["status"])
    assert "preempted" in runs[0].segments().to_pydict()["outcome"]


@pytest.mark.parametrize(
    ("failures", "message"),
    [
        ({"crash": 0}, "failures.crash is 0, but must be above 0"),
        ({"preempt": -1}, "failures.preempt is -1"),
        ({"away": None}, "failures.away is None"),
        ({"crash": "late"}, "failures.crash is 'late'"),
        ({"requeue": 1}, "failures.requeue is 1, but must be true or false"),
    ],
)
def test_failures_that_cannot_be_are_refused(failures: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Failures(**failures)


def test_a_preempted_trial_keeps_the_wish_not_to_be_called_where_calls_take_time_T18_T22_T12(
    play: Play, job: Job
) -> None:
    """Told at 16 s to go on until epoch 4, lost at 31 s: epochs 3 and 4 come again, and only 4 is heard."""
    conditions = Conditions(decision_time=5, failures=Failures(preempt=31, away=1))
    story, scheduler, run = play([job(10)], {(0, 1): continue_until(4)}, conditions=conditions)
    assert [(time, epoch) for time, _, epoch, _ in scheduler.heard] == [(15.0, 1), (52.0, 4)]
    calls = [(row["call"], row["taken"]) for row in run.calls().to_pylist()]
    assert [call for call in calls if call[0] == "on_report"] == [("on_report", 15.0), ("on_report", 52.0)]
    assert [line for line in story if "start" in line or "lost" in line][:3] == [
        "5 start 0.0",
        "31 lost 0.0",
        "32 start 0.1",
    ]


def test_a_job_that_is_not_to_be_heard_of_again_is_preempted_all_the_same_T18_T22(
    play: Play, job: Job
) -> None:
    """It ends at epoch 3, and its scheduler wants to hear of epoch 4."""
    conditions = failing(preempt=25, away=5)
    _, scheduler, run = play([job(10, until=3)], {(0, 1): continue_until(4)}, conditions=conditions)
    assert run.segments().to_pydict()["outcome"] == ["preempted", "paused"]
    assert [epoch for _, _, epoch, _ in scheduler.heard] == [1]
    assert scheduler.ended == [(0, "paused")]


def test_a_job_may_crash_before_its_first_point_though_reports_take_what_is_drawn_T18_T6b(
    play: Play, job: Job
) -> None:
    delays = Delays(start=1, report=Uniform(2, 2), complete=3)
    story, scheduler, _ = play([job(10)], conditions=failing(delays, crash=5))
    assert story == ["1 start 0.0", "9 end 0.0", "9 deadline 0.0"]
    assert scheduler.ended == [(0, "failed")]
