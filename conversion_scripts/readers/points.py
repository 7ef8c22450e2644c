"""Make tables of points that were logged one by one, each with its configuration and seed, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import is_number, plain
from blackbox_repo.schema import Schema
from blackbox_repo.table import STATUSES, Coded, Table
from blackbox_repo.text.humanize import format_count

SEED, STATUS = "seed", "status"
_Columns: TypeAlias = Mapping[str, Sequence[Any]]


def table_of_points(schema: Schema, columns: _Columns, labels: Iterable[str] = ()) -> Table:
    """The table of the training runs to which the points belong.

    The configurations come in the order of their first points.

    Args:
        schema: What the columns mean.
        columns: The columns by name, each with one value for every point: the schema's hyperparameters
            (``None`` where one is inactive), its fidelity and objectives, and the labels. Two more are
            optional: ``seed``, which is 0 without it, and ``status``, of which a run has that of its last
            point.
        labels: The names of the other columns. As for constant objectives, all points of a run have the same
            value.

    Returns:
        A table that holds the fidelity of each point, so that a conversion refuses runs that lack points.

    Raises:
        InvalidOption: A column is missing or has another length, or a seed or fidelity is not a number.
        UnknownName: A column is neither of the schema nor a label, or a status is unknown.
        FormatError: A run has a fidelity twice, or several values where a run has one.
    """
    labels = tuple(labels)
    columns = _sort_points(schema, _check_columns(schema, columns, labels))
    runs = _number_runs(schema, columns)
    for name in (*schema.constant_names, *labels):
        _check_agree(schema, columns, runs, name)
    ends = np.flatnonzero(np.diff(runs, append=-1))
    last = {name: [values[end] for end in ends.tolist()] for name, values in columns.items()}
    return Table(
        hyperparameters={name: Coded.of(last[name]) for name in schema.space.domains},
        seeds=np.array(last[SEED]),
        points={name: np.array(columns[name]) for name in schema.curve_names},
        lengths=np.diff(ends, prepend=-1),
        constants={name: np.array(last[name]) for name in schema.constant_names},
        status=_encode_statuses(last[STATUS]) if STATUS in last else None,
        labels={name: Coded.of(last[name]) for name in labels},
        fidelities=np.array(columns[schema.fidelity.name]),
    )


def _check_columns(schema: Schema, columns: _Columns, labels: tuple[str, ...]) -> _Columns:
    """The columns, checked: all that are needed, no others, of the same length. Missing seeds are added."""
    objectives = (objective.name for objective in schema.objectives)
    wanted = [*schema.space.domains, schema.fidelity.name, *objectives, *labels]
    if missing := [name for name in wanted if name not in columns]:
        raise InvalidOption(f"the points have no column {missing[0]!r}")
    count = len(columns[wanted[0]])
    for name, values in columns.items():
        if name not in (*wanted, SEED, STATUS):
            raise UnknownName("column", name, [*wanted, SEED, STATUS], "name it among the labels to keep it")
        if len(values) != count:
            raise InvalidOption(f"the points have {len(values)} of {name!r}, but {count} of {wanted[0]!r}")
    columns = {SEED: [0] * count, **columns}
    for name in (SEED, schema.fidelity.name):
        for value in columns[name]:
            if not is_number(plain(value)):
                raise InvalidOption(f"the points have {name}={value!r}, but it must be a number")
    return columns


def _sort_points(schema: Schema, columns: _Columns) -> _Columns:
    """The columns with their points sorted by configuration, seed and fidelity."""
    first: dict[tuple[Any, ...], int] = {}
    configurations = zip(*(columns[name] for name in schema.space.domains), strict=True)
    ranks = [first.setdefault(configuration, len(first)) for configuration in configurations]
    keys = list(zip(ranks, columns[SEED], columns[schema.fidelity.name], strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return {name: [values[point] for point in order] for name, values in columns.items()}


def _number_runs(schema: Schema, columns: _Columns) -> Array:
    """The number of each point's run; two points of a run with the same fidelity are refused."""
    keys = list(zip(*(columns[name] for name in (*schema.space.domains, SEED)), strict=True))
    fidelity = schema.fidelity.name
    starts = [k > 0 and key != keys[k - 1] for k, key in enumerate(keys)]
    runs = np.cumsum(starts, dtype=np.int64)
    values = columns[fidelity]
    twice = [k for k in range(1, len(runs)) if runs[k] == runs[k - 1] and values[k] == values[k - 1]]
    if twice:
        raise FormatError(
            f"{format_count(len(twice), 'point')} of the same configuration, seed and {fidelity} as another "
            f"(first: {_describe_point(schema, columns, twice[0])})"
        )
    return runs


def _check_agree(schema: Schema, columns: _Columns, runs: Array, name: str) -> None:
    values = columns[name]
    changes = [k for k in range(1, len(runs)) if runs[k] == runs[k - 1] and _differ(values[k], values[k - 1])]
    if changes:
        count = format_count(len(changes), "time")
        raise FormatError(
            f"{name!r} has one value a run, but changes {count} within one (first: "
            f"from {values[changes[0] - 1]!r} to {values[changes[0]]!r} at "
            f"{_describe_point(schema, columns, changes[0])})"
        )


def _differ(a: Any, b: Any) -> bool:
    return bool(a != b and (a == a or b == b))  # noqa: PLR0124  two NaN agree


def _describe_point(schema: Schema, columns: _Columns, point: int) -> str:
    names = (*schema.space.domains, SEED, schema.fidelity.name)
    return ", ".join(f"{name}={columns[name][point]!r}" for name in names)


def _encode_statuses(statuses: Iterable[Any]) -> Array:
    for status in statuses:
        if status not in STATUSES:
            raise UnknownName("status", status, STATUSES)
    return np.array([STATUSES.index(status) for status in statuses], dtype=np.uint8)
