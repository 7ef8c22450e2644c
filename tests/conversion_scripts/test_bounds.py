import numpy as np
import pytest

from conversion_scripts.bounds import ABOVE_0, AT_LEAST_0, COUNT, FRACTION, PERCENT, Bounds


@pytest.mark.parametrize(
    ("bounds", "outside", "text"),
    [
        (AT_LEAST_0, [-1e-9, -np.inf], "at least 0"),
        (ABOVE_0, [0.0, -0.0, -1.0], "above 0"),
        (FRACTION, [-0.1, 1.0000001], "at least 0 and at most 1"),
        (PERCENT, [-0.1, 100.1], "at least 0 and at most 100"),
        (COUNT, [0.0, 0.5], "at least 1"),
        (Bounds(0.5, 2.0, beyond=True), [0.5, 2.5], "above 0.5 and at most 2"),
    ],
)
def test_what_lies_outside_is_marked_and_nan_is_not(bounds: Bounds, outside: list[float], text: str) -> None:
    inside = [1.0, np.nan]
    assert bounds.outside(np.array(inside + outside)).tolist() == [False, False] + [True] * len(outside)
    assert str(bounds) == text


def test_unsigned_and_narrow_numbers_are_compared_as_they_are() -> None:
    assert ABOVE_0.outside(np.array([0, 1], dtype=np.uint8)).tolist() == [True, False]
    assert PERCENT.outside(np.array([100, 101], dtype=np.uint8)).tolist() == [False, True]
    assert COUNT.outside(np.array([0.99951171875], dtype=np.float16)).tolist() == [True]
