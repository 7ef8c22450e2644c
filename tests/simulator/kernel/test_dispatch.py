"""Stories of schedulers that take their time (T12) and of schedulers that look now and then (T13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import (
    PAUSE,
    STOP,
    Call,
    Conditions,
    Delays,
    Failures,
    Resume,
    Start,
    Stop,
    Uniform,
    continue_until,
)
from simulator.errors import SimulationError

Play = Callable[..., Any]
Job = Callable[..., Start]


def without_answers(story: list[str]) -> list[str]:
    return [line for line in story if " answer " not in line]


def answers(run: Any) -> list[tuple[Any, ...]]:
    """(call, trial, arrived, taken, answered, answer) of each call."""
    rows = run.calls().to_pylist()
    return [
        tuple(row[k] for k in ("call", "trial", "arrived", "taken", "answered", "answer")) for row in rows
    ]


def test_each_answer_takes_its_time_and_requests_are_taken_singly_T12(play: Play, job: Job) -> None:
    story, scheduler, run = play([job(2), job(3)], workers=2, conditions=Conditions(decision_time=1.5))
    assert answers(run)[:4] == [
        ("suggest", 0, 0.0, 0.0, 1.5, "start"),
        ("suggest", 1, 0.0, 1.5, 3.0, "start"),
        ("on_report", 0, 3.5, 3.5, 5.0, "continue"),
        ("on_report", 0, 5.5, 5.5, 7.0, "continue"),
    ]
    assert story[:4] == ["1.5 start 0.0", "1.5 answer 0.0", "3 start 1.0", "3 answer 1.0"]
    assert scheduler.heard[:3] == [(3.5, 0, 1, 1.0), (5.5, 0, 2, 0.5), (6.0, 1, 1, 1.0)]
    busy = [(taken, answered) for _, _, _, taken, answered, _ in answers(run)]
    assert all(taken >= before for (taken, _), (_, before) in zip(busy[1:], busy, strict=False))


def test_a_stop_takes_effect_when_it_is_decided_and_what_came_meanwhile_is_late_T12(
    play: Play, job: Job
) -> None:
    story, scheduler, _ = play(
        [job(2)], {(0, 1): STOP}, conditions=Conditions(decision_time=lambda call: 5 * (call.fidelity == 1))
    )
    assert without_answers(story) == [
        "0 start 0.0",
        "2 report 0.0 epoch 1 stop",
        "4 report 0.0 epoch 2 late",
        "6 report 0.0 epoch 3 late",
        "7 signal 0.0",
        "7 stopped 0.0",
        "7 deadline 0.0",
    ]
    assert scheduler.heard == [(2.0, 0, 1, 1.0)]


def test_a_job_may_end_before_the_decision_to_stop_it_T12_T9b(play: Play, job: Job) -> None:
    story, scheduler, run = play(
        [job(2)], {(0, 3): STOP}, conditions=Conditions(decision_time=lambda call: 5 * (call.fidelity == 3))
    )
    assert without_answers(story)[3:] == [
        "6 report 0.0 epoch 3 stop",
        "8 report 0.0 epoch 4 late",
        "8 end 0.0",
        "11 signal 0.0",
        "11 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "stopped")]
    assert run.segments().to_pylist()[0]["ended"] == 8


def test_a_worker_is_free_while_the_scheduler_thinks_and_its_end_is_told_later_T12(
    play: Play, job: Job
) -> None:
    slow_at_last = Conditions(decision_time=lambda call: 10 * (call.kind == "on_report" and call.trial == 1))
    story, scheduler, run = play([job(1), job(3, until=1), job(5)], workers=2, conditions=slow_at_last)
    assert ("on_end", 0, 4.0, 13.0, 13.0, "") in answers(run)
    assert ("suggest", 2, 3.0, 13.0, 13.0, "start") in answers(run)
    assert "13 start 2.0" in story
    assert run.segments().to_pylist()[0]["ended"] == 4
    assert scheduler.ended[:2] == [(1, "paused"), (0, "completed")]


def test_what_has_arrived_is_told_before_a_worker_is_served_that_has_waited_longer_T12(
    play: Play, job: Job
) -> None:
    """Worker 2 is free from 0 on; trial 0's only report comes at 10, while trial 1 is being thought of."""
    ten_seconds = Conditions(decision_time=lambda call: 10 * (call.kind == "suggest"))
    _, scheduler, run = play(
        [job(1, until=1), job(50), job(50)], workers=3, conditions=ten_seconds, stop=Stop(time=35)
    )
    assert answers(run)[:5] == [
        ("suggest", 0, 0.0, 0.0, 10.0, "start"),
        ("suggest", 1, 0.0, 10.0, 20.0, "start"),
        ("on_report", 0, 11.0, 20.0, 20.0, "continue"),
        ("on_end", 0, 11.0, 20.0, 20.0, ""),
        ("suggest", 2, 0.0, 20.0, 30.0, "start"),
    ]
    assert scheduler.ended[0] == (0, "paused")


