"""Columns of a run's results, one row a trial, segment, report or call; they are made when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.frozen import FrozenDict, FrozenList, sealed
from blackbox_repo.schema import Schema
from simulator.clock import NANOSECONDS, to_seconds
from simulator.kernel.outcome import NEVER, STATUSES, Outcome, Segments

CONFIG = "config."
"""Before the names of hyperparameters, in the columns of the trials."""
CALLS = ("call", "trial", "segment", "fidelity", "arrived", "taken", "answered", "answer")


class Columns(Mapping[str, Any]):
    """Columns by name, each of which is made when it is first read, and cannot be changed.

    Args:
        makers: Column -> what makes it.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            column = self._makers[name]()
            self._made[name] = sealed(column) if isinstance(column, np.ndarray) else FrozenList(column)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def trial_columns(schema: Schema, outcome: Outcome) -> Columns:
    """One value a trial, in the order of their numbers; times in seconds."""
    trials, segments = outcome.trials, outcome.segments
    numbers = np.arange(len(trials.seed))
    first, stop = (np.searchsorted(segments.trial, numbers, side) for side in ("left", "right"))

    def at(column: Array, rows: Array) -> list[float | None]:
        times = column[np.minimum(rows, len(column) - 1)].tolist() if len(column) else [NEVER] * len(rows)
        return [
            _seconds(time) if count else None
            for time, count in zip(times, (stop - first).tolist(), strict=True)
        ]

    return Columns(
        {
            "trial": numbers.tolist,
            **{f"{CONFIG}{name}": partial(list, values) for name, values in trials.configurations.items()},
            "seed": trials.seed.copy,
            "status": trials.status.copy,
            "started": lambda: at(segments.started, first),
            "ended": lambda: at(segments.ended, stop - 1),
            "segments": (stop - first).tolist,
            "checkpoint_of": trials.checkpoint_of.copy,
            "off_table": trials.off_table.copy,
            **{o.name: trials.constants[o.name].copy for o in schema.objectives if o.constant},
        }
    )


def segment_columns(schema: Schema, segments: Segments) -> Columns:
    """One value a segment, in the order of (trial, segment); times in seconds.

    ``until`` is the fidelity after which a job was to end by itself, if its scheduler had said so.
    """
    fidelity = schema.fidelity.values
    return Columns(
        {
            "trial": segments.trial.tolist,
            "segment": segments.segment.tolist,
            "worker": segments.worker.tolist,
            "busy_from": lambda: list(map(to_seconds, segments.busy_from.tolist())),
            "started": lambda: list(map(_seconds, segments.started.tolist())),
            "ended": lambda: list(map(to_seconds, segments.ended.tolist())),
            "until": lambda: [None if p == NEVER else float(fidelity[p]) for p in segments.until.tolist()],
            "outcome": lambda: list(map(status_name, segments.outcome.tolist())),
        }
    )


def call_columns(calls: Sequence[tuple[Any, ...]]) -> Columns:
    """One value a call of the scheduler, in the order of the calls; times in seconds."""

    def column(index: int) -> Callable[[], list[Any]]:
        return lambda: [call[index] for call in calls]

    return Columns({name: column(index) for index, name in enumerate(CALLS)})


def report_columns(schema: Schema, outcome: Outcome) -> Columns:
    """One value a point, in the order of arrival; times in seconds."""
    points = outcome.points

    def objective(name: str) -> Callable[[], Array]:
        return lambda: as_floats(points.values[name])

    return Columns(
        {
            "time": lambda: points.time / NANOSECONDS,
            "trial": lambda: points.trial,
            "segment": lambda: points.segment,
            "fidelity": lambda: fidelities(schema)[points.point],
            "decision": lambda: points.code,
            **{name: objective(name) for name in points.values},
        }
    )


def fidelities(schema: Schema) -> Array:
    """All values of the fidelity: whole numbers where it has no others, else floats."""
    values = schema.fidelity.values
    whole = all(isinstance(value, int) for value in values) and values[-1] < 2**63
    return np.array(values, dtype=np.int64 if whole else np.float64)


def as_floats(values: Array) -> Array:
    """Values as float32, if they are, or float64."""
    return values if values.dtype == np.float32 else values.astype(np.float64)


def status_name(number: int) -> str:
    """The name of a status in columns of numbers."""
    status = STATUSES[number]
    assert status is not None
    return str(status.value)


def _seconds(time: int) -> float | None:
    return None if time == NEVER else to_seconds(time)
