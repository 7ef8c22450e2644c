from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import PAUSE, STOP, Conditions, Delays, Failures, Resume, Run, Stop
from simulator.results.timeline import TimelineEntry, WorkerState, describe_trial, describe_workers


@pytest.fixture
def run(play: Any, job: Any, after: Any) -> Run:
    _, _, finished = play(
        [job(10, 5), job(7, 2), after((0, 2), Resume(0))],
        {(0, 2): PAUSE, (1, 2): STOP},
        workers=2,
        conditions=Conditions(delays=Delays(start=1, stop=2)),
    )
    return finished


def test_a_trial_tells_when_it_ran_where_and_what_was_decided(run: Run) -> None:
    assert describe_trial(run, 0) == [
        TimelineEntry(0.0, "worker 0 is given job 1"),
        TimelineEntry(1.0, "job 1 starts"),
        TimelineEntry(11.0, "epoch 1: loss 6, continue"),
        TimelineEntry(21.0, "epoch 2: loss 5.5, pause"),
        TimelineEntry(21.0, "worker 1 is given job 2"),
        TimelineEntry(23.0, "job 1 ends: paused, worker 0 is free"),
        TimelineEntry(23.0, "job 2 starts"),
        TimelineEntry(33.0, "epoch 3: loss 5.33333, continue"),
        TimelineEntry(43.0, "epoch 4: loss 5.25, continue"),
        TimelineEntry(43.0, "job 2 ends: completed, worker 1 is free"),
    ]


def test_the_cluster_at_a_time(run: Run) -> None:
    assert describe_workers(run, 0) == [WorkerState(0, 0, 0, 0.0, None), WorkerState(1, 1, 0, 0.0, None)]
    assert describe_workers(run, 16) == [WorkerState(0, 0, 0, 0.0, 1), WorkerState(1, 1, 0, 0.0, 2)]
    assert describe_workers(run, 22) == [WorkerState(0, 0, 0, 0.0, 2), WorkerState(1, 0, 1, 21.0, None)]
    assert describe_workers(run, 40) == [
        WorkerState(0, None, None, 23.0, None),
        WorkerState(1, 0, 1, 21.0, 3),
    ]
    assert describe_workers(run, 43)[1] == WorkerState(1, None, None, 43.0, None)


def test_the_best_by_a_time_is_what_was_known_then(run: Run) -> None:
    assert run.best(by=7.5) is None
    early, late = run.best(by=8), run.best()
    assert early is not None
    assert late is not None
    assert (early.value, early.time, late.value, late.time) == (3.0, 8.0, 2.5, 15.0)


def test_trials_and_times_outside_the_run_are_refused(run: Run) -> None:
    with pytest.raises(InvalidOption, match="there is no trial 2: the run has the trials 0 to 1"):
        describe_trial(run, 2)
    with pytest.raises(InvalidOption, match="the time is 44, but the run lasts from 0 to 43.0 simulated s"):
        describe_workers(run, 44)


def test_a_lost_worker_and_a_thinking_scheduler_are_in_the_story_T12_T18(play: Any, job: Any) -> None:
    conditions = Conditions(failures=Failures(preempt=25, away=2), decision_time=1)
    _, _, run = play([job(10, 5), job(20, 1)], {(0, 2): STOP}, workers=2, conditions=conditions)
    assert describe_trial(run, 1)[:4] == [
        TimelineEntry(2.0, "worker 1 is given job 1"),
        TimelineEntry(22.0, "epoch 1: loss 2, continue"),
        TimelineEntry(23.0, "the scheduler, thinking since 22 s, decides on epoch 1: continue"),
        TimelineEntry(25.0, "job 1 ends: worker 1 is lost, the trial is queued again"),
    ]
    assert describe_workers(run, 26) == [
        WorkerState(0, None, None, 25.0, None, away=True),
        WorkerState(1, None, None, 25.0, None, away=True),
    ]
    assert describe_workers(run, 28) == [
        WorkerState(0, 1, 1, 27.0, None),
        WorkerState(1, None, None, 27.0, None),
    ]


def test_what_a_scheduler_thinks_about_when_the_run_ends_is_in_the_story_T12(play: Any, job: Any) -> None:
    _, _, run = play([job(10)], conditions=Conditions(decision_time=5), stop=Stop(time=17))
    assert describe_trial(run, 0) == [
        TimelineEntry(5.0, "worker 0 is given job 1"),
        TimelineEntry(15.0, "epoch 1: loss 1, waiting"),
        TimelineEntry(15.0, "the scheduler begins to decide on epoch 1; the run ends before it answers"),
        TimelineEntry(17.0, "job 1 ends: interrupted, worker 0 is free"),
    ]
