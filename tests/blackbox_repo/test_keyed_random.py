from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import keyed_random
from blackbox_repo.errors import InvalidOption
from blackbox_repo.keyed_random import Stream

PARTS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.lists(PARTS, max_size=4)
NUMBERS = st.integers(0, 2**64 - 2)


def test_a_stream_is_splitmix64_from_the_hash_of_its_key() -> None:
    """The values for the start 1234567 are those that are published with the generator."""
    assert [keyed_random.mixed(1234567, number) for number in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_the_same_key_gives_the_same_number_on_every_machine_for_ever() -> None:
    assert keyed_random.unit(0, "random search", "learning_rate", 17) == 0.08077375567360434
    assert keyed_random.unit(1, "Größe", 0.5) == 0.8998889646248117
    assert keyed_random.unit() == 0.0
    assert keyed_random.integer(1000, "table", None, 3) == 367
    assert keyed_random.integer(10**30, "wide", 3) == 557116444992486091682333479444


def test_numpys_scalars_make_the_same_key_as_the_built_in_values_that_they_mean() -> None:
    for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint64):
        assert keyed_random.unit(kind(3), "x", kind(7)) == keyed_random.unit(3, "x", 7)
        assert keyed_random.unit("x", kind(3), None) == keyed_random.unit("x", 3, None)
    assert keyed_random.unit(np.str_("x"), 1) == keyed_random.unit("x", 1)
    assert keyed_random.unit(np.bool_(True), 1) == keyed_random.unit(True, 1)
    assert keyed_random.unit(np.float64(0.1), 1) == keyed_random.unit(0.1, 1)
    assert keyed_random.unit(np.float32(0.1), 1) == keyed_random.unit(float(np.float32(0.1)), 1)
    assert keyed_random.unit(-0.0, 1) == keyed_random.unit(0.0, 1)
    assert (
        keyed_random.unit(math.nan, 1)
        == keyed_random.unit(-math.nan, 1)
        == keyed_random.unit(np.float32("nan"), 1)
    )


@pytest.mark.parametrize(
    "part",
    [(1, 2), [1], b"x", 1j, Fraction(1, 2), np.array(3), np.array([3]), np.timedelta64(3, "s"), object],
)
def test_a_part_of_an_unknown_kind_is_refused(part: object) -> None:
    for key in ((part,), (part, 1), ("x", part)):
        with pytest.raises(InvalidOption, match="the key of a draw has the part .*, but must be made of"):
            keyed_random.unit(*key)  # type: ignore[arg-type]


def test_parts_of_a_key_do_not_run_together() -> None:
    keys = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", None), ("abc", 0), ("abc", -1), ("abc", 2**64)]
    keys += [(1,), (1.0,), ("1",), (True,), (1, 0), (1.0, 0), ("1", 0), (True, 0), (None,), (), ("",), (0,)]
    assert len({keyed_random.unit(*key) for key in keys}) == len(keys)


@given(KEYS)
def test_units_lie_in_the_half_open_interval(key: list[keyed_random.Key]) -> None:
    assert 0.0 <= keyed_random.unit(*key) < 1.0


@given(st.integers(1, 2**200), KEYS)
def test_integers_lie_below_the_count(count: int, key: list[keyed_random.Key]) -> None:
    assert 0 <= keyed_random.integer(count, *key) < count


@given(KEYS, NUMBERS, st.integers(1, 40), st.integers(1, 2**34))
def test_a_block_has_the_values_that_come_singly(
    key: list[keyed_random.Key], first: int, count: int, among: int
) -> None:
    stream, numbers = Stream(*key), range(first, first + count)
    assert stream.block(first, count).tolist() == [stream.bits(number) for number in numbers]
    assert stream.units(first, count).tolist() == [stream.unit(number) for number in numbers]
    assert stream.integers(among, first, count) == [stream.integer(among, number) for number in numbers]
    assert keyed_random.unit(*key, first) == stream.unit(first)
    assert keyed_random.integer(among, *key, first) == stream.integer(among, first)


