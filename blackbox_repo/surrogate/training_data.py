"""The training data of a surrogate: encoded configurations, and curves that all reach the last fidelity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.distance import coordinate
from blackbox_repo.domains import Categorical
from blackbox_repo.schema import Objective
from blackbox_repo.space import Configuration, Space

_CHOSEN = math.sqrt(0.5)  # two different categories are then 1 apart


@dataclass(frozen=True)
class TrainingData:
    """What a surrogate learns from: one example for each configuration, the mean over its training runs.

    Args:
        rows: The encoded configurations ``(example, feature)``.
        points: Objective -> its values ``(example, fidelity)``, or ``(example, 1)`` for a constant one. A
            value is NaN where the table has none for any run.
    """

    rows: Array
    points: Mapping[str, Array]

    @classmethod
    def of(cls, blackbox: Blackbox) -> TrainingData:
        """The training data that a table makes; runs without any point are left out.

        A value that is not finite, and a point that a diverged or crashed run lacks, becomes the worst finite
        value of the table at that fidelity. A point that another run lacks becomes its last value. In either
        case a cumulative objective continues at its mean rate.
        """
        configurations = blackbox.configurations()
        runs = _Runs.of(blackbox)
        points = {o.name: runs.means(o, blackbox.values(o.name)) for o in blackbox.schema.objectives}
        encoded = [encode(blackbox.schema.space, configurations[row]) for row in runs.kept.tolist()]
        return cls(np.array(encoded, dtype=np.float64), points)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Array) -> TrainingData:
        """The examples with the given indices."""
        points = {name: values[chosen] for name, values in self.points.items()}
        return TrainingData(self.rows[chosen], points)


@dataclass(frozen=True)
class _Runs:
    """The training runs of a table that have points.

    Args:
        row: The configuration of each run, an index into the first axis of :meth:`Blackbox.values`.
        replicate: Its seed, an index into the second axis.
        length: How many points it has.
        ok: Whether it neither diverged nor crashed.
    """

    row: Array
    replicate: Array
    length: Array
    ok: Array

    @classmethod
    def of(cls, blackbox: Blackbox) -> _Runs:
        found = []
        for row, configuration in enumerate(blackbox.configurations()):
            for replicate, seed in enumerate(blackbox.seeds(configuration)):
                curve = blackbox.curve(configuration, seed=seed)
                if len(curve):
                    found.append((row, replicate, len(curve), curve.status == "ok"))
        columns = np.array(found, dtype=np.int64).reshape(-1, 4).T
        return cls(columns[0], columns[1], columns[2], columns[3].astype(bool))

    @property
    def kept(self) -> Array:
        """The configurations that have a run."""
        return np.unique(self.row)

    def means(self, objective: Objective, values: Array) -> Array:
        """The mean curve ``(configuration, fidelity)`` over the runs of each configuration."""
        count = 1 if objective.constant else values.shape[2]
        runs = values[self.row, self.replicate, :count].astype(np.float64)
        runs[~np.isfinite(runs)] = np.nan
        if not objective.constant:
            self._complete(objective, runs)
        known = np.isfinite(runs)
        first = np.flatnonzero(np.diff(self.row, prepend=-1))
        totals = np.add.reduceat(np.where(known, runs, 0.0), first, axis=0)
        with np.errstate(invalid="ignore"):
            means: Array = totals / np.add.reduceat(known.astype(np.float64), first, axis=0)
        return means

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
    worst = filled.min(axis=0) if lowest else filled.max(axis=0)
    return np.where(np.isfinite(worst), worst, np.nan)


def _carry_on(run: Array, length: int, cumulative: bool) -> None:  # noqa: FBT001  private
    """Fill in the points that a curve lacks after its end."""
    last, missing = run[length - 1], np.isnan(run[length:])
    step = last / length if cumulative else 0.0
    further = last + step * np.arange(1, len(run) - length + 1)
    run[length:][missing] = further[missing]


def encode(space: Space, configuration: Configuration) -> list[float]:
    """A configuration as numbers; different configurations have different numbers.

    Numbers and ordinals become positions in [0, 1] between the ends of their domain, in log scale if the
    domain is. Each category has a feature of its own, 0 or the root of a half, so that two are 1 apart.
    """
    features: list[float] = []
    for name, domain in space.domains.items():
        value = configuration.get(name)
        if isinstance(domain, Categorical):
            features += [
                _CHOSEN if value is not None and value == choice else 0.0 for choice in domain.values
            ]
        else:
            features.append(coordinate(domain, value))
    return features
