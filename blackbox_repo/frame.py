"""Whole tables as pandas DataFrames; pandas is imported on first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Value
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration


class Tabulated(Protocol):
    """The part of :class:`~blackbox_repo.blackbox.Blackbox` that is read here; see there for the meanings."""

    schema: Schema

    def configurations(self) -> Sequence[Configuration]: ...

    def seeds(self, configuration: Configuration) -> tuple[int, ...]: ...

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve: ...

    def values(self, objective: str) -> Array: ...


def table_to_pandas(blackbox: Tabulated) -> Any:
    """One row for each configuration, seed and fidelity that exists, in the order of ``values``.

    The columns are the hyperparameters (text as pandas categories; missing where inactive), ``seed``, the
    fidelity and the objectives.

    Raises:
        ImportError: pandas is not installed.
        NotTabulated: The blackbox can only be queried.
    """
    try:
        import pandas as pd
    except ImportError as err:
        raise ImportError(
            "to_pandas() needs pandas: install it with pip install 'blackbox-repo[pandas]'"
        ) from err
    schema = blackbox.schema
    configurations = blackbox.configurations()
    seeds, lengths = _runs(blackbox)
    exists = np.arange(len(schema.fidelity.values)) < lengths[:, :, np.newaxis]
    configuration, replicate, point = np.nonzero(exists)
    columns = {
        name: _column(pd, [c.get(name) for c in configurations]).take(configuration)
        for name in schema.space.domains
    }
    columns["seed"] = seeds[configuration, replicate]
    columns[schema.fidelity.name] = np.array(schema.fidelity.values)[point]
    for objective in schema.objectives:
        columns[objective.name] = blackbox.values(objective.name)[exists]
    return pd.DataFrame(columns)


def _runs(blackbox: Tabulated) -> tuple[Array, Array]:
    """The seed and the number of points of each run, as ``(configuration, seed)``; 0 points for no run."""
    configurations = blackbox.configurations()
    found = [blackbox.seeds(configuration) for configuration in configurations]
    large = max(map(max, found)) > np.iinfo(np.int64).max
    seeds = np.zeros((len(found), max(map(len, found))), dtype=np.uint64 if large else np.int64)
    lengths = np.zeros(seeds.shape, dtype=np.int64)
    for index, (configuration, its_seeds) in enumerate(zip(configurations, found, strict=True)):
        for replicate, seed in enumerate(its_seeds):
            seeds[index, replicate] = seed
            lengths[index, replicate] = len(blackbox.curve(configuration, seed=seed))
    return seeds, lengths


def _column(pd: Any, values: Sequence[Value | None]) -> Any:
    if any(isinstance(value, str) for value in values):
        return pd.Categorical(values, categories=list(dict.fromkeys(v for v in values if v is not None)))
    return pd.Series(values).array
