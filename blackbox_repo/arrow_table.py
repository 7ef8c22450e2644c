"""Tables as columns of Arrow, whether they come from a parquet file or from memory that is mapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from blackbox_repo.curve import Array
from blackbox_repo.schema import Schema
from blackbox_repo.table import STATUSES, Coded, Table

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # Arrow's names; integers agree


def from_arrow(columns: Any, schema: Schema, labels: Sequence[str]) -> Table:
    """The table whose columns these are; its arrays share their memory where they can."""
    curves = [objective.name for objective in schema.objectives if not objective.constant]
    constants = [objective.name for objective in schema.objectives if objective.constant]
    points = {name: _flat(columns[name], schema) for name in curves}
    lengths = next((length for _, length in points.values()), np.ones(len(columns), dtype=np.int64))
    return Table(
        hyperparameters={name: _coded(columns[name]) for name in schema.space.domains},
        seeds=numbers_of(columns["seed"]),
        points={name: flat for name, (flat, _) in points.items()},
        lengths=lengths,
        constants={name: numbers_of(columns[name]) for name in constants},
        status=_status(columns["status"]) if "status" in columns.column_names else None,
        labels={name: _coded(columns[name]) for name in labels},
    )


def to_arrow(table: Table, schema: Schema) -> Any:
    """Columns from which :func:`from_arrow` makes the same table again without computing anything."""
    columns = {name: coded_column(column, dictionary=True) for name, column in table.hyperparameters.items()}
    columns["seed"] = pa.array(table.seeds)
    if table.status is not None:
        columns["status"] = status_column(table.status)
    columns |= {name: list_column(points, table.lengths, schema) for name, points in table.points.items()}
    columns |= {name: pa.array(values) for name, values in table.constants.items()}
    columns |= {name: coded_column(column, dictionary=True) for name, column in table.labels.items()}
    return pa.table(columns)


def coded_column(column: Coded, *, dictionary: bool) -> Any:
    """The values of the column, null where there is none."""
    codes = pa.array(column.codes, mask=column.codes < 0)
    encoded = pa.DictionaryArray.from_arrays(codes, pa.array(column.values))
    # parquet has no dictionary of bools
    return encoded if dictionary and not isinstance(column.values[0], bool) else encoded.dictionary_decode()


def status_column(status: Array) -> Any:
    """The names of the statuses."""
    return pa.DictionaryArray.from_arrays(pa.array(status.astype(np.int32)), pa.array(STATUSES))


def list_column(points: Array, lengths: Array, schema: Schema) -> Any:
    """The points of each row as a list, which is of fixed size if all rows have all points."""
    full = len(schema.fidelity.values)
    if np.all(lengths == full):
        return pa.FixedSizeListArray.from_arrays(pa.array(points), full)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(points))


def proportional(last: Array, schema: Schema) -> Array:
    """The points of curves that are proportional to the fidelity, from their last ones."""
    fidelities = np.array(schema.fidelity.values, dtype=np.float64)
    if len(fidelities) == 1:
        return last
    points: Array = (last[:, np.newaxis] * (fidelities / fidelities[-1])).ravel()
    return points


def _flat(column: Any, schema: Schema) -> tuple[Array, Array]:
    """The points end to end, and how many each row has."""
    joined = _joined(column)
    if pa.types.is_fixed_size_list(joined.type):
        return numbers_of(_end_to_end(joined)), np.full(len(joined), joined.type.list_size)
    if pa.types.is_list(joined.type):
        return numbers_of(_end_to_end(joined)), np.diff(numbers_of(joined.offsets))
    return proportional(numbers_of(joined), schema), np.full(len(joined), len(schema.fidelity.values))


def _end_to_end(lists: Any) -> Any:
    """The values of all lists; ``flatten`` would import all of Arrow's functions."""
    whole = lists.offset == 0 and not lists.null_count
    return lists.values if whole else lists.flatten()


def _joined(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def numbers_of(column: Any) -> Array:
    """A column of numbers as numpy sees them, NaN or -1 where there is none.

    Arrow's own ``to_numpy``, ``to_pandas_dtype`` and ``fill_null`` would import pandas, which takes longer
    than most tables, or is not there.
    """
    array = _joined(column)
    valid, values = array.buffers()
    kind = np.dtype(_FLOATS.get(str(array.type), str(array.type)))
    numbers = np.frombuffer(values, kind, len(array), array.offset * kind.itemsize)
    if not array.null_count:
        return numbers
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
    present = bits[array.offset : array.offset + len(array)].astype(bool)
    return np.where(present, numbers, kind.type(np.nan if kind.kind == "f" else -1))


def _coded(column: Any) -> Coded:
    if not pa.types.is_dictionary(column.type):
        if not pa.types.is_floating(column.type) or column.null_count:
            return Coded.of(column.to_pylist())
        return Coded.of_array(numbers_of(column))
    joined = column.unify_dictionaries()
    codes = np.concatenate([numbers_of(chunk.indices) for chunk in joined.chunks])
    return Coded(tuple(joined.chunk(0).dictionary.to_pylist()), codes.astype(np.int32))


def _status(column: Any) -> Array:
    coded = _coded(column)
    codes = np.array([STATUSES.index(value) for value in coded.values], dtype=np.uint8)
    return codes[coded.codes]
