from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from blackbox_repo import Float, Objective, Schema, Space, from_function
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator import MedianStopping, Stop, simulate
from tests.simulator.schedulers.problems import TINY, Driver, schema_of

NAN = float("nan")


def driver(**settings: Any) -> Driver:
    schema = schema_of(TINY, goal=settings.pop("goal", "min"))
    return Driver(MedianStopping(schema, **settings), schema)


def test_the_best_so_far_is_compared_with_the_median_of_running_averages() -> None:
    """Averages at epoch 2: (4 + 2) / 2 = 3, (6 + 1) / 2 = 3.5, (1 + 9) / 2 = 5; their median is 3.5."""
    told = driver(min_trials=3)
    for trial, curve in enumerate([(4, 2), (6, 1), (1, 9)]):
        assert [told.report(trial, epoch, score) for epoch, score in enumerate(curve, 1)] == ["continue"] * 2
    assert told.report(3, 1, 4.0) == "continue"  # at epoch 1 the median of 4, 6, 1 is 4
    assert told.report(3, 2, 7.0) == "stop"  # its best is 4
    # now 3, 3.5, 5 and 5.5: 4.25
    assert told.report(4, 1, 4.0) == "continue"  # of 4, 6, 1, 4
    assert told.report(4, 2, 99.0) == "continue"  # its best is 4, however bad it is now


def test_a_maximum_is_compared_the_other_way() -> None:
    told = driver(min_trials=1, goal="max")
    assert told.report(0, 1, 0.5) == "continue"
    assert told.report(1, 1, 0.4) == "stop"
    assert told.report(2, 1, 0.45) == "continue"  # exactly the median is not worse


def test_nothing_is_stopped_before_the_grace_or_with_too_few_others() -> None:
    told = driver(grace=2, min_trials=2)
    for epoch in (1, 2):
        assert told.report(0, epoch, 1.0) == "continue"
    for epoch in (1, 2):
        assert told.report(1, epoch, 5.0) == "continue"
    assert told.report(2, 1, 9.0) == "continue"
    assert told.report(2, 2, 9.0) == "stop"


def test_averages_leave_nan_out_and_a_nan_is_stopped_where_there_are_numbers() -> None:
    told = driver(min_trials=2)
    assert told.report(0, 1, NAN) == "continue"
    assert told.report(1, 1, NAN) == "continue"
    assert told.report(2, 1, NAN) == "continue"  # no other trial has a number there
    assert told.report(3, 1, 3.0) == "continue"
    assert told.report(4, 1, NAN) == "stop"  # four were there, and one has a number
    assert told.report(5, 1, 9.0) == "continue"  # one other number is too few to be compared with
    assert told.report(6, 1, 7.0) == "stop"  # the median of 3 and 9 is 6
    assert told.report(0, 2, 5.0) == "continue"
    assert told.report(1, 2, 6.0) == "continue"
    assert told.report(3, 2, 8.0) == "continue"  # its best is 3
    assert told.report(5, 2, 5.5) == "continue"  # its best is 5.5, which the median of 5, 6 and 5.5 is, too


def test_a_trial_is_stopped_for_the_nan_that_it_reports_now_not_for_earlier_ones() -> None:
    told = driver(min_trials=1)
    told.report(0, 2, 2.0)
    told.report(1, 1, NAN)
    assert told.report(1, 2, 1.0) == "continue"
    told.report(2, 1, 0.5)
    assert told.report(2, 2, NAN) == "stop"


def test_infinities_are_numbers() -> None:
    inf = math.inf
    told = driver(min_trials=1)
    assert told.report(0, 1, inf) == "continue"
    assert told.report(1, 1, inf) == "continue"  # exactly the median
    assert told.report(2, 1, 1.0) == "continue"
    assert told.report(3, 1, NAN) == "stop"
    assert told.report(2, 2, inf) == "continue"
    assert told.report(4, 1, -inf) == "continue"
    assert told.report(4, 2, inf) == "continue"  # the average of both infinities is none
    assert told.report(5, 2, 3.0) == "continue"


def test_the_average_of_equal_losses_is_that_loss() -> None:
    """Three times 0.1 add up to 0.30000000000000004 in floats; two equal curves tie at every epoch."""
    told = driver(min_trials=1)
    for trial in range(3):
        answers = {told.report(trial, epoch, 0.1) for epoch in range(1, 10)}
        assert answers == {"continue"}


