from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import keyed_random
from blackbox_repo.blackbox import from_function
from blackbox_repo.domains import Float
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Space
from simulator import ASHA, MOASHA, Stop, simulate
from simulator.schedulers.pareto_fronts import ParetoFronts, Point, crowding_distances
from tests.simulator.schedulers.problems import PROBLEMS, TINY, Driver, schema_of

POINTS = [st.lists(st.tuples(*[st.integers(0, 8).map(float)] * losses), max_size=30) for losses in (1, 2, 3)]


def dominates(one: Point, other: Point) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def sorted_by_definition(points: list[Point]) -> list[list[Point]]:
    """The fronts, peeled off one after the other."""
    fronts, rest = [], list(points)
    while rest:
        front = [point for point in rest if not any(dominates(other, point) for other in rest)]
        fronts.append(sorted(front))
        rest = [point for point in rest if point not in front]
    return fronts


@given(st.one_of(*POINTS))
def test_the_fronts_are_those_of_the_definition_after_every_point(points: list[Point]) -> None:
    fronts = ParetoFronts()
    for count, point in enumerate(points, start=1):
        found = fronts.insert(point)
        expected = sorted_by_definition(points[:count])
        assert fronts._fronts == expected
        assert point in expected[found]
        assert len(fronts) == count


@given(st.one_of(*POINTS), st.integers(0, 30))
def test_the_rank_is_the_number_of_points_before_it(points: list[Point], enough: int) -> None:
    fronts = ParetoFronts()
    for count, point in enumerate(points, start=1):
        front = fronts.insert(point)
        peeled = sorted_by_definition(points[:count])
        better = sum(map(len, peeled[:front]))
        lonely = dict(zip(peeled[front][::-1], crowding_distances(peeled[front])[::-1], strict=True))
        exact = better + sum(d > lonely[point] for d in crowding_distances(peeled[front]))
        assert (fronts.rank(point, front, enough) >= enough) == (exact >= enough)
        assert fronts.rank(point, front, better + len(peeled[front]) - 1) == exact


def test_five_points_lie_in_three_fronts() -> None:
    """(1, 5), (2, 2) and (5, 1) are undominated; (3, 3) is behind (2, 2), and (4, 4) behind that."""
    fronts = ParetoFronts()
    assert [fronts.insert(p) for p in [(4.0, 4.0), (3.0, 3.0), (1.0, 5.0), (2.0, 2.0), (5.0, 1.0)]] == [0] * 5
    assert fronts._fronts == [[(1.0, 5.0), (2.0, 2.0), (5.0, 1.0)], [(3.0, 3.0)], [(4.0, 4.0)]]


def test_crowding_distances_are_those_of_nsga_ii() -> None:
    """In the middle (4 - 0) / 10 + (10 - 5) / 10 and (10 - 1) / 10 + (6 - 0) / 10."""
    front = [(0.0, 10.0), (1.0, 6.0), (4.0, 5.0), (10.0, 0.0)]
    assert crowding_distances(front).tolist() == [math.inf, pytest.approx(0.9), pytest.approx(1.5), math.inf]


def test_an_undominated_trial_continues_and_a_dominated_one_stops() -> None:
    """On the rung at 3 of 9 epochs, one of three may go on."""
    schema = schema_of(TINY)
    told = Driver(MOASHA(schema, r_min=3), schema)
    assert told.report(0, 1, 9.0, size=9.0) == "continue until 3"
    assert told.report(0, 3, 2.0, size=2.0) == "continue until 9"
    assert told.report(1, 3, 3.0, size=2.0) == "stop"
    assert told.report(2, 3, 1.0, size=3.0) == "continue until 9"  # in the first front, at its end
    assert told.report(3, 3, float("nan"), size=0.0) == "stop"  # not ranked
    assert told.report(4, 3, 1.5, size=2.5) == "stop"  # first front, but third in it by crowding
    assert told.report(0, 9, 2.0, size=2.0) == "continue"


