"""Checks of a converted table. Each broken rule is named with the number of rows; nothing is repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from blackbox_repo.curve import Array, exact_floats
from blackbox_repo.errors import FormatError, InvalidConfiguration
from blackbox_repo.schema import RESERVED, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import STATUSES, Table
from conversion_scripts.bounds import Bounds

Problems: TypeAlias = Iterator[str]


def check_table(
    name: str,
    schema: Schema,
    table: Table,
    nan_allowed: tuple[str, ...] = (),
    bounds: Mapping[str, Bounds] = MappingProxyType({}),
) -> None:
    """Refuse a table that breaks a rule of docs/format.md.

    Args:
        name: The blackbox and the task, for the message.
        schema: The schema that the columns must follow.
        table: The training runs.
        nan_allowed: The objectives that may hold NaN.
        bounds: The values that an objective can have at all.

    Raises:
        FormatError: The table breaks rules. The message names all of them, each with the number of rows and
            the first of these.
    """
    problems = [*_names(schema, table), *_types(table)]
    if not problems:
        problems += _shapes(schema, table)
    if not problems:  # the other checks need columns that fit together
        problems += [*_domains(schema.space, table), *_rows(table), *_fidelities(schema, table)]
        problems += [*_objectives(schema, table, nan_allowed), *_out_of_bounds(schema, table, bounds)]
    if problems:
        raise FormatError(f"{name} is refused: " + "; ".join(problems))


def _names(schema: Schema, table: Table) -> Problems:
    curves, constants = schema.curve_names, schema.constant_names
    yield from _difference("hyperparameter", list(schema.space.domains), table.hyperparameters)
    yield from _difference("curve objective", curves, table.points)
    yield from _difference("constant objective", constants, table.constants)
    taken = {*RESERVED, schema.fidelity.name, *schema.space.domains, *curves, *constants}
    for label in table.labels:
        if label in taken:
            yield f"the label {label!r} has the name of another column"


def _difference(kind: str, wanted: list[str], found: Mapping[str, object]) -> Problems:
    for name in wanted:
        if name not in found:
            yield f"the {kind} {name!r} has no column"
    for name in found:
        if name not in wanted:
            yield f"the column {name!r} is not a {kind} of the schema"


def _types(table: Table) -> Problems:
    """Columns that hold something else than the numbers that belong there."""
    whole = {"seed": table.seeds, "lengths": table.lengths}
    whole |= {name: column.codes for name, column in {**table.hyperparameters, **table.labels}.items()}
    whole |= {} if table.status is None else {"status": table.status}
    for name, array in whole.items():
        if array.size and array.dtype.kind not in "iu":
            yield f"{name!r} must be whole numbers, not {array.dtype}"
    numbers = {**table.points, **table.constants}
    numbers |= {} if table.fidelities is None else {"fidelities": table.fidelities}
    for name, array in numbers.items():
        try:
            exact_floats(repr(name), array)
        except InvalidConfiguration as err:
            yield str(err)


def _shapes(schema: Schema, table: Table) -> Problems:
    columns = {**table.constants, "lengths": table.lengths}
    columns |= {name: column.codes for name, column in {**table.hyperparameters, **table.labels}.items()}
    if table.status is not None:
        columns["status"] = table.status
    for name, column in columns.items():
        if len(column) != len(table):
            yield f"{name!r} has {len(column)} entries, but there are {len(table)} rows"
    curves = (
        dict(table.points) if table.fidelities is None else {**table.points, "fidelities": table.fidelities}
    )
    for name, points in curves.items():
        if len(points) != table.lengths.sum():
            yield f"{name!r} has {len(points)} points, but the curves have {table.lengths.sum()}"
    limit = len(schema.fidelity.values)
    yield from _report(
        table.lengths > limit, lambda row: f"a curve of {table.lengths[row]} points, more than the {limit} "
        f"of {schema.fidelity.name!r}",
    )  # fmt: skip
    if len(table) == 0:
        yield "there are no rows"


def _domains(space: Space, table: Table) -> Problems:
    for name, domain in space.domains.items():
        column = table.hyperparameters[name]
        for code, value in enumerate(column.values):
            if (problem := _find_misfit(domain.check, value)) is not None:
                rows = column.codes == code
                yield from _report(rows, lambda _, p=problem, v=value, n=name: f"{n}={v!r}, which {p}")  # type: ignore[misc]
        active = _active(space, table, name)
        yield from _report(active & (column.codes < 0), lambda _, n=name: f"no value of {n!r}")  # type: ignore[misc]
        yield from _report(
            ~active & (column.codes >= 0),
            lambda _, n=name: f"a value of {n!r} where it is inactive",  # type: ignore[misc]
        )


def _find_misfit(check: Callable[[object], object], value: object) -> str | None:
    try:
        checked = check(value)
    except ValueError as err:
        return str(err)
    return None if type(checked) is type(value) else f"must be written as {checked!r}"


def _active(space: Space, table: Table, name: str) -> Array:
    active = np.ones(len(table), dtype=bool)
    for condition in space.conditions.get(name, ()):
        parent = table.hyperparameters[condition.parent]
        matches = np.array([value in condition.values for value in parent.values] + [False])
        active &= matches[parent.codes]
    return active


def _rows(table: Table) -> Problems:
    codes = np.column_stack([column.codes for column in table.hyperparameters.values()])
    _, configuration = np.unique(codes, axis=0, return_inverse=True)
    _, seeds = np.unique(table.seeds, return_inverse=True)  # their ranks, as differences of seeds overflow
    runs = np.column_stack([configuration.ravel(), seeds])
    _, first = np.unique(runs, axis=0, return_index=True)
    repeated = np.ones(len(table), dtype=bool)
    repeated[first] = False
    yield from _report(repeated, lambda row: f"the configuration and seed {table.seeds[row]} of another row")
    changes = np.diff(runs[:, 0]) != 0
    split = int(changes.sum()) + 1 - len(np.unique(runs[:, 0]))
    if split:
        yield f"{split} times the rows of a configuration do not lie together"
    descending = np.zeros(len(table), dtype=bool)
    descending[1:] = ~changes & (np.diff(seeds) < 0)
    yield from _report(descending, lambda row: f"seed {table.seeds[row]} after {table.seeds[row - 1]}")


def _fidelities(schema: Schema, table: Table) -> Problems:
    """Points with another fidelity than their position in the curve says."""
    if table.fidelities is None:
        return
    fidelity, found = schema.fidelity, table.fidelities
    starts = np.cumsum(table.lengths) - table.lengths
    rows = np.repeat(np.arange(len(table)), table.lengths)
    expected = np.array(fidelity.values)[np.arange(len(found)) - starts[rows]]
    wrong = np.flatnonzero(found != expected)
    yield from _report(
        _rows_of(wrong, rows, len(table)),
        lambda _: (
            f"a point at {fidelity.name} {found[wrong[0]]:g} where that at {expected[wrong[0]]:g} should be; "
            f"what a curve lacks is NaN, or ends it"
        ),
    )


def _objectives(schema: Schema, table: Table, nan_allowed: tuple[str, ...]) -> Problems:
    for objective in schema.objectives:
        name = objective.name
        values, rows = _cells(table, objective)
        yield from _values(name, values, rows, len(table), may_be_nan=name in nan_allowed)
        if objective.cumulative and schema.fidelity.kind == "incremental":
            yield from _cumulative(objective, values, rows, len(table))
    if table.status is not None:
        unknown = (table.status < 0) | (table.status >= len(STATUSES))
        yield from _report(unknown, lambda row: f"the status {table.status[row]}")  # type: ignore[index]


def _values(name: str, values: Array, rows: Array, count: int, *, may_be_nan: bool) -> Problems:
    yield from _report(_rows_of(np.isinf(values), rows, count), lambda _: f"an infinite {name!r}")
    if not may_be_nan:
        yield from _report(
            _rows_of(np.isnan(values), rows, count),
            lambda _: f"NaN in {name!r}, which the card does not allow",
        )


def _cumulative(objective: Objective, values: Array, rows: Array, count: int) -> Problems:
    falls = np.zeros(len(values), dtype=bool)
    falls[1:] = (rows[1:] == rows[:-1]) & (np.diff(values) < 0)
    yield from _report(
        _rows_of(falls, rows, count), lambda _: f"a cumulative {objective.name!r} that decreases"
    )
    yield from _report(
        _rows_of(values < 0, rows, count), lambda _: f"a cumulative {objective.name!r} below 0"
    )


def _out_of_bounds(schema: Schema, table: Table, bounds: Mapping[str, Bounds]) -> Problems:
    for name, allowed in bounds.items():
        values, rows = _cells(table, schema.objective(name))
        places = np.flatnonzero(allowed.outside(values))
        yield from _report(
            _rows_of(places, rows, len(table)),
            lambda _, n=name, v=values, p=places, a=allowed: f"{n}={v[p[0]]:g}, which must be {a}",  # type: ignore[misc]
        )


def _cells(table: Table, objective: Objective) -> tuple[Array, Array]:
    """All values of an objective, and the row of each."""
    rows = np.arange(len(table))
    if objective.constant:
        return table.constants[objective.name], rows
    return table.points[objective.name], np.repeat(rows, table.lengths)


def _rows_of(marked: Array, rows: Array, count: int) -> Array:
    """A mask of the rows that have a marked point."""
    return np.bincount(rows[marked], minlength=count) > 0


def _report(rows: Array, describe: Callable[[int], str]) -> Problems:
    found = np.flatnonzero(rows)
    if len(found):
        noun = "row has" if len(found) == 1 else "rows have"
        yield f"{len(found)} {noun} {describe(int(found[0]))} (first: row {found[0]})"
