"""The nearest rows are those that comparing all of them gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import load_blackbox
from blackbox_repo.keyed_random import Stream
from blackbox_repo.surrogate import neighbours
from blackbox_repo.surrogate.encoding import Encoding
from blackbox_repo.surrogate.neighbours import NearestRows, squared_distances

COORDINATES = st.sampled_from((-2.0, 0.0, 1 / 3, 0.333333333333, 0.5, 0.7, 1.0))


def compared(rows: Any, row: Any, count: int) -> tuple[list[int], list[float]]:
    """The nearest rows by comparing all of them, feature by feature."""
    squares = np.zeros(len(rows))
    for column, coordinate in zip(rows.T, row.tolist(), strict=True):
        squares += (column - coordinate) ** 2
    squares = np.round(squares, 12)
    near = np.flatnonzero(squares <= np.sort(squares)[min(count, len(rows)) - 1])
    return near.tolist(), squares[near].tolist()


def found(index: NearestRows, row: Any, count: int) -> tuple[list[int], list[float]]:
    near, squares = index.nearest(row, count)
    return near.tolist(), squares.tolist()


@st.composite
def rows_and_row(draw: Any) -> tuple[Any, Any]:
    features, count = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    cells = draw(st.lists(COORDINATES, min_size=features * (count + 1), max_size=features * (count + 1)))
    every = np.array(cells).reshape(count + 1, features)
    return every[1:], every[0]


@given(rows_and_row(), st.integers(1, 45))
def test_the_nearest_of_rows_that_often_tie_are_all_found(drawn: Any, count: int) -> None:
    rows, row = drawn
    assert found(NearestRows.of(rows), row, count) == compared(rows, row, count)


@given(rows_and_row(), st.integers(1, 45))
def test_rows_in_blocks_are_found_as_those_in_one(drawn: Any, count: int) -> None:
    rows, row = drawn
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(neighbours, "_AT_ONCE", 0)
        patched.setattr(neighbours, "_BLOCK", 5)
        index = NearestRows.of(rows)
    assert found(index, row, count) == compared(rows, row, count)


@pytest.mark.parametrize("count", [1, 5, 300])
def test_in_a_large_table_few_blocks_are_searched_and_nothing_is_missed(count: int) -> None:
    table = load_blackbox("fcnet-final")["protein_structure"]
    wide = table.schema.space.continuous()
    encoding = Encoding(wide)
    rows = encoding.rows(table.configurations())
    index = NearestRows.of(rows)
    assert len(index.order) > 8
    for row in encoding.rows(wide.samples(0, 0, count=10)):
        assert found(index, row, count) == compared(rows, row, count)


def test_a_distance_does_not_depend_on_the_rows_that_are_asked_for_with_it() -> None:
    rows = Stream(0).units(0, 1500).reshape(50, 30)
    together = squared_distances(rows, rows[0])
    assert together.tolist() == [squared_distances(row[np.newaxis], rows[0]).item() for row in rows]


def test_a_product_of_matrices_that_errs_in_its_last_bits_changes_nothing() -> None:
    rows = Stream(1).units(0, 4500).reshape(500, 9).round(1)
    index = NearestRows.of(rows)
    off = NearestRows(
        **{**index.__dict__, "factors": index.factors * (1 + 4e-16), "norms": index.norms * (1 - 4e-16)}
    )
    for row in rows[:50]:
        assert found(off, row, 5) == found(index, row, 5) == compared(rows, row, 5)
