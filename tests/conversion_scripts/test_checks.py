from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import FormatError, InvalidSpace, UnknownName
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import Bounds
from conversion_scripts.checks import check_table


def refuses(schema: Schema, table: Table, *problems: str, nan_allowed: tuple[str, ...] = ()) -> None:
    expected = "tiny/a is refused: " + "; ".join(problems)
    with pytest.raises(FormatError, match=f"^{re.escape(expected)}$"):
        check_table("tiny/a", schema, table, nan_allowed)


def test_fidelities_are_those_of_the_places_in_the_curve(schema: Schema, table: Table) -> None:
    sound = np.concatenate([schema.fidelity.values[:length] for length in table.lengths])
    check_table("tiny/a", schema, replace(table, fidelities=sound))
    moved = np.array([*sound[:1], sound[1] + 1, *sound[2:]])
    refuses(
        schema,
        replace(table, fidelities=moved),
        f"1 row has a point at epoch {moved[1]:g} where that at {sound[1]:g} should be; what a curve lacks "
        f"is NaN, or ends it (first: row 0)",
    )
    refuses(
        schema,
        replace(table, fidelities=sound[:-1]),
        f"'fidelities' has {len(sound) - 1} points, but the curves have {len(sound)}",
    )


def test_values_outside_the_bounds(schema: Schema, table: Table) -> None:
    size = Objective("size", "min", constant=True)
    schema = replace(schema, objectives=(*schema.objectives, size))
    table = replace(table, constants={"size": np.array([3.0, 1.0, 2.0])})
    bounds = {"loss": Bounds(0.0), "size": Bounds(0.0, beyond=True), "elapsed_time": Bounds(0.0)}
    check_table("tiny/a", schema, table, bounds=bounds)
    loss = table.points["loss"].copy()
    loss[1:3] = -0.5, -0.25
    outside = replace(
        table, points={**table.points, "loss": loss}, constants={"size": np.array([3.0, 0.0, 0.0])}
    )
    with pytest.raises(FormatError) as caught:
        check_table("tiny/a", schema, outside, bounds=bounds)
    assert "loss=-0.5, which must be at least 0 (first: row" in str(caught.value)
    assert "2 rows have size=0, which must be above 0 (first: row 1)" in str(caught.value)
    with pytest.raises(UnknownName, match="unknown objective 'lose'"):
        check_table("tiny/a", schema, table, bounds={"lose": Bounds(0.0)})


@pytest.mark.parametrize("kind", ["O", "S8", "U8", "complex128", "M8[s]", "m8[s]"])
def test_columns_of_no_numbers_are_named(schema: Schema, table: Table, kind: str) -> None:
    count = np.arange(len(table.points["loss"]))
    wrong = replace(table, points={**table.points, "loss": count.astype(kind)})
    problem = f"'loss' must be numbers that float64 can hold, not {np.dtype(kind)}"
    refuses(schema, wrong, problem)


@pytest.mark.parametrize("kind", ["O", "U8", "float64", "bool"])
def test_seeds_lengths_and_statuses_are_whole_numbers(schema: Schema, table: Table, kind: str) -> None:
    wrong = np.arange(len(table)).astype(kind)
    rule = f"must be whole numbers, not {np.dtype(kind)}"
    refuses(schema, replace(table, seeds=wrong), f"'seed' {rule}")
    refuses(schema, replace(table, lengths=wrong), f"'lengths' {rule}")
    refuses(schema, replace(table, status=wrong), f"'status' {rule}")


def test_a_status_below_zero(schema: Schema, table: Table) -> None:
    status = np.array([0, -1, 0])
    refuses(schema, replace(table, status=status), "1 row has the status -1 (first: row 1)")


