from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator import PBT, Resume, Start, Stop, simulate
from simulator.schedulers.pbt import compute_milestones
from tests.simulator.schedulers.problems import CONDITIONAL, PROBLEMS, Driver, schema_of

NAN = float("nan")
SCHEMA = schema_of(CONDITIONAL)


def population(workers: int, **settings: Any) -> tuple[PBT, Driver]:
    """A population of four on nine epochs, with milestones at 3 and 6, whose first trials have started."""
    scheduler = PBT(SCHEMA, 1, **{"population": 4, "interval": 3, "resample": 0, **settings})
    told = Driver(scheduler, SCHEMA)
    for trial in range(workers):
        suggestion = scheduler.suggest()
        assert isinstance(suggestion, Start)
        assert (suggestion.until, suggestion.checkpoint_of) == (None, None)
        told.configurations[trial] = suggestion.configuration
    return scheduler, told


@pytest.mark.parametrize(
    ("values", "interval", "expected"),
    [
        (range(1, 51), None, [5, 10, 15, 20, 25, 30, 35, 40, 45]),
        (range(1, 10), 4, [4, 8]),
        (range(0, 1001, 200), 300, [400, 600]),
        ((0.1, 0.2, 0.3, 0.9, 1.0), 0.1, [0.1, 0.2, 0.3, 0.9]),
        ((1,), None, []),
        (range(1, 4), 1e-9, [1, 2]),
        ([k / 20 for k in range(1, 21)], 0.15, [0.15, 0.3, 0.45, 0.6, 0.75, 0.9]),
        ([k / 10 for k in range(1, 11)], 0.1 * 3, [0.3, 0.6, 0.9]),
        (range(1, 21), 2.5, [3, 5, 8, 10, 13, 15, 18]),
        ((1,), 5, []),
    ],
)
def test_milestones_lie_at_or_next_above_the_multiples(
    values: Any, interval: float | None, expected: list[float]
) -> None:
    assert compute_milestones(Fidelity("epoch", tuple(values)), interval) == expected


def test_the_worst_is_stopped_and_a_copy_of_the_best_takes_its_place() -> None:
    scheduler, told = population(workers=4)
    assert scheduler.suggest() is None  # more workers than places
    assert [told.report(trial, 1, 0.0) for trial in range(4)] == ["continue until 3"] * 4
    assert told.report(0, 3, 0.4) == "continue until 6"  # no other trial is there to be better
    assert told.report(1, 3, 0.1) == "continue until 6"
    assert told.report(2, 3, 0.3) == "continue until 6"
    assert told.report(3, 3, NAN) == "stop"  # a quarter of four
    copy: Any = scheduler.suggest()
    assert copy.checkpoint_of == 1
    rate = told.configurations[1]["rate"]
    assert copy.configuration["rate"] in (pytest.approx(0.8 * rate), pytest.approx(min(1.2 * rate, 1.0)))
    assert copy.configuration["optimizer"] == told.configurations[1]["optimizer"]
    told.end(3, "stopped")
    assert scheduler.suggest() is None
    assert told.report(4, 4, 0.0) == "continue until 6"  # the new trial, from the checkpoint at 3
    assert told.report(4, 6, 0.05) == "continue until 9"


def test_half_at_most_are_the_worst_and_none_of_one() -> None:
    _, told = population(workers=4, quantile=0.5)
    assert told.report(0, 3, 9.0) == "continue until 6"
    assert told.report(1, 3, 1.0) == "continue until 6"
    assert told.report(2, 3, 5.0) == "continue until 6"  # of three, one is the worst: 9.0, which runs on
    assert told.report(0, 6, 9.0) == "stop"
    assert told.report(3, 3, 8.0) == "stop"


def test_with_fewer_workers_the_population_takes_turns() -> None:
    scheduler, told = population(workers=2)
    assert told.report(0, 3, 0.1) == "pause"
    assert isinstance(scheduler.suggest(), Start)
    assert told.report(1, 3, 0.3) == "stop"  # of two, one is the worst
    suggestion = scheduler.suggest()
    assert suggestion == Start(suggestion.configuration)  # the fourth place has not begun
    assert scheduler.suggest() == Resume(0)
    copy: Any = scheduler.suggest()
    assert copy.checkpoint_of == 0
    assert scheduler.suggest() is None


def test_a_trial_that_fails_is_replaced_in_the_population() -> None:
    scheduler, told = population(workers=4)
    told.end(3, "failed")  # without a report: a random one
    random: Any = scheduler.suggest()
    assert random.checkpoint_of is None
    told.report(0, 1, 0.2)
    told.end(0, "failed")
    alone: Any = scheduler.suggest()
    assert alone.checkpoint_of is None  # there is no trial to copy
    assert told.report(1, 3, 0.1) == "continue until 6"
    told.report(5, 1, 0.3)
    told.end(5, "failed")
    copy: Any = scheduler.suggest()
    assert copy.checkpoint_of == 1
    told.end(6, "failed")  # the copy did not get anywhere
    again: Any = scheduler.suggest()
    assert again.checkpoint_of is None


