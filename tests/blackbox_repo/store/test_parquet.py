from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from blackbox_repo.domains import Integer
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.parquet import read_table, write_table
from blackbox_repo.table import Coded, Table, TabularBlackbox

ROWS = 50


def schema(*epochs: float) -> Schema:
    objectives = (Objective("loss", "min"), Objective("elapsed_time", "min", "s", cumulative=True))
    return Schema(
        Space({"x": Integer(0, ROWS)}), Fidelity("epoch", epochs), objectives, "loss", time="elapsed_time"
    )


def table(loss: np.ndarray, elapsed: np.ndarray) -> Table:
    return Table(
        hyperparameters={"x": Coded.of(range(ROWS))},
        seeds=np.zeros(ROWS, dtype=np.int64),
        points={"loss": loss.ravel(), "elapsed_time": elapsed.ravel()},
        lengths=np.full(ROWS, loss.shape[1]),
    )


def written(made: Table, described: Schema, folder: Path) -> tuple[dict[str, str], Table]:
    """The types in the file, and the table that is read from it."""
    file = folder / "a.parquet"
    write_table(file, described, made)
    types = {field.name: str(field.type) for field in pq.read_schema(file)}
    return types, read_table(file.read_bytes(), described, (), file)


@pytest.mark.parametrize("epochs", [(1, 2, 3), (0.1, 0.25, 1), (0, 5, 50)])
def test_a_time_proportional_to_the_fidelity_is_stored_by_its_last_value(
    epochs: tuple[float, ...], tmp_path: Path
) -> None:
    last = np.sqrt(np.arange(1.0, ROWS + 1))
    elapsed = last[:, None] * (np.array(epochs) / epochs[-1])
    types, back = written(table(np.ones((ROWS, 3)), elapsed), schema(*epochs), tmp_path)
    assert types["elapsed_time"] == "double"
    assert np.array_equal(back.points["elapsed_time"], elapsed.ravel())
    assert np.array_equal(back.points["elapsed_time"].reshape(-1, 3)[:, -1], last)
    assert back.lengths.tolist() == [3] * ROWS


def test_one_bit_off_is_stored_as_it_is(tmp_path: Path) -> None:
    elapsed = np.sqrt(np.arange(1.0, ROWS + 1))[:, None] * (np.arange(1, 4) / 3)
    elapsed[7, 0] = np.nextafter(elapsed[7, 0], 0)
    types, back = written(table(np.ones((ROWS, 3)), elapsed), schema(1, 2, 3), tmp_path)
    assert types["elapsed_time"] == "fixed_size_list<element: double>[3]"
    assert np.array_equal(back.points["elapsed_time"], elapsed.ravel())


@pytest.mark.parametrize("epoch", [0, 3, 200])
def test_a_single_point_comes_back_bit_by_bit(epoch: float, tmp_path: Path) -> None:
    loss, elapsed = (np.sqrt(np.arange(ROWS) + start)[:, None] / 7 for start in (0.1, 0.7))
    loss[3] = np.nan
    types, back = written(table(loss, elapsed), schema(epoch), tmp_path)
    assert (types["loss"], types["elapsed_time"]) == ("double", "double")
    assert np.array_equal(back.points["loss"], loss.ravel(), equal_nan=True)
    assert np.array_equal(back.points["elapsed_time"], elapsed.ravel())


def test_what_fits_into_32_bits_stays_there(tmp_path: Path) -> None:
    loss = (np.arange(ROWS * 3) / 8).reshape(ROWS, 3)
    types, back = written(table(loss, np.cumsum(loss, axis=1)), schema(1, 2, 3), tmp_path)
    assert types["loss"] == "fixed_size_list<element: float>[3]"
    assert back.points["loss"].dtype == np.float32
    assert np.array_equal(back.points["loss"], loss.ravel())


def test_the_time_stays_in_64_bits_though_32_would_do(tmp_path: Path) -> None:
    loss = np.ones((ROWS, 3))
    elapsed = np.tile([1.0, 2.5, 7.0], (ROWS, 1)).astype(np.float32)
    types, back = written(table(loss, elapsed), schema(1, 2, 3), tmp_path)
    assert types["elapsed_time"] == "fixed_size_list<element: double>[3]"
    assert back.points["elapsed_time"].dtype == np.float64


def test_a_curve_that_a_task_does_not_know_has_the_type_of_one_that_it_knows(tmp_path: Path) -> None:
    known, elapsed = np.sqrt(np.arange(ROWS * 3.0)).reshape(ROWS, 3), np.ones((ROWS, 3)).cumsum(axis=1)
    types, _ = written(table(known, elapsed), schema(1, 2, 4), tmp_path)
    lacking, back = written(table(np.full((ROWS, 3), np.nan), elapsed), schema(1, 2, 4), tmp_path)
    assert types["loss"] == "fixed_size_list<element: double>[3]"
    assert lacking["loss"] == "fixed_size_list<element: float>[3]"  # a cast is all that differs
    assert np.isnan(back.points["loss"]).all()
    assert len(back.points["loss"]) == ROWS * 3


@pytest.mark.parametrize(
    ("first", "kind"), [(0, "int32"), (2**31 - ROWS, "int32"), (2**31, "int64"), (2**32 - 1, "int64")]
)
def test_seeds_keep_their_value(first: int, kind: str, tmp_path: Path) -> None:
    made = replace(table(np.ones((ROWS, 2)), np.ones((ROWS, 2))), seeds=first + np.arange(ROWS))
    types, back = written(made, schema(1, 2), tmp_path)
    assert types["seed"] == kind
    assert np.array_equal(back.seeds, made.seeds)


def test_seeds_that_are_no_whole_numbers_are_refused() -> None:
    made = replace(table(np.ones((ROWS, 2)), np.ones((ROWS, 2))), seeds=np.full(ROWS, 0.5))
    with pytest.raises(
        InvalidConfiguration, match=r"seeds of 'odd' must be whole numbers, not float64 like 0\.5"
    ):
        TabularBlackbox(schema(1, 2), made, name="odd")
