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


class Resource:
    """Fidelities as whole numbers from 1, which some libraries want: as they are, or else their positions.

    Args:
        fidelity: Of the schema.
    """

    def __init__(self, fidelity: Fidelity) -> None:
        whole = all(value >= 1 and value == int(value) for value in fidelity.values)
        names = fidelity.values if whole else range(1, len(fidelity.values) + 1)
        self._resources = {value: int(name) for value, name in zip(fidelity.values, names, strict=True)}

    def of(self, fidelity: float) -> int:
        """What a library is told of a fidelity."""
        return self._resources[fidelity]

    def until(self, resource: float) -> float | None:
        """The first fidelity that reaches a resource; ``None``, which is the last, if none does."""
        return next((value for value, reached in self._resources.items() if reached >= resource), None)
