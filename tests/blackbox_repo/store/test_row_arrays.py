"""The index of a table comes back from its arrays, and nothing is decoded before it is used."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.row_index import RowIndex
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store import row_arrays
from blackbox_repo.store.row_arrays import arrays_of, index_of
from blackbox_repo.table import Coded, Table, TabularBlackbox
from tests.blackbox_repo.store.large_table import made


def again(blackbox: TabularBlackbox) -> TabularBlackbox:
    schema = replace(blackbox.schema, space=replace(blackbox.schema.space, candidates=None))
    rows = RowIndex.of(schema, blackbox.table, "again")
    return TabularBlackbox(
        schema, index_of(arrays_of(rows), rows.points, schema, list(rows.labels)), name=blackbox.name
    )


def check_same(found: TabularBlackbox, blackbox: TabularBlackbox) -> None:
    assert found.digest() == blackbox.digest()
    assert list(found.configurations()) == list(blackbox.configurations())
    assert found.schema == blackbox.schema
    for objective in blackbox.schema.objectives:
        assert np.array_equal(found.values(objective.name), blackbox.values(objective.name), equal_nan=True)
    for configuration in blackbox.configurations()[::100]:
        assert found.seeds(configuration) == blackbox.seeds(configuration)
        assert [found.curve(configuration, seed=seed).status for seed in found.seeds(configuration)] == [
            blackbox.curve(configuration, seed=seed).status for seed in blackbox.seeds(configuration)
        ]
    for name in blackbox.table.labels:
        assert found.label(name) == blackbox.label(name)


@pytest.mark.parametrize("name", ["grid", "ragged"])
def test_small_tables_come_back(name: str, request: pytest.FixtureRequest) -> None:
    blackbox = request.getfixturevalue(name)
    check_same(again(blackbox), blackbox)


@pytest.mark.parametrize("ragged", [False, True])
def test_tables_with_labels_and_statuses_come_back(ragged: bool) -> None:
    check_same(again(made(700, ragged=ragged)), made(700, ragged=ragged))


def one_point_table(values: list[Any], labels: list[Any]) -> TabularBlackbox:
    schema = Schema(
        Space({"x": Categorical(tuple(values))}), Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss"
    )
    rows = len(values)
    table = Table(
        hyperparameters={"x": Coded.of(values)},
        seeds=np.array([2**64 - 1] * rows, dtype=np.uint64),
        points={"loss": np.arange(float(rows))},
        lengths=np.ones(rows, dtype=int),
        labels={"label": Coded.of(labels)},
    )
    return TabularBlackbox(schema, table, name="t")


def test_values_keep_their_types_and_every_digit() -> None:
    values = ["1", 1, "true", 2.0, "é\n", 0.1 + 0.2, 5e-324, 1e300]
    labels = [True, 1.0, None, 10**30, "\udcff", -0.0, "", 1]
    blackbox = one_point_table(values, labels)
    found = again(blackbox)
    check_same(found, blackbox)
    assert [repr(row["x"]) for row in found.configurations()] == list(map(repr, values))
    assert list(map(repr, found.label("label"))) == list(map(repr, labels))
    assert found.seeds({"x": "1"}) == (2**64 - 1,)
    assert found.table.seeds.dtype == np.uint64


def test_values_are_read_when_they_are_first_used_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    from_text = row_arrays._from_text
    monkeypatch.setattr(row_arrays, "_from_text", lambda text: read.append("") or from_text(text))
    found = again(made(700))
    assert read == []
    for _ in range(2):
        found.curve(found.configurations()[3])
    assert len(read) == 4
    for _ in range(2):
        found.label("official")
    assert len(read) == 5


def test_an_array_that_is_missing_is_an_error(grid: TabularBlackbox) -> None:
    rows = RowIndex.of(grid.schema, grid.table, "t")
    arrays = arrays_of(rows)
    for name in ("codes op", "range first", "seeds", "constant params"):
        with pytest.raises(KeyError):
            index_of({other: arrays[other] for other in arrays if other != name}, {}, grid.schema, ())


def test_a_table_crosses_processes() -> None:
    blackbox = again(made(700))
    copy = pickle.loads(pickle.dumps(blackbox))  # noqa: S301, TID251  our own bytes, as between processes
    check_same(copy, blackbox)
    some = blackbox.configurations()[10:20:3]
    again_some = pickle.loads(pickle.dumps(some))  # noqa: S301, TID251  our own
    assert list(again_some) == list(some)


def test_numbers_take_as_few_bytes_as_they_need() -> None:
    rows = RowIndex.of(made(700).schema, made(700).table, "t")
    assert (rows.first, rows.offsets) == (range(701), range(0, 70_001, 100))
    assert rows.seeds.dtype == np.uint16
    assert {name: str(codes.dtype) for name, codes in rows.codes.items()} == {
        "number": "uint16",
        "rate": "uint8",
        "kind": "uint8",
        "on": "uint8",
    }


@pytest.mark.parametrize(
    ("seeds", "kind"),
    [
        ([0, 255], "uint8"),
        ([-1, 127], "int8"),
        ([-1, 2**40], "int64"),
        ([-(2**63), 2**63 - 1], "int64"),
        ([2**40, 2**53 + 1], "uint64"),
        ([2**63 - 1, 2**64 - 1], "uint64"),
    ],
)
def test_seeds_keep_every_digit(seeds: list[int], kind: str) -> None:
    table = replace(
        made(2).table, seeds=np.array(seeds, dtype=np.uint64 if max(seeds) >= 2**63 else np.int64)
    )
    rows = RowIndex.of(made(2).schema, table, "t")
    assert (str(rows.seeds.dtype), rows.seeds.tolist()) == (kind, seeds)
    again = rows.table().seeds
    assert (again.dtype, again.tolist()) == (table.seeds.dtype, seeds)
    digest = TabularBlackbox(made(2).schema, table).digest()
    assert digest == TabularBlackbox(made(2).schema, rows.table()).digest()


def test_a_grid_needs_no_numbers_and_a_scattered_table_does(
    grid: TabularBlackbox, ragged: TabularBlackbox
) -> None:
    assert not [name for name in arrays_of(RowIndex.of(grid.schema, grid.table, "t")) if "numbers" in name]
    schema = replace(ragged.schema, space=replace(ragged.schema.space, candidates=None))
    arrays = arrays_of(RowIndex.of(schema, ragged.table, "t"))
    assert {
        name: array.tolist() for name, array in arrays.items() if name in ("numbers 0", "order", "first")
    } == {
        "first": [0, 3, 4, 6],
        "numbers 0": [0, 2 + 1 * 12, 1 + 1 * 4 + 2 * 12],
        "order": [0, 2, 1],
    }


def test_continuous_hyperparameters_are_found() -> None:
    count = 300
    schema = Schema(
        Space({"a": Float(0, 1), "b": Float(0, 1), "c": Integer(0, 9)}),
        Fidelity("epoch", (1,)),
        (Objective("loss", "min"),),
        "loss",
    )
    place = np.arange(count)
    columns = {"a": place * 7 % count / count, "b": place * 11 % count / count, "c": place % 10}
    table = Table(
        {name: Coded.of(column.tolist()) for name, column in columns.items()},
        np.zeros(count, dtype=int),
        {"loss": np.arange(float(count))},
        np.ones(count, dtype=int),
    )
    blackbox = TabularBlackbox(schema, table)
    check_same(again(blackbox), blackbox)
    for row in range(count):
        assert again(blackbox).evaluate({name: column[row] for name, column in columns.items()}) == {
            "loss": row
        }
