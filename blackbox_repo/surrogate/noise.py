"""How repeated trainings differ: residuals of the training runs of a table, added to what is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.keyed_random import Stream
from blackbox_repo.numeric.elementary import exp_array, log_array
from blackbox_repo.permutation import Permutation
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration, configuration_text
from blackbox_repo.surrogate.encoding import FARTHEST, Encoding
from blackbox_repo.surrogate.neighbours import NearestRows
from blackbox_repo.surrogate.training_data import Runs, TrainingData

NEIGHBOURS = 5
MOST_EXAMPLES = 2000
"""So many configurations at most give residuals, which bounds memory: each has a curve for every seed."""

_LARGEST = 1e38  # float32 holds a little more


@dataclass(frozen=True)
class Noise:
    """Residuals of training runs, of which a configuration and a seed draw one.

    A residual is a run less the mean over the seeds of its configuration, for each objective and fidelity. It
    is scaled by the root of ``k / (k - 1)`` for ``k`` seeds, since a mean of few is near to each of them. For
    a cumulative objective it is one factor for the whole curve, by which the run ends higher than the mean,
    so that the curve still increases. The run is one of those of the 5 nearest examples, for runs differ more
    in one part of a space than in another. No value leaves the range that runs of the table have at its
    fidelity.

    Args:
        columns: Objective -> its columns of the arrays below; one for a constant or cumulative objective.
        seeds: Those of the table.
        rows: The encoded examples ``(example, feature)``.
        first: The first run of each example.
        counts: How many runs each has, at least 2.
        residuals: ``(run, column)``, float32; for a cumulative objective the logarithm of the factor.
        least: The smallest value of each column in the table; of a cumulative objective, at the end.
        most: The largest one.
    """

    columns: Mapping[str, slice]
    seeds: tuple[int, ...]
    rows: Array
    first: Array
    counts: Array
    residuals: Array
    least: Array
    most: Array

    @classmethod
    def learnt(cls, blackbox: Blackbox, schema: Schema, data: TrainingData, draw: int) -> Noise:
        """The residuals of a table.

        Args:
            blackbox: The table.
            schema: The objectives that are predicted.
            data: The examples that are learnt from.
            draw: What is drawn where they are more than 2,000.

        Raises:
            InvalidOption: No configuration has two training runs with a point.
        """
        configurations = blackbox.configurations()
        seeds = [blackbox.seeds(configurations[number]) for number in data.numbers.tolist()]
        examples = _draw([example for example, several in enumerate(seeds) if len(several) > 1], draw)
        runs = Runs.of(blackbox, data.numbers[examples].tolist(), None)
        first = np.flatnonzero(np.diff(runs.number, prepend=-1))
        counts = np.diff(first, append=len(runs.number))
        repeated = counts > 1
        if not repeated.any():
            raise _no_repeats(blackbox)
        parts = [_residuals(objective, runs) for objective in schema.objectives]
        residuals, least, most = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
        return cls(
            columns=_columns(schema),
            seeds=tuple(sorted({seed for several in seeds for seed in several})),
            rows=data.rows[examples[np.isin(data.numbers[examples], runs.kept)]][repeated],
            first=first[repeated],
            counts=counts[repeated],
            residuals=residuals.clip(-_LARGEST, _LARGEST).astype(np.float32),
            least=least,
            most=most,
        )

    @classmethod
    def of(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema) -> Noise:
        """What :meth:`spec` and :meth:`arrays` gave.

        Raises:
            FormatError: An array is missing, or they do not fit together.
        """
        seeds = typed_json.convert(dict(spec), _Spec, "the noise of a surrogate").seeds
        missing = [name for name in _ARRAYS if name not in arrays]
        if missing:
            raise FormatError(f"the noise of a surrogate lacks the arrays {missing!r}")
        read = cls(_columns(schema), tuple(seeds), **{name: arrays[name] for name in _ARRAYS})
        read._check(len(Encoding(schema.space).names))
        return read

    def _check(self, features: int) -> None:
        """Refuse arrays that do not fit together, or other features."""
        width, examples = max(place.stop for place in self.columns.values()), len(self.rows)
        shapes = {
            "rows": (examples, features),
            "first": (examples,),
            "counts": (examples,),
            "residuals": (len(self.residuals), width),
            "least": (width,),
            "most": (width,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            kinds = "iu" if name in ("first", "counts") else "f"
            if array.shape != shape or array.dtype.kind not in kinds or not _is_usable(name, array):
                raise FormatError(
                    f"the array {name!r} of the noise of a surrogate is {array.shape} "
                    f"of {array.dtype}, or not finite, but must be {shape} numbers"
                )
        ends = self.first.astype(np.int64) + self.counts
        if (
            not examples
            or min(self.first.min(), self.counts.min() - 1) < 0
            or ends.max() > len(self.residuals)
        ):
            raise FormatError("an example of the noise of a surrogate has runs that are not there")
        if not self.seeds or list(self.seeds) != sorted(set(self.seeds)):
            raise FormatError(f"the seeds {self.seeds} of the noise of a surrogate do not ascend")

    def spec(self) -> dict[str, Any]:
        """What the noise is beside its arrays, as a JSON object."""
        return {"seeds": list(self.seeds)}

    def arrays(self) -> dict[str, Array]:
        """Name -> the flat arrays of which, with the spec, it is made again."""
        return {name: getattr(self, name) for name in _ARRAYS}

    @cached_property
    def _index(self) -> NearestRows:
        return NearestRows.of(np.asarray(self.rows, dtype=np.float64))

    def run(self, row: Array, configuration: Configuration, seed: int) -> int:
        """The run whose residual a training has: a function of configuration and seed.

        Args:
            row: The encoded configuration.
            configuration: The same in canonical form.
            seed: One of those of the table.
        """
        near = self._index.nearest(row, NEIGHBOURS)[0]
        stream = Stream("surrogate noise", configuration_text(configuration), seed)
        example = int(near[stream.integer(len(near), 0)])
        return int(self.first[example]) + stream.integer(int(self.counts[example]), 1)

    def added(self, objective: Objective, values: Array, runs: Sequence[int]) -> Array:
        """Predicted values ``(configuration, fidelity)`` with the residuals of one run for each.

        Args:
            objective: What is predicted.
            values: The prediction.
            runs: The run of each configuration.
        """
        place = self.columns[objective.name]
        residuals = self.residuals[np.asarray(runs, dtype=np.intp), place].astype(np.float64)
        if not _has_factor(objective):
            return _kept_within(values + residuals, values, self.least[place], self.most[place])
        ends = values[:, -1:]
        wanted = _kept_within(ends * exp_array(residuals), ends, self.least[place], self.most[place])
        with np.errstate(invalid="ignore", divide="ignore"):
            factors = wanted / ends
        return values * np.where(np.isfinite(factors) & (factors > 0), factors, 1.0)


@dataclass(frozen=True)
class _Spec:
    seeds: list[int]


_ARRAYS = ("rows", "first", "counts", "residuals", "least", "most")


def _is_usable(name: str, array: Array) -> bool:
    """Whether an array is finite, or has ends of a range, which may have none."""
    if name == "rows":
        return bool((np.abs(array) <= FARTHEST).all())
    return not np.isnan(array).any() if name in ("least", "most") else bool(np.isfinite(array).all())


def check_repeats(blackbox: Blackbox) -> None:
    """Refuse a table of which no configuration was trained twice.

    Raises:
        InvalidOption: It is one.
    """
    if not any(len(blackbox.seeds(configuration)) > 1 for configuration in blackbox.configurations()):
        raise _no_repeats(blackbox)


def _no_repeats(blackbox: Blackbox) -> InvalidOption:
    return InvalidOption(
        f"noise is how repeated trainings differ, but {blackbox.name!r} has no configuration with two "
        f"training runs; leave noise out"
    )


def _draw(examples: Sequence[int], draw: int) -> Array:
    """Some of the examples, ascending."""
    count = min(len(examples), MOST_EXAMPLES)
    drawn = Permutation(len(examples), draw, "surrogate noise").block(0, count) if examples else ()
    return np.array(examples, dtype=np.intp)[sorted(drawn)]


def _has_factor(objective: Objective) -> bool:
    return objective.cumulative and not objective.constant


def _columns(schema: Schema) -> dict[str, slice]:
    columns, start = {}, 0
    for objective in schema.objectives:
        alone = objective.constant or objective.cumulative
        columns[objective.name] = slice(start, start + (1 if alone else len(schema.fidelity.values)))
        start = columns[objective.name].stop
    return columns


def _residuals(objective: Objective, runs: Runs) -> tuple[Array, Array, Array]:
    """The residuals of the runs ``(run, column)``, and the smallest and the largest value of each column."""
    values = runs.completed(objective)
    if _has_factor(objective):
        values = values[:, -1:]
    least, most = (np.where(np.isnan(values), end, values) for end in (np.inf, -np.inf))
    if _has_factor(objective):
        values = log_array(np.where(values > 0, values, 1.0))
    means, counts = (each[np.unique(runs.number, return_inverse=True)[1]] for each in runs.means(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        residuals = (values - means) * np.sqrt(counts / (counts - 1))
    residuals[~np.isfinite(residuals)] = 0.0
    return residuals, least.min(axis=0), most.max(axis=0)


def _kept_within(values: Array, unmoved: Array, least: Array, most: Array) -> Array:
    """Values in the range of the table, or as far outside of it as the prediction is."""
    kept: Array = np.clip(values, np.minimum(least, unmoved), np.maximum(most, unmoved))
    return kept