@pytest.mark.parametrize(
    "seeds",
    [
        np.array([2**63 + 5, 2**63 + 6], dtype=np.uint64),
        np.array([2**62 + 1, 2**62 + 2], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1]),
    ],
    ids=["beyond 2**63", "one apart beyond 2**53", "as far apart as can be"],
)
def test_large_seeds_are_told_apart_and_ordered(seeds: np.ndarray) -> None:
    schema = Schema(Space({"x": Integer(1, 3)}), Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")
    table = Table({"x": Coded.of([1, 1])}, seeds, {"loss": np.ones(2)}, np.ones(2, dtype=int))
    check_table("tiny/a", schema, table)
    backwards = replace(table, seeds=seeds[::-1])
    refuses(schema, backwards, f"1 row has seed {seeds[0]} after {seeds[1]} (first: row 1)")


def with_points(table: Table, **points: list[float]) -> Table:
    return replace(table, points={**table.points, **{name: np.array(v) for name, v in points.items()}})


def test_a_sound_table_passes(schema: Schema, table: Table) -> None:
    check_table("tiny/a", schema, table)


def test_a_configuration_and_seed_twice(schema: Schema, table: Table) -> None:
    refuses(
        schema,
        replace(table, seeds=np.array([1, 1, 0])),
        "1 row has the configuration and seed 1 of another row (first: row 1)",
    )


def test_rows_of_a_configuration_apart(schema: Schema, table: Table) -> None:
    apart = replace(
        table, hyperparameters={"x": Coded((1, 2), np.array([0, 1, 0]))}, seeds=np.array([0, 0, 1])
    )
    refuses(schema, apart, "1 times the rows of a configuration do not lie together")


def test_seeds_that_do_not_ascend(schema: Schema, table: Table) -> None:
    refuses(schema, replace(table, seeds=np.array([7, 3, 0])), "1 row has seed 3 after 7 (first: row 1)")


def test_a_value_outside_its_domain(schema: Schema, table: Table) -> None:
    outside = replace(table, hyperparameters={"x": Coded((1, 9), np.array([1, 1, 0]))})
    refuses(schema, outside, "2 rows have x=9, which is not in 1 .. 3 (first: row 0)")


def test_a_value_that_is_not_in_canonical_form(schema: Schema, table: Table) -> None:
    floats = replace(table, hyperparameters={"x": Coded((1, 2.0), np.array([0, 0, 1]))})
    refuses(schema, floats, "1 row has x=2.0, which must be written as 2 (first: row 2)")
    bools = replace(table, hyperparameters={"x": Coded((True, 2), np.array([0, 0, 1]))})
    refuses(schema, bools, "2 rows have x=True, which is not a number (first: row 0)")


def test_a_missing_value(schema: Schema, table: Table) -> None:
    missing = replace(table, hyperparameters={"x": Coded((1, 2), np.array([0, 0, -1]))})
    refuses(schema, missing, "1 row has no value of 'x' (first: row 2)")


def test_a_value_where_its_condition_makes_it_inactive() -> None:
    space = Space(
        {"kernel": Categorical(("linear", "rbf")), "gamma": Float(0, 1)},
        {"gamma": (Condition("kernel", ("rbf",)),)},
    )
    schema = Schema(space, Fidelity("run", (1,)), (Objective("loss", "min"),), target="loss")
    table = Table(
        hyperparameters={
            "kernel": Coded(("linear", "rbf"), np.array([0, 1, 1])),
            "gamma": Coded((0.5, 0.25), np.array([-1, 0, 1])),
        },
        seeds=np.zeros(3, dtype=np.int64),
        points={"loss": np.zeros(3)},
        lengths=np.ones(3, dtype=np.int64),
    )
    check_table("tiny/a", schema, table)
    swapped = {**table.hyperparameters, "gamma": Coded((0.5, 0.25), np.array([0, 1, -1]))}
    refuses(
        schema,
        replace(table, hyperparameters=swapped),
        "1 row has no value of 'gamma' (first: row 2)",
        "1 row has a value of 'gamma' where it is inactive (first: row 0)",
    )


def test_a_cumulative_objective_that_decreases_or_is_negative(schema: Schema, table: Table) -> None:
    falling = with_points(table, elapsed_time=[1.0, 0.5, 1.0, 2.0, 3.0])
    refuses(schema, falling, "1 row has a cumulative 'elapsed_time' that decreases (first: row 0)")
    negative = with_points(table, elapsed_time=[-1.0, 0.5, 1.0, 2.0, -3.0])
    refuses(schema, negative, "2 rows have a cumulative 'elapsed_time' below 0 (first: row 0)")


def test_the_time_may_fall_from_one_run_to_the_next(schema: Schema, table: Table) -> None:
    check_table("tiny/a", schema, with_points(table, elapsed_time=[8.0, 9.0, 4.0, 5.0, 1.0]))


def test_a_curve_longer_than_the_fidelity(schema: Schema, table: Table) -> None:
    refuses(
        schema,
        replace(table, lengths=np.array([3, 1, 1])),
        "1 row has a curve of 3 points, more than the 2 of 'epoch' (first: row 0)",
    )


def test_nan_is_refused_unless_the_card_allows_it(schema: Schema, table: Table) -> None:
    nan = with_points(table, loss=[0.5, np.nan, np.nan, np.nan, 0.75])
    refuses(schema, nan, "2 rows have NaN in 'loss', which the card does not allow (first: row 0)")
    check_table("tiny/a", schema, nan, ("loss",))


def test_infinity_is_refused_always(schema: Schema, table: Table) -> None:
    infinite = with_points(table, loss=[0.5, 0.25, 0.6, -np.inf, np.inf])
    refuses(schema, infinite, "2 rows have an infinite 'loss' (first: row 1)", nan_allowed=("loss",))


def test_columns_that_do_not_fit_together(schema: Schema, table: Table) -> None:
    refuses(schema, with_points(table, loss=[1.0, 2.0]), "'loss' has 2 points, but the curves have 5")
    refuses(
        schema, replace(table, seeds=np.array([0, 1])), "'lengths' has 3 entries, but there are 2 rows",
        "'x' has 3 entries, but there are 2 rows",
    )  # fmt: skip


def test_columns_that_are_missing_or_too_many(schema: Schema, table: Table) -> None:
    points = {"accuracy": table.points["loss"], "elapsed_time": table.points["elapsed_time"]}
    refuses(
        schema,
        replace(table, points=points),
        "the curve objective 'loss' has no column",
        "the column 'accuracy' is not a curve objective of the schema",
    )
    label = replace(table, labels={"loss": Coded(("a",), np.zeros(3, dtype=np.int32))})
    refuses(schema, label, "the label 'loss' has the name of another column")


def test_all_problems_are_reported_at_once(schema: Schema, table: Table) -> None:
    bad = with_points(replace(table, seeds=np.array([1, 0, 0])), loss=[np.inf, 0.25, 0.6, 0.2, 0.75])
    refuses(
        schema, bad, "1 row has seed 0 after 1 (first: row 1)", "1 row has an infinite 'loss' (first: row 0)"
    )


@pytest.mark.parametrize("name", ["seed", "status", "loss", "epoch"])
def test_no_hyperparameter_is_called_like_another_column(name: str) -> None:
    space, objectives = Space({name: Integer(1, 3)}), (Objective("loss", "min"),)
    with pytest.raises(InvalidSpace, match=f"the name '{name}' is taken already"):
        Schema(space, Fidelity("epoch", (1,)), objectives, target="loss")
