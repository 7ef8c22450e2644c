"""Where simulated time ends: 64 bits of nanoseconds, 292 years (T1)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from simulator import (
    STOP,
    Conditions,
    Delays,
    Exponential,
    Failures,
    LogNormal,
    MedianStopping,
    PromotionASHA,
    RandomSearch,
    SimulationError,
    Stop,
    Uniform,
    simulate,
)
from simulator.clock import END_OF_TIME, rounded, to_ns, to_seconds
from simulator.errors import RunError

YEAR = 365.25 * 86400.0


def test_what_lies_beyond_the_end_of_time_is_a_whole_number_beyond_it() -> None:
    assert [to_ns(seconds) for seconds in (0, 0.5, 1e9)] == [0, 500_000_000, 10**18]
    assert all(to_ns(seconds) > END_OF_TIME for seconds in (1e10, 1e30, 1e300, float("inf")))
    assert rounded(float("inf")) == rounded(1e300) > END_OF_TIME
    assert to_seconds(END_OF_TIME) / YEAR == pytest.approx(292, abs=1)


def slow(make_tiny: Any, years: float) -> Blackbox:
    """Each training takes so many years."""

    class Slow(make_tiny):  # type: ignore[misc]
        def curve(self, configuration: Any, *, seed: int | None = None) -> LearningCurve:
            elapsed = [years * YEAR * step / 4 for step in range(1, 5)]
            return LearningCurve.of(self.schema, {"loss": [1.0] * 4, "elapsed_time": elapsed}, seed=seed or 0)

    blackbox: Blackbox = Slow()
    return blackbox


def kept(err: pytest.ExceptionInfo[RunError]) -> Any:
    """The run so far, whose record is whole."""
    run = err.value.run
    assert run is not None
    assert run.reason == "error"
    assert len(run.digest) == 64
    return run


def test_a_run_that_would_go_on_beyond_is_ended_by_an_error_and_kept_T1(
    play: Any, job: Any, make_tiny: Any
) -> None:
    """Each of ten jobs takes a hundred years, though none of them reaches beyond alone."""

    with pytest.raises(SimulationError, match=r"\(report, trial 2\) .* ends after 292 years") as caught:
        play([job(1)] * 10, stop=Stop(trials_started=10), blackbox=slow(make_tiny, 100))
    run = kept(caught)
    assert run.trial_columns["status"] == ["completed", "completed", "interrupted"]
    assert run.seconds == pytest.approx(275 * YEAR)


@pytest.mark.parametrize(
    ("conditions", "event"),
    [
        (Conditions(Delays(start=1e10)), "start, trial 0"),
        (Conditions(Delays(report=1e10)), "report, trial 0"),
        (Conditions(Delays(complete=1e10)), "end, trial 0"),
        (Conditions(Delays(start=Uniform(1e300, 1e300))), "start, trial 0"),
        (Conditions(Delays(start=LogNormal(1e300, 3))), "start, trial 0"),
        (Conditions(decision_time=1e12), "answer"),
        (Conditions(decision_time=lambda call: 1e300), "answer"),
        (Conditions(poll=1e12), "answer"),
        (Conditions(speeds=(1e-320,)), "report, trial 0"),
        (Conditions(failures=Failures(preempt=15, away=1e12)), "joined, worker 0"),
    ],
)
def test_times_of_the_conditions_may_lie_beyond_too_T1(
    play: Any, job: Any, conditions: Conditions, event: str
) -> None:
    with pytest.raises(SimulationError, match=rf"\({event}.*292 years") as caught:
        play([job(10)], conditions=conditions, stop=Stop(reports=9))
    kept(caught)


def test_a_stop_signal_beyond_is_refused_T1(play: Any, job: Any) -> None:
    with pytest.raises(SimulationError, match=r"\(signal, trial 0\)") as caught:
        play(
            [job(10)],
            {(0, 1): STOP},
            conditions=Conditions(Delays(stop=1e10, stopped=1, complete=1e10)),
            stop=Stop(reports=9),
        )
    assert kept(caught).trial_columns["status"] == ["stopped"]


@pytest.mark.parametrize("limit", [1e10, 1e15, 1e300])
def test_a_limit_beyond_never_holds_T1_T15(play: Any, job: Any, limit: float) -> None:
    _, _, run = play([job(10)], stop=Stop(time=limit))
    assert (run.reason, run.seconds) == ("exhausted", 40.0)


@pytest.mark.parametrize("never", [1e12, 1e300, Exponential(1e300), Uniform(1e10, 1e305)])
def test_what_fails_beyond_never_fails_T1_T18(play: Any, job: Any, never: Any) -> None:
    conditions = Conditions(failures=Failures(crash=never, preempt=never))
    _, scheduler, run = play([job(10)], conditions=conditions)
    assert (run.seconds, scheduler.ended) == (40.0, [(0, "completed")])


def test_points_on_their_way_at_the_end_of_a_long_run_are_recorded_by_the_end_of_time_T1_T15(
    play: Any, job: Any, make_tiny: Any
) -> None:
    """They were produced in time, but would arrive after it has ended: at its last nanosecond, then."""
    delays = Conditions(Delays(report=200 * YEAR))
    _, _, run = play([job(10)], conditions=delays, stop=Stop(time=260 * YEAR), blackbox=slow(make_tiny, 200))
    assert run.reason == "time"
    assert run.reports().to_pydict()["decision"] == ["continue", "after_end", "after_end", "after_end"]
    assert int(run.records["time"].max()) == END_OF_TIME


def test_a_job_that_would_take_longer_than_time_is_no_harm_to_a_run_that_ends_before_T1(
    play: Any, job: Any, make_tiny: Any
) -> None:
    """The second job would end after 400 years."""
    _, _, run = play([job(10)] * 3, stop=Stop(time=250 * YEAR), blackbox=slow(make_tiny, 200))
    assert (run.reason, run.trial_columns["status"]) == ("time", ["completed", "interrupted"])


def test_a_limit_that_lies_beyond_does_not_save_it_T1(play: Any, job: Any, make_tiny: Any) -> None:
    with pytest.raises(SimulationError, match="the next event .report, trial 1. .* 292 years") as caught:
        play([job(10)] * 3, stop=Stop(time=399 * YEAR), blackbox=slow(make_tiny, 200))
    assert kept(caught).seconds == pytest.approx(250 * YEAR)


@pytest.mark.parametrize("seconds", [to_seconds(END_OF_TIME), 1e10, float("inf")])
def test_a_training_that_takes_longer_than_time_is_named_T1(
    play: Any, job: Any, make_tiny: Any, seconds: float
) -> None:
    blackbox = slow(make_tiny, seconds / YEAR)
    with pytest.raises(
        SimulationError, match="reaches beyond 292 years, where simulated time ends"
    ) as caught:
        play([job(10)], stop=Stop(reports=9), blackbox=blackbox)
    assert kept(caught).reason == "error"


@pytest.mark.parametrize("scheduler", [RandomSearch, PromotionASHA, MedianStopping])
@pytest.mark.parametrize("times", [[1, 2, math.inf], [1, math.nan, 3], [-1, 2, 3], [1, 2, 1e300]])
def test_a_time_that_is_none_does_not_take_the_run_so_far_with_it(
    scheduler: Any, times: list[float], make_tiny: Any
) -> None:
    """The third trial has it."""

    class Third(make_tiny):  # type: ignore[misc]
        asked = 0

        def curve(self, configuration: Any, *, seed: int | None = None) -> Any:
            self.asked += 1
            elapsed = times if self.asked > 2 else [1.0, 2.0, 3.0]
            return LearningCurve.of(self.schema, {"loss": [1.0] * 3, "elapsed_time": elapsed}, seed=seed or 0)

    with pytest.raises(SimulationError, match="the time 'elapsed_time' of ") as caught:
        simulate(Third(), scheduler, workers=1, stop=Stop(trials_started=9))
    run = kept(caught)
    assert run.reason == "error"
    assert run.reports().num_rows >= run.trials().num_rows - 1 >= 2