def test_free_workers_wait_as_long_as_reports_keep_coming_T12(play: Play, job: Job) -> None:
    """A report takes 3 s to think about, and the next one comes after 2 s: only the curve's end helps."""
    slow = Conditions(decision_time=lambda call: 3 * (call.kind == "on_report"))
    story, _, run = play([job(2), job(2)], {(0, 4): STOP}, workers=1, conditions=slow)
    rows = [(call, arrived, taken) for call, _, arrived, taken, _, _ in answers(run)][:7]
    assert rows[1:] == [
        ("on_report", 2.0, 2.0),
        ("on_report", 4.0, 5.0),
        ("on_report", 6.0, 8.0),
        ("on_report", 8.0, 11.0),
        ("on_end", 8.0, 14.0),
        ("suggest", 8.0, 14.0),
    ]
    assert "8 end 0.0" in story
    assert "14 start 1.0" in story


def test_in_a_look_too_workers_come_last_T13_T12(play: Play, job: Job) -> None:
    """Worker 1 gets nothing at 0 and joins the queue again at 2; trial 0 reports again before the look."""
    script = [job(2), None, None, job(1)]
    _, _, run = play(script, workers=2, conditions=Conditions(poll=5), stop=Stop(time=5.5))
    assert [(call, arrived, taken) for call, _, arrived, taken, _, _ in answers(run)] == [
        *[("suggest", 0.0, 0.0)] * 3,
        ("on_report", 2.0, 5.0),
        ("on_report", 4.0, 5.0),
        ("suggest", 2.0, 5.0),
    ]


def test_what_waits_behind_continue_until_is_passed_over_T12_T22(play: Play, job: Job) -> None:
    _, scheduler, run = play(
        [job(2)],
        {(0, 1): continue_until(4)},
        conditions=Conditions(decision_time=lambda call: 5 * (call.fidelity == 1)),
    )
    assert [epoch for _, _, epoch, _ in scheduler.heard] == [1, 4]
    assert run.reports().to_pydict()["decision"] == ["continue"] * 4


def test_what_is_passed_over_is_delivered_with_the_answer_though_others_wait_before_it_T12_T22(
    play: Play, job: Job
) -> None:
    """Trial 0's second and third epoch have arrived at 4 and 6; trial 1's report comes before the third."""
    slow = Conditions(decision_time=lambda call: {0: 5, 1: 20}[call.trial or 0] * (call.fidelity == 1))
    _, scheduler, run = play(
        [job(2), job(5)], {(0, 1): continue_until(4)}, workers=2, conditions=slow, stop=Stop(time=10)
    )
    assert [(trial, epoch) for _, trial, epoch, _ in scheduler.heard] == [(0, 1), (1, 1)]
    reports = run.reports().to_pylist()
    assert [(row["time"], row["trial"], row["decision"]) for row in reports] == [
        *[(time, 0, "continue") for time in (2.0, 4.0)],
        (5.0, 1, "waiting"),
        (6.0, 0, "continue"),
        (8.0, 0, "waiting"),
        (10.0, 1, "waiting"),
    ]


def test_a_none_is_followed_by_no_question_until_something_happens_T12_T5(play: Play, job: Job) -> None:
    _, _, run = play([job(10)], workers=2, conditions=Conditions(decision_time=1), stop=Stop(time=25))
    asked = [(arrived, taken) for call, _, arrived, taken, _, _ in answers(run) if call == "suggest"]
    # when the job starts, when its reports arrive, and when they are told
    assert asked[:3] == [(0.0, 0.0), (0.0, 1.0), (1.0, 2.0)]
    assert asked[3:] == [(11.0, 12.0), (12.0, 13.0), (21.0, 22.0), (22.0, 23.0)]


