from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import Categorical, Condition, Float, Integer, Ordinal, Space
from blackbox_repo.distance import ClosestRow, at_position, position, positions

NUMERIC = [Float(0, 1), Float(1e-5, 3.3, log=True), Integer(1, 9), Integer(2, 5000, log=True), Float(2, 2)]


@pytest.mark.parametrize("domain", NUMERIC, ids=str)
@given(shares=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_positions_of_an_array_are_those_of_its_values(domain: Any, shares: list[float]) -> None:
    values = [domain.at(share) for share in shares]
    found = positions(domain, np.array(values, dtype=np.float64))
    assert found.tolist() == [position(domain, value) for value in values]


@given(st.floats(0, 1) | st.integers(0, 2 * 10**12).map(lambda half: half / 2e12))
def test_positions_are_rounded_as_printing_rounds(share: float) -> None:
    assert position(Float(0, 1), share) == float(f"{share:.11e}")


def test_positions_and_numbers_belong_together() -> None:
    assert position(Float(1e-4, 1, log=True), 1e-2) == 0.5
    assert at_position(Float(1e-4, 1, log=True), 0.5) == 1e-2
    assert position(Integer(1, 9), 5) == 0.5
    assert at_position(Integer(1, 9), 0.55) == 5


ROWS: list[dict[str, Any]] = [
    {"k": "a", "x": 0.1, "o": 1},
    {"k": "a", "x": 0.9, "o": 8},
    {"k": "b", "x": 0.45, "o": 2},
    {"k": "c", "o": 4},
]
TABLE = Space(
    {"k": Categorical(("a", "b", "c")), "x": Float(0, 1), "o": Ordinal((1, 2, 4, 8))},
    {"x": (Condition("k", ("a", "b")),)},
    candidates=ROWS,
)


def test_the_closest_row_that_agrees_with_what_is_fixed() -> None:
    rows = ClosestRow(TABLE)
    middle = {"k": "a", "x": 0.5, "o": 4}
    assert rows.agreeing(middle, {}) == ROWS[1]
    assert rows.agreeing(middle, {"o": 1}) == ROWS[0]
    assert rows.agreeing({"k": "c", "o": 4}, {"k": "c"}) == ROWS[3]
    assert rows.agreeing(middle, {"x": 0.5}) is None


def test_the_closest_row_that_is_not_the_other_one() -> None:
    rows = ClosestRow(TABLE)
    assert rows.to({"k": "a", "x": 0.2, "o": 1}) == ROWS[0]
    assert rows.to({"k": "a", "x": 0.2, "o": 1}, other_than=ROWS[0]) == ROWS[2]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("upper", [2**53 + 1, 2**63 - 1, 2**64 - 1])
def test_the_last_position_is_the_upper_bound_though_that_is_no_float(upper: int, log: bool) -> None:
    assert at_position(Integer(1, upper, log=log), 1.0) == upper


def test_whole_numbers_that_no_float_tells_apart_have_positions_of_their_own() -> None:
    low = 2**60
    space = Space({"n": Integer(low, low + 4)}, candidates=[{"n": low}, {"n": low + 1}, {"n": low + 4}])
    assert position(space.domains["n"], low + 1) == 0.25
    rows = ClosestRow(space)
    assert rows.to({"n": low + 3}, other_than={"n": low}) == {"n": low + 4}
    assert rows.agreeing({"n": low + 1}, {"n": low + 1}) == {"n": low + 1}
