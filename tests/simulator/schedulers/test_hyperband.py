from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Float
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity, Schema
from blackbox_repo.space import Space
from simulator import Conditions, Hyperband, Resume, Run, Start, Stop, SuccessiveHalving, simulate
from simulator.schedulers.exact_fractions import fraction
from simulator.schedulers.hyperband import bracket_sizes
from tests.simulator.schedulers.problems import WIDE, Driver, schema_of

NAN = float("nan")


def epochs(count: int) -> Blackbox:
    """The score is x at every epoch, each of which takes a second."""
    schema = schema_of(Space({"x": Float(0.0, 1.0)}), epochs=count)

    def curve(configuration: dict[str, Any], seed: int) -> dict[str, Any]:
        steps = range(1, count + 1)
        return {
            "score": [configuration["x"] for _ in steps],
            "size": [0.0 for _ in steps],
            "elapsed_time": list(steps),
        }

    return from_function(schema, curve)


def trained(run: Run) -> list[int]:
    """Up to which epoch each trial was trained, in the order of their numbers."""
    last: dict[int, int] = {}
    for report in run.reports().to_pylist():
        last[report["trial"]] = report["fidelity"]
    return [last[trial] for trial in sorted(last)]


def test_brackets_have_the_sizes_of_algorithm_1_for_81_and_3() -> None:
    assert bracket_sizes(4, Fraction(3)) == [81, 34, 15, 8, 5]
    assert bracket_sizes(3, Fraction(4)) == [64, 22, 8, 4]
    assert bracket_sizes(0, Fraction(3)) == [1]
    assert bracket_sizes(2, fraction(math.sqrt(10))) == [10, 5, 3]  # 3 * 10 / 3, whatever the last digit


def test_all_brackets_of_81_epochs_have_the_rungs_of_the_papers_table_1() -> None:
    """Table 1 with the numbers of algorithm 1: the brackets s = 4, 3, 2, 1, 0 (n_i trials at r_i epochs)."""
    trials = 81 + 34 + 15 + 8 + 5
    run = simulate(epochs(81), Hyperband, workers=100, stop=Stop(trials_started=trials), seed=1)
    reached = trained(run)
    at = iter(reached)
    brackets = [Counter(next(at) for _ in range(size)) for size in (81, 34, 15, 8, 5)]
    assert [dict(sorted(bracket.items())) for bracket in brackets] == [
        {1: 54, 3: 18, 9: 6, 27: 2, 81: 1},  # 81@1, 27@3, 9@9, 3@27, 1@81
        {3: 23, 9: 8, 27: 2, 81: 1},  # 34@3, 11@9, 3@27, 1@81
        {9: 10, 27: 4, 81: 1},  # 15@9, 5@27, 1@81
        {27: 6, 81: 2},  # 8@27, 2@81
        {81: 5},
    ]


def test_the_best_of_a_bracket_is_trained_to_the_end_and_brackets_follow_each_other() -> None:
    run = simulate(epochs(9), SuccessiveHalving, workers=3, stop=Stop(trials_started=27), seed=1)
    reached, x = trained(run), run.trial_columns["config.x"]
    for first in (0, 9, 18):
        bracket = range(first, first + 9)
        assert sorted(reached[trial] for trial in bracket) == [1] * 6 + [3] * 2 + [9]
        by_score = sorted(bracket, key=lambda trial: x[trial])
        assert [reached[trial] for trial in by_score[:3]] == [9, 3, 3]
    started = run.trial_columns["started"]
    assert started[9] == max(run.trial_columns["ended"][:9])


def numbers(count: int, scheduler: Any) -> list[Any]:
    """Suggestions as ``start`` or the number of the resumed trial, with their bounds."""
    shown = []
    for _ in range(count):
        suggestion = scheduler.suggest()
        if isinstance(suggestion, Start):
            shown.append(("start", suggestion.until))
        elif isinstance(suggestion, Resume):
            shown.append((suggestion.trial, suggestion.until))
        else:
            shown.append(None)
    return shown


def test_a_rung_waits_for_its_last_trial_and_nan_and_the_failed_do_not_go_on() -> None:
    schema = schema_of(WIDE, epochs=4)
    scheduler = SuccessiveHalving(schema, eta=2, trials=5)  # 5@1, 2@2, 1@4
    told = Driver(scheduler, schema)
    assert numbers(6, scheduler) == [("start", 1)] * 5 + [None]
    for trial, score in enumerate([0.5, NAN, 0.3, 0.3]):
        assert told.report(trial, 1, score) == "continue"
        told.end(trial)
    assert numbers(1, scheduler) == [None]
    told.end(4, "failed")  # before its first report
    assert numbers(3, scheduler) == [(2, 2), (3, 2), None]  # a tie goes by number
    told.report(2, 2, 0.1)
    told.end(2, "failed")  # after its report: it cannot be resumed
    assert numbers(1, scheduler) == [None]
    told.report(3, 2, NAN)
    told.end(3)
    assert numbers(6, scheduler) == [("start", 1)] * 5 + [None]  # no trial is left: the next bracket


