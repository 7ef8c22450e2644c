"""Where a finite space is used up, schedulers that draw at random start nothing more, and the run ends."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from blackbox_repo import Categorical, Condition, Integer, InvalidOption, Space
from simulator import (
    ASHA,
    MOASHA,
    PASHA,
    PBT,
    GridSearch,
    Hyperband,
    LocalSearch,
    MedianStopping,
    PromotionASHA,
    RandomSearch,
    RegularizedEvolution,
    Run,
    Stop,
    SuccessiveHalving,
    simulate,
)
from tests.simulator.schedulers.problems import SCATTERED, TINY, Rough, schema_of

ONCE = [ASHA, PromotionASHA, PASHA, MOASHA, MedianStopping, Hyperband, SuccessiveHalving, RandomSearch]
TIED = Space({"k": Categorical(("a", "b")), "n": Integer(1, 40, log=True)}, {"n": (Condition("k", ("b",)),)})
SPACES = {"grid": TINY, "table": SCATTERED, "conditional": TIED}


def run_of(space: Space, scheduler: Any, *, workers: int = 3, trials: int = 500, smooth: bool = True) -> Run:
    blackbox = Rough(schema_of(space), smooth=smooth)
    return simulate(blackbox, scheduler, workers=workers, stop=Stop(trials_started=trials), seed=4)


def started(run: Run) -> list[tuple[Any, ...]]:
    return [tuple(run.configuration(trial).items()) for trial in range(run.trials().num_rows)]


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("kind", [*ONCE, LocalSearch], ids=lambda kind: kind.__name__)
def test_each_configuration_starts_once_and_the_run_ends(kind: Any, space: Space, smooth: bool) -> None:
    run = run_of(space, kind, smooth=smooth)
    found = started(run)
    assert len(found) == len(set(found)) == space.size
    assert run.reason == "exhausted"


@pytest.mark.parametrize("kind", ONCE, ids=lambda kind: kind.__name__)
def test_duplicates_come_for_ever_if_one_wants_them(kind: Any) -> None:
    run = run_of(TINY, partial(kind, duplicates=True), trials=60)
    assert len(started(run)) == 60
    assert len(set(started(run))) == TINY.size
    assert run.header["scheduler"].endswith("duplicates=True)")


def test_populations_go_on_with_children_or_make_do_with_fewer_places() -> None:
    evolution = run_of(TINY, RegularizedEvolution, trials=40)
    assert len(started(evolution)) == 40
    assert len(set(started(evolution)[:6])) == 6
    population = run_of(TINY, partial(PBT, population=10), workers=10)
    assert population.reason == "exhausted"
    assert len(set(started(population)[:6])) == 6


def test_a_population_far_larger_than_the_space_gives_up_the_places_that_it_cannot_fill() -> None:
    run = run_of(TINY, partial(PBT, population=5000), workers=10)
    assert run.reason == "exhausted"
    assert len(set(started(run)[:6])) == 6


@pytest.mark.parametrize("kind", [RandomSearch, GridSearch])
def test_a_configuration_can_be_repeated(kind: Any) -> None:
    run = run_of(TINY, partial(kind, repeat=3, initial=[{}]))
    found = started(run)
    assert run.reason == "exhausted"
    assert Counter(found) == dict.fromkeys(set(found), 3)
    assert found[::3] == found[1::3] == found[2::3]
    assert len(set(found)) == TINY.size
    assert found[0] == tuple(TINY.completed({}).items())


def test_schedulers_with_the_same_seed_start_the_same_configurations() -> None:
    expected = started(run_of(TIED, RandomSearch, workers=1))
    for kind in (ASHA, MedianStopping, Hyperband):
        assert started(run_of(TIED, kind, workers=1)) == expected


@pytest.mark.parametrize("space", [TIED, TINY])
def test_the_order_does_not_depend_on_how_far_one_looks_ahead(space: Space) -> None:
    orders = []
    for ahead in (0, 1, 5, 300):
        scheduler = RandomSearch(schema_of(space), 9)
        orders.append([])
        while start := (scheduler.upcoming(ahead), scheduler.suggest())[1]:
            orders[-1].append(start.configuration)
    assert orders == [orders[0]] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RandomSearch(schema_of(TINY), repeat=0),
            "repeat is 0, but must be a whole number, 1 or more",
        ),
        (lambda: RandomSearch(schema_of(TINY), duplicates=1), "duplicates is 1, but must be true or false"),
        (lambda: RandomSearch(schema_of(TINY), "3"), "seed is '3', but must be a whole number"),
        (lambda: GridSearch(schema_of(TINY), points=1), "points is 1, but must be a whole number, 2 or more"),
        (lambda: GridSearch(schema_of(TINY), shuffle="yes"), "shuffle is 'yes', but must be true or false"),
    ],
)
def test_settings_outside_their_range_are_named(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        make()
    assert str(caught.value) == message


def test_a_shuffled_grid_has_the_points_of_the_grid_in_an_order_that_the_seed_decides() -> None:
    space = Space({"a": Integer(1, 50), "b": Integer(1, 50)})

    def order(seed: int, **settings: Any) -> list[Any]:
        scheduler = GridSearch(schema_of(space), seed, points=50, **settings)
        return [tuple(start.configuration.values()) for start in iter(scheduler.suggest, None)]

    plain = order(0)
    assert plain == [(a, b) for a in range(1, 51) for b in range(1, 51)]
    shuffled = [order(seed, shuffle=True) for seed in (0, 1)]
    assert shuffled[0] != shuffled[1]
    assert sorted(shuffled[0]) == sorted(shuffled[1]) == plain
