from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from blackbox_repo.distance import ClosestRow, at_position, position
from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.space import Condition, Space
from simulator.schedulers.neighbours import Neighbours
from tests.simulator.schedulers.problems import CONDITIONAL, ROWS, SCATTERED

SGD = {"optimizer": "sgd", "rate": 0.01, "momentum": 0.5, "layers": 2, "batch": 32}
ADAM = {"optimizer": "adam", "rate": 0.01, "layers": 2, "batch": 32}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        (Float(0, 10), 2.5, 0.25),
        (Float(1e-4, 1, log=True), 1e-2, 0.5),
        (Integer(1, 5), 2, 0.25),
        (Float(3, 3), 3.0, 0.0),
    ],
)
def test_a_number_lies_at_a_place_and_comes_back_from_it(domain: Any, value: float, expected: float) -> None:
    assert position(domain, value) == expected
    assert at_position(domain, expected) == value
    assert type(at_position(domain, 0.3)) is (int if isinstance(domain, Integer) else float)


def test_a_mutation_changes_one_hyperparameter_and_what_depends_on_it() -> None:
    neighbours = Neighbours(CONDITIONAL)
    changed: Counter[tuple[str, ...]] = Counter()
    for number in range(1000):
        child = neighbours.mutate(SGD, "test", number)
        assert CONDITIONAL.check(child) == child
        changed[tuple(changes(SGD, child))] += 1
    assert set(changed) == {("optimizer", "momentum"), ("rate",), ("momentum",), ("layers",), ("batch",)}
    assert all(150 < count < 250 for count in changed.values())
    switched = [neighbours.mutate(ADAM, "test", number) for number in range(100)]
    assert any(child["optimizer"] == "sgd" and 0 <= child["momentum"] <= 0.99 for child in switched)


def test_the_other_values_are_equally_likely() -> None:
    neighbours = Neighbours(Space({"a": Categorical(("p", "q", "r")), "one": Constant(1)}))
    drawn = Counter(neighbours.mutate({"a": "q", "one": 1}, "test", k)["a"] for k in range(1000))
    assert set(drawn) == {"p", "r"}
    assert 450 < drawn["p"] < 550
    assert Neighbours(Space({"one": Constant(1)})).mutate({"one": 1}, "test") == {"one": 1}


def test_perturbing_multiplies_numbers_moves_ordinals_and_keeps_categories() -> None:
    neighbours = Neighbours(CONDITIONAL)
    seen = [neighbours.perturb(SGD, 0.0, "test", number) for number in range(200)]
    assert {(c["optimizer"], c["rate"], c["momentum"], c["layers"], c["batch"]) for c in seen} == {
        ("sgd", rate, momentum, layers, batch)
        for rate in (0.008, 0.012)
        for momentum in (0.4, 0.6)
        for layers in (1, 3)
        for batch in (16, 64)
    }


def test_perturbing_stays_within_the_domains_and_resamples_as_often_as_asked() -> None:
    neighbours = Neighbours(CONDITIONAL)
    edge = {"optimizer": "sgd", "rate": 1.0, "momentum": 0.99, "layers": 4, "batch": 64}
    for number in range(200):
        moved = neighbours.perturb(edge, 0.25, "test", number)
        assert CONDITIONAL.check(moved) == moved
    anew = [
        neighbours.perturb(SGD, 0.25, "test", number)["rate"] not in (0.008, 0.012) for number in range(999)
    ]
    assert 200 < sum(anew) < 300
    assert all(neighbours.perturb(SGD, 1.0, "x", k)["rate"] not in (0.008, 0.012) for k in range(50))


def test_the_neighbours_differ_in_one_hyperparameter_and_come_in_a_drawn_order() -> None:
    neighbours = Neighbours(CONDITIONAL)
    around = neighbours.around(SGD, "test", 1)
    assert all(CONDITIONAL.check(neighbour) == neighbour for neighbour in around)
    counted = Counter(tuple(changes(SGD, neighbour)) for neighbour in around)
    assert counted[("optimizer", "momentum")] == 1
    assert counted[("rate",)] == counted[("momentum",)] == 4
    assert counted[("batch",)] == 2
    assert 0 <= counted[("layers",)] <= 2  # a fifth of 1 .. 4 reaches the next one at most
    assert SGD not in around
    for neighbour in around:
        assert abs(neighbour.get("momentum", 0.5) - 0.5) <= 0.2 * 0.99 + 1e-9
    assert neighbours.around(SGD, "test", 1) == around
    assert neighbours.around(SGD, "test", 2) != around


def test_on_a_table_every_step_leads_to_another_row() -> None:
    neighbours = Neighbours(SCATTERED)
    for number, row in enumerate(ROWS):
        for step in (
            neighbours.mutate(row, "test", number),
            neighbours.perturb(row, 0.25, "test", number),
            *neighbours.around(row, "test", number),
        ):
            assert step in ROWS
            assert step != row


def test_the_closest_row_is_that_of_the_euclidean_distance() -> None:
    rows: list[dict[str, Any]] = [
        {"x": 0.1, "c": "a", "o": 1},
        {"x": 0.9, "c": "a", "o": 1, "m": 0.5},
        {"x": 0.1, "c": "b", "o": 10},
        {"x": 0.2, "c": "b", "o": 100},
    ]
    space = Space(
        {
            "x": Float(0, 1),
            "c": Categorical(("a", "b")),
            "o": Ordinal((1, 10, 100)),
            "m": Float(0, 1),
        },
        {"m": (Condition("c", ("a",)),)},
        candidates=rows,
    )
    closest = ClosestRow(space)
    assert closest.to({"x": 0.15, "c": "b", "o": 10}) == rows[2]
    assert (
        closest.to({"x": 0.15, "c": "b", "o": 10}, other_than=rows[2]) == rows[3]
    )  # 0.05 and half the ordinals away
    assert closest.to({"x": 0.9, "c": "a", "o": 1}) == rows[0]  # 0.8 away; an m would be 1
    assert closest.to({"x": 0.4, "c": "a", "o": 1, "m": 0.5}) == rows[1]


def test_a_table_of_one_row_has_no_other() -> None:
    alone = Space({"x": Float(0, 1)}, candidates=[{"x": 0.5}])
    assert Neighbours(alone).mutate({"x": 0.5}, "test") == {"x": 0.5}
    assert Neighbours(alone).around({"x": 0.5}, "test") == []
