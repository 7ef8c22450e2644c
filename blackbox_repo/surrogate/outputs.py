"""The numbers that regressors predict of a configuration: ends and shapes of the curves of all objectives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.basis import CurveBasis, Numbers

_DIGITS = 10  # of what is learnt
_EQUAL = 1e-13  # a deviation that is arithmetic alone
_SMALLEST = 1e-290


@dataclass(frozen=True)
class Outputs:
    """How the curves of an example become a row of numbers, the outputs, and back.

    The first output is the target at the last fidelity; those of the target's shape and of all other
    objectives follow. An end has mean 0 and deviation 1 over the examples. A coefficient of a shape is as
    large as the deviation from the mean shape that it stands for, in units of the deviation of the ends.

    Args:
        bases: Objective -> the basis of its curves, the target first.
        centres: What is subtracted from each output.
        units: What each output is divided by.
    """

    bases: Mapping[str, CurveBasis]
    centres: Array
    units: Array

    @classmethod
    def of(cls, schema: Schema, points: Mapping[str, Array]) -> Outputs:
        """The outputs of training examples.

        Args:
            schema: What the points mean.
            points: Objective -> its values ``(example, fidelity)``, or ``(example, 1)``.
        """
        incremental = schema.fidelity.kind == "incremental"
        bases = {
            name: CurveBasis.of(schema.objective(name), points[name], incremental=incremental)
            for name in _ordered(schema)
        }
        centres: list[float] = []
        units: list[float] = []
        for name, basis in bases.items():
            ends = basis.ends(points[name])
            scaled = centre_and_unit(basis.numbers.scaled(ends))
            centre, unit = scaled if centres else centre_and_unit(ends)
            shapes = len(basis.components)
            centres += [centre, *[0.0] * shapes]
            units += [unit, *[scaled[1] * math.sqrt(points[name].shape[1])] * shapes]
        rounded = (round_significant(np.array(each), _DIGITS) for each in (centres, units))
        return cls(bases, *rounded)

    def rows(self, points: Mapping[str, Array]) -> Array:
        """The outputs ``(example, output)`` of curves."""
        columns: list[Array] = []
        for name, basis in self.bases.items():
            ends = basis.ends(points[name])
            columns.append((basis.numbers.scaled(ends) if columns else ends)[:, np.newaxis])
            columns.append(basis.coefficients(points[name]))
        return round_significant((np.concatenate(columns, axis=1) - self.centres) / self.units, _DIGITS)

    def target(self, outputs: Array) -> Array:
        """The target at the last fidelity for the first output of some configurations."""
        return np.asarray(outputs * self.units[0] + self.centres[0])

    def points(self, target: Array, others: Array) -> dict[str, Array]:
        """The curves of some configurations: objective -> ``(configuration, fidelity)``.

        Args:
            target: The target at the last fidelity ``(configuration,)``.
            others: All outputs but the first ``(configuration, output)``.
        """
        raw = others * self.units[1:] + self.centres[1:]
        points, start = {}, -1
        for name, basis in self.bases.items():
            stop = start + 1 + len(basis.components)
            ends = target if start < 0 else basis.numbers.values(raw[:, start])
            points[name] = basis.curves(ends, raw[:, start + 1 : stop])
            start = stop
        return points

    def spec(self) -> list[dict[str, Any]]:
        """What the bases are beside their arrays, the target's first, as a JSON array."""
        return [asdict(basis.numbers) for basis in self.bases.values()]

    def arrays(self) -> dict[str, Array]:
        """Name -> the flat arrays of which, with the spec, the outputs are made again."""
        arrays = {"centres": self.centres, "units": self.units}
        for place, basis in enumerate(self.bases.values()):
            arrays |= {f"mean.{place}": basis.mean, f"components.{place}": basis.components}
        return arrays

    @classmethod
    def read(cls, schema: Schema, numbers: Sequence[Numbers], arrays: Mapping[str, Array]) -> Outputs:
        """The outputs that :meth:`spec` and :meth:`arrays` gave.

        Raises:
            FormatError: They do not fit the schema, or one another.
        """
        names = _ordered(schema)
        if len(numbers) != len(names):
            raise FormatError(
                f"the surrogate has {len(numbers)} bases of curves, but {len(names)} objectives"
            )
        bases = {
            name: _read_basis(schema, name, each, (arrays[f"mean.{k}"], arrays[f"components.{k}"]))
            for k, (name, each) in enumerate(zip(names, numbers, strict=True))
        }
        outputs = cls(bases, arrays["centres"], arrays["units"])
        width = sum(1 + len(basis.components) for basis in bases.values())
        for name in ("centres", "units"):
            if arrays[name].shape != (width,) or not np.isfinite(arrays[name]).all():
                raise FormatError(f"the surrogate's array {name!r} must have {width} finite numbers")
        return outputs


def _ordered(schema: Schema) -> list[str]:
    """The objectives, the target first."""
    names = [objective.name for objective in schema.objectives]
    return sorted(names, key=lambda name: name != schema.target)


def _read_basis(schema: Schema, name: str, numbers: Numbers, arrays: tuple[Array, Array]) -> CurveBasis:
    width = 1 if schema.objective(name).constant else len(schema.fidelity.values)
    mean, components = arrays
    if mean.shape != (width,) or components.ndim != 2 or components.shape[1] != width:
        raise FormatError(
            f"the surrogate's curves of {name!r} are of {mean.shape} and {components.shape}, but the schema "
            f"has {width} points"
        )
    if np.isinf(mean).any() or not np.isfinite(components).all() or not numbers.unit > 0:
        raise FormatError(f"the surrogate's curves of {name!r} are not made of finite numbers")
    return CurveBasis(numbers, mean, components)


def centre_and_unit(values: Array) -> tuple[float, float]:
    """Mean and standard deviation; the latter is 1 where all are equal, or nearly so."""
    scale = float(np.abs(values).max())  # squares of large values would be infinite
    if scale < _SMALLEST:
        return 0.0, 1.0
    shares = values / scale
    deviation = float(shares.std())
    return float(shares.mean()) * scale, deviation * scale if deviation > _EQUAL else 1.0
