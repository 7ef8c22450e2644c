from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Integer
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import TabularBlackbox
from conversion_scripts.checks import check_table
from conversion_scripts.readers.points import table_of_points

SCHEMA = Schema(
    Space(
        {"kind": Categorical(("a", "b")), "depth": Integer(1, 9)},
        {"depth": (Condition("kind", ("b",)),)},
    ),
    Fidelity("epoch", (1, 2, 3)),
    (Objective("loss", "min"), Objective("weights", "min", constant=True)),
    target="loss",
)
NAMES = ("kind", "depth", "seed", "epoch", "loss", "weights", "status", "id")
ROWS = [
    ("b", 2, 1, 1, 0.5, 10.0, "ok", "x"),
    ("b", 2, 1, 2, 0.4, 10.0, "ok", "x"),
    ("b", 2, 1, 3, 0.3, 10.0, "ok", "x"),
    ("b", 2, 0, 1, 0.6, 10.0, "ok", "y"),
    ("b", 2, 0, 2, float("nan"), 10.0, "diverged", "y"),
    ("a", None, 7, 1, 0.9, float("nan"), "ok", "z"),
]


def columns(rows: list[tuple[Any, ...]], names: tuple[str, ...] = NAMES) -> dict[str, list[Any]]:
    listed = {name: list(values) for name, values in zip(NAMES, zip(*rows, strict=True), strict=True)}
    return {name: listed[name] for name in names}


def test_points_become_rows_whatever_their_order() -> None:
    for others in itertools.permutations(ROWS[1:], 5):
        rows = [ROWS[0], *others]
        table = table_of_points(SCHEMA, columns(rows), labels=["id"])
        assert table.hyperparameters["kind"].decoded() == ["b", "b", "a"]
        assert table.hyperparameters["depth"].decoded() == [2, 2, None]
        assert table.seeds.tolist() == [0, 1, 7]
        assert table.lengths.tolist() == [2, 3, 1]
        assert np.array_equal(table.points["loss"], [0.6, np.nan, 0.5, 0.4, 0.3, 0.9], equal_nan=True)
        assert np.array_equal(table.constants["weights"], [10, 10, np.nan], equal_nan=True)
        assert table.status is not None
        assert table.status.tolist() == [1, 0, 0]
        assert table.labels["id"].decoded() == ["y", "x", "z"]
        check_table("t", SCHEMA, table, nan_allowed=("loss", "weights"))
        assert len(TabularBlackbox(SCHEMA, table).curve({"kind": "b", "depth": 2}, seed=1)) == 3


def test_seed_and_status_may_be_left_out() -> None:
    table = table_of_points(SCHEMA, columns(ROWS[:3], NAMES[:2] + NAMES[3:6]))
    assert (table.seeds.tolist(), table.status, dict(table.labels)) == ([0], None, {})


@pytest.mark.parametrize(("lost", "epoch", "expected"), [(0, 2, 1), (1, 3, 2), (3, 2, 1)])
def test_a_run_that_lacks_a_point_is_refused_by_the_check(lost: int, epoch: int, expected: int) -> None:
    table = table_of_points(SCHEMA, columns(ROWS[:lost] + ROWS[lost + 1 :]), labels=["id"])
    with pytest.raises(
        FormatError,
        match=rf"1 row has a point at epoch {epoch} where that at {expected} should be; what a curve lacks "
        r"is NaN, or ends it \(first: row ",
    ):
        check_table("t", SCHEMA, table, nan_allowed=("loss", "weights"))


def test_a_curve_that_lacks_its_last_points_is_a_short_one() -> None:
    table = table_of_points(SCHEMA, columns(ROWS[:2]), labels=["id"])
    check_table("t", SCHEMA, table)
    assert table.lengths.tolist() == [2]


@pytest.mark.parametrize("epoch", [4, 0, 1.5, float("nan")])
def test_a_fidelity_that_the_schema_lacks_is_refused_by_the_check(epoch: float) -> None:
    rows = [*ROWS[:2], (*ROWS[2][:3], epoch, *ROWS[2][4:])]
    with pytest.raises(FormatError, match="has a point at epoch"):
        check_table("t", SCHEMA, table_of_points(SCHEMA, columns(rows), labels=["id"]))