def test_decisions_that_finish_after_the_limit_have_no_effect_T12(play: Play, job: Job) -> None:
    story, _, run = play(
        [job(2)],
        {(0, 1): STOP},
        conditions=Conditions(decision_time=lambda call: 5 * (call.kind == "on_report")),
        stop=Stop(time=5),
    )
    assert without_answers(story) == [
        "0 start 0.0",
        "2 report 0.0 epoch 1 waiting",
        "4 report 0.0 epoch 2 waiting",
        "5 end 0.0",
        "5 deadline 0.0",
    ]
    assert run.best() is None
    assert run.trials().to_pydict()["status"] == ["interrupted"]


def test_at_the_very_limit_a_decision_counts_and_a_suggestion_does_not_T12_T15(play: Play, job: Job) -> None:
    three = Conditions(decision_time=3)
    story, _, run = play([job(2), job(2)], {(0, 1): STOP}, conditions=three, stop=Stop(time=8))
    assert "5 report 0.0 epoch 1 stop" in story
    assert "8 signal 0.0" in story
    assert len(run.trials()) == 1
    story, _, run = play([job(2), job(2)], workers=2, conditions=three, stop=Stop(time=6))
    assert len(run.trials()) == 1


def test_decision_times_of_a_run_can_be_replayed_T12(play: Play, job: Job) -> None:
    drawn = Conditions(decision_time=Uniform(0.5, 3))
    _, _, one = play([job(2), job(3), job(1)], {(1, 2): PAUSE}, workers=2, conditions=drawn)
    again = Conditions(decision_time=one.decision_times())
    _, _, two = play([job(2), job(3), job(1)], {(1, 2): PAUSE}, workers=2, conditions=again)
    assert one.digest == two.digest
    assert len(set(again.decision_time.seconds)) > 5  # type: ignore[union-attr]
    with pytest.raises(
        SimulationError, match="recorded for .* calls of the scheduler, but it is called once more"
    ):
        play([job(2), job(3), job(1), job(4)], {(1, 2): PAUSE}, workers=2, conditions=again)


@pytest.mark.parametrize("time", [5, 8, 11, 12.5])
def test_a_run_that_ends_while_its_scheduler_thinks_can_be_replayed_too_T12(
    play: Play, job: Job, time: float
) -> None:
    thinking, stop = Conditions(decision_time=3), Stop(time=time)
    _, _, one = play([job(1), job(2)], workers=2, conditions=thinking, stop=stop)
    _, _, two = play(
        [job(1), job(2)], workers=2, conditions=Conditions(decision_time=one.decision_times()), stop=stop
    )
    assert one.digest == two.digest
    assert one.calls() == two.calls()
    last = one.calls().to_pylist()[-1]
    assert (last["answered"] > time, last["answer"]) == (True, None)


def test_the_functions_of_calls_hear_what_is_called_T12(play: Play, job: Job) -> None:
    calls: list[Call] = []

    def one_second(call: Call) -> float:
        calls.append(call)
        return 1.0

    play([job(2, until=1)], conditions=Conditions(decision_time=one_second))
    assert calls == [
        Call("suggest", 0, 0.0),
        Call("on_report", 1, 3.0, 0, 1),
        Call("on_end", 2, 4.0, 0),
        Call("suggest", 3, 5.0),
        Call("suggest", 4, 6.0),  # as it was told of the end meanwhile
    ]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), "soon", None])
def test_a_decision_time_that_is_none_is_refused_T12(play: Play, job: Job, seconds: Any) -> None:
    with pytest.raises(InvalidOption, match="decision_time"):
        play([job(2)], conditions=Conditions(decision_time=lambda call: seconds))
    with pytest.raises(InvalidOption, match="conditions.decision_time"):
        Conditions(decision_time=seconds)


def test_a_decision_time_of_zero_by_a_function_changes_nothing_but_the_record_of_answers_T12(
    play: Play, job: Job
) -> None:
    script = [job(2), job(3), job(2)]
    plain, _, one = play(script, {(1, 2): PAUSE, (0, 3): STOP}, workers=2)
    served, _, two = play(
        script, {(1, 2): PAUSE, (0, 3): STOP}, workers=2, conditions=Conditions(decision_time=lambda call: 0)
    )
    assert without_answers(served) == plain
    assert len(served) > len(plain)
    assert one.trials() == two.trials()
    assert len(one.calls()) == 0


