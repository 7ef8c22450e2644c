"""The front of several objectives, against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Integer
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from simulator import GridSearch, Run, Stop, simulate
from simulator.results.front import _find_undominated, compute_front

SCHEMA = Schema(
    Space({"k": Integer(0, 7)}),
    Fidelity("epoch", (1, 2)),
    (
        Objective("error", "min"),
        Objective("score", "max"),
        Objective("size", "min", constant=True),
        Objective("seconds", "none", "s", cumulative=True),
    ),
    target="error",
    time="seconds",
)
ERRORS = [5.0, 4.0, 3.0, 2.0, 2.0, 1.0, math.nan, 6.0]
SCORES = [9.0, 9.0, 7.0, 8.0, 8.0, 2.0, 10.0, 9.5]
SIZES = [1, 2, 3, 4, 5, 6, 7, 8]


def blackbox() -> Blackbox:
    """The first epoch is worse in both; the second as above."""

    def curve(configuration, seed):
        k = configuration["k"]
        return {
            "error": [ERRORS[k] + 10, ERRORS[k]],
            "score": [SCORES[k] - 10, SCORES[k]],
            "size": SIZES[k],
            "seconds": [1.0, 2.0],
        }

    return from_function(SCHEMA, curve, name="two goals")


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(
        blackbox(),
        lambda schema, seed: GridSearch(schema, seed, points=8),
        workers=1,
        stop=Stop(trials_started=8),
    )


def test_the_front_is_what_nothing_else_is_better_than_in_everything(run: Run) -> None:
    points = compute_front(run, ["error", "score"])
    assert [(point.values["error"], point.values["score"]) for point in points] == [
        (1.0, 2.0),
        (2.0, 8.0),
        (4.0, 9.0),
        (6.0, 9.5),
    ]
    assert [run.configuration(point.trial)["k"] for point in points] == [5, 3, 1, 7]
    assert {point.fidelity for point in points} == {2}
    assert points[0].time == run.best("error").time


def test_constants_of_a_trial_count_as_objectives(run: Run) -> None:
    points = compute_front(run, ["score", "size"])
    assert [(point.values["score"], point.values["size"]) for point in points] == [(10.0, 7.0), (9.0, 1.0)]


def test_one_objective_has_a_front_of_its_best_report(run: Run) -> None:
    (point,) = compute_front(run, ["error"])
    assert point.values == {"error": 1.0}


def test_an_objective_without_goal_or_that_is_not_there_is_refused(run: Run) -> None:
    with pytest.raises(InvalidOption, match="'seconds' has no goal"):
        compute_front(run, ["error", "seconds"])
    with pytest.raises(UnknownName, match="did you mean 'score'"):
        compute_front(run, ["error", "scores"])


@given(st.lists(st.tuples(*[st.integers(0, 5) | st.just(math.nan)] * 3), max_size=30))
def test_the_rows_found_are_those_that_none_dominates(rows: list[tuple[float, ...]]) -> None:
    losses = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    found = [rows[k] for k in _find_undominated(losses)]

    def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    whole = {row for row in rows if not any(map(math.isnan, row))}
    assert found == sorted(row for row in whole if not any(dominates(other, row) for other in whole))


def test_of_equal_rows_the_first_is_kept() -> None:
    assert _find_undominated(np.array([[2.0, 1.0], [1.0, 2.0], [1.0, 2.0]])) == [1, 0]
