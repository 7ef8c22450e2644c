"""Fidelities and the budgets that libraries have in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity

_ROUNDING = 1e-9
"""Libraries compute budgets in floating point: a relative difference below this is a rounding error."""


def fidelity_reaching(fidelity: Fidelity, budget: float) -> float:
    """The smallest fidelity that is not below a budget; the largest one if all are below it."""
    least = budget * (1 - _ROUNDING)
    return next((value for value in fidelity.values if value >= least), fidelity.values[-1])


def check_budgets(settings: Mapping[str, Any], fidelity: Fidelity, names: Sequence[str]) -> None:
    """Refuse budgets outside the range of the fidelities.

    Args:
        settings: What the user has set for the library.
        fidelity: The resource axis of the curves.
        names: Which of the settings are budgets.

    Raises:
        InvalidOption: A budget is no number, not above 0, or above the largest fidelity.
    """
    most = fidelity.values[-1]
    for name in names:
        value = settings.get(name, most)
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) <= most:
            raise InvalidOption(
                f"{name} is {value!r}, but must be a number above 0 and at most {most}, the largest "
                f"{fidelity.name} of the blackbox"
            )


def smallest_budget(fidelity: Fidelity) -> float:
    """The smallest fidelity above 0, which is the smallest budget by default.

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


class Resource:
    """Fidelities as whole numbers from 1, which some libraries need: the fidelities themselves, or positions.

    Args:
        fidelity: The resource axis of the curves, in the values of the blackbox.
    """

    def __init__(self, fidelity: Fidelity) -> None:
        whole = all(value >= 1 and value == int(value) for value in fidelity.values)
        names = fidelity.values if whole else range(1, len(fidelity.values) + 1)
        self._resources = {value: int(name) for value, name in zip(fidelity.values, names, strict=True)}

    def of(self, fidelity: float) -> int:
        """The number that a library is told for a fidelity."""
        return self._resources[fidelity]

    def until(self, resource: float) -> float | None:
        """The first fidelity that reaches a resource; ``None``, which means the last, if none does."""
        least = resource * (1 - _ROUNDING)
        return next((value for value, reached in self._resources.items() if reached >= least), None)
