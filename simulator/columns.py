"""The results of a run as columns: one row a trial, one row a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.schema import Schema
from simulator.clock import NANOSECONDS, to_seconds
from simulator.cluster import Cluster
from simulator.trace import Points


def trial_columns(schema: Schema, cluster: Cluster) -> dict[str, list[Any]]:
    """Column -> one value a trial, in the order of their numbers."""
    trials = cluster.trials
    columns: dict[str, list[Any]] = {"trial": [trial.number for trial in trials]}
    for name in schema.space.domains:
        columns[f"config.{name}"] = [trial.configuration.get(name) for trial in trials]
    columns["seed"] = [trial.curve.seed for trial in trials]
    columns["status"] = [trial.status.value for trial in trials]
    columns["started"] = [to_seconds(trial.segments[0].start) for trial in trials]
    columns["ended"] = [to_seconds(trial.segments[-1].end or 0) for trial in trials]
    columns["segments"] = [len(trial.segments) for trial in trials]
    for objective in schema.objectives:
        if objective.constant:
            columns[objective.name] = [trial.curve.point(objective.name, 0) for trial in trials]
    return columns


def report_columns(schema: Schema, cluster: Cluster, points: Points) -> dict[str, Array]:
    """Column -> one value a point, in the order of arrival; times in seconds."""
    columns: dict[str, Array] = {
        "time": points.time / NANOSECONDS,
        "trial": points.trial,
        "segment": points.segment,
        "fidelity": np.array(schema.fidelity.values)[points.point],
        "code": points.code,
    }
    for objective in schema.objectives:
        if not objective.constant:
            columns[objective.name] = points.values(cluster.trials, objective.name)
    return columns
