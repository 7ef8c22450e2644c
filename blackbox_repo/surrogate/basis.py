"""Training curves as a few numbers each, and back: what a regressor that predicts plain numbers can learn.

A curve is its *end*, the value at the last fidelity, and a few coefficients of its *shape*, which is how the
other values differ from the end. Shapes are taken on a scale that fits the objective:

``linear``
    differences from the end
``asinh``
    the same of ``asinh((value - centre) / unit)``, for values that spread over orders of magnitude
``log``
    the same of logarithms, for what adds up but at an independent fidelity, so that it stays above 0
``increments``
    logarithms of increments, for what adds up along the fidelity: a rebuilt curve rises to its end

The coefficients are those of the principal components of the shapes. Components have 8 significant digits and
a fixed sign, and everything else is computed in a fixed order, so that the last bits of linear algebra, which
differ by library and number of threads, reach no result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.elementary import exp_array, log_array
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.schema import Objective

Scale = Literal["linear", "asinh", "log", "increments"]
_MOST = 8  # components of a shape
_EXPLAINED = 0.999  # of the squared differences from the mean shape
_DIGITS = 8
_HEAVY = 100  # of the distances between quartiles, beyond which values spread over orders of magnitude
_NEVER = -800.0  # the logarithm of what never increases; e to that power is 0
_FARTHEST = 1e150  # whose square is a float
_MARGIN = 1.0  # by which logarithms may leave the range of the training curves


@dataclass(frozen=True)
class Numbers:
    """What a basis is made of beside its arrays.

    Args:
        scale: The scale of the shapes.
        centre: What ``asinh`` subtracts.
        unit: What ``asinh`` divides by.
        low: The smallest scaled value that is predicted; without meaning on the linear scale.
        high: The largest one.
        least: The smallest entry of a shape of ``increments`` that is predicted.
        most: The largest one.
    """

    scale: Scale
    centre: float = 0.0
    unit: float = 1.0
    low: float = 0.0
    high: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def scaled(self, values: Array) -> Array:
        """Values on the scale, on which differences are taken."""
        if self.scale == "linear":
            return values
        if self.scale == "asinh":
            size = np.clip((values - self.centre) / self.unit, -_FARTHEST, _FARTHEST)
            return np.copysign(log_array(np.abs(size) + np.sqrt(size * size + 1)), size)
        return log_array(np.maximum(values, exp_array(np.array(self.low))))

    def values(self, scaled: Array) -> Array:
        """The values of scaled ones, which may leave the range of the training curves by a little only."""
        if self.scale == "linear":
            return scaled
        bounded = np.minimum(np.maximum(scaled, self.low), self.high)
        if self.scale == "asinh":
            return self.centre + self.unit * (exp_array(bounded) - exp_array(-bounded)) / 2
        return exp_array(bounded)


@dataclass(frozen=True)
class CurveBasis:
    """The principal components of the shapes of an objective's curves.

    Args:
        numbers: The scale.
        mean: The mean shape ``(fidelity,)``; NaN at fidelities where the table has no value at all.
        components: The principal components ``(component, fidelity)``.
    """

    numbers: Numbers
    mean: Array
    components: Array

    @classmethod
    def of(cls, objective: Objective, curves: Array, *, incremental: bool = True) -> CurveBasis:
        """The basis of training curves.

        Args:
            objective: Whether its values add up.
            curves: The values ``(example, fidelity)``; one that is not finite counts as the mean at its
                fidelity.
            incremental: Whether one training passes through all fidelities.
        """
        known: Array = np.atleast_1d(np.isfinite(curves).any(axis=0))
        mean = np.full(len(known), np.nan)
        if not known.any():
            return cls(Numbers("linear"), mean, np.zeros((0, len(known))))
        filled = _filled(curves, known)
        numbers = _numbers(objective, filled, incremental)
        shapes = _shapes(numbers, filled)
        mean[known], found = _principal(shapes)
        if numbers.scale == "increments":
            mean[np.flatnonzero(known)[_increments(filled).max(axis=0) <= 0]] = _NEVER
            numbers = replace(
                numbers, least=float(shapes.min()) - _MARGIN, most=float(shapes.max()) + _MARGIN
            )
        components = np.zeros((len(found), len(known)))
        components[:, known] = found
        return cls(numbers, mean, components)

    @cached_property
    def _known(self) -> slice | Array:
        """The fidelities that have values."""
        unknown = np.isnan(self.mean)
        return np.flatnonzero(~unknown) if unknown.any() else slice(None)

    @cached_property
    def _at_known(self) -> tuple[Array, Array, Array | None]:
        """The mean and the components there, and where nothing ever increases."""
        mean, never = self.mean[self._known], self.mean[self._known] == _NEVER
        return mean, np.ascontiguousarray(self.components[:, self._known]), never if never.any() else None

    def ends(self, curves: Array) -> Array:
        """The last value of each curve that any training curve has."""
        filled = _filled(curves, self._known)
        return filled[:, -1] if filled.shape[1] else np.zeros(len(curves))

    def coefficients(self, curves: Array) -> Array:
        """What the shapes of curves ``(example, fidelity)`` are made of: ``(example, component)``."""
        mean, components, never = self._at_known
        if not len(mean):
            return np.zeros((len(curves), 0))
        rest = _shapes(self.numbers, _filled(curves, self._known)) - mean
        return _in_order(rest if never is None else np.where(never, 0.0, rest), components.T)

    def curves(self, ends: Array, coefficients: Array) -> Array:
        """The curves ``(example, fidelity)`` of ends ``(example,)`` and coefficients of their shapes."""
        mean, components, _ = self._at_known
        if len(mean) == len(self.mean):
            return self._rebuilt(ends, mean + _in_order(coefficients, components))
        curves = np.full((len(ends), len(self.mean)), np.nan)
        if len(mean):
            curves[:, self._known] = self._rebuilt(ends, mean + _in_order(coefficients, components))
        return curves

    def _rebuilt(self, ends: Array, shapes: Array) -> Array:
        if self.numbers.scale == "increments":
            steps = exp_array(np.minimum(np.maximum(shapes, self.numbers.least), self.numbers.most))
            never = self._at_known[2]
            sums = np.cumsum(steps if never is None else np.where(never, 0.0, steps), axis=1)
            return np.asarray(ends[:, np.newaxis] * (sums / sums[:, -1:]))
        curves: Array = self.numbers.values(self.numbers.scaled(ends)[:, np.newaxis] + shapes)
        curves[:, -1] = ends
        return curves


def _filled(curves: Array, known: slice | Array) -> Array:
    """The values at some fidelities, in which means stand for those that are not finite."""
    values = curves[:, known].astype(np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values
    sums = np.where(finite, values, 0.0).sum(axis=0)
    filled: Array = np.where(finite, values, sums / np.maximum(finite.sum(axis=0), 1))
    return filled


def _numbers(objective: Objective, curves: Array, incremental: bool) -> Numbers:  # noqa: FBT001  private
    if objective.cumulative and curves.max() > 0:
        positive = curves[:, -1] if incremental else curves
        low, high = log_array(np.array([positive[positive > 0].min(), positive.max()])).tolist()
        scale: Scale = "increments" if incremental else "log"
        return Numbers(scale, low=low - _MARGIN, high=high + _MARGIN)
    lower, centre, upper = np.quantile(curves, [0.25, 0.5, 0.75]).tolist()
    farthest = float(np.abs(curves - centre).max())
    if farthest <= _HEAVY * (upper - lower) or lower == upper:
        return Numbers("linear")
    found = Numbers("asinh", centre, max(upper - lower, farthest / _FARTHEST))
    low, high = found.scaled(np.array([curves.min(), curves.max()])).tolist()
    return replace(found, low=low - _MARGIN, high=high + _MARGIN)


def _increments(curves: Array) -> Array:
    return np.diff(curves, axis=1, prepend=0.0)


def _shapes(numbers: Numbers, curves: Array) -> Array:
    if numbers.scale != "increments":
        scaled = numbers.scaled(curves)
        return scaled - scaled[:, -1:]
    steps = _increments(curves)
    smallest = steps[steps > 0].min(initial=np.inf)
    if smallest == np.inf:
        return np.zeros(curves.shape)
    logs = log_array(np.maximum(steps, smallest)) - log_array(np.maximum(curves[:, -1:], smallest))
    return np.where(steps.max(axis=0) > 0, logs, 0.0)


def _principal(shapes: Array) -> tuple[Array, Array]:
    """The mean shape, and the components that explain nearly all differences from it."""
    mean = shapes.mean(axis=0)
    rest = shapes - mean
    squares, vectors = np.linalg.eigh(rest.T @ rest)
    squares, vectors = np.maximum(squares[::-1], 0.0), vectors.T[::-1]
    total = squares.sum()
    if total <= 1e-12 * np.square(shapes).sum():  # what rounding leaves of equal shapes
        vectors = vectors[:0]
    else:
        vectors = vectors[: min(_MOST, int(np.searchsorted(np.cumsum(squares), _EXPLAINED * total)) + 1)]
    largest = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    signed = vectors * np.sign(largest)[:, np.newaxis]
    return round_significant(mean, _DIGITS), round_significant(signed, _DIGITS)


def _in_order(left: Array, right: Array) -> Array:
    """The matrix product, its terms added up one by one on every machine."""
    if not len(right):
        return np.zeros((len(left), right.shape[1]))
    if len(left) == 1:
        sums: Array = np.add.accumulate(left.T * right, axis=0)[-1:]
        return sums
    product: Array = left[:, :1] * right[0]
    for column, row in zip(left.T[1:], right[1:], strict=True):
        product += column[:, np.newaxis] * row
    return product