def test_a_point_that_is_there_twice_is_refused() -> None:
    for again in (ROWS[1], (*ROWS[1][:4], 0.7, *ROWS[1][5:])):
        with pytest.raises(
            FormatError,
            match=r"^1 point of the same configuration, seed and epoch as another \(first: kind='b', "
            r"depth=2, seed=1, epoch=2\)$",
        ):
            table_of_points(SCHEMA, columns([*ROWS, again]), labels=["id"])


@pytest.mark.parametrize("place", range(3))
def test_a_point_that_is_there_twice_is_refused_wherever_it_is(place: int) -> None:
    rows = [*ROWS[:3], ROWS[place]]
    with pytest.raises(FormatError, match=rf"^1 point of the same .* seed=1, epoch={place + 1}\)$"):
        table_of_points(SCHEMA, columns(rows), labels=["id"])
    two = [ROWS[0], ROWS[3]]  # two runs, of one point each at the same epoch
    assert table_of_points(SCHEMA, columns(two), labels=["id"]).lengths.tolist() == [1, 1]


def test_a_constant_that_is_nan_is_nan_at_every_point() -> None:
    nan, other = float("nan"), float("nan")
    assert nan is not other
    both = [(*ROWS[0][:5], nan, *ROWS[0][6:]), (*ROWS[1][:5], other, *ROWS[1][6:])]
    assert np.isnan(table_of_points(SCHEMA, columns(both), labels=["id"]).constants["weights"]).all()
    for mixed in ([ROWS[0], both[1]], [both[0], ROWS[1]]):
        with pytest.raises(
            FormatError, match="^'weights' has one value a run, but changes 1 time within one"
        ):
            table_of_points(SCHEMA, columns(mixed), labels=["id"])


def test_two_values_of_what_has_one_a_run_are_refused() -> None:
    rows = [ROWS[0], (*ROWS[1][:5], 11.0, *ROWS[1][6:])]
    with pytest.raises(
        FormatError,
        match=r"^'weights' has one value a run, but changes 1 time within one \(first: from 10\.0 to 11\.0 "
        r"at kind='b', depth=2, seed=1, epoch=2\)$",
    ):
        table_of_points(SCHEMA, columns(rows), labels=["id"])
    with pytest.raises(FormatError, match="^'id' has one value a run"):
        table_of_points(SCHEMA, columns([ROWS[0], (*ROWS[1][:7], "other")]), labels=["id"])


def test_columns_are_those_of_the_schema_and_as_long() -> None:
    with pytest.raises(InvalidOption, match=r"^the points have no column 'loss'$"):
        table_of_points(SCHEMA, columns(ROWS, (*NAMES[:4], "weights")))
    with pytest.raises(UnknownName, match=r"unknown column 'id'.*name it among the labels to keep it"):
        table_of_points(SCHEMA, columns(ROWS))
    short = columns(ROWS, NAMES[:6]) | {"loss": [0.5]}
    with pytest.raises(InvalidOption, match=r"^the points have 1 of 'loss', but 6 of 'kind'$"):
        table_of_points(SCHEMA, short)
    with pytest.raises(UnknownName, match="unknown status 'done'"):
        table_of_points(SCHEMA, columns(ROWS, NAMES[:6]) | {"status": ["done"] * 6})


@pytest.mark.parametrize("name", ["seed", "epoch"])
@pytest.mark.parametrize("value", [None, "1", True, [1]], ids=repr)
def test_seeds_and_fidelities_are_numbers(name: str, value: object) -> None:
    points = columns(ROWS, NAMES[:6])
    points = {**points, name: [*points[name][:-1], value]}
    with pytest.raises(InvalidOption, match=rf"the points have {name}={re.escape(repr(value))}, but it must"):
        table_of_points(SCHEMA, points)


def test_no_points_make_a_table_without_rows_which_the_check_refuses() -> None:
    nothing = table_of_points(SCHEMA, {name: [] for name in NAMES[:6]})
    with pytest.raises(FormatError, match="there are no rows"):
        check_table("t", SCHEMA, nothing)
