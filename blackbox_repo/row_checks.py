"""Checks of a table before a blackbox is made of it; a wrong table is refused and never repaired."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blackbox_repo.curve import Array, exact_floats
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.frozen import FrozenDict, owned
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.rows import STATUSES, Coded, Table
from blackbox_repo.schema import Schema
from blackbox_repo.space import Condition

_LARGEST = 2**63 - 1


def check_table(schema: Schema, table: Table, name: str) -> Table:
    """The table with canonical values of hyperparameters, objectives as floats, and read-only arrays.

    Args:
        schema: What the columns mean.
        table: The rows.
        name: The name of the blackbox, for messages.

    Raises:
        InvalidConfiguration: A column or all rows are missing, columns do not fit together, or a value is not
            allowed in its column.
    """
    _check_present(schema, table, name)
    lengths = _check_whole(table.lengths, f"the lengths of {name!r}")
    _check_lengths(schema, lengths, name)
    _check_sizes(schema, table, name)
    _check_fidelities(schema, table, lengths, name)
    columns = {h: _canonicalize(schema, table.hyperparameters[h], h, name) for h in schema.space.domains}
    _check_active(schema, columns, name)
    return Table(
        hyperparameters=FrozenDict(columns),
        seeds=owned(_check_seed_numbers(table.seeds, name)),
        points=FrozenDict({o: _check_numbers(table.points[o], o, name) for o in schema.curve_names}),
        lengths=owned(lengths),
        constants=FrozenDict({o: _check_numbers(table.constants[o], o, name) for o in schema.constant_names}),
        status=None if table.status is None else _check_statuses(table.status, name),
        labels=FrozenDict(
            {label: _check_coded(column, label, name) for label, column in table.labels.items()}
        ),
    )


def check_seeds(seeds: Array, first: Array, name: str) -> None:
    """Refuse rows of one configuration whose seeds do not ascend; ``first`` are the rows that begin one."""
    ascends = np.append(True, seeds[1:] > seeds[:-1])  # a difference of unsigned numbers would wrap round
    ascends[first] = True
    if not ascends.all():
        row = int(np.argmin(ascends))
        raise InvalidConfiguration(
            f"the seeds of a configuration must ascend in {name!r}, but row {row} has {seeds[row]} "
            f"after {seeds[row - 1]}"
        )


def _check_present(schema: Schema, table: Table, name: str) -> None:
    missing = [h for h in schema.space.domains if h not in table.hyperparameters]
    missing += [o for o in schema.curve_names if o not in table.points]
    missing += [o for o in schema.constant_names if o not in table.constants]
    if missing or not len(table):
        raise InvalidConfiguration(f"the table of {name!r} lacks {missing or 'rows'!r}")


def _check_lengths(schema: Schema, lengths: Array, name: str) -> None:
    if not 0 <= lengths.min(initial=0) <= lengths.max(initial=0) <= len(schema.fidelity.values):
        raise InvalidConfiguration(
            f"the curves of {name!r} have {lengths.min()} to {lengths.max()} points, but the "
            f"fidelity {schema.fidelity.name!r} has {len(schema.fidelity.values)}"
        )
    if (lengths != 1).any() and not schema.curve_names:
        raise InvalidConfiguration(
            f"the curves of {name!r} have {lengths.min()} to {lengths.max()} points, but where all "
            f"objectives are constant each has one"
        )


def _check_sizes(schema: Schema, table: Table, name: str) -> None:
    rows, points = len(table), int(table.lengths.sum())
    columns = {h: (table.hyperparameters[h].codes, rows) for h in schema.space.domains}
    columns |= {"lengths": (table.lengths, rows), "seed": (table.seeds, rows)}
    columns |= {o: (table.constants[o], rows) for o in schema.constant_names}
    columns |= {o: (table.points[o], points) for o in schema.curve_names}
    columns |= {label: (column.codes, rows) for label, column in table.labels.items()}
    columns |= {} if table.status is None else {"status": (table.status, rows)}
    columns |= {} if table.fidelities is None else {"fidelities": (table.fidelities, points)}
    for column, (array, size) in columns.items():
        if array.shape != (size,):
            found = array.shape[0] if array.ndim == 1 else array.shape
            raise InvalidConfiguration(
                f"the column {column!r} of {name!r} has {found} values, but must have {size}"
            )


def _check_fidelities(schema: Schema, table: Table, lengths: Array, name: str) -> None:
    if table.fidelities is None:
        return
    row = np.repeat(np.arange(len(lengths)), lengths)
    point = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    expected = np.array(schema.fidelity.values)[point]
    wrong = np.flatnonzero(expected != table.fidelities)
    if len(wrong):
        at = wrong[0]
        raise InvalidConfiguration(
            f"point {point[at]} of row {row[at]} of {name!r} is of {schema.fidelity.name} "
            f"{table.fidelities[at]}, but {expected[at]} belongs there: a curve begins at the first fidelity "
            f"and leaves none out"
        )


def _check_whole(array: Array, what: str) -> Array:
    """Whole numbers as int64."""
    if array.dtype.kind not in "iu":
        raise InvalidConfiguration(f"{what} must be whole numbers, not {array.dtype} like {array[0]}")
    if _is_large(array):
        raise InvalidConfiguration(f"{what} must be at most {_LARGEST} (2**63 - 1), not {array.max()}")
    return array.astype(np.int64, copy=False)


def _check_seed_numbers(seeds: Array, name: str) -> Array:
    """Seeds as int64, or as uint64 where one of them needs it."""
    return seeds if _is_large(seeds) else _check_whole(seeds, f"the seeds of {name!r}")


def _is_large(array: Array) -> bool:
    return array.dtype == np.uint64 and int(array.max(initial=0)) > _LARGEST


def _check_numbers(array: Array, objective: str, name: str) -> Array:
    return owned(exact_floats(f"the objective {objective!r} of {name!r}", array))


def _check_statuses(status: Array, name: str) -> Array:
    codes = _check_whole(status, f"the statuses of {name!r}")
    if not 0 <= codes.min() <= codes.max() < len(STATUSES):
        raise InvalidConfiguration(
            f"the statuses of {name!r} are {codes.min()} to {codes.max()}, but each must be from 0 to "
            f"{len(STATUSES) - 1}: {', '.join(STATUSES)}"
        )
    return owned(codes.astype(np.uint8))


def _check_coded(column: Coded, label: str, name: str) -> Coded:
    codes = _check_whole(column.codes, f"the codes of {label!r} in {name!r}")
    if len(codes) and not -1 <= codes.min() <= codes.max() < len(column.values):
        raise InvalidConfiguration(
            f"the codes of {label!r} in {name!r} are {codes.min()} to {codes.max()}, but it has "
            f"{len(column.values)} values"
        )
    values = tuple(plain(value) for value in column.values)
    return Coded(values, owned(column.codes.astype(np.int32, copy=False)))  # type: ignore[arg-type]


def _canonicalize(schema: Schema, column: Coded, hyperparameter: str, name: str) -> Coded:
    """The column with canonical values: 1.0 becomes 1 for integers."""
    column, domain = _check_coded(column, hyperparameter, name), schema.space.domains[hyperparameter]
    values = []
    for value in column.values:
        try:
            values.append(domain.check(value))
        except ValueError as err:
            raise InvalidConfiguration(f"{hyperparameter}={value!r} in the table of {name!r} {err}") from err
    if len(set(values)) == len(values):
        return Coded(tuple(values), column.codes)
    known = {value: code for code, value in enumerate(dict.fromkeys(values))}
    merged = np.array([*(known[value] for value in values), -1], dtype=np.int32)  # 1 and 1.0 were two
    return Coded(tuple(known), owned(merged[column.codes]))


def _check_active(schema: Schema, columns: Mapping[str, Coded], name: str) -> None:
    """Refuse a value where its condition makes a hyperparameter inactive, and none where it is active."""
    for hyperparameter, column in columns.items():
        conditions = schema.space.conditions.get(hyperparameter, ())
        active = np.ones(len(column.codes), dtype=bool)
        for condition in conditions:
            active &= _meets(columns[condition.parent], condition)
        wrong = np.flatnonzero(active != (column.codes >= 0))
        if len(wrong):
            row = int(wrong[0])
            (value,) = column.decoded(np.array([row]))
            raise InvalidConfiguration(
                f"row {row} of {name!r} has no {hyperparameter!r}"
                if value is None
                else f"row {row} of {name!r} has {hyperparameter}={value!r}, which is inactive there"
            )


def _meets(parent: Coded, condition: Condition) -> Array:
    meets = np.array([*(value in condition.values for value in parent.values), False])
    met: Array = meets[parent.codes]
    return met