def test_numbers_out_of_arrays_are_broadcast_and_have_the_values_that_come_singly() -> None:
    stream = Stream(3, "delay", "report")
    points, trials = np.arange(-1, 6), np.array([[0], [7], [2**40]])
    assert stream.units_at(4, 2, points).tolist() == [stream.unit(4, 2, int(p)) for p in points]
    flat = trials.ravel()
    assert stream.units_at(flat, 0, -1).tolist() == [stream.unit(int(t), 0, -1) for t in flat]
    assert stream.units_at(trials, 1, points).tolist() == [
        [stream.unit(int(t), 1, int(p)) for p in points] for t in flat
    ]


def chi_square(counts: np.ndarray) -> float:
    """In standard deviations from what even chances give; for many cells it is about normal."""
    cells, even = counts.size, counts.sum() / counts.size
    return float(((counts - even) ** 2 / even).sum() - (cells - 1)) / math.sqrt(2 * (cells - 1))


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_a_stream_are_uniform_and_independent_of_those_before(seed: int) -> None:
    units = Stream(seed, "spread").units(0, 200_000)
    assert abs(chi_square(np.histogram(units, 1000, (0, 1))[0])) < 4
    pairs = np.histogram2d(units[:-1:2], units[1::2], 32, ((0, 1), (0, 1)))[0]
    assert abs(chi_square(pairs)) < 4
    largest_gap = np.abs(np.sort(units) - np.arange(200_000) / 200_000).max()
    assert largest_gap * math.sqrt(200_000) < 1.95  # Kolmogorov and Smirnov: one in a thousand is larger


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "random search", "a"), (0, "random search", "b")),
        ((0, "random search", "a"), (1, "random search", "a")),
        ((0, "delay", "start"), (0, "delay", "report")),
    ],
)
def test_streams_of_different_keys_are_independent(
    one: tuple[keyed_random.Key], other: tuple[keyed_random.Key]
) -> None:
    pairs = Stream(*one).units(0, 100_000), Stream(*other).units(0, 100_000)
    assert abs(chi_square(np.histogram2d(*pairs, 32, ((0, 1), (0, 1)))[0])) < 4
    assert abs(np.corrcoef(*pairs)[0, 1]) < 4 / math.sqrt(100_000)


def test_the_same_number_under_seeds_that_follow_one_another_is_uniform() -> None:
    firsts = np.array([Stream(seed, "x").unit(0) for seed in range(20_000)])
    assert abs(chi_square(np.histogram(firsts, 100, (0, 1))[0])) < 4
    assert abs(chi_square(np.histogram2d(firsts[:-1], firsts[1:], 10, ((0, 1), (0, 1)))[0])) < 4


def test_values_with_several_numbers_are_uniform_in_each() -> None:
    stream = Stream(0, "delay", "report")
    values = np.array([[[stream.unit(t, s, p) for p in range(20)] for s in range(20)] for t in range(50)])
    assert len(np.unique(values)) == values.size
    assert abs(chi_square(np.histogram(values, 100, (0, 1))[0])) < 4
    for axis in range(3):
        shifted = (
            np.take(values, range(values.shape[axis] - 1), axis),
            np.take(values, range(1, values.shape[axis]), axis),
        )
        assert abs(np.corrcoef(shifted[0].ravel(), shifted[1].ravel())[0, 1]) < 4 / math.sqrt(values.size)


def test_every_bit_flips_half_of_the_bits() -> None:
    """Changing one bit of the number changes each bit of the value in about half of all cases."""
    stream = Stream("avalanche")
    for bit in range(0, 64, 7):
        flips = [stream.bits(n) ^ stream.bits(n ^ 1 << bit) for n in range(2000)]
        shares = [sum(flip >> place & 1 for flip in flips) / 2000 for place in range(64)]
        assert 0.44 < min(shares) < max(shares) < 0.56
