"""Configurations are found among sorted numbers, however many values their hyperparameters have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float, Integer
from blackbox_repo.errors import ConfigurationNotInTable, InvalidConfiguration
from blackbox_repo.keyed_random import Stream
from blackbox_repo.lookup import Lookup, SortedNumbers, strides
from blackbox_repo.space import Space


def made(columns: dict[str, list[int]], counts: dict[str, int]) -> tuple[Lookup, SortedNumbers]:
    """A lookup of configurations whose values are their codes plus 2."""
    values = {name: range(2, 2 + count) for name, count in counts.items()}
    codes = {name: np.array(column, dtype=np.uint32) for name, column in columns.items()}
    numbers = SortedNumbers.of(values, codes)
    space = Space({name: Integer(2, 1 + count) for name, count in counts.items()})
    return Lookup(space, values, numbers, "t"), numbers


def test_hyperparameters_share_a_number_as_long_as_it_has_64_bits() -> None:
    many = {name: range(999) for name in "abcdefgh"}
    groups = strides(many)
    assert [list(group) for group in groups] == [list("abcdef"), list("gh")]
    assert groups[0] == {name: 1000**place for place, name in enumerate("abcdef")}
    assert strides({"a": range(2**32 - 1), "b": range(2**31 - 1)}) == [{"a": 1, "b": 2**32}]
    assert strides({"a": range(2**32 - 1), "b": range(2**31)}) == [{"a": 1}, {"b": 1}]


def test_the_largest_number_of_a_group_is_no_overflow() -> None:
    values = {"a": range(2**32 - 1), "b": range(2**31 - 1)}
    codes = {"a": np.array([2**32 - 2, 0], dtype=np.uint32), "b": np.array([2**31 - 2, 1])}
    numbers = SortedNumbers.of(values, codes)
    assert numbers.numbers[0].tolist() == [2**32, (2**31 - 2) * 2**32 + 2**32 - 2]
    assert numbers.order.tolist() == [1, 0]


@pytest.mark.parametrize("count", [3, 10**5])
@pytest.mark.parametrize("names", ["a", "ab", "abcdefghij"])
def test_each_configuration_is_found_and_no_other(count: int, names: str) -> None:
    drawn = {name: Stream("lookup", name, count).integers(count, 0, 200) for name in names}
    rows = list(dict.fromkeys(zip(*drawn.values(), strict=True)))
    lookup, numbers = made(
        {name: [row[k] for row in rows] for k, name in enumerate(names)}, dict.fromkeys(names, count)
    )
    assert numbers.differ
    for _ in range(2):
        for index, row in enumerate(rows):
            assert lookup.index({name: code + 2 for name, code in zip(names, row, strict=True)}) == index
    missing = 0
    for row in rows:
        other = (*row[:-1], (row[-1] + 1) % count)
        if other not in rows:
            missing += 1
            with pytest.raises(ConfigurationNotInTable, match=f"is not among the {len(rows)} configurations"):
                lookup.index({name: code + 2 for name, code in zip(names, other, strict=True)})
    assert missing or count == 3


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1))
def test_equal_configurations_are_noticed(rows: list[tuple[int, int, int]]) -> None:
    counts = dict.fromkeys("abc", 3)
    _, numbers = made({name: [row[k] for row in rows] for k, name in enumerate("abc")}, counts)
    assert numbers.differ == (len(set(rows)) == len(rows))
    assert len(numbers) == len(rows)


def test_a_missing_wrong_or_superfluous_value_is_refused_as_by_the_space() -> None:
    lookup, _ = made({"a": [0, 1], "b": [1, 0]}, {"a": 2, "b": 2})
    for wrong in (
        {"a": 2},
        {"a": 2, "b": 9},
        {"a": 2, "b": 3, "c": 1},
        {"a": 2, "b": "3"},
        {"a": 2, "b": None},
        {"a": [2], "b": 3},
    ):
        with pytest.raises(InvalidConfiguration):
            lookup.index(wrong)  # type: ignore[arg-type]


def test_of_a_scattered_table_only_what_was_asked_for_is_kept() -> None:
    rows = 5000
    lookup, _ = made({"a": list(range(rows)), "b": [0] * rows}, {"a": rows, "b": 1})
    for row in (1, 7, 7):
        lookup.index({"a": row + 2, "b": 2})
    assert lookup._found == {(3, 2): 1, (9, 2): 7}


def test_floats_and_whole_numbers_that_are_equal_are_one_value() -> None:
    space = Space({"x": Float(0, 1), "n": Integer(2, 3)})
    values = {"x": (0.0, 0.25), "n": (2, 3)}
    codes: dict[str, Array] = {"x": np.array([1, 0]), "n": np.array([0, 1])}
    lookup = Lookup(space, values, SortedNumbers.of(values, codes), "t")
    assert lookup.index({"x": 0, "n": 3.0}) == lookup.index({"n": np.int8(3), "x": np.float64(0)}) == 1
    with pytest.raises(InvalidConfiguration, match="x=False is not a number"):
        lookup.index({"x": False, "n": 3})
