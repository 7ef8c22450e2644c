"""Arrays of any shape as a parquet file with one row, a column each: what fitted surrogates consist of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.frozen import sealed
from blackbox_repo.store.arrow_table import array_of, numbers_of, table_of
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.store.parquet import name_unreadable, open_file
from blackbox_repo.store.parquet_checks import check_chunks

TYPES = {
    **{str(kind): kind for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): kind for kind in (pa.uint8(), pa.uint16(), pa.uint32())},
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}
"""numpy's name of each type of number that an array may have -> Arrow's type."""
MOST_BYTES = 1 << 30
"""The most memory that the arrays of a file may take together."""
_MOST_ARRAYS = 4096
_LEVEL = 12  # of zstd: 19 saves another hundredth of a forest in 40 times the time
_TRIAL_LEVEL = 3
_SHAPE = "shape"
_MOST_AXES = 8
_VALUE_BYTES = 16  # of a value that is encoded, and what says how lists are cut
_SLACK = 1 << 16
# a dictionary could repeat a value more often than there is memory; these are about as long as what they hold
_ENCODINGS = {"PLAIN", "BYTE_STREAM_SPLIT", "RLE", "BIT_PACKED"}


def flat_arrays_content(arrays: Mapping[str, Array], said: Mapping[str, str] | None = None) -> bytes:
    """The file of arrays, with every bit of them, each in the encoding that makes it smallest.

    Args:
        arrays: Name -> an array of one of ``TYPES``.
        said: The key-value metadata of the file.

    Raises:
        FormatError: A name is not plain, an array has another type, or they are too large together.
    """
    for name, array in arrays.items():
        _check(name, array)
    if sum(array.nbytes for array in arrays.values()) > MOST_BYTES or not 0 < len(arrays) <= _MOST_ARRAYS:
        raise FormatError(
            f"{len(arrays)} arrays of {sum(array.nbytes for array in arrays.values())} bytes are no "
            f"surrogate: 1 to {_MOST_ARRAYS} arrays of at most {MOST_BYTES} bytes together can be written"
        )
    table = table_of([_column(name, array) for name, array in arrays.items()])
    split = [name for name in arrays if _splits(table, name)]
    return _written(table.replace_schema_metadata(said), split, _LEVEL)


def _written(table: Any, split: list[str], level: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **_encoding(split), compression_level=level)
    return bytes(sink.getvalue())


def _check(name: str, array: Array) -> None:
    check_plain_name("name of an array", name)
    if str(array.dtype) not in TYPES or array.ndim > _MOST_AXES:
        raise FormatError(
            f"the array {name!r} has the type {array.dtype} and {array.ndim} axes; what is written has one "
            f"of the types {', '.join(TYPES)}, and at most {_MOST_AXES} axes"
        )


def _column(name: str, array: Array) -> tuple[Any, Any]:
    values = array_of(np.ascontiguousarray(array).ravel(), TYPES[str(array.dtype)])
    lists = pa.ListArray.from_arrays(array_of(np.array([0, array.size], dtype=np.int32)), values)
    return pa.field(name, lists.type, metadata={_SHAPE: json.dumps(array.shape)}), lists


def _encoding(split: list[str]) -> dict[str, Any]:
    return {
        "compression": "zstd",
        "use_dictionary": False,
        "use_byte_stream_split": [f"{name}.list.element" for name in split],
        "write_statistics": False,
    }


def _splits(table: Any, name: str) -> bool:
    """Whether byte-stream splitting makes the column smaller; there is none for bools."""
    if pa.types.is_boolean(table.schema.field(name).type.value_type):
        return False
    column = table.select([name])
    return len(_written(column, [name], _TRIAL_LEVEL)) < len(_written(column, [], _TRIAL_LEVEL))


def read_flat_arrays(content: bytes, path: Path) -> dict[str, Array]:
    """The arrays that :func:`flat_arrays_content` wrote, which cannot be changed.

    Args:
        content: The bytes of the file.
        path: The file, for messages.

    Raises:
        FormatError: The content is no parquet file, or not of such arrays, or would take too much memory.
    """
    with name_unreadable(path):
        file = open_file(content)
        _check_columns(file, path)
        _check_sizes(file, path, len(content))
        table = file.read(use_threads=False)
        table.validate(full=True)
        return {name: _array(table, name, path) for name in table.column_names}


def _check_columns(file: Any, path: Path) -> None:
    fields = list(file.schema_arrow)
    if not 0 < len(fields) <= _MOST_ARRAYS or len({field.name for field in fields}) < len(fields):
        raise FormatError(
            f"{path} has {len(fields)} columns, but must have 1 to {_MOST_ARRAYS}, all of different names"
        )
    for field in fields:
        check_plain_name(f"name of an array of {path}", field.name)
        if not pa.types.is_list(field.type) or field.type.value_type not in TYPES.values():
            raise FormatError(
                f"the column {field.name!r} of {path} must be a list of one of {', '.join(TYPES)}, not "
                f"{field.type}"
            )


def _check_sizes(file: Any, path: Path, size: int) -> None:
    found = file.metadata
    if found.num_rows != 1 or found.num_row_groups != 1:
        raise FormatError(
            f"{path} has {found.num_rows} rows in {found.num_row_groups} groups, but the arrays of a "
            f"surrogate are one row"
        )
    check_chunks(found)
    chunks = [found.row_group(0).column(index) for index in range(found.num_columns)]
    memory = 0
    for field, chunk in zip(file.schema_arrow, chunks, strict=True):
        _check_chunk(field, chunk, f"{field.name!r} of {path}")
        memory += chunk.num_values * max(8, field.type.value_type.bit_width) // 8
    compressed = sum(chunk.total_compressed_size for chunk in chunks)
    if memory > MOST_BYTES + 8 * len(chunks) or not 0 <= compressed <= size:  # an empty list counts as one
        raise FormatError(f"{path} would take {memory} bytes in memory, but a surrogate {MOST_BYTES} at most")


def _check_chunk(field: Any, chunk: Any, name: str) -> None:
    if chunk.num_values < 0 or chunk.total_uncompressed_size > chunk.num_values * _VALUE_BYTES + _SLACK:
        raise FormatError(
            f"the array {name} has {chunk.total_uncompressed_size} bytes for {chunk.num_values} values"
        )
    if strange := sorted(set(chunk.encodings) - _ENCODINGS):
        raise FormatError(f"the array {name} ({field.type}) has the encoding {strange[0]}, which is not read")


def _array(table: Any, name: str, path: Path) -> Array:
    field, lists = table.schema.field(name), table.column(name).combine_chunks()
    if lists.null_count or len(lists) != 1 or lists.values.null_count:
        raise FormatError(f"the array {name!r} of {path} has nulls, but each of its numbers must be there")
    values, shape = lists.flatten(), _shape(field, f"{name!r} of {path}")
    if len(values) != math.prod(shape):
        raise FormatError(f"the array {name!r} of {path} has {len(values)} values, but the shape {shape}")
    numbers = _bools(values) if pa.types.is_boolean(values.type) else numbers_of(values)
    return sealed(numbers).reshape(shape)  # a scalar would be a vector if it were sealed


def _shape(field: Any, name: str) -> tuple[int, ...]:
    told = (field.metadata or {}).get(_SHAPE.encode(), b"")[:1000]
    try:
        found = json.loads(told)
    except (ValueError, RecursionError):
        found = None
    lengths = found if isinstance(found, list) and len(found) <= _MOST_AXES else [None]
    if not all(type(length) is int and 0 <= length <= MOST_BYTES for length in lengths):
        raise FormatError(f"the array {name} has the shape {told!a}, but needs a list of lengths")
    return tuple(lengths)


def _bools(values: Any) -> Array:
    _, memory = values.buffers()
    bits = np.unpackbits(np.frombuffer(memory or b"", np.uint8), bitorder="little")
    return bits[values.offset : values.offset + len(values)].astype(bool)
