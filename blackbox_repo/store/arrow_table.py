"""Tables as columns of Arrow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from blackbox_repo.errors import FormatError
from blackbox_repo.frozen import sealed
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.schema import Schema
from blackbox_repo.table import STATUSES, Coded, Table

_JSON = {b"encoding": b"json"}
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # Arrow's names; integers agree


def from_arrow(columns: Any, schema: Schema, labels: Sequence[str]) -> Table:
    """The table with these columns; its arrays share their memory where possible."""
    points = {name: _flatten(columns[name], name, schema) for name in schema.curve_names}
    lengths = next((length for _, length in points.values()), np.ones(len(columns), dtype=np.int64))
    _check_lengths(points, lengths)
    return Table(
        hyperparameters={name: _read_coded(columns, name) for name in schema.space.domains},
        seeds=sealed(numbers_of(_refuse_nulls(columns["seed"], "seed"))),
        points={name: sealed(flat) for name, (flat, _) in points.items()},
        lengths=sealed(lengths),
        constants={
            name: sealed(numbers_of(_refuse_whole_nulls(columns[name], name)))
            for name in schema.constant_names
        },
        status=_read_status(columns) if "status" in columns.column_names else None,
        labels={name: _read_coded(columns, name) for name in labels},
    )


def table_of(columns: Sequence[tuple[Any, Any]]) -> Any:
    """An Arrow table of fields and their arrays."""
    fields, arrays = zip(*columns, strict=True)
    return pa.Table.from_arrays(list(arrays), schema=pa.schema(fields))


def plain_column(name: str, array: Any) -> tuple[Any, Any]:
    """An array and a field of its type with this name."""
    return pa.field(name, array.type), array


def scalar_column(name: str, values: Sequence[Value | None]) -> tuple[Any, Any]:
    """Scalars as an Arrow field and array, from which :func:`scalars_of` gives back values of the same types.

    Values of one kind are a column of that type, null where there is none: text, whole numbers of 64 bits,
    floats, or bools. Other values, such as ``"sqrt"`` beside ``0.5`` or ``2**70``, are a dictionary of JSON
    texts, and the field says so: ``{"encoding": "json"}``.

    Raises:
        FormatError: A value has another type, is text that is not Unicode, or a number that JSON lacks.
    """
    kind = _arrow_type(name, values)
    if kind is None:
        return coded_column(name, Coded.of(values), dictionary=True)
    return plain_column(name, array_of(values, kind))


def scalars_of(field: Any, column: Any) -> list[Value | None]:
    """The values that :func:`scalar_column` stored.

    Raises:
        FormatError: The field says that it is JSON, but a text is no JSON scalar.
    """
    if not _is_json(field):
        return list(column.to_pylist())
    known = {text: _from_json(field.name, text) for text in column.unique().to_pylist() if text is not None}
    return [known.get(text) for text in column.to_pylist()]


def coded_column(name: str, column: Coded, *, dictionary: bool) -> tuple[Any, Any]:
    """A column as field and array, null where it has no value (see :func:`scalar_column`)."""
    kind = _arrow_type(name, column.values)
    if pa.types.is_null(kind or pa.string()):
        return plain_column(name, pa.nulls(len(column.codes)))
    texts = column.values if kind else [_json(value, name) for value in column.values]
    stored = array_of(texts, kind or pa.string())
    codes = _of_numbers(column.codes, pa.from_numpy_dtype(column.codes.dtype), column.codes >= 0)
    encoded = pa.DictionaryArray.from_arrays(codes, stored)
    if kind is None:
        return pa.field(name, encoded.type, metadata=_JSON), encoded
    # parquet has no dictionary of bools
    return plain_column(name, encoded if dictionary and kind != pa.bool_() else encoded.dictionary_decode())


def array_of(values: Sequence[Any] | Array, kind: Any = None) -> Any:
    """Numbers, bools or text as an Arrow array, null where a value is ``None``.

    ``pa.array`` would import pandas wherever it is installed, to ask whether the values are a series.

    Args:
        values: A sequence, or an array of numbers.
        kind: The Arrow type of a sequence.

    Raises:
        TypeError: A value of another kind.
        FormatError: Text of more than 2 GB.
    """
    if isinstance(values, np.ndarray):
        return _of_numbers(values, kind or pa.from_numpy_dtype(values.dtype))
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    present = np.array([value is not None for value in values], dtype=bool)
    if pa.types.is_string(kind):
        return _of_texts(["" if value is None else value for value in values], present)
    filled = [False if value is None else value for value in values]
    return _of_numbers(np.array(filled or np.empty(0, dtype=bool)), kind, present)


def _of_numbers(values: Array, kind: Any, present: Array | None = None) -> Any:
    if pa.types.is_boolean(kind):
        memory = _bits(values.astype(bool, casting="safe"))
    else:
        memory = pa.py_buffer(np.ascontiguousarray(values.astype(_dtype(kind), casting="safe", copy=False)))
    return pa.Array.from_buffers(kind, len(values), [_valid(present), memory])


def _of_texts(texts: Sequence[str], present: Array) -> Any:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        raise FormatError("the texts of a column have more than 2 GB, but a column holds at most so many")
    memory = [pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), [_valid(present), *memory])


def _valid(present: Array | None) -> Any:
    """Which of the values there are, as Arrow says it; ``None`` for all."""
    return None if present is None or present.all() else _bits(present)


def _bits(flags: Array) -> Any:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _dtype(kind: Any) -> np.dtype[Any]:
    """How numpy calls a type of numbers."""
    return np.dtype(_FLOATS.get(str(kind), str(kind)))


def _arrow_type(name: str, values: Sequence[Value | None]) -> Any:
    """The Arrow type of the values, the null type if there are none, or ``None`` if they need JSON."""
    kinds = {_kind(name, value) for value in values if value is not None}
    if len(kinds) > 1 or "large" in kinds:
        return None
    kind = kinds.pop() if kinds else "null"
    return getattr(pa, kind)()


def _kind(name: str, value: Value) -> str:
    scalar = plain(value)
    if isinstance(scalar, bool):
        return "bool_"
    if isinstance(scalar, int):
        return "int64" if -(2**63) <= scalar < 2**63 else "large"
    if isinstance(scalar, float):
        return "float64"
    if not isinstance(scalar, str):
        raise FormatError(f"the column {name!r} holds {value!r}: it must be text, a number or a bool")
    return _text_kind(name, scalar)


def _text_kind(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as err:
        raise FormatError(f"the column {name!r} holds {value!a}, which is not Unicode text: {err}") from err
    return "string"


def _json(value: Value, name: str) -> str:
    scalar = plain(value)
    try:
        return json.dumps(scalar, ensure_ascii=False, allow_nan=False)
    except ValueError as err:
        raise FormatError(f"the column {name!r} holds {value!r} beside values of other kinds: {err}") from err


def _from_json(name: str, text: str) -> Value:
    value = typed_json.parse(text, where := f"a value of the column {name!r}")
    if not isinstance(value, str | int | float):
        raise FormatError(f"{where} is {value!r}, but must be text, a number or a bool")
    return value


def _is_json(field: Any) -> bool:
    return bool((field.metadata or {}).get(b"encoding") == _JSON[b"encoding"])


def status_column(status: Array) -> Any:
    """Status codes as a column of their names."""
    return pa.DictionaryArray.from_arrays(array_of(status.astype(np.int32)), array_of(STATUSES, pa.string()))


def list_column(points: Array, lengths: Array, schema: Schema) -> Any:
    """The points of each row as a list, of fixed size if all rows have all points."""
    full = len(schema.fidelity.values)
    if np.all(lengths == full):
        return pa.FixedSizeListArray.from_arrays(array_of(points), full)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(array_of(offsets), array_of(points))


def proportional(last: Array, schema: Schema) -> Array:
    """The points of curves that are proportional to the fidelity, computed from their last points."""
    fidelities = np.array(schema.fidelity.values, dtype=np.float64)
    if len(fidelities) == 1:
        return last
    points: Array = (last[:, np.newaxis] * (fidelities / fidelities[-1])).ravel()
    return points


def _flatten(column: Any, name: str, schema: Schema) -> tuple[Array, Array]:
    """The points of all rows end to end, and the number of points of each row."""
    joined = _join_chunks(column)
    fixed = pa.types.is_fixed_size_list(joined.type)
    if not fixed and not pa.types.is_list(joined.type):
        last = numbers_of(_refuse_whole_nulls(joined, name))
        return proportional(last, schema), np.full(len(joined), len(schema.fidelity.values))
    points = numbers_of(_refuse_whole_nulls(_end_to_end(_refuse_nulls(joined, name)), name))
    if fixed:
        return points, np.full(len(joined), joined.type.list_size)
    return points, np.diff(numbers_of(joined.offsets))


def _check_lengths(points: Mapping[str, tuple[Array, Array]], lengths: Array) -> None:
    """Refuse a row whose curves differ in length, even if the total number of points agrees."""
    first = next(iter(points), "")
    for name, (_, others) in points.items():
        wrong = np.flatnonzero(others != lengths)
        if len(wrong):
            row = int(wrong[0])
            raise FormatError(
                f"row {row} has {others[row]} points of {name!r}, but {lengths[row]} of {first!r}"
            )


def _refuse_nulls(column: Any, name: str) -> Any:
    if column.null_count:
        raise FormatError(f"the column {name!r} has {column.null_count} nulls, but each row needs a value")
    return column


def _refuse_whole_nulls(column: Any, name: str) -> Any:
    """The values of an objective; nulls mean NaN among floats and are refused among ints."""
    return column if pa.types.is_floating(column.type) else _refuse_nulls(column, name)


def _end_to_end(lists: Any) -> Any:
    """The values of all lists end to end; ``flatten`` would import all of Arrow's functions."""
    whole = lists.offset == 0 and not lists.null_count
    return lists.values if whole else lists.flatten()