def test_between_a_number_and_infinity_lies_whatever_is_smaller_than_infinity() -> None:
    told = driver(min_trials=2)
    told.report(0, 1, 1.0)
    told.report(1, 1, math.inf)
    assert told.report(2, 1, 1e300) == "continue"
    told.report(3, 1, math.inf)
    assert told.report(4, 1, math.inf) == "stop"  # of 1, 1e300 and twice infinity


def test_an_average_stays_infinite_when_finite_losses_follow() -> None:
    told = driver(min_trials=2)
    told.report(0, 1, math.inf)
    told.report(0, 2, 5.0)
    told.report(1, 2, 1.0)
    assert told.report(2, 2, math.inf) == "stop"  # the averages are infinity and 1


def test_the_grace_begins_at_the_fidelity_at_or_next_above_it() -> None:
    told = driver(grace=1.5, min_trials=1)
    assert [told.report(0, epoch, 1.0) for epoch in (1, 2)] == ["continue"] * 2
    assert [told.report(1, epoch, 5.0) for epoch in (1, 2)] == ["continue", "stop"]
    schema = schema_of(TINY)
    tenths = Fidelity("share", tuple(k / 10 for k in range(1, 11)))
    told = Driver(
        MedianStopping(replace(schema, fidelity=tenths), grace=0.1 * 3, min_trials=1),
        replace(schema, fidelity=tenths),
    )
    told.report(0, 0.3, 1.0)
    assert told.report(1, 0.3, 5.0) == "stop"


@pytest.mark.parametrize("grace", [0, 1, 500])
def test_with_one_fidelity_no_trial_is_stopped_whatever_the_grace(grace: float) -> None:
    schema = replace(schema_of(TINY), fidelity=Fidelity("epoch", (1,)))
    told = Driver(MedianStopping(schema, grace=grace, min_trials=1), schema)
    assert [told.report(trial, 1, loss) for trial, loss in enumerate((1.0, 5.0, NAN))] == ["continue"] * 3


def test_what_failed_is_forgotten_but_its_averages_count() -> None:
    told = driver(min_trials=1)
    told.report(0, 1, 1.0)
    told.end(0, "failed")
    assert told.report(1, 1, 2.0) == "stop"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grace": -1}, "grace is -1, but must be a number, 0 or more"),
        ({"grace": "9"}, "grace is '9', but must be a number, 0 or more"),
        ({"grace": 9}, "grace is 9, but must be below the largest fidelity: at most epoch=8 of 1..9"),
        ({"grace": 9.5}, "grace is 9.5, but must be below the largest fidelity: at most epoch=8 of 1..9"),
        ({"min_trials": 0}, "min_trials is 0, but must be a whole number, 1 or more"),
    ],
)
def test_settings_outside_their_range_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        driver(**settings)
    assert str(caught.value) == message


def test_an_average_of_finite_losses_is_finite_however_far_they_are_apart() -> None:
    told = driver(min_trials=1)
    assert [told.report(0, epoch, loss) for epoch, loss in ((1, -1e308), (2, 1e308))] == ["continue"] * 2
    assert [told.report(1, epoch, -1e308) for epoch in (1, 2)] == ["continue"] * 2
    assert told.report(2, 1, -1e308) == "continue"
    assert told.report(3, 2, 1.0) == "stop"  # the averages are 0 and -1e308


def test_no_trial_is_stopped_at_the_largest_fidelity_where_it_is_complete() -> None:
    schema = Schema(
        space=Space({"x": Float(0, 1)}),
        fidelity=Fidelity("epoch", (1, 2)),
        objectives=(
            Objective("loss", "min"),
            Objective("elapsed_time", "none", unit="s", cumulative=True),
        ),
        target="loss",
        time="elapsed_time",
    )
    times = {"elapsed_time": [1.0, 2.0]}
    worse = from_function(schema, lambda c, seed: {**times, "loss": [1.0, c["x"]]}, name="worse at the end")
    run = simulate(worse, MedianStopping, workers=1, stop=Stop(trials_started=30))
    assert run.trials()["status"].to_pylist() == ["completed"] * 30
