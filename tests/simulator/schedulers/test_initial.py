"""Configurations to try first: complete or in part, each once."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from blackbox_repo import (
    Categorical,
    Condition,
    Constant,
    Float,
    Integer,
    InvalidOption,
    Ordinal,
    Space,
)
from simulator import GridSearch, LocalSearch, RandomSearch
from simulator.registry import SCHEDULERS, scheduler_factory
from simulator.scheduler_settings import check_initial
from tests.simulator.schedulers.problems import ROWS, SCATTERED, schema_of

SPACE = Space(
    {
        "optimizer": Categorical(("sgd", "adam")),
        "momentum": Float(0.0, 0.9),
        "lr": Float(1e-5, 1e-1, log=True),
        "layers": Integer(1, 9),
        "units": Integer(16, 1024, log=True),
        "batch": Ordinal((16, 32, 64)),
        "fixed": Constant("c"),
    },
    {"momentum": (Condition("optimizer", ("sgd",)),)},
)
MIDDLE = {
    "optimizer": "sgd",
    "momentum": 0.45,
    "lr": 1e-3,
    "layers": 5,
    "units": 128,
    "batch": 32,
    "fixed": "c",
}


def test_nothing_given_is_the_middle() -> None:
    assert check_initial(SPACE, [{}]) == [MIDDLE]


def test_what_is_given_stays_and_decides_what_is_active() -> None:
    assert check_initial(SPACE, [{"optimizer": np.str_("adam"), "layers": np.int64(2)}]) == [
        {k: v for k, v in {**MIDDLE, "optimizer": "adam", "layers": 2}.items() if k != "momentum"}
    ]


def test_equal_ones_are_tried_once() -> None:
    assert check_initial(SPACE, [{}, MIDDLE, {"lr": 1e-3}, {"layers": 5.0}]) == [MIDDLE]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"layer": 1}, r"unknown hyperparameter 'layer'; did you mean 'layers'"),
        ({"optimizer": "adam", "momentum": 0.5}, "momentum=0.5 is inactive here"),
        ({"layers": 10}, r"layers=10 is not in 1 \.\. 9"),
        (["sgd"], "a configuration is a mapping"),
    ],
)
def test_what_cannot_be_completed_is_refused(given: Any, why: str) -> None:
    with pytest.raises(InvalidOption, match=rf"initial\[0\] is no configuration of the space: .*{why}"):
        check_initial(SPACE, [given])


def test_of_a_table_the_closest_row_that_agrees_is_taken() -> None:
    middle = min((row for row in ROWS if row["kind"] == "a"), key=lambda row: abs(row["x"] - 0.5))
    assert check_initial(SCATTERED, [{}]) == [middle]
    other = min((row for row in ROWS if row["kind"] == "b"), key=lambda row: abs(row["x"] - 0.5))
    assert check_initial(SCATTERED, [{"kind": "b"}]) == [other]
    with pytest.raises(InvalidOption, match=r"initial\[0\] is {'x': 0.5}, but must be one of the table's 12"):
        check_initial(SCATTERED, [{"x": 0.5}])


@pytest.mark.parametrize("name", sorted(set(SCHEDULERS)))
def test_every_scheduler_begins_with_the_middle(name: str) -> None:
    scheduler = scheduler_factory(name, {"initial": [{}, {}, {"layers": 1}]})(schema_of(SPACE), 0)
    started = [scheduler.suggest() for _ in range(2)]
    assert [start.configuration for start in started] == [MIDDLE, {**MIDDLE, "layers": 1}]


@pytest.mark.parametrize("kind", [RandomSearch, GridSearch, LocalSearch])
def test_what_was_tried_first_does_not_come_again(kind: Any) -> None:
    space = Space({"a": Integer(1, 3), "b": Categorical(("x", "y"))})
    scheduler = kind(schema_of(space), 0, initial=[{"a": 3, "b": "y"}, {"a": 1}])
    started = [start.configuration for _ in range(6) if (start := scheduler.suggest())]
    assert started[:2] == [{"a": 3, "b": "y"}, {"a": 1, "b": "x"}]
    assert len(set(map(str, started))) == 6
    assert scheduler.suggest() is None


def test_many_of_a_large_table_are_looked_up_not_searched_for() -> None:
    """Each costs no more in a table of 20,000 rows than twenty times what it costs in one of 20."""

    def seconds(rows: int) -> float:
        listed = [{"x": k / rows, "y": k % 7} for k in range(rows)]
        space = Space({"x": Float(0, 1), "y": Integer(0, 6)}, candidates=listed)
        check_initial(space, listed[:1])
        chosen = [listed[-1 - k % 20] for k in range(500)]
        began = time.process_time()
        check_initial(space, chosen)
        return time.process_time() - began

    assert seconds(20_000) < 20 * seconds(20)