def test_who_is_through_is_not_copied_and_when_all_are_it_is_over() -> None:
    scheduler, told = population(workers=4)
    for trial, loss in enumerate([0.1, 0.2, 0.3]):
        for epoch in (3, 6, 9):
            told.report(trial, epoch, loss if trial < 2 else 0.2)
        told.end(trial, "completed")
    assert told.report(3, 3, 0.9) == "continue until 6"  # the worst, but the best has ended
    told.report(3, 9, 0.9)
    told.end(3, "completed")
    assert [scheduler.suggest() for _ in range(3)] == [None] * 3


def test_a_trial_that_is_nan_at_a_milestone_makes_way_whoever_is_left() -> None:
    scheduler, told = population(workers=4)
    assert told.report(0, 3, NAN) == "stop"  # a NaN is stopped even if no other trial is there
    random: Any = scheduler.suggest()
    assert random.checkpoint_of is None
    assert told.report(2, 3, float("inf")) == "continue until 6"  # a number
    assert told.report(1, 3, NAN) == "stop"
    copy: Any = scheduler.suggest()
    assert copy.checkpoint_of == 2
    assert told.report(3, 3, -float("inf")) == "continue until 6"
    assert told.report(2, 6, float("inf")) == "stop"  # one of two is the worst
    assert scheduler.suggest().checkpoint_of == 3  # type: ignore[union-attr]


def test_the_loss_of_a_trial_that_failed_counts_no_more() -> None:
    _, told = population(workers=4)
    assert told.report(0, 3, 0.2) == "continue until 6"
    assert told.report(1, 3, 0.1) == "continue until 6"
    told.end(0, "failed")
    assert told.report(2, 3, 0.15) == "stop"  # the worse of two


def test_of_equal_losses_the_place_with_the_lower_number_is_the_better_one() -> None:
    _, told = population(workers=4)
    assert told.report(2, 3, 0.5) == "continue until 6"
    assert told.report(1, 3, 0.5) == "continue until 6"
    assert told.report(3, 3, 0.5) == "stop"


def test_a_curve_that_ends_between_milestones_counts_with_its_last_report() -> None:
    scheduler, told = population(workers=4)
    told.report(0, 3, 0.1)
    told.report(0, 5, 0.9)
    told.end(0, "completed")
    assert told.report(1, 3, 0.5) == "continue until 6"  # of two, the worst is the one that has ended
    told.report(2, 3, NAN)
    copy: Any = scheduler.suggest()
    assert copy.checkpoint_of == 1


def test_a_pause_may_be_told_after_the_job_that_went_on() -> None:
    scheduler, told = population(workers=2)
    told.report(0, 3, 0.1)
    scheduler.suggest()
    scheduler.suggest()
    assert scheduler.suggest() == Resume(0)
    told.end(0, "completed")
    told.end(0, "completed")  # of the earlier job: the trial is over (T11)


def test_a_population_trains_on_from_copied_checkpoints() -> None:
    search = partial(PBT, population=8)
    run = simulate(PROBLEMS["smooth"](), search, workers=3, stop=Stop(time=1e5), seed=1)
    assert run.reason == "exhausted"
    status = run.trial_columns["status"]
    assert status.count("completed") == 8
    assert status.count("stopped") == len(status) - 8 > 0
    reports = run.reports().to_pylist()
    first = {}
    for report in reports:
        first.setdefault(report["trial"], report["fidelity"])
    copies = [source is not None for source in run.trial_columns["checkpoint_of"]]
    assert copies[:8] == [False] * 8
    assert sum(copies) > 10  # where all of the best have been trained to the end, a trial is random
    assert [first[trial] > 1 for trial in range(len(status))] == copies


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population": 0}, "population is 0, but must be a whole number, 1 or more"),
        ({"quantile": 0.6}, "quantile is 0.6, but must be a number from 0 to 0.5"),
        ({"resample": 2}, "resample is 2, but must be a number from 0 to 1"),
        ({"interval": 0}, "interval is 0, but must be a number above 0"),
        (
            {"interval": 9},
            "interval is 9, but must leave a milestone below the largest fidelity: at most epoch=8 of 1..9",
        ),
    ],
)
def test_settings_outside_their_range_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        PBT(SCHEMA, **settings)
    assert str(caught.value) == message


def test_without_checkpoints_there_is_nothing_to_copy() -> None:
    with pytest.raises(InvalidOption) as caught:
        PBT(schema_of(CONDITIONAL, kind="independent"))
    assert "the fidelity 'epoch' is independent and has none; choose another" in str(caught.value)
