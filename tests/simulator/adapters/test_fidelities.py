"""Budgets that libraries compute in floats, as fidelities of the blackbox."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator.adapters.fidelities import Resource, check_budgets, fidelity_reaching, smallest_budget

TENTHS = Fidelity("fraction", tuple(k / 10 for k in range(1, 11)), kind="independent")
EPOCHS = Fidelity("epoch", tuple(range(1, 101)))


def test_a_budget_between_two_fidelities_is_the_upper_one() -> None:
    assert [fidelity_reaching(EPOCHS, budget) for budget in (1, 1.01, 2.5, 99.5, 100, 200)] == [
        1,
        2,
        3,
        100,
        100,
        100,
    ]


def test_a_budget_that_is_off_by_a_rounding_is_meant() -> None:
    """1/9, 1/3 and 1 of tenths; 0.1 * 3 is above 0.3, and 100 / 3 ** 4 * 3 ** 4 may be above 100."""
    assert [fidelity_reaching(TENTHS, 1.0 / 3**k) for k in (2, 1, 0)] == [0.2, 0.4, 1]
    assert fidelity_reaching(TENTHS, 0.1 * 3) == 0.3
    assert fidelity_reaching(TENTHS, math.nextafter(0.7, 1)) == 0.7
    assert fidelity_reaching(EPOCHS, math.nextafter(9.0, 10)) == 9
    assert Resource(EPOCHS).until(math.nextafter(9.0, 10)) == 9


@pytest.mark.parametrize("budget", [0, -1, 100.5, math.nan, math.inf, "9", True, None])
def test_budgets_that_the_curves_do_not_have_are_refused_by_name(budget: Any) -> None:
    with pytest.raises(InvalidOption, match="max_budget is .*, but must be a number above 0 and at most 100"):
        check_budgets({"max_budget": budget}, EPOCHS, ("min_budget", "max_budget"))


def test_budgets_may_be_any_numbers_of_the_range() -> None:
    check_budgets(
        {"max_budget": np.int64(9), "min_budget": 0.5, "other": "x"}, EPOCHS, ("min_budget", "max_budget")
    )


def test_the_smallest_fidelity_is_above_0() -> None:
    assert smallest_budget(Fidelity("step", (0, 200, 400))) == 200
    with pytest.raises(InvalidOption, match="step has only the value 0, 200; a multi-fidelity"):
        smallest_budget(Fidelity("step", (0, 200)))
