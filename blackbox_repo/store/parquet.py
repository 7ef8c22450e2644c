"""Tables and networks as parquet files: which column goes where, and how it is encoded (docs/format.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError
from blackbox_repo.frozen import sealed
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.store.arrow_table import (
    array_of,
    coded_column,
    from_arrow,
    list_column,
    numbers_of,
    plain_column,
    proportional,
    status_column,
    table_of,
)
from blackbox_repo.store.parquet_checks import check_columns, check_sizes, column_rules
from blackbox_repo.store.self_description import field_metadata
from blackbox_repo.table import Table

CONFIGURATIONS_A_ROW_GROUP = 4096
# an accuracy is one of some 100,000 numbers; past the usual 1 MB a row group would go on without dictionary
DICTIONARY_BYTES = 1 << 26
_LEAVES = [pa.int32(), pa.float32()]  # of shapes and of values
_MOST_WEIGHTS = 1 << 30


def write_table(file: Path, schema: Schema, table: Table, said: Mapping[str, str] | None = None) -> None:
    """Write a table, one row for each training run, each column in the encoding that makes it smallest.

    Args:
        file: The file to write.
        schema: Describes the columns; the goal and unit of objectives become metadata of their fields.
        table: The training runs.
        said: The key-value metadata of the file.
    """
    columns: list[tuple[Any, Any]] = []
    for name, domain in schema.space.domains.items():
        column = table.hyperparameters[name]
        columns.append(coded_column(name, column, dictionary=not isinstance(domain, Float)))
    columns.append(plain_column("seed", array_of(_narrow_seeds(table.seeds))))
    if table.status is not None:
        columns.append(plain_column("status", status_column(table.status)))
    columns += [plain_column(o.name, _objective_column(table, schema, o)) for o in schema.objectives]
    columns += [coded_column(label, coded, dictionary=True) for label, coded in table.labels.items()]
    fields = field_metadata(schema)
    columns = [(_add_metadata(field, fields.get(field.name)), array) for field, array in columns]
    arrow = table_of(columns).replace_schema_metadata(said)
    rows = CONFIGURATIONS_A_ROW_GROUP * max(1, round(len(table) / _configuration_count(table)))
    floating = [name for name in arrow.column_names if _is_floating(arrow, name)]
    split = [name for name in floating if _splits(arrow.slice(0, rows), name)]  # the first group decides
    pq.write_table(arrow, file, row_group_size=rows, **_encoding(arrow, split))


def _add_metadata(field: Any, said: Mapping[str, str] | None) -> Any:
    return field.with_metadata(said) if said else field


def _encoding(arrow: Any, split: list[str]) -> dict[str, Any]:
    paths = {name: _leaf_path(arrow, name) for name in arrow.column_names}
    return {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [paths[name] for name in arrow.column_names if name not in split],
        "use_byte_stream_split": [paths[name] for name in split],
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "write_statistics": [paths[name] for name in arrow.column_names if not _is_floating(arrow, name)],
    }


def _splits(arrow: Any, name: str) -> bool:
    """Whether byte-stream splitting makes the column smaller than a dictionary does."""
    sizes = []
    for split in ([], [name]):
        sink = pa.BufferOutputStream()
        column = arrow.select([name])
        pq.write_table(column, sink, **_encoding(column, split))
        sizes.append(sink.getvalue().size)
    return bool(sizes[1] < sizes[0])


def _is_floating(arrow: Any, name: str) -> bool:
    return bool(pa.types.is_floating(_leaf(arrow[name].type)))


def _leaf(kind: Any) -> Any:
    return kind.value_type if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else kind


def _leaf_path(arrow: Any, name: str) -> str:
    return name if _leaf(arrow[name].type) is arrow[name].type else f"{name}.list.element"


def _narrow(array: Array, schema: Schema, objective: Objective) -> Array:
    """The values as float32 if that loses no bit; the time stays float64."""
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
        return array_of(_narrow(table.constants[objective.name], schema, objective))
    return _curve_column(_narrow(table.points[objective.name], schema, objective), table.lengths, schema)


def _curve_column(points: Array, lengths: Array, schema: Schema) -> Any:
    full = len(schema.fidelity.values)
    if np.all(lengths == full):
        last = points.reshape(-1, full)[:, -1]
        unknown = full > 1 and np.isnan(last).all()  # a list as in the tasks that know it
        if not unknown and np.array_equal(proportional(last, schema), points, equal_nan=True):
            return array_of(last)
    return list_column(points, lengths, schema)


def _configuration_count(table: Table) -> int:
    changes = np.zeros(len(table), dtype=bool)
    for column in table.hyperparameters.values():
        changes[1:] |= np.diff(column.codes) != 0
    return int(changes.sum()) + 1


def read_table(
    content: bytes, schema: Schema, labels: Sequence[str], path: Path, rows: int | None = None
) -> Table:
    """The table that :func:`write_table` wrote.

    Args:
        content: The bytes of the file.
        schema: Describes the columns.
        labels: The names of the label columns.
        path: The file, for messages.
        rows: The expected number of rows; by default the number that the file states.

    Raises:
        FormatError: The content is no parquet file, or its columns are not those of the schema.
    """
    expected = column_rules(schema, labels)
    with name_unreadable(path):
        file = open_file(content)
        check_columns(file, expected, ("status",), path)
        check_sizes(file, expected, file.metadata.num_rows if rows is None else rows, path, len(content))
        columns = file.read(use_threads=False)
        columns.validate(full=True)
        return from_arrow(columns, schema, labels)


def release_memory() -> None:
    """Give memory that Arrow has used and keeps for later back to the system."""
    pa.default_memory_pool().release_unused()


def write_arrays(file: Path, arrays: Mapping[str, Array], said: Mapping[str, str] | None = None) -> None:
    """Write float32 arrays of any shapes, one row for each array: name, shape, values."""
    columns = {
        "name": pa.array(list(arrays)),
        "shape": pa.array([list(array.shape) for array in arrays.values()], pa.list_(pa.int32())),
        "values": pa.array(
            [array.astype(np.float32).ravel() for array in arrays.values()], pa.list_(pa.float32())
        ),
    }
    split = ["values.list.element"]
    pq.write_table(
        pa.table(columns).replace_schema_metadata(said),
        file,
        compression="zstd",
        use_dictionary=False,
        use_byte_stream_split=split,
    )


def read_arrays(content: bytes, path: Path) -> dict[str, Array]:
    """The arrays that :func:`write_arrays` wrote.

    Raises:
        FormatError: The content is no parquet file, or holds no such arrays.
    """
    with name_unreadable(path):
        file = open_file(content)
        _check_array_columns(file.schema_arrow, path)
        groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > _MOST_WEIGHTS:
            raise FormatError(
                f"{path} would take more than the {_MOST_WEIGHTS} bytes that a network may have"
            )
        columns = file.read(use_threads=False)
        columns.validate(full=True)
        names = columns["name"].to_pylist()
        if None in names or len(set(names)) < len(names):
            raise FormatError(f"{path} has arrays without a name, or two of one name: {names!a}")
        rows = zip(names, columns["shape"], columns["values"], strict=True)
        return {name: _array(f"{name!a} of {path}", shape, values) for name, shape, values in rows}


def _check_array_columns(found: Any, path: Path) -> None:
    leaves = [kind.value_type for kind in found.types if pa.types.is_list(kind)]
    if found.names != ["name", "shape", "values"] or leaves != _LEAVES:
        raise FormatError(f"{path} must have names, and lists of int32 and of float32, not {found.names}")


def _array(name: str, shape: Any, values: Any) -> Array:
    sizes = shape.as_py()
    if sizes is None or None in sizes or min(sizes, default=0) < 0 or not values.is_valid:
        raise FormatError(f"the array {name} has no shape or no values")
    if values.values.null_count or len(values.values) != math.prod(sizes):
        raise FormatError(f"the array {name} has {len(values.values)} values, but the shape {sizes}")
    array = numbers_of(values.values)
    if not np.isfinite(array).all():
        raise FormatError(f"the array {name} has values that are not finite")
    return sealed(array.reshape(sizes))


def open_file(content: bytes, source: Any = None) -> Any:
    """The opened file; columns of text are read as dictionaries, to have a repeated text in memory once.

    Args:
        content: The bytes of the file, or of its footer alone, from which nothing but metadata can be read.
        source: A file object from which the columns are read instead.
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    columns = pa.BufferReader(content) if source is None else pa.PythonFile(source, "r")
    # nothing between the columns is read
    return pq.ParquetFile(columns, metadata=file.metadata, read_dictionary=texts, pre_buffer=False)


@contextmanager
def name_unreadable(path: Path | str) -> Iterator[None]:
    """Turn errors of pyarrow and of type checks into a ``FormatError`` that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError, OverflowError) as err:
        raise FormatError(f"{path} is not readable parquet: {' '.join(str(err).split())}") from err