def test_a_nan_in_any_objective_is_stopped_and_takes_no_place() -> None:
    schema, nan = schema_of(TINY), float("nan")
    told = Driver(MOASHA(schema, r_min=3), schema)
    for trial in range(6):
        score, size = ((nan, 0.0), (0.0, nan), (nan, nan))[trial % 3]
        assert told.report(trial, 3, score, size=size) == "stop"
    assert told.report(6, 3, 9.0, size=9.0) == "continue until 9"  # the first one there
    assert told.report(7, 3, 9.5, size=9.0) == "stop"
    assert told.report(8, 3, math.inf, size=8.0) == "continue until 9"  # an infinity is a number


def test_of_n_trials_a_49th_of_the_others_may_be_better() -> None:
    """49 * (1 / 49) is 0.9999999999999999 in floats, and one trial in truth."""
    schema = schema_of(TINY, epochs=49)
    for objectives in (["score"], ["score", "size"]):
        told = Driver(MOASHA(schema, rungs=[1], objectives=objectives), schema)
        for trial in range(48):
            told.report(trial, 1, 10.0 + trial, size=10.0 + trial)
        assert told.report(48, 1, 0.0, size=0.0) == "continue until 49"
        assert told.report(49, 1, 1.0, size=1.0) == "continue until 49"  # of 50, one is better
        assert told.report(50, 1, 2.0, size=2.0) == "stop"


def test_of_equal_points_none_is_before_another() -> None:
    schema = schema_of(TINY)
    for objectives in (["score"], ["score", "size"]):
        told = Driver(MOASHA(schema, r_min=3, objectives=objectives), schema)
        answers = {told.report(trial, 3, 1.0, size=1.0) for trial in range(9)}
        assert answers == {"continue until 9"}


def test_the_goals_of_objectives_come_from_the_schema() -> None:
    schema = schema_of(TINY, goal="max")
    told = Driver(MOASHA(schema, r_min=3, objectives=["score"]), schema)
    assert told.report(0, 3, 0.5) == "continue until 9"
    assert told.report(1, 3, 0.4) == "stop"
    assert told.report(2, 3, 0.6) == "continue until 9"


def test_with_one_objective_it_is_asha() -> None:
    def curve(configuration: Any, seed: int) -> dict[str, Any]:
        x, epochs = configuration["x"], range(1, 28)
        scores = [x + keyed_random.unit("noise", x, epoch) for epoch in epochs]
        return {"score": scores, "size": [-x] * 27, "elapsed_time": list(epochs)}

    noisy = from_function(schema_of(Space({"x": Float(0.0, 1.0)}), epochs=27), curve)

    def digest(kind: Any, **settings: Any) -> str:
        return simulate(noisy, partial(kind, **settings), workers=4, stop=Stop(time=500)).digest

    assert digest(MOASHA, objectives=["score"]) == digest(ASHA)
    assert digest(MOASHA, objectives=["score"], rungs=[2, 20]) == digest(ASHA, rungs=[2, 20])
    assert digest(MOASHA, objectives=["score", "size"]) != digest(ASHA)


def test_the_time_is_an_objective_only_if_it_is_asked_for() -> None:
    schema = PROBLEMS["smooth"]().schema
    costly = Schema(
        schema.space,
        schema.fidelity,
        (
            Objective("score", "max"),
            Objective("size", "min"),
            Objective("elapsed_time", "min", cumulative=True),
        ),
        "score",
        "elapsed_time",
    )
    assert repr(MOASHA(costly)) == "MOASHA(seed=0, objectives=['score', 'size'], eta=3, r_min=None)"
    assert "['elapsed_time']" in repr(MOASHA(costly, objectives=["elapsed_time"]))
    assert "['elapsed_time']" not in repr(MOASHA(costly.with_target("elapsed_time")))


@pytest.mark.parametrize(
    ("objectives", "error", "message"),
    [
        (["scor"], UnknownName, "unknown objective 'scor'; did you mean 'score'?"),
        (
            ["elapsed_time"],
            InvalidOption,
            "the objective 'elapsed_time' has no goal, so nothing is better in it",
        ),
        ("score", InvalidOption, "objectives is 'score', but must be a list of names"),
        ([], InvalidOption, "objectives is [], but must be a list of names"),
    ],
)
def test_objectives_that_cannot_be_are_named(objectives: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        MOASHA(schema_of(TINY), objectives=objectives)
    assert str(caught.value) == message