def test_a_server_that_polls_takes_requests_at_multiples_only_T13(play: Play, job: Job) -> None:
    story, _, run = play([job(2), job(3)], {(0, 2): STOP}, workers=2, conditions=Conditions(poll=5))
    taken = [(call, arrived, taken) for call, _, arrived, taken, _, _ in answers(run)]
    assert taken[:7] == [
        ("suggest", 0.0, 0.0),
        ("suggest", 0.0, 0.0),
        ("on_report", 2.0, 5.0),
        ("on_report", 3.0, 5.0),
        ("on_report", 4.0, 5.0),
        ("on_end", 5.0, 5.0),
        ("suggest", 5.0, 5.0),
    ]
    assert all(time % 5 == 0 for _, _, time in taken)
    assert without_answers(story)[5:7] == ["5 signal 0.0", "5 stopped 0.0"]


def test_a_server_that_polls_and_thinks_looks_again_after_it_has_thought_T13(play: Play, job: Job) -> None:
    _, _, run = play([job(2), job(3)], workers=2, conditions=Conditions(poll=5, decision_time=1))
    rows = [(call, arrived, taken) for call, _, arrived, taken, _, _ in answers(run)]
    assert rows[:6] == [
        ("suggest", 0.0, 0.0),
        ("suggest", 0.0, 1.0),
        ("on_report", 3.0, 5.0),
        ("on_report", 5.0, 6.0),  # all that had come by the look, and then the next look
        ("on_report", 5.0, 7.0),
        ("on_report", 7.0, 10.0),
    ]


def test_with_polling_and_delays_a_report_is_heard_at_the_look_after_its_arrival_T13_T6(
    play: Play, job: Job
) -> None:
    _, scheduler, run = play([job(2, until=2)], conditions=Conditions(Delays(start=1, report=2), poll=4))
    assert [(call, arrived, taken) for call, _, arrived, taken, _, _ in answers(run)] == [
        ("suggest", 0.0, 0.0),
        ("on_report", 5.0, 8.0),
        ("on_report", 7.0, 8.0),
        ("on_end", 7.0, 8.0),
        ("suggest", 7.0, 8.0),
        ("suggest", 8.0, 8.0),
    ]
    assert scheduler.ended == [(0, "paused")]


def test_at_a_look_at_the_very_limit_all_is_told_but_nothing_is_asked_T13_T15(play: Play, job: Job) -> None:
    _, scheduler, run = play([job(1), job(1)], conditions=Conditions(poll=5), stop=Stop(time=5))
    assert scheduler.ended == [(0, "completed")]
    assert [row["call"] for row in run.calls().to_pylist()] == ["suggest", *["on_report"] * 4, "on_end"]


def test_a_job_that_would_start_in_a_further_round_of_the_last_instant_has_not_begun_T15_T12(
    play: Play, job: Job
) -> None:
    """Trial 1 is suggested from 2.5 to 5 and would start then; the report that waited meanwhile suffices."""
    slow = Conditions(decision_time=lambda call: 2.5 * (call.kind == "suggest"))
    story, _, run = play([job(2), job(2)], workers=2, conditions=slow, stop=Stop(reports=1))
    assert without_answers(story) == [
        "2.5 start 0.0",
        "4.5 report 0.0 epoch 1 continue",
        "5 end 0.0",
        "5 end 1.0",
        "5 deadline 0.0",
    ]
    assert [row["started"] for row in run.segments().to_pylist()] == [2.5, None]


def test_a_look_for_workers_alone_keeps_no_drained_run_going_T13_T14(play: Play, job: Job) -> None:
    """The end is told from 5 to 5.5; then the worker waits for the look at 10, but gets no job from 7 on."""
    slow_at_ends = Conditions(poll=5, decision_time=lambda call: 0.5 * (call.kind == "on_end"))
    _, _, run = play([job(1)], conditions=slow_at_ends, stop=Stop(time=7, drain=True))
    assert (run.reason, run.seconds) == ("time", 7)


def test_a_drained_run_goes_on_until_its_ends_are_told_T13_T14(play: Play, job: Job) -> None:
    story, scheduler, run = play([job(2)], conditions=Conditions(poll=5), stop=Stop(time=3, drain=True))
    assert (run.reason, run.seconds) == ("time", 10)
    assert without_answers(story)[-2:] == ["8 end 0.0", "10 deadline 0.0"]
    assert scheduler.ended == [(0, "completed")]
    assert [time for time, *_ in scheduler.heard] == [2, 4, 6, 8]


