"""The results of a run as columns: one row a trial, a segment, a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.schema import Schema
from simulator.clock import NANOSECONDS, to_seconds
from simulator.kernel.cluster import Cluster
from simulator.kernel.segments import Segment
from simulator.kernel.trace import Points

CONFIG = "config."
"""Before the names of hyperparameters, in the columns of the trials."""


def trial_columns(blackbox: Blackbox, cluster: Cluster) -> dict[str, list[Any]]:
    """Column -> one value a trial, in the order of their numbers."""
    trials, schema = cluster.trials, blackbox.schema
    columns: dict[str, list[Any]] = {"trial": [trial.number for trial in trials]}
    for name in schema.space.domains:
        columns[f"{CONFIG}{name}"] = [trial.configuration.get(name) for trial in trials]
    columns["seed"] = [trial.curve.seed for trial in trials]
    columns["status"] = [trial.status.value for trial in trials]
    columns["started"] = [_started(trial.segments[0]) if trial.segments else None for trial in trials]
    columns["ended"] = [
        to_seconds(trial.segments[-1].end or 0) if trial.segments else None for trial in trials
    ]
    columns["segments"] = [len(trial.segments) for trial in trials]
    columns["checkpoint_of"] = [trial.source for trial in trials]
    columns["off_table"] = [not blackbox.holds(trial.configuration) for trial in trials]
    for objective in schema.objectives:
        if objective.constant:
            columns[objective.name] = [trial.curve.constant(objective.name) for trial in trials]
    return columns


def segment_columns(cluster: Cluster) -> dict[str, list[Any]]:
    """Column -> one value a segment, in the order of (trial, segment); times in seconds."""
    segments = [segment for trial in cluster.trials for segment in trial.segments]
    return {
        "trial": [segment.trial for segment in segments],
        "segment": [segment.number for segment in segments],
        "worker": [segment.worker for segment in segments],
        "busy_from": [to_seconds(segment.busy_from) for segment in segments],
        "started": [_started(segment) for segment in segments],
        "ended": [to_seconds(segment.end or 0) for segment in segments],
        "until": [_until(cluster, segment) for segment in segments],
        "outcome": [segment.outcome.value for segment in segments if segment.outcome is not None],
    }


def _until(cluster: Cluster, segment: Segment) -> float | None:
    """The fidelity after which a job was to end by itself, if its scheduler had said so."""
    values = cluster.trials[segment.trial].curve.schema.fidelity.values
    return None if segment.job.until is None else float(values[segment.job.until])


CALLS = ("call", "trial", "segment", "fidelity", "arrived", "taken", "answered", "answer")


def call_columns(calls: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Column -> one value a call of the scheduler, in the order of the calls; times in seconds."""
    return {name: [call[index] for call in calls] for index, name in enumerate(CALLS)}


def _started(segment: Segment) -> float | None:
    """When a job began to train, if the run did not end before."""
    return to_seconds(segment.start) if segment.begun else None


def fidelities(schema: Schema) -> Array:
    """All values of the fidelity: whole numbers where it has no others, else floats."""
    values = schema.fidelity.values
    whole = all(isinstance(value, int) for value in values) and values[-1] < 2**63
    return np.array(values, dtype=np.int64 if whole else np.float64)


def report_columns(schema: Schema, cluster: Cluster, points: Points) -> dict[str, Array]:
    """Column -> one value a point, in the order of arrival; times in seconds."""
    columns: dict[str, Array] = {
        "time": points.time / NANOSECONDS,
        "trial": points.trial,
        "segment": points.segment,
        "fidelity": fidelities(schema)[points.point],
        "decision": points.code,
    }
    for objective in schema.objectives:
        if not objective.constant:
            values = points.values(cluster.trials, objective.name)
            columns[objective.name] = values if values.dtype == np.float32 else values.astype(np.float64)
    return columns
