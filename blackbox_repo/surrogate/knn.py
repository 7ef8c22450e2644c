"""The nearest neighbours of a configuration: a prediction is the mean of their curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.encoding import FARTHEST
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.neighbours import NearestRows
from blackbox_repo.surrogate.settings import check_names, choice
from blackbox_repo.surrogate.training_curves import TrainingCurves
from blackbox_repo.surrogate.training_data import TrainingData

NEIGHBOURS = 5
WEIGHTS = ("distance", "uniform")


@dataclass(frozen=True)
class KnnSettings:
    """The settings of k-NN.

    Args:
        neighbours: How many; all that are as near as the last of them count as well.
        weights: ``"distance"``: the inverse of the distance; ``"uniform"``: all count alike.
    """

    neighbours: int = NEIGHBOURS
    weights: str = "distance"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> KnnSettings:
        """Checked settings by name.

        Raises:
            InvalidOption: One is unknown or out of range.
        """
        check_names("knn", settings, cls.__dataclass_fields__)
        given = cls(**settings)
        return cls(whole("neighbours", given.neighbours, 1), choice("weights", given.weights, WEIGHTS))


def fit(data: TrainingData, schema: Schema, seed: int, settings: KnnSettings, say: Say) -> Knn:
    """The examples as neighbours; nothing is drawn."""
    del seed, say
    return Knn(data.rows, TrainingCurves.of(schema, data.points), settings)


@dataclass(frozen=True)
class Knn:
    """Predicts the mean of the curves of the nearest examples.

    Args:
        rows: The encoded examples ``(example, feature)``.
        curves: Their curves.
        settings: How many neighbours, and how they are weighted.
    """

    rows: Array
    curves: TrainingCurves
    settings: KnnSettings
    kind: str = "knn"

    @classmethod
    def of(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema) -> Knn:
        """What :meth:`spec` and :meth:`arrays` gave.

        Raises:
            FormatError: An array is missing, or they do not fit together.
        """
        missing = [name for name in ("rows", "values", "least", "most") if name not in arrays]
        if missing:
            raise FormatError(f"the neighbours lack the arrays {missing!r}")
        curves = TrainingCurves.read(schema, arrays)
        if arrays["rows"].ndim != 2 or len(arrays["rows"]) != len(curves.values):
            raise FormatError(
                f"the neighbours are {arrays['rows'].shape}, but have {len(curves.values)} curves"
            )
        if not (np.abs(arrays["rows"]) <= FARTHEST).all():
            raise FormatError(
                "the neighbours must be encoded configurations, whose features are small numbers"
            )
        settings = KnnSettings.of({name: value for name, value in spec.items() if name != "kind"})
        return cls(np.asarray(arrays["rows"], dtype=np.float64), curves, settings)

    @property
    def features(self) -> int:
        """How many features an encoded configuration has."""
        return int(self.rows.shape[1])

    @cached_property
    def _index(self) -> NearestRows:
        return NearestRows.of(self.rows)

    def spec(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "neighbours": self.settings.neighbours,
            "weights": self.settings.weights,
        }

    def arrays(self) -> dict[str, Array]:
        return {"rows": self.rows, **self.curves.arrays()}

    def predict(self, rows: Array) -> dict[str, Array]:
        found = [self.curves.mean(*self._neighbours(row)) for row in rows]
        return {name: np.concatenate([each[name] for each in found]) for name in self.curves.columns}

    def _neighbours(self, row: Array) -> tuple[Array, Array]:
        """The nearest examples, and their weights ``(1, example)``."""
        near, squares = self._index.nearest(row, self.settings.neighbours)
        weights = np.ones(len(near))
        if self.settings.weights == "distance":
            weights = 1 / np.sqrt(np.maximum(squares, 1e-12))
        return near, (weights / sum(weights.tolist()))[np.newaxis]
