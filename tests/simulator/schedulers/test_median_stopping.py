from __future__ import annotations

from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import MedianStopping
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


def test_nan_ranks_last_and_does_not_spoil_the_median() -> None:
    told = driver(min_trials=1)
    assert told.report(0, 1, NAN) == "continue"
    assert told.report(1, 1, NAN) == "continue"  # not worse than infinitely bad
    assert told.report(2, 1, 3.0) == "continue"
    assert told.report(3, 1, 2.0) == "continue"
    assert told.report(4, 1, 1.0) == "continue"
    assert told.report(5, 1, NAN) == "stop"  # the median of 1, 2, 3 and two infinities is 3
    assert told.report(2, 2, NAN) == "continue"
    assert told.report(3, 2, 2.0) == "continue"  # the only average there is infinite


def test_what_failed_is_forgotten_but_its_averages_count() -> None:
    told = driver(min_trials=1)
    told.report(0, 1, 1.0)
    told.end(0, "failed")
    assert told.report(1, 1, 2.0) == "stop"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grace": -1}, "grace is -1, but must be a number from 0 to inf"),
        ({"grace": "9"}, "grace is '9', but must be a number from 0 to inf"),
        ({"min_trials": 0}, "min_trials is 0, but must be a whole number, 1 or more"),
    ],
)
def test_settings_outside_their_range_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        driver(**settings)
    assert str(caught.value) == message
