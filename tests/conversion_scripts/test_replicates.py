from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conversion_scripts.replicates import replicates


def test_rows_of_a_configuration_come_together_and_are_numbered() -> None:
    order, numbers = replicates(["b", "a", "b", "c", "b", "a"])
    assert order.tolist() == [0, 2, 4, 1, 5, 3]
    assert numbers.tolist() == [0, 1, 2, 0, 1, 0]


@given(st.lists(st.integers(0, 5)))
def test_every_row_stays_and_numbers_count(keys: list[int]) -> None:
    order, numbers = replicates(keys)
    assert sorted(order.tolist()) == list(range(len(keys)))
    assert [keys[:row].count(keys[row]) for row in order] == numbers.tolist()
    arranged = [keys[row] for row in order]
    starts = [key for k, key in enumerate(arranged) if k == 0 or arranged[k - 1] != key]
    assert starts == list(dict.fromkeys(keys))
