"""What asynchronous successive halving needs in both its forms: configurations, brackets and rungs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from blackbox_repo.space import Configuration
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.brackets import Brackets
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.rung_levels import compute_levels, continue_to_levels, make_rungs

_Rung = TypeVar("_Rung")


@dataclass(repr=False, eq=False, kw_only=True)
class AsynchronousHalving(ReferenceScheduler):
    """The settings that stopping and promotion share; each subclass says in its own words what they do."""

    eta: float = 3
    r_min: float | None = None
    rungs: Sequence[float] | None = None
    brackets: int = 1
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def _draw_configurations(self) -> RandomConfigurations:
        """The configurations to start, with this scheduler's seed and initial ones in canonical form."""
        drawn = RandomConfigurations(self.schema.space, self.seed, self.initial, duplicates=self.duplicates)
        self.seed, self.initial, self.upcoming = drawn.seed, drawn.initial, drawn.upcoming
        self._target = self.schema.objective(self.schema.target)
        return drawn

    def _make_rungs(self, kind: Callable[[Fraction], _Rung]) -> list[dict[int, _Rung]]:
        """The rungs of each bracket, by the position of their fidelity."""
        fidelity = self.schema.fidelity
        levels = compute_levels(fidelity, self.eta, self.r_min, self.rungs)
        self._brackets = Brackets(levels, self.seed, self.brackets)
        self._continue = [continue_to_levels(fidelity, own) for own in self._brackets.levels]
        return [make_rungs(fidelity, own, kind) for own in self._brackets.levels]
