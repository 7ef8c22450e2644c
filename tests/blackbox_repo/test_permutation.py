from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.permutation import LISTED, Permutation


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, LISTED, LISTED + 1, 2048, 2049, 15_625, 2**16])
def test_every_number_comes_once(size: int) -> None:
    order = Permutation(size, 0, "all")
    assert sorted(order.block(0, size + 10)) == list(range(size))


@given(st.integers(1, 2**150), st.data())
def test_a_block_has_the_numbers_that_come_singly(size: int, data: st.DataObject) -> None:
    order = Permutation(size, "block", size)
    first = data.draw(st.integers(0, size - 1))
    places = range(first, min(first + 40, size))
    found = order.block(first, 40)
    assert found == [order[place] for place in places]
    assert len(set(found)) == len(found)
    assert all(0 <= number < size for number in found)


def test_a_place_outside_is_refused() -> None:
    for place in (-1, 5000):
        with pytest.raises(IndexError, match=rf"place {place} is not in 0 \.\. 4999"):
            Permutation(5000, 0)[place]


def test_the_order_is_the_same_on_every_machine_for_ever() -> None:
    assert Permutation(10, 0, "grid").block(0, 10) == [7, 8, 3, 5, 9, 6, 4, 2, 0, 1]
    assert Permutation(15_625, 0, "random search").block(0, 5) == [4233, 14297, 4684, 296, 8710]
    assert Permutation(3**60, 0, "grid").block(7, 2) == [
        1171158164927854756724555128,
        27055866837660536604142964456,
    ]


def deviations(counts: np.ndarray) -> float:
    """Chi-square of what should be even chances, in standard deviations from its mean."""
    cells, even = counts.size, counts.sum() / counts.size
    return float(((counts - even) ** 2 / even).sum() - (cells - 1)) / math.sqrt(2 * (cells - 1))


@pytest.mark.parametrize("size", [3, 4, 5])
def test_every_order_of_a_few_numbers_is_equally_likely(size: int) -> None:
    orders = {order: number for number, order in enumerate(itertools.permutations(range(size)))}
    counts = np.zeros(len(orders))
    for key in range(6000):
        counts[orders[tuple(Permutation(size, "fair", key).block(0, size))]] += 1
    assert abs(deviations(counts)) < 4


@pytest.mark.parametrize("size", [LISTED + 1, 3 * 2**9, 2**11])
def test_every_place_and_pair_of_places_of_a_network_is_uniform(size: int) -> None:
    orders = np.array([Permutation(size, "network", key).block(0, 4) for key in range(5000)])
    for place in range(4):
        assert abs(deviations(np.histogram(orders[:, place], 64, (0, size))[0])) < 4
    for one, other in itertools.combinations(range(4), 2):
        pairs = np.histogram2d(orders[:, one], orders[:, other], 16, ((0, size), (0, size)))[0]
        assert abs(deviations(pairs)) < 4
        apart = (orders[:, one] - orders[:, other]) % size
        assert abs(deviations(np.histogram(apart, 50, (0, size))[0])) < 4


def test_a_long_order_has_no_trend() -> None:
    numbers = np.array(Permutation(100_003, "trend").block(0, 100_003)) / 100_003
    assert abs(np.corrcoef(numbers, np.arange(100_003))[0, 1]) < 4 / math.sqrt(100_003)
    for lag in (1, 2, 256):
        assert abs(np.corrcoef(numbers[lag:], numbers[:-lag])[0, 1]) < 4 / math.sqrt(100_003)
