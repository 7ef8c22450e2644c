from __future__ import annotations

import pytest

from blackbox_repo import Float, Integer
from blackbox_repo.numeric_domain import geometric, numeric_domain


@pytest.mark.parametrize(
    "numbers",
    [
        (16, 32, 64, 128, 256, 512),
        (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1),
        (0.0003, 0.0006, 0.001),
        (1e-8, 1e-4, 1e-3, 1e-2),
        (10, 20, 50, 100),
        (1000, 2000, 4000, 8000, 10000),
        (64, 16, 32),
    ],
)
def test_learning_rates_and_widths_are_geometric(numbers: tuple[float, ...]) -> None:
    assert geometric(numbers)


@pytest.mark.parametrize(
    "numbers",
    [
        (0.0, 0.3, 0.6),
        (0.1, 0.3, 0.5),
        (1, 2, 3),
        (2, 3, 4, 5),
        (0.9, 0.99, 0.999),
        (10, 11, 12),
        (1, 10),
        (0, 2, 16, 64),
        (-4, -2, -1),
    ],
)
def test_evenly_spaced_narrow_few_and_negative_numbers_are_not(numbers: tuple[float, ...]) -> None:
    assert not geometric(numbers)


def test_the_domain_behind_numbers_is_the_smallest_that_holds_them() -> None:
    assert numeric_domain((4, 2.0, 8)) == Integer(2, 8, log=True)
    assert numeric_domain((0.5, 1)) == Float(0.5, 1)
    assert numeric_domain((7,)) == Integer(7, 7)


@pytest.mark.parametrize("values", [("a", 1), (True, False), (-1.7e308, 0, 1.7e308), (1, 2, 10**400)])
def test_text_bools_and_numbers_beyond_floats_have_no_numeric_domain(values: tuple[object, ...]) -> None:
    assert numeric_domain(values) is None  # type: ignore[arg-type]
