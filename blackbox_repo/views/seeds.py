"""Views of one training seed, or of the mean over all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve, Status
from blackbox_repo.errors import NotTabulated, UnknownSeed
from blackbox_repo.frozen import sealed
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View


def fixed_seed(blackbox: Blackbox, seed: int) -> Blackbox:
    """The runs of one training seed; configurations that were not trained with it are left out.

    Raises:
        UnknownSeed: No configuration of the table has the seed; later, for a configuration without it.
    """
    return _FixedSeed(blackbox, seed)


def mean_over_seeds(blackbox: Blackbox) -> Blackbox:
    """One curve for each configuration: the mean over its seeds, up to the end of the shortest curve.

    Its seed is 0. Its status is ``"ok"`` unless a curve that ends there diverged or crashed. NaN in
    one of the curves is NaN in the mean.
    """
    return _MeanOverSeeds(blackbox, blackbox.schema, "mean_over_seeds")


class _FixedSeed(View):
    def __init__(self, inner: Blackbox, seed: int) -> None:
        self._seed, schema = int(seed), inner.schema
        try:
            known = inner.configurations()
        except NotTabulated:
            known = []
        found = [inner.seeds(configuration) for configuration in known]
        self._rows = [row for row, seeds in enumerate(found) if self._seed in seeds]
        self._replicates = [found[row].index(self._seed) for row in self._rows]
        if known and not self._rows:
            raise UnknownSeed(f"no configuration of {inner.name!r} was trained with the seed {seed!r}")
        if len(self._rows) < len(known):
            kept = [known[row] for row in self._rows]
            schema = replace(schema, space=replace(schema.space, candidates=kept))
        super().__init__(inner, schema, f"fixed_seed({self._seed})")

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        self._check(seed)
        return super().curve(configuration, seed=self._seed)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        self._check(seed)
        return super().curves(configurations, seed=self._seed)

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        self.inner.curve(configuration, seed=self._seed)  # it says why there is none
        return (self._seed,)

    def configurations(self) -> Sequence[Configuration]:
        known = self.inner.configurations()
        return known if len(known) == len(self._rows) else [known[row] for row in self._rows]

    def values(self, objective: str) -> Array:
        return sealed(super().values(objective)[self._rows, self._replicates][:, np.newaxis])

    def _check(self, seed: int | None) -> None:
        if seed is not None and seed != self._seed:
            raise UnknownSeed(f"{self.name!r} has the seed {self._seed}, not {seed!r}")


class _MeanOverSeeds(View):
    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        if seed not in (None, 0):
            raise UnknownSeed(f"{self.name!r} has the seed 0, which stands for all, not {seed!r}")
        curves = [self.inner.curve(configuration, seed=s) for s in self.inner.seeds(configuration)]
        shortest = min(map(len, curves))
        values = {
            objective.name: _mean([curve.constant(objective.name) for curve in curves])
            if objective.constant
            else _mean([curve.head(objective.name, shortest) for curve in curves])
            for objective in self.schema.objectives
        }
        ends: list[Status] = [curve.status for curve in curves if len(curve) == shortest]
        status: Status = next((end for end in ends if end != "ok"), "ok")
        return LearningCurve.of(self.schema, values, status=status, seed=0)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        return [self.curve(configuration, seed=seed) for configuration in configurations]

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        self.inner.seeds(configuration)
        return (0,)

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        return self.stack_curves(objective)


def _mean(curves: Sequence[Array] | Sequence[float]) -> Array:
    """The mean in float64, summed in the order given: it does not depend on how numpy adds up."""
    total = np.zeros_like(curves[0], dtype=np.float64)
    for curve in curves:
        total = total + curve
    return total / len(curves)
