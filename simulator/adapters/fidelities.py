"""What libraries that speak of budgets are told of fidelities, and the other way round."""

from __future__ import annotations

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity


def nearest(fidelity: Fidelity, budget: float) -> float:
    """The value that is nearest to a budget, the lower one of two."""
    return min(fidelity.values, key=lambda value: (abs(value - budget), value))


def smallest(fidelity: Fidelity) -> float:
    """The smallest value above 0.

    Raises:
        InvalidOption: There is none below the largest.
    """
    above = [value for value in fidelity.values if value > 0]
    if len(above) < 2:
        raise InvalidOption(
            f"{fidelity.name} has only the value {fidelity.describe()}; a multi-fidelity scheduler needs "
            f"two above 0"
        )
    return above[0]