def test_a_bracket_trains_its_best_to_the_end() -> None:
    schema = schema_of(WIDE, epochs=4)
    scheduler = SuccessiveHalving(schema, eta=2, trials=4)  # 4@1, 2@2, 1@4
    told = Driver(scheduler, schema)
    assert numbers(4, scheduler) == [("start", 1)] * 4
    for trial, score in enumerate([NAN, math.inf, NAN, NAN]):
        told.report(trial, 1, score)
        told.end(trial)
    assert numbers(2, scheduler) == [(1, 2), None]  # two might, but one is a number, if an infinite one
    told.report(1, 2, 0.2)
    told.end(1)
    assert numbers(1, scheduler) == [(1, 4)]
    assert told.report(1, 3, 0.2) == "continue until 4"
    told.report(1, 4, 0.2)
    told.end(1, "completed")
    assert numbers(5, scheduler) == [("start", 1)] * 4 + [None]


def test_with_overlap_a_worker_begins_the_next_bracket_and_the_oldest_comes_first() -> None:
    schema = schema_of(WIDE, epochs=4)
    scheduler = SuccessiveHalving(schema, eta=2, trials=2, overlap=True)  # 2@1, 1@2
    told = Driver(scheduler, schema)
    assert numbers(3, scheduler) == [("start", 1)] * 3  # the third one is of the second bracket
    for trial, score in ((2, 0.1), (0, 0.5), (1, 0.4)):
        told.report(trial, 1, score)
        told.end(trial)
    assert numbers(3, scheduler) == [(1, 2), ("start", 1), ("start", 1)]
    told.report(3, 1, 0.2)
    told.end(3)
    assert numbers(1, scheduler) == [(2, 2)]  # the best of trials 2 and 3, of the second bracket
    assert repr(scheduler) == "SuccessiveHalving(seed=0, eta=2, r_min=None, trials=2, overlap=True)"


@pytest.mark.parametrize("kind", [Hyperband, SuccessiveHalving])
def test_with_overlap_no_worker_is_idle(kind: Any) -> None:
    idle, completed = {}, {}
    for overlap in (False, True):
        run = simulate(epochs(27), partial(kind, overlap=overlap), workers=10, stop=Stop(time=500), seed=1)
        idle[overlap] = run.statistics()["idle"]
        completed[overlap] = run.trial_columns["status"].count("completed")
    assert idle[False] > 0.1
    assert idle[True] == 0
    assert completed[True] > completed[False]


def test_a_bracket_whose_trials_all_fail_is_over() -> None:
    schema = schema_of(WIDE, epochs=4)
    scheduler = SuccessiveHalving(schema, eta=2, trials=2)
    told = Driver(scheduler, schema)
    for first in (0, 2, 4):
        assert numbers(3, scheduler) == [("start", 1), ("start", 1), None]
        told.end(first, "failed")
        told.end(first + 1, "completed")  # a curve shorter than the rung


def test_one_fidelity_leaves_nothing_to_halve() -> None:
    schema = schema_of(WIDE, epochs=1)
    for scheduler in (Hyperband(schema), SuccessiveHalving(schema)):
        assert numbers(2, scheduler) == [("start", 1), None]


def test_rungs_of_a_fidelity_that_is_no_power_lie_where_those_of_asha_do() -> None:
    schema = schema_of(WIDE, epochs=50)  # rungs at 1, 3, 9, 27
    assert numbers(2, Hyperband(schema, r_min=9)) == [("start", 9)] * 2
    halving = SuccessiveHalving(schema)
    assert [s for s in numbers(82, halving) if s] == [("start", 1)] * 81
    sparse = Schema(WIDE, Fidelity("share", (0.1, 0.5, 1.0)), schema.objectives, "score", "elapsed_time")
    assert numbers(1, Hyperband(sparse, eta=2)) == [("start", 0.1)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trials": 0}, "trials is 0, but must be a whole number, 1 or more"),
        ({"trials": 2.5}, "trials is 2.5, but must be a whole number, 1 or more"),
        ({"eta": 1}, "eta is 1, but must be a number above 1"),
        ({"r_min": -1}, "r_min is -1, but must be a number above 0"),
        ({"overlap": 1}, "overlap is 1, but must be true or false"),
    ],
)
def test_settings_outside_their_range_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        SuccessiveHalving(schema_of(WIDE), **settings)
    assert str(caught.value) == message


def test_they_say_what_they_are() -> None:
    assert repr(Hyperband(schema_of(WIDE), 3)) == "Hyperband(seed=3, eta=3, r_min=None)"
    assert (
        repr(SuccessiveHalving(schema_of(WIDE), trials=5))
        == "SuccessiveHalving(seed=0, eta=3, r_min=None, trials=5)"
    )


@pytest.mark.parametrize("scheduler", [Hyperband, SuccessiveHalving])
def test_workers_that_wait_for_a_rung_are_asked_again_when_it_is_decided(scheduler: Any) -> None:
    polling = Conditions(poll=5.0)
    run = simulate(epochs(9), scheduler, workers=40, stop=Stop(time=100), seed=3, conditions=polling)
    assert run.reason == "time"
