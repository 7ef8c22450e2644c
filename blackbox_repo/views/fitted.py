"""Off-table configurations answered by a surrogate that is fitted to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.errors import UnknownSeed
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.schema import Objective
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.neighbour_weights import MODELS, Resemblance, model_version
from blackbox_repo.surrogate.training_data import Examples, encode
from blackbox_repo.views.base import View
from blackbox_repo.views.nearest import in_table

_DIGITS = 6


def with_surrogate(blackbox: Blackbox, model: str = "knn", *, seed: int = 0) -> Blackbox:
    """A table that answers for any configuration of its space, where it lacks one with a prediction.

    What the table has, it answers itself. A predicted curve is a mean of curves of the table, those of the
    configurations that the asked one resembles: it goes to the last fidelity, has the seed 0, and values of 6
    significant digits. Each configuration of the table enters with the mean over its seeds; what diverged
    counts as the worst value there (see :mod:`blackbox_repo.surrogate.training_data`). The model is fitted
    when it is first needed. Samplers draw from the whole space.

    Args:
        blackbox: A table.
        model: ``"knn"``, the 5 nearest configurations weighted by inverse distance, or ``"forest"``, a random
            forest, which needs scikit-learn and differs with its version. ``bb-repo surrogate`` says how well
            each predicts a table.
        seed: Of the forest.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What it needs is not installed.
    """
    return _Fitted(blackbox, model, seed)


class Surrogate:
    """Curves mixed of those of the examples.

    Args:
        examples: What is known.
        resemblance: Of which, and how much of each.
    """

    def __init__(self, examples: Examples, resemblance: Resemblance) -> None:
        self._examples, self._resemblance = examples, resemblance

    def predict(self, row: Array, objectives: Sequence[Objective]) -> dict[str, Array]:
        """The values of objectives along the fidelity, or the one value of a constant one."""
        chosen, weights = self._resemblance(row)
        shares = weights[:, np.newaxis]
        return {o.name: _mixed(o, self._examples.points[o.name][chosen], shares) for o in objectives}


def _mixed(objective: Objective, values: Array, shares: Array) -> Array:
    known = np.isfinite(values)
    # along the first axis sums are added up one by one, on every machine
    with np.errstate(invalid="ignore"):
        mean = np.where(known, values * shares, 0.0).sum(axis=0) / (known * shares).sum(axis=0)
    rounded = round_significant(mean, _DIGITS)
    return np.maximum.accumulate(rounded) if objective.cumulative else rounded


class _Fitted(View):
    def __init__(self, inner: Blackbox, model: str, seed: int) -> None:
        inner.configurations()  # it says why there are none
        space = replace(inner.schema.space, candidates=None)
        described = f"with_surrogate({model_version(model)}{f', seed={seed}' if seed else ''})"
        super().__init__(inner, replace(inner.schema, space=space), described)
        self._model, self._seed = model, seed

    @cached_property
    def _surrogate(self) -> Surrogate:
        examples = Examples.of(self.inner)
        return Surrogate(examples, MODELS[self._model](examples, self._seed))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        if self.holds(configuration):
            return super().curve(configuration, seed=seed)
        if seed not in (None, 0):
            raise UnknownSeed(
                f"{self.name!r} predicts {dict(configuration)!r}, with the seed 0, not {seed!r}"
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
