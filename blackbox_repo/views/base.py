"""The base class of blackboxes that show another blackbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.frozen import sealed
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration


class View(Blackbox):
    """Shows the inner blackbox under another schema; subclasses add further differences."""

    def __init__(self, inner: Blackbox, schema: Schema, description: str) -> None:
        self.schema, self.name, self.batch = schema, f"{inner.name} | {description}", inner.batch
        self.inner, self._description = inner, description

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.view_curve(self.inner.curve(configuration, seed=seed), configuration)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        curves = self.inner.curves(configurations, seed=seed)
        return [self.view_curve(curve, c) for curve, c in zip(curves, configurations, strict=True)]

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self.inner.seeds(configuration)

    def holds(self, configuration: Configuration) -> bool:
        return self.inner.holds(configuration)

    def configurations(self) -> Sequence[Configuration]:
        return self.inner.configurations()

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        return self.inner.values(objective)

    def digest(self) -> str:
        inner = self.inner.digest()
        return hashlib.sha256(f"{inner} | {self._description}".encode()).hexdigest() if inner else ""

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        """A curve of the inner blackbox as this view shows it."""
        return curve.under(self.schema)

    def stack_curves(self, objective: str) -> Array:
        """As :meth:`values`, put together from single curves."""
        configurations = self.configurations()
        seeds = [self.seeds(configuration) for configuration in configurations]
        shape = (len(seeds), max(map(len, seeds)), len(self.schema.fidelity.values))
        array = np.full(shape, np.nan)
        for index, configuration in enumerate(configurations):
            for replicate, seed in enumerate(seeds[index]):
                curve = self.curve(configuration, seed=seed)
                array[index, replicate, : len(curve)] = curve[objective]
        return sealed(array)
