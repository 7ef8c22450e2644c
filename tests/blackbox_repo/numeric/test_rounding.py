import math
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blackbox_repo.numeric.rounding import round_decimals, round_significant


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def as_printed(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits - 1}e}")


def rounded_in_an_array(values: list[float], digits: int = 6) -> list[float]:
    # filled up, because short arrays are rounded by printing
    return round_significant(np.array([*values, *np.ones(50)]), digits)[: len(values)].tolist()


anything = st.floats(allow_subnormal=True)
# m + 0.5 units of the sixth digit, and what lies beside it
ties = st.builds(
    lambda m, e, steps: _stepped(float(f"{m}5e{e}"), steps),
    st.integers(100_000, 999_999),
    st.integers(-30, 30),
    st.integers(-3, 3),
)
powers = st.builds(
    lambda e, steps: _stepped(float(f"1e{e}"), steps), st.integers(-300, 300), st.integers(-3, 3)
)


def _stepped(value: float, steps: int) -> float:
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.inf if steps > 0 else 0.0)
    return value


@given(st.lists(anything | ties | powers, min_size=1, max_size=60))
@example([0.0, -0.0, math.inf, -math.inf, 999999.5, 9.999995, 0.1000005, -12345.65, 5e-324, 1.7e308])
@example([100000.5, 100001.5, 1e22, 1e23, 1e-17, 123456.5, 0.5, 2.5, 1e16 + 2])
def test_an_array_is_rounded_bit_by_bit_as_python_prints(values: list[float]) -> None:
    expected = [as_printed(value) for value in values]
    for found in (rounded_in_an_array(values), round_significant(np.array(values), 6).tolist()):
        assert [bits(value) for value in found if not math.isnan(value)] == [
            bits(value) for value in expected if not math.isnan(value)
        ]
        assert [math.isnan(value) for value in found] == [math.isnan(value) for value in expected]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.integers(1, 15))
def test_any_number_of_digits_is_rounded_as_printed(values: list[float], digits: int) -> None:
    expected = [bits(as_printed(value, digits)) for value in values]
    assert [bits(value) for value in rounded_in_an_array(values, digits)] == expected


@pytest.mark.parametrize("shape", [(0,), (0, 6), (3, 4), (200, 6), ()])
def test_the_shape_is_kept_and_the_argument_unchanged(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 1.23456789)
    rounded = round_significant(array, 6)
    assert rounded.shape == shape
    assert np.all(rounded == 1.23457)
    assert np.all(array == 1.23456789)


def test_decimals_are_rounded_half_to_even_and_zero_has_no_sign() -> None:
    found = round_decimals(np.array([0.25, 0.35, -0.04, -0.25, 1e-12, 7.0]), 1)
    assert [bits(value) for value in found] == [bits(v) for v in (0.2, 0.4, 0.0, -0.2, 0.0, 7.0)]


@given(st.integers(-(10**15), 10**15), st.integers(0, 12))
def test_a_number_of_so_many_decimals_stays(whole: int, decimals: int) -> None:
    value = float(f"{whole}e-{decimals}") + 0.0
    assert bits(float(round_decimals(np.array([value]), decimals)[0])) == bits(value)
