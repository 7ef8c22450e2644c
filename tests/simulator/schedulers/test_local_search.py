from __future__ import annotations

from typing import Any

from blackbox_repo.domains import Float, Integer, Ordinal
from blackbox_repo.space import Space
from simulator import LocalSearch, Stop, simulate
from simulator.schedulers.local_search import MAX_DRAWS
from tests.simulator.schedulers.problems import (
    CONDITIONAL,
    PROBLEMS,
    ROWS,
    SCATTERED,
    TINY,
    Driver,
    schema_of,
)

LINE = Space({"step": Ordinal(tuple(range(20)))})


def descent(losses: dict[int, float], initial: int, trials: int) -> list[int]:
    """What a single worker tries on a line of twenty, where a loss is the step unless it is given."""
    schema = schema_of(LINE, epochs=1)
    scheduler = LocalSearch(schema, 0, initial=[{"step": initial}])
    told, tried = Driver(scheduler, schema), []
    for trial in range(trials):
        suggestion: Any = scheduler.suggest()
        if suggestion is None:
            break
        step = suggestion.configuration["step"]
        told.configurations[trial] = suggestion.configuration
        tried.append(step)
        told.report(trial, 1, losses.get(step, step))
        told.end(trial, "completed")
    return tried


def test_it_goes_down_step_by_step_and_restarts_where_no_neighbour_is_better() -> None:
    tried = descent({}, initial=5, trials=8)
    down = [step for step in tried if step <= 6]
    assert sorted(tried[: tried.index(0) + 1]) in (
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5, 6],
    )  # 6 may come before 4, but nothing beyond
    assert [step for step in down if step < 5] == [4, 3, 2, 1, 0]


def test_a_local_minimum_ends_the_descent() -> None:
    tried = descent({4: 99.0}, initial=5, trials=20)
    assert set(tried[:3]) == {4, 5, 6}
    assert sorted(tried) == list(range(20))  # a restart finds the rest, and nothing is tried twice


def test_everything_is_tried_once_and_then_nothing() -> None:
    assert sorted(descent({}, initial=0, trials=99)) == list(range(20))
    run = simulate(PROBLEMS["tiny"](), LocalSearch, workers=4, stop=Stop(time=1e6))
    assert run.reason == "exhausted"
    assert len(run.trial_columns["trial"]) == TINY.size == 6


def test_a_table_that_is_no_grid_is_tried_row_by_row() -> None:
    run = simulate(PROBLEMS["scattered"](), LocalSearch, workers=3, stop=Stop(time=1e6))
    tried = [run.configuration(trial) for trial in range(len(run.trial_columns["trial"]))]
    assert sorted(tried, key=str) == sorted(ROWS, key=str)
    assert schema_of(SCATTERED).space.size == 12


def test_a_space_without_number_is_exhausted_when_draws_find_nothing_new() -> None:
    schema = schema_of(Space({"x": Float(0.5, 0.5), "n": Integer(1, 3)}), epochs=1)
    scheduler = LocalSearch(schema)
    suggested: list[Any] = [scheduler.suggest() for _ in range(5)]
    assert sorted(s.configuration["n"] for s in suggested[:3]) == [1, 2, 3]
    assert suggested[3:] == [None, None]
    assert MAX_DRAWS == 1000


def test_idle_workers_begin_searches_of_their_own() -> None:
    schema = schema_of(CONDITIONAL)
    scheduler = LocalSearch(schema, 3)
    told = Driver(scheduler, schema)
    for trial in range(3):
        suggestion = scheduler.suggest()
        assert suggestion is not None
        told.configurations[trial] = suggestion.configuration
    told.report(0, 9, float("nan"))
    told.end(0, "completed")  # infinitely bad: it has no neighbours
    told.report(1, 9, 1.0)
    told.end(1, "completed")
    told.end(2, "failed")
    for _ in range(5):
        neighbour = scheduler.suggest()
        assert neighbour is not None
        differing = [
            name
            for name in CONDITIONAL.domains
            if neighbour.configuration.get(name) != told.configurations[1].get(name)
        ]
        assert len(differing) == 1 or differing == ["optimizer", "momentum"]
