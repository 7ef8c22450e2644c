"""Tables and networks as parquet files: which column goes where, and how it is encoded (docs/format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.arrow_table import (
    coded_column,
    from_arrow,
    list_column,
    numbers_of,
    plain_column,
    proportional,
    status_column,
    table_of,
)
from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.table import Table

CONFIGURATIONS_A_ROW_GROUP = 4096
# an accuracy is one of some 100,000 numbers; past the usual 1 MB a row group would go on without dictionary
DICTIONARY_BYTES = 1 << 26


def write_table(file: Path, schema: Schema, table: Table) -> None:
    """Write a table, one row a training run, each column in the encoding that makes it smallest."""
    columns: list[tuple[Any, Any]] = []
    for name, domain in schema.space.domains.items():
        column = table.hyperparameters[name]
        columns.append(coded_column(name, column, dictionary=not isinstance(domain, Float)))
    columns.append(plain_column("seed", pa.array(_narrow_seeds(table.seeds))))
    if table.status is not None:
        columns.append(plain_column("status", status_column(table.status)))
    columns += [plain_column(o.name, _objective_column(table, schema, o)) for o in schema.objectives]
    columns += [coded_column(label, coded, dictionary=True) for label, coded in table.labels.items()]
    arrow = table_of(columns)
    rows = CONFIGURATIONS_A_ROW_GROUP * max(1, round(len(table) / _configuration_count(table)))
    floating = [name for name in arrow.column_names if pa.types.is_floating(_leaf(arrow[name].type))]
    split = [name for name in floating if _splits(arrow.slice(0, rows), name)]  # the first group decides
    pq.write_table(arrow, file, row_group_size=rows, **_encoding(arrow, split))


def _encoding(arrow: Any, split: list[str]) -> dict[str, Any]:
    paths = {name: _leaf_path(arrow, name) for name in arrow.column_names}
    return {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [paths[name] for name in arrow.column_names if name not in split],
        "use_byte_stream_split": [paths[name] for name in split],
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
    }


def _splits(arrow: Any, name: str) -> bool:
    """Whether the column is smaller byte-stream split than with a dictionary."""
    sizes = []
    for split in ([], [name]):
        sink = pa.BufferOutputStream()
        column = arrow.select([name])
        pq.write_table(column, sink, **_encoding(column, split))
        sizes.append(sink.getvalue().size)
    return bool(sizes[1] < sizes[0])


def _leaf(kind: Any) -> Any:
    return kind.value_type if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else kind


def _leaf_path(arrow: Any, name: str) -> str:
    return name if _leaf(arrow[name].type) is arrow[name].type else f"{name}.list.element"


def _narrowed(array: Array, schema: Schema, objective: Objective) -> Array:
    """The values as float32 where that loses no bit; the time stays float64."""
    if array.dtype == np.float32 and objective.name != schema.time:
        return array
    wide = array.astype(np.float64, copy=False)
    if objective.name == schema.time:
        return wide
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), wide, equal_nan=True) else wide


def _narrow_seeds(seeds: Array) -> Array:
    small = np.iinfo(np.int32).min <= seeds.min() <= seeds.max() <= np.iinfo(np.int32).max
    return seeds.astype(np.int32) if small else seeds


def _objective_column(table: Table, schema: Schema, objective: Objective) -> Any:
    if objective.constant:
        return pa.array(_narrowed(table.constants[objective.name], schema, objective))
    return _curve_column(_narrowed(table.points[objective.name], schema, objective), table.lengths, schema)


def _curve_column(points: Array, lengths: Array, schema: Schema) -> Any:
    full = len(schema.fidelity.values)
    if np.all(lengths == full):
        last = points.reshape(-1, full)[:, -1]
        unknown = full > 1 and np.isnan(last).all()  # a list as in the tasks that know it
        if not unknown and np.array_equal(proportional(last, schema), points, equal_nan=True):
            return pa.array(last)
    return list_column(points, lengths, schema)


def _configuration_count(table: Table) -> int:
    changes = np.zeros(len(table), dtype=bool)
    for column in table.hyperparameters.values():
        changes[1:] |= np.diff(column.codes) != 0
    return int(changes.sum()) + 1


def read_table(content: bytes, schema: Schema, labels: Sequence[str], path: Path) -> Table:
    """The table that :func:`write_table` wrote.

    Args:
        content: The file's bytes.
        schema: What its columns mean.
        labels: Its label columns.
        path: What messages call it.

    Raises:
        FormatError: The content is no parquet file, or lacks a column.
    """
    wanted = [*schema.space.domains, "seed", *(o.name for o in schema.objectives), *labels]
    return from_arrow(_columns(content, path, wanted), schema, labels)


def write_arrays(file: Path, arrays: Mapping[str, Array]) -> None:
    """Write float32 arrays of any shapes, one row an array: name, shape, values."""
    columns = {
        "name": pa.array(list(arrays)),
        "shape": pa.array([list(array.shape) for array in arrays.values()], pa.list_(pa.int32())),
        "values": pa.array(
            [array.astype(np.float32).ravel() for array in arrays.values()], pa.list_(pa.float32())
        ),
    }
    split = ["values.list.element"]
    pq.write_table(
        pa.table(columns), file, compression="zstd", use_dictionary=False, use_byte_stream_split=split
    )


def read_arrays(content: bytes, path: Path) -> dict[str, Array]:
    """The arrays that :func:`write_arrays` wrote.

    Raises:
        FormatError: The content is no parquet file, or lacks a column.
    """
    columns = _columns(content, path, ("name", "shape", "values"))
    rows = zip(columns["name"], columns["shape"], columns["values"], strict=True)
    return {str(name): numbers_of(values.values).reshape(shape.as_py()) for name, shape, values in rows}


def _columns(content: bytes, path: Path, wanted: Sequence[str]) -> Any:
    try:
        columns = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowInvalid, OSError) as err:
        raise FormatError(f"{path} is not readable parquet: {err}") from err
    missing = [name for name in wanted if name not in columns.column_names]
    if missing:
        raise FormatError(f"{path} lacks the columns {missing!r}")
    return columns
