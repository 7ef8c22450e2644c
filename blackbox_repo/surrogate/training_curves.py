"""The curves of training examples side by side, and weighted means of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Objective, Schema

RARE = 0.2
"""Extreme examples count from this share of the weights on."""
_FAR = 10.0
_LOW = 0.05
_LARGEST = 1e151  # larger ones are not learnt from (training_data.py)
_BITS = 44  # of a sum, counted from the sum of the sizes of its terms, that do not depend on their order


@dataclass(frozen=True)
class TrainingCurves:
    """The curves of the training examples.

    Args:
        columns: Objective -> the columns that are its curve; they lie side by side.
        values: The curves ``(example, column)``; NaN where there is no value.
        least: The smallest value of each column that is not extreme.
        most: The largest one.
    """

    columns: Mapping[str, slice]
    values: Array
    least: Array
    most: Array

    @classmethod
    def of(cls, schema: Schema, points: Mapping[str, Array]) -> TrainingCurves:
        """The curves of examples, and which of their values are extreme.

        An extreme value is as far from the median on the bad side as ten times the distance from there to the
        5 % quantile on the good side: a diverged training among others. Cumulative objectives and those
        without a goal have none.
        """
        parts = [points[o.name] for o in schema.objectives]
        bounds = [limits(o, part) for o, part in zip(schema.objectives, parts, strict=True)]
        return cls(
            _columns(schema),
            np.concatenate(parts, axis=1),
            np.concatenate([least for least, _ in bounds]),
            np.concatenate([most for _, most in bounds]),
        )

    @classmethod
    def read(cls, schema: Schema, arrays: Mapping[str, Array]) -> TrainingCurves:
        """The curves that :meth:`arrays` gave.

        Raises:
            FormatError: The arrays do not fit the schema.
        """
        columns = _columns(schema)
        width = sum(place.stop - place.start for place in columns.values())
        values, least, most = (arrays[name] for name in ("values", "least", "most"))
        if values.ndim != 2 or values.shape[1] != width or not len(values):
            raise FormatError(
                f"the surrogate's curves are {values.shape}, but {width} columns fit the schema"
            )
        if least.shape != (width,) or most.shape != (width,):
            raise FormatError(f"the surrogate's limits are {least.shape}, {most.shape}, but ({width},) fits")
        values, least, most = (np.asarray(each, dtype=np.float64) for each in (values, least, most))
        if (np.abs(values) > _LARGEST).any() or np.isnan(least).any() or np.isnan(most).any():
            raise FormatError("the surrogate's curves or limits have numbers that no training has")
        return cls(columns, values, least, most)

    def arrays(self) -> dict[str, Array]:
        """The flat arrays; curves that float32 holds exactly are float32."""
        with np.errstate(over="ignore"):
            small = self.values.astype(np.float32)
        exact = np.array_equal(small.astype(np.float64), self.values, equal_nan=True)
        return {"values": small if exact else self.values, "least": self.least, "most": self.most}

    @cached_property
    def _known(self) -> Array:
        return np.nan_to_num(self.values)

    @cached_property
    def _mixed(self) -> Array:
        return _mixed(self._known)

    @cached_property
    def _odd(self) -> _Odd | None:
        unknown = np.isnan(self.values)
        with np.errstate(invalid="ignore"):
            extreme = (self.values < self.least) | (self.values > self.most)
        columns = np.flatnonzero((unknown | extreme).any(axis=0))
        if not len(columns):
            return None
        unknown, extreme = unknown[:, columns], extreme[:, columns]
        usual = np.where(extreme, 0.0, self._known[:, columns])
        return _Odd(columns, unknown.astype(np.float64), extreme.astype(np.float64), usual)

    def has_extremes(self, objective: str) -> bool:
        """Whether an objective has extreme values at the last fidelity."""
        last = self.columns[objective].stop - 1
        with np.errstate(invalid="ignore"):
            return bool(
                ((self.values[:, last] < self.least[last]) | (self.values[:, last] > self.most[last])).any()
            )

    def mean(self, examples: Array | slice, weights: Array) -> dict[str, Array]:
        """Weighted means of curves; extreme values that are rare are left out, and so is what is NaN.

        Args:
            examples: The examples that have a weight.
            weights: ``(mean, example)``; those of a mean sum to 1.

        Returns:
            Objective -> ``(mean, fidelity)``.
        """
        means = _weighted(weights, self._known[examples], self._mixed)
        if self._odd is not None:
            means[:, self._odd.columns] = self._odd.mean(means[:, self._odd.columns], examples, weights)
        return {name: means[:, place] for name, place in self.columns.items()}


@dataclass(frozen=True)
class _Odd:
    """The columns in which some values are unknown or extreme.

    Args:
        columns: Their numbers.
        unknown: 1 where a value is unknown.
        extreme: 1 where it is extreme.
        usual: The values that are neither, and else 0.
    """

    columns: Array
    unknown: Array
    extreme: Array
    usual: Array

    @cached_property
    def _mixed(self) -> Array:
        return _mixed(self.usual)

    def mean(self, totals: Array, examples: Array | slice, weights: Array) -> Array:
        known = np.round(1 - weights @ self.unknown[examples], 12)
        rare = np.round(weights @ self.extreme[examples], 12)
        bulk = _weighted(weights, self.usual[examples], self._mixed)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(rare < RARE * known, bulk / (known - rare), totals / known)


def _mixed(values: Array) -> Array:
    """The columns that have values above and below 0."""
    return np.flatnonzero((values > 0).any(axis=0) & (values < 0).any(axis=0))


def _weighted(weights: Array, values: Array, mixed: Array) -> Array:
    """The matrix product; where its terms cancel it is rounded, as what is left depends on their order.

    Args:
        weights: ``(mean, example)``.
        values: ``(example, column)``.
        mixed: The columns in which terms may cancel.
    """
    sums: Array = weights @ values
    if len(mixed):
        sizes = weights @ np.abs(values[:, mixed])
        # a size that is a power of two by design has errors as well, but does not get to the next one by them
        unit = np.ldexp(1.0, np.frexp(1.1 * sizes)[1] - _BITS)
        with np.errstate(invalid="ignore", divide="ignore"):
            sums[:, mixed] = np.where(unit > 0, np.rint(sums[:, mixed] / unit) * unit, 0.0)
    return sums


def _columns(schema: Schema) -> dict[str, slice]:
    columns, start = {}, 0
    for objective in schema.objectives:
        stop = start + (1 if objective.constant else len(schema.fidelity.values))
        columns[objective.name] = slice(start, stop)
        start = stop
    return columns


def limits(objective: Objective, values: Array) -> tuple[Array, Array]:
    """The smallest and the largest value of each column that is not extreme."""
    width = values.shape[1]
    least, most = np.full(width, -np.inf), np.full(width, np.inf)
    if objective.cumulative or objective.goal == "none":
        return least, most
    sign = -1.0 if objective.goal == "max" else 1.0
    for column in range(width):
        known = sign * values[np.isfinite(values[:, column]), column]
        if len(known):
            middle, good = _quantile(known, 0.5), _quantile(known, _LOW)
            far = middle + _FAR * (middle - good)
            if middle > good and sign > 0:
                most[column] = far
            elif middle > good:
                least[column] = -far
    return least, most


def _quantile(values: Array, share: float) -> float:
    return float(np.sort(values)[int(share * (len(values) - 1))])
