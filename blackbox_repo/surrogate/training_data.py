"""The training data of a surrogate: encoded configurations, and curves that all reach the last fidelity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.permutation import Permutation
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.surrogate.encoding import Encoding

_LARGEST = 1e150


@dataclass(frozen=True)
class TrainingData:
    """What a surrogate learns from: one example for each configuration, the mean over its training runs.

    Args:
        encoding: How configurations are encoded.
        rows: The encoded configurations ``(example, feature)``.
        points: Objective -> its values ``(example, fidelity)``, or ``(example, 1)`` for a constant one. A
            value is NaN where the table has none for any run.
        numbers: The number of each example's configuration in the table.
    """

    encoding: Encoding
    rows: Array
    points: Mapping[str, Array]
    numbers: Array

    @classmethod
    def of(
        cls,
        blackbox: Blackbox,
        schema: Schema | None = None,
        *,
        seed: int | None = None,
        max_samples: int | None = None,
        draw: int = 0,
    ) -> TrainingData:
        """The training data that a table makes; runs without any point are left out.

        A value that is not finite, and a point that a diverged or crashed run lacks, becomes the worst finite
        value of the examples at that fidelity. A point that another run lacks becomes its last value. In
        either case a cumulative objective continues at its mean rate.

        Args:
            blackbox: The table.
            schema: The objectives that are learnt, and the space in which configurations are encoded; by
                default those of the table.
            seed: Only the training runs with this seed; by default the mean over all seeds.
            max_samples: At most so many configurations, drawn at random; by default all.
            draw: What they are drawn from.

        Raises:
            NotTabulated: The blackbox has no table.
            InvalidOption: The space refuses a configuration of the table.
        """
        configurations = blackbox.configurations()
        chosen = _draw(len(configurations), max_samples, draw)
        runs = Runs.of(blackbox, chosen, seed)
        schema = blackbox.schema if schema is None else schema
        points = {o.name: runs.means(runs.completed(o))[0] for o in schema.objectives}
        encoding = Encoding(schema.space)
        numbers = runs.kept
        learnt = [configurations[number] for number in numbers.tolist()]
        rows = encoding.rows_of_table(learnt, blackbox.schema.space, blackbox.name)
        return cls(encoding, rows, points, numbers)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Array) -> TrainingData:
        """The examples with the given indices."""
        points = {name: values[chosen] for name, values in self.points.items()}
        return TrainingData(self.encoding, self.rows[chosen], points, self.numbers[chosen])


def _draw(count: int, at_most: int | None, draw: int) -> Iterable[int]:
    if at_most is None or count <= at_most:
        return range(count)
    return sorted(Permutation(count, draw, "surrogate samples").block(0, at_most))


@dataclass(frozen=True)
class Runs:
    """The training runs of a table that have points.

    Args:
        curves: Their curves, those of a configuration one after the other.
        number: The number of each one's configuration in the table.
        length: How many points each has.
        ok: Whether it neither diverged nor crashed.
        most: How many fidelities there are.
    """

    curves: list[LearningCurve]
    number: Array
    length: Array
    ok: Array
    most: int

    @classmethod
    def of(cls, blackbox: Blackbox, chosen: Iterable[int], seed: int | None) -> Runs:
        curves, numbers = [], []
        configurations = blackbox.configurations()
        for number in chosen:
            configuration = configurations[number]
            for each in blackbox.seeds(configuration):
                if seed is None or each == seed:
                    curve = blackbox.curve(configuration, seed=each)
                    if len(curve):
                        curves.append(curve)
                        numbers.append(number)
        length = np.array([len(curve) for curve in curves], dtype=np.int64)
        ok = np.array([curve.status == "ok" for curve in curves], dtype=np.bool_)
        most = len(blackbox.schema.fidelity.values)
        return cls(curves, np.array(numbers, dtype=np.int64), length, ok, most)

    @property
    def kept(self) -> Array:
        """The configurations that have a run."""
        return np.unique(self.number)

    def completed(self, objective: Objective) -> Array:
        """The values of the runs ``(run, fidelity)`` that all reach the last fidelity; NaN if unknown.

        Those beyond 1e150 count as 1e150, so that the sums of their squares are finite.
        """
        runs = self._values(objective)
        runs[~np.isfinite(runs)] = np.nan
        np.clip(runs, -_LARGEST, _LARGEST, out=runs)
        if not objective.constant:
            self._complete(objective, runs)
        return np.clip(runs, -_LARGEST, _LARGEST)

    def means(self, runs: Array) -> tuple[Array, Array]:
        """The mean ``(configuration, fidelity)`` over the runs of each configuration, and of how many."""
        known = np.isfinite(runs)
        first = np.flatnonzero(np.diff(self.number, prepend=-1))
        if not len(first):
            return runs, known.astype(np.float64)
        totals = np.add.reduceat(np.where(known, runs, 0.0), first, axis=0)
        counts = np.add.reduceat(known.astype(np.float64), first, axis=0)
        with np.errstate(invalid="ignore"):
            return totals / counts, counts

    def _values(self, objective: Objective) -> Array:
        """The values of the runs ``(run, fidelity)``, NaN after their ends; ``(run, 1)`` if constant."""
        if objective.constant:
            return np.array([[curve.constant(objective.name)] for curve in self.curves]).reshape(-1, 1)
        runs = np.full((len(self.curves), self.most), np.nan)
        for run, curve in zip(runs, self.curves, strict=True):
            run[: len(curve)] = curve[objective.name]
        return runs

    def _complete(self, objective: Objective, runs: Array) -> None:
        unknown = np.isnan(runs)
        ended = np.arange(runs.shape[1]) >= self.length[:, np.newaxis]
        if not objective.cumulative and objective.goal != "none":
            worst = _worst(objective, runs)
            bad = unknown & ~(ended & self.ok[:, np.newaxis])
            runs[bad] = np.broadcast_to(worst, runs.shape)[bad]
        for index in np.flatnonzero((unknown & ended).any(axis=1)):
            _carry_on(runs[index], int(self.length[index]), objective.cumulative)


def _worst(objective: Objective, runs: Array) -> Array:
    """The worst value at each fidelity, NaN where there is none."""
    lowest = objective.goal == "max"
    filled = np.where(np.isnan(runs), math.inf if lowest else -math.inf, runs)
    worst = filled.min(axis=0, initial=math.inf) if lowest else filled.max(axis=0, initial=-math.inf)
    return np.where(np.isfinite(worst), worst, np.nan)


def _carry_on(run: Array, length: int, cumulative: bool) -> None:  # noqa: FBT001  private
    """Fill in the points that a curve lacks after its end."""
    last, missing = run[length - 1], np.isnan(run[length:])
    step = last / length if cumulative else 0.0
    further = last + step * np.arange(1, len(run) - length + 1)
    run[length:][missing] = further[missing]