def test_a_suggestion_in_the_making_has_no_effect_on_a_drained_run_but_takes_its_time_T14_T12(
    play: Play, job: Job
) -> None:
    conditions = Conditions(decision_time=lambda call: 3 * (call.kind == "suggest"))
    _, _, run = play([job(1), job(1)], conditions=conditions, stop=Stop(time=8, drain=True))
    assert (run.reason, run.seconds, len(run.trials())) == ("time", 10, 1)
    assert [tuple(row.values())[4:] for row in run.calls().to_pylist()][-1] == (7, 7, 10, "")


def test_a_trial_is_resumed_when_its_scheduler_knows_that_it_is_paused_T12_T9a(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    story, scheduler, _ = play(
        [job(2, until=2), after((0, 2), Resume(0))], conditions=Conditions(decision_time=1)
    )
    assert without_answers(story)[:5] == [
        "1 start 0.0",
        "3 report 0.0 epoch 1 continue",
        "5 report 0.0 epoch 2 continue",
        "5 end 0.0",
        "8 start 0.1",
    ]
    assert scheduler.ended == [(0, "paused"), (0, "completed")]


def test_a_trial_that_is_complete_may_be_resumed_until_its_scheduler_is_told_T12_T9a(
    play: Play, job: Job, after: Callable[..., Any], make_tiny: Any
) -> None:
    """Its curve ends at the bound. The resume is suggested from 4 to 5, and the end registered at 5."""
    story, scheduler, run = play(
        [job(2, until=1), after((0, 1), Resume(0))],
        workers=2,
        conditions=Conditions(Delays(complete=2), decision_time=1),
        blackbox=make_tiny(lengths={2: 1}),
    )
    assert answers(run)[4:6] == [
        ("suggest", 0, 3.0, 4.0, 5.0, "resume"),
        ("on_end", 0, 5.0, 5.0, 6.0, ""),
    ]
    assert without_answers(story) == [
        "1 start 0.0",
        "3 report 0.0 epoch 1 continue",
        "5 start 0.1",
        "5 end 0.0",
        "5 end 0.1",
        "9 deadline 0.0",
    ]
    assert scheduler.ended == [(0, "paused"), (0, "completed")]


@pytest.mark.parametrize("poll", [0, -1, 1e-12, "often", Uniform(1, 2)])
def test_an_interval_that_is_none_is_refused_T13(poll: Any) -> None:
    with pytest.raises(InvalidOption, match="conditions.poll"):
        Conditions(poll=poll)


def test_a_checkpoint_is_as_new_as_what_was_passed_over_of_a_job_that_has_ended_T12_T8_T22(
    play: Play, job: Job, after: Callable[..., Any]
) -> None:
    """The copy is suggested from 2 to 10: by then epochs 2 and 3 are passed over, and 4 waits to be told."""
    slow = Conditions(decision_time=lambda call: 8 * (call.kind == "suggest" and call.time == 2))
    script = [job(2), after((0, 1), job(1, checkpoint_of=0))]
    story, _, _ = play(script, {(0, 1): continue_until(4)}, workers=2, conditions=slow)
    assert "8 end 0.0" in story
    assert [line for line in story if " 1.0" in line and "answer" not in line] == [
        "10 start 1.0",
        "11 report 1.0 epoch 4 continue",
        "11 end 1.0",
    ]


def test_a_trial_that_never_got_a_worker_is_interrupted_at_the_end_T12_T18(play: Play, job: Job) -> None:
    """Its worker is lost while it is suggested, from 0 to 5, and will be back at 13."""
    conditions = Conditions(decision_time=5, failures=Failures(preempt=3, away=10))
    _, scheduler, run = play([job(2)], conditions=conditions, stop=Stop(time=8))
    assert scheduler.ended == [(0, "interrupted")]
    assert (len(run.segments()), run.trials().to_pydict()["status"]) == (0, ["interrupted"])


def test_what_is_passed_over_counts_for_limits_with_the_answer_that_passes_over_it_T12_T14(
    play: Play, job: Job
) -> None:
    """Epoch 1 is thought about from 2 to 7; by then epochs 2 and 3 have arrived, and are not to be told."""
    slow = Conditions(decision_time=lambda call: 5 * (call.fidelity == 1))
    decisions, stop = {(0, 1): continue_until(4)}, Stop(reports=3)
    _, _, run = play([job(2)], decisions, conditions=slow, stop=stop)
    assert (run.reason, run.seconds) == ("reports", 7.0)
