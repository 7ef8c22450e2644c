"""A view that predicts configurations outside the table with a surrogate fitted to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import UnknownSeed
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.curve_mixture import CurveMixture
from blackbox_repo.surrogate.neighbour_weights import MODELS, model_version
from blackbox_repo.surrogate.training_data import TrainingData, encode
from blackbox_repo.views.base import View
from blackbox_repo.views.nearest import in_table


def with_surrogate(blackbox: Blackbox, model: str = "knn", *, seed: int = 0) -> Blackbox:
    """A table that answers for any configuration of its space, with a prediction where it lacks one.

    The table answers for the configurations that it has. The curve of any other configuration is predicted:
    it is a weighted mean of the curves of similar configurations, reaches the last fidelity, has the seed 0,
    and has values of 6 significant digits. Each configuration of the table counts with the mean over its
    seeds, and a run that diverged with the worst value at each fidelity (see
    :mod:`blackbox_repo.surrogate.training_data`). The model is fitted when it is first needed. Samplers draw
    from the whole space.

    Args:
        blackbox: A table.
        model: ``"knn"``, the 5 nearest configurations weighted by inverse distance, or ``"forest"``, a random
            forest, which needs scikit-learn and differs with its version. ``bb-repo surrogate`` says how well
            each predicts a table.
        seed: What the forest is drawn from.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What it needs is not installed.
    """
    return _Fitted(blackbox, model, seed)


class _Fitted(View):
    def __init__(self, inner: Blackbox, model: str, seed: int) -> None:
        inner.configurations()  # it says why there are none
        space = replace(inner.schema.space, candidates=None)
        described = f"with_surrogate({model_version(model)}{f', seed={seed}' if seed else ''})"
        super().__init__(inner, replace(inner.schema, space=space), described)
        self._model, self._seed = model, seed

    @cached_property
    def _surrogate(self) -> CurveMixture:
        data = TrainingData.of(self.inner)
        return CurveMixture(data, MODELS[self._model](data, self._seed))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        if self.holds(configuration):
            return super().curve(configuration, seed=seed)
        if seed not in (None, 0):
            raise UnknownSeed(
                f"{self.name!r} predicts {dict(configuration)!r} with the seed 0 only, not {seed!r}"
            )
        row = np.array(encode(self.schema.space, self.schema.space.check(configuration)))
        predicted = self._surrogate.predict(row, self.schema.objectives)
        values = {
            o.name: float(predicted[o.name][0]) if o.constant else predicted[o.name]
            for o in self.schema.objectives
        }
        return LearningCurve.of(self.schema, values)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        return [self.curve(configuration, seed=seed) for configuration in configurations]

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return super().seeds(configuration) if self.holds(configuration) else (0,)

    def holds(self, configuration: Configuration) -> bool:
        return in_table(self.inner, configuration)
