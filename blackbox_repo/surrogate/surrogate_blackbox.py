"""A fitted surrogate as a blackbox: it predicts every configuration of its space."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.errors import InvalidOption, UnknownSeed
from blackbox_repo.frozen import sealed
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.encoding import Encoding
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.model import CurveModel
from blackbox_repo.surrogate.noise import Noise
from blackbox_repo.surrogate.report import Report

DIGITS = 6
_NOISE = 1e-11  # sums of some thousand terms differ by less in another order
_STEP, _RELATIVE_STEP = 1e-6, 1e-6


class SurrogateBlackbox(Blackbox):
    """Curves that fitted models predict, of 6 significant digits; nothing is looked up.

    Elapsed time strictly increases along a curve, by a millionth of itself and a microsecond at least, and no
    other cumulative objective decreases; unless the fidelity is independent, so that every point is a
    training of its own. Curves reach the last fidelity.

    Attributes:
        info: What it was fitted to, and how.
        models: Seed -> the model that predicts it.
        noise: How trainings with other seeds differ from what the one model predicts, or ``None``.
        encoding: How configurations are encoded.

    Args:
        schema: What the objectives mean, over the space of the surrogate.
        models: Seed -> a fitted model; 0 alone where seeds are merged.
        info: What they were fitted to.
        noise: What is added for each of the seeds that it has; the models are then one, of the merged seeds.
        name: What messages call the blackbox.
    """

    batch = 64

    def __init__(
        self,
        schema: Schema,
        models: Mapping[int, CurveModel],
        info: SurrogateInfo,
        *,
        noise: Noise | None = None,
        name: str = "",
    ) -> None:
        self.schema, self.name = schema, name or f"surrogate {info.model}"
        self.models, self.info = dict(sorted(models.items())), info
        self.encoding = Encoding(schema.space)
        self.noise = noise
        self._seeds = tuple(self.models) if noise is None else noise.seeds

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curves([configuration], seed=seed)[0]

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        chosen = self._check_seed(seed)
        checked = [self.schema.space.check(configuration) for configuration in configurations]
        if not checked:
            return []
        rows = self.encoding.rows(checked) if len(checked) > 1 else self.encoding.row(checked[0])[np.newaxis]
        predicted = self._rounded(self._model(chosen).predict(rows))
        if self.noise is not None:
            predicted = self._varied(predicted, checked, rows, chosen)
        points: dict[str, Array] = {}
        constants: dict[str, Array] = {}
        for objective in self.schema.objectives:
            values = self._risen(objective, predicted[objective.name])
            (constants if objective.constant else points)[objective.name] = sealed(values.ravel())
        length = len(self.schema.fidelity.values)
        return [
            LearningCurve(self.schema, points, constants, k * length, (k + 1) * length, k, "ok", chosen)
            for k in range(len(checked))
        ]

    def predict(self, rows: Array) -> dict[str, Array]:
        """The values of curves of the first seed, without noise.

        Args:
            rows: Encoded configurations ``(configuration, feature)``.

        Returns:
            Objective -> its values ``(configuration, fidelity)``; ``(configuration, 1)`` if it is constant.
        """
        predicted = self._rounded(self.models[min(self.models)].predict(rows))
        return {o.name: self._risen(o, predicted[o.name]) for o in self.schema.objectives}

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self._seeds

    def holds(self, configuration: Configuration) -> bool:
        del configuration
        return False

    def under(self, schema: Schema, name: str) -> SurrogateBlackbox:
        """What the same models predict of another schema's objectives, which are some of this one's."""
        return SurrogateBlackbox(schema, self.models, self.info, noise=self.noise, name=name)

    def judged(self, report: Report) -> SurrogateBlackbox:
        """The same surrogate, which says how good it is."""
        info = replace(self.info, quality=report)
        return SurrogateBlackbox(self.schema, self.models, info, noise=self.noise, name=self.name)

    def digest(self) -> str:
        return self._digest

    @cached_property
    def _digest(self) -> str:
        found = hashlib.sha256(self.schema.meaning().encode())
        parts: list[tuple[int | str, CurveModel | Noise]] = [*self.models.items()]
        parts += [] if self.noise is None else [("noise", self.noise)]
        for key, part in parts:
            try:
                arrays = part.arrays()
            except InvalidOption:  # foreign code
                return ""
            found.update(json.dumps([key, part.spec()], sort_keys=True).encode())
            for name in sorted(arrays):
                array = np.ascontiguousarray(arrays[name])
                found.update(f"{name} {array.dtype.str} {array.shape}".encode())
                found.update(array.data)
        return found.hexdigest()

    def _check_seed(self, seed: int | None) -> int:
        if seed is None:
            return self._seeds[0]
        if seed not in self._seeds:
            raise UnknownSeed(f"{self.name!r} predicts the seeds {self._seeds}, not {seed!r}")
        return int(seed)

    def _model(self, seed: int) -> CurveModel:
        return self.models[seed] if self.noise is None else next(iter(self.models.values()))

    def _rounded(self, predicted: Mapping[str, Array]) -> dict[str, Array]:
        """The predictions ``(configuration, fidelity)`` in 6 significant digits."""
        names = [objective.name for objective in self.schema.objectives]
        raw = np.concatenate([predicted[name] for name in names], axis=1)
        rounded = round_significant(raw, DIGITS, noise=_NOISE) + 0.0  # a zero has no sign
        ends = np.cumsum([predicted[name].shape[1] for name in names])
        return dict(zip(names, np.split(rounded, ends[:-1], axis=1), strict=True))

    def _varied(
        self, predicted: Mapping[str, Array], configurations: Sequence[Configuration], rows: Array, seed: int
    ) -> dict[str, Array]:
        """The predictions with the noise of a seed, in 6 significant digits."""
        assert self.noise is not None
        runs = [self.noise.run(row, each, seed) for row, each in zip(rows, configurations, strict=True)]
        varied = {o.name: self.noise.added(o, predicted[o.name], runs) for o in self.schema.objectives}
        return {name: round_significant(values, DIGITS) for name, values in varied.items()}

    def _risen(self, objective: Objective, values: Array) -> Array:
        if objective.constant or self.schema.fidelity.kind == "independent" or not objective.cumulative:
            return values
        if objective.name == self.schema.time:
            return increasing(values)
        risen: Array = np.maximum.accumulate(values, axis=1)
        return risen


def increasing(times: Array) -> Array:
    """Times ``(curve, fidelity)`` of which each is raised until it exceeds the one before.

    They are at least 0, and rise by a microsecond and by a millionth of themselves at least.
    """
    raised: Array = np.maximum(times, 0.0)
    if (raised[:, 1:] < _least_after(raised[:, :-1])).any():
        for point in range(1, times.shape[1]):
            raised[:, point] = np.maximum(raised[:, point], _least_after(raised[:, point - 1]))
    return raised


def _least_after(times: Array) -> Array:
    least: Array = times * (1 + _RELATIVE_STEP) + _STEP
    return least
