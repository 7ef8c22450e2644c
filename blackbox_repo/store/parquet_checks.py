"""Checks of a parquet file's columns and sizes, from its metadata, before anything in it is decoded."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.domains import Integer
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Schema


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind))


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_scalar(kind: Any) -> bool:
    return _is_text(kind) or _is_number(kind) or bool(pa.types.is_boolean(kind) or pa.types.is_null(kind))


_KINDS = {
    "a scalar": _is_scalar,
    "a whole number": pa.types.is_integer,
    "text": _is_text,
    "a number": _is_number,
}
_LABEL_BYTES = 1024  # of a text, on the average
_NUMBER_BYTES = 32  # a number of 64 bits, where it is in a dictionary, and what says how lists are cut
_SLACK = 1 << 20
_MOST_EXPANSION = 1000  # times the file's size; real tables take some ten times as much memory
_SMALL = 1 << 26


@dataclass(frozen=True)
class ColumnRule:
    """What a column may hold.

    Args:
        kind: One of the kinds above.
        points: How many values a row may have at most.
        width: How many bytes a value may take at most, on average.
        curve: Whether a row may be a list of such values.
    """

    kind: str
    points: int = 1
    width: int = _NUMBER_BYTES
    curve: bool = False


def column_rules(schema: Schema, labels: Sequence[str]) -> dict[str, ColumnRule]:
    """The columns of a table, in the order of docs/format.md."""
    points = len(schema.fidelity.values)
    found = {}
    for name, domain in schema.space.domains.items():
        choices = () if isinstance(domain, Integer) else domain.values or ()  # an Integer's may be 2**70
        texts = [len(ascii(value)) for value in choices if isinstance(value, str)]
        found[name] = ColumnRule("a scalar", width=_NUMBER_BYTES + 2 * max(texts, default=0))
    found |= {"seed": ColumnRule("a whole number"), "status": ColumnRule("text", width=2 * _NUMBER_BYTES)}
    for objective in schema.objectives:
        found[objective.name] = (
            ColumnRule("a number") if objective.constant else ColumnRule("a number", points, curve=True)
        )
    return found | dict.fromkeys(labels, ColumnRule("a scalar", width=_LABEL_BYTES))


def check_columns(
    file: Any, expected: Mapping[str, ColumnRule], optional: Sequence[str], path: Path | str
) -> None:
    """Refuse missing, doubled and unknown columns, and types that a column must not have.

    Args:
        file: An open ``pyarrow.parquet.ParquetFile``.
        expected: Column name -> what it may hold.
        optional: The names that may be missing.
        path: What messages call the file.

    Raises:
        FormatError: A column is wrong.
    """
    names = file.schema_arrow.names
    missing = [name for name in expected if name not in names and name not in optional]
    if missing:
        raise FormatError(f"{path} lacks the columns {missing!r}")
    for name in names:
        if names.count(name) > 1:
            raise FormatError(f"{path} has the column {name!a} {names.count(name)} times")
        if name not in expected:
            raise FormatError(f"{path} has the column {name!a}, which the manifest does not list")
    for field in file.schema_arrow:
        rule, kind = expected[field.name], field.type
        listed = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
        if pa.types.is_dictionary(kind) or (rule.curve and listed):
            kind = kind.value_type
        if not _KINDS[rule.kind](kind):
            more = " or a list of such" if rule.curve else ""
            raise FormatError(
                f"the column {field.name!r} of {path} must be {rule.kind}{more}, not {field.type}"
            )


def check_sizes(
    file: Any, expected: Mapping[str, ColumnRule], rows: int, path: Path | str, size: int
) -> None:
    """Refuse a wrong number of rows, and columns that would fill the memory.

    Args:
        file: An open ``pyarrow.parquet.ParquetFile`` whose columns :func:`check_columns` has accepted.
        expected: Column name -> what it may hold.
        rows: How many rows there should be.
        path: What messages call the file.
        size: The size of the file in bytes.

    Raises:
        FormatError: The file has another number of rows, or would take too much memory.
    """
    found = file.metadata
    if found.num_rows != rows or not rows:
        raise FormatError(f"{path} has {found.num_rows} rows, but the manifest says {rows}")
    decoded = sum(rule.points for rule in expected.values()) * rows * 8
    if decoded > max(_SMALL, _MOST_EXPANSION * size):
        raise FormatError(
            f"{path} has {size} bytes, but its {rows} rows would take {decoded} in memory, too many"
        )
    check_chunks(found)
    groups = [found.row_group(group) for group in range(found.num_row_groups)]
    if any(group.num_rows < 0 for group in groups) or sum(group.num_rows for group in groups) != rows:
        raise FormatError(f"the row groups of {path} have other numbers of rows than {rows} together")
    for index, name in enumerate(file.schema_arrow.names):
        for group in groups:
            _check_chunk(group.column(index), expected[name], group.num_rows, f"{name!r} of {path}")


def check_chunks(metadata: Any) -> None:
    """Refuse metadata of chunks that do not fit together, which would abort Python when they are looked at.

    Only pyarrow's reader can look at them safely; it gets so far that it would read the first chunk.

    Raises:
        pa.ArrowException: They do not fit together.
    """
    columns = pq.ParquetFile(
        pa.PythonFile(_Unread(), "r"), metadata=metadata, pre_buffer=False, buffer_size=1
    )
    for group in range(metadata.num_row_groups):
        with suppress(EOFError):
            columns.reader.read_row_group(group, use_threads=False)


class _Unread(io.RawIOBase):
    """A large file whose bytes are unknown."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return 1 << 62

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return offset

    def read(self, size: int = -1) -> bytes:
        raise EOFError(f"{size} bytes were asked for")


def _check_chunk(chunk: Any, rule: ColumnRule, rows: int, name: str) -> None:
    most = rows * rule.points
    if chunk.num_values > most:
        raise FormatError(f"the column {name} has {chunk.num_values} values, but {most} are the most")
    if chunk.total_uncompressed_size > chunk.num_values * rule.width + _SLACK:
        raise FormatError(
            f"the column {name} has {chunk.total_uncompressed_size} bytes for {chunk.num_values} values"
        )
    if "DELTA_BYTE_ARRAY" in chunk.encodings:  # each value may repeat a prefix that is as long as all of them
        raise FormatError(f"the column {name} has the encoding DELTA_BYTE_ARRAY, which is not read")
