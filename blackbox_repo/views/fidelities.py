"""Views with curves that are cut after a fidelity, or have only some of their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve, Status
from blackbox_repo.errors import InvalidOption
from blackbox_repo.frozen import sealed
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View


def up_to(blackbox: Blackbox, fidelity: float) -> Blackbox:
    """The curves cut after one fidelity, as if nothing had been trained further.

    Raises:
        UnknownFidelity: The schema has no such fidelity.
    """
    count = blackbox.schema.fidelity.index(fidelity) + 1
    return _UpTo(blackbox, count)


def select_fidelities(blackbox: Blackbox, fidelities: Sequence[float]) -> Blackbox:
    """The curves with only their points at some fidelities, given in any order.

    Raises:
        UnknownFidelity: The schema lacks one of the fidelities.
        InvalidOption: No fidelity is given.
    """
    picked = sorted({blackbox.schema.fidelity.index(fidelity) for fidelity in fidelities})
    if not picked:
        raise InvalidOption("select_fidelities() needs at least one fidelity")
    return _Selected(blackbox, picked)


class _UpTo(View):
    def __init__(self, inner: Blackbox, count: int) -> None:
        fidelity = inner.schema.fidelity
        schema = replace(inner.schema, fidelity=replace(fidelity, values=fidelity.values[:count]))
        super().__init__(inner, schema, f"up_to({fidelity.values[count - 1]})")
        self._count = count

    def values(self, objective: str) -> Array:
        return self.inner.values(objective)[:, :, : self._count]

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.under(self.schema, self._count)


class _Selected(View):
    def __init__(self, inner: Blackbox, picked: list[int]) -> None:
        fidelity = inner.schema.fidelity
        chosen = replace(fidelity, values=tuple(fidelity.values[index] for index in picked))
        description = f"select_fidelities({chosen.describe()})"
        super().__init__(inner, replace(inner.schema, fidelity=chosen), description)
        self._picked = picked

    def values(self, objective: str) -> Array:
        return sealed(self.inner.values(objective)[:, :, self._picked])

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        reached = [index for index in self._picked if index < len(curve)]
        last = self._picked[-1] + 1
        values = {
            objective.name: curve.constant(objective.name)
            if objective.constant
            else curve.head(objective.name, last)[reached]
            for objective in self.schema.objectives
        }
        status: Status = "ok" if len(curve) > last else curve.status
        return LearningCurve.of(self.schema, values, status=status, seed=curve.seed)