def _join_chunks(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def numbers_of(column: Any) -> Array:
    """A column of numbers as a numpy array, with NaN or -1 in place of nulls.

    Arrow's own ``to_numpy``, ``to_pandas_dtype`` and ``fill_null`` would import pandas, which takes
    longer than reading most tables and may not be installed.
    """
    array = _join_chunks(column)
    valid, values = array.buffers()
    kind = _dtype(array.type)
    if values is None:  # there are none
        return np.empty(0, kind)
    numbers = np.frombuffer(values, kind, len(array), array.offset * kind.itemsize)
    if not array.null_count:
        return numbers
    if kind.kind == "u":
        kind, numbers = np.dtype(np.int64), numbers.astype(np.int64)
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
    present = bits[array.offset : array.offset + len(array)].astype(bool)
    return np.where(present, numbers, kind.type(np.nan if kind.kind == "f" else -1))


def _read_coded(columns: Any, name: str) -> Coded:
    column, field = columns[name], columns.schema.field(name)
    if not pa.types.is_dictionary(column.type):
        if _is_json(field) or not pa.types.is_floating(column.type) or column.null_count:
            return Coded.of(scalars_of(field, column))
        return Coded.of_array(numbers_of(column))
    joined = column.unify_dictionaries()
    codes = np.concatenate([numbers_of(chunk.indices) for chunk in joined.chunks])
    values = scalars_of(field, joined.chunk(0).dictionary)
    if None in values:
        raise FormatError(f"the dictionary of the column {name!r} holds a null; only its codes may be null")
    return Coded(tuple(value for value in values if value is not None), codes.astype(np.int32))


def _read_status(columns: Any) -> Array:
    coded = _read_coded(columns, "status")
    unknown = [value for value in coded.values if value not in STATUSES]
    if unknown or (coded.codes < 0).any():
        raise FormatError(f"a status is {unknown[0] if unknown else None!a}, but must be one of {STATUSES}")
    codes = np.array([STATUSES.index(str(value)) for value in coded.values], dtype=np.uint8)
    return codes[coded.codes]
