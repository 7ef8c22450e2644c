"""Columns of a run as Arrow tables, for users and for parquet files, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.store.arrow_table import array_of, numbers_of, scalar_column, scalars_of
from simulator.kernel.segments import Code
from simulator.kernel.trace import RECORD, Records
from simulator.results.columns import CALLS, CONFIG
from simulator.scheduler import TrialStatus

if TYPE_CHECKING:
    from simulator.results.record import RunRecord

_DECISIONS = [Code(code).name.lower() if code else "" for code in range(max(Code) + 1)]
_DECISION = pa.dictionary(pa.int8(), pa.string())
_SECONDS = {b"unit": b"s"}
_INT, _FLOAT, _TEXT = pa.int64(), pa.float64(), pa.string()
_NUMBERS = (_FLOAT, pa.float32(), _INT)
_SEGMENTS = {
    **dict.fromkeys(("trial", "segment", "worker"), _INT),
    **dict.fromkeys(("busy_from", "started", "ended"), _FLOAT),
    "until": _FLOAT,
    "outcome": _TEXT,
}
_CALLS = dict(zip(CALLS, (_TEXT, _INT, _INT, _FLOAT, _FLOAT, _FLOAT, _FLOAT, _TEXT), strict=True))
_TIMES = ("time", "busy_from", "started", "ended", "arrived", "taken", "answered")
_TRIALS = {"status": _TEXT, "started": _FLOAT, "ended": _FLOAT, "segments": _INT, "checkpoint_of": _INT}


def trials_table(run: RunRecord) -> pa.Table:
    """One row a trial."""
    columns, schema = run.trial_columns, run.schema
    scalars = {name: scalar_column(name, columns[name]) for name in _scalar_names(schema)}
    types = _trial_types(schema, {name: field.type for name, (field, _) in scalars.items()})
    arrays = {name: scalars[name][1] if name in scalars else columns[name] for name in types}
    metadata = {name: field.metadata or {} for name, (field, _) in scalars.items()}
    return _table(run, types, arrays, metadata)


def _scalar_names(schema: Schema) -> list[str]:
    """The columns whose kinds are those of their values."""
    return [*(f"{CONFIG}{name}" for name in schema.space.domains), "seed"]


def _trial_types(schema: Schema, scalars: Mapping[str, Any]) -> dict[str, Any]:
    constants = {objective.name: _FLOAT for objective in schema.objectives if objective.constant}
    return {"trial": _INT, **scalars, **_TRIALS, "off_table": pa.bool_(), **constants}


def segments_table(run: RunRecord) -> pa.Table:
    """One row a segment."""
    return _table(run, _SEGMENTS, run.segment_columns)


def calls_table(run: RunRecord) -> pa.Table:
    """One row a call of the scheduler, where its thinking took time."""
    return _table(run, _CALLS, run.call_columns)


def reports_table(run: RunRecord) -> pa.Table:
    """One row a point, in the order of arrival."""
    arrays = {name: array_of(run.report_columns[name]) for name in run.report_columns}  # made one by one
    words = array_of(_DECISIONS, _TEXT)
    decisions = pa.DictionaryArray.from_arrays(arrays.pop("decision"), words)
    types = {name: array.type for name, array in arrays.items()}
    return _table(run, {**types, "decision": _DECISION}, {**arrays, "decision": decisions})


def trace_table(run: RunRecord) -> pa.Table:
    """One row an event."""
    arrays = {name: array_of(run.records[name]) for name in RECORD.names or ()}
    return _table(run, {name: array.type for name, array in arrays.items()}, arrays)


def _table(
    run: RunRecord,
    types: Mapping[str, Any],
    columns: Mapping[str, Any],
    metadata: Mapping[str, Mapping[bytes, bytes]] | None = None,
) -> pa.Table:
    """The columns as a table; its metadata name the run, and for each column unit, goal and description."""
    known = {objective.name: _describe_objective(objective) for objective in run.schema.objectives}
    known |= {name: _SECONDS for name in _TIMES if name in types}
    known |= {name: _describe_fidelity(run.schema.fidelity) for name in ("fidelity", "until")}
    known |= {name: dict(given) for name, given in (metadata or {}).items()}
    fields = [pa.field(name, kind, metadata=known.get(name)) for name, kind in types.items()]
    said = ("blackbox", "scheduler", "seed", "version", "numbers")
    of_run = {"run": run.digest, **{name: str(run.header[name]) for name in said if name in run.header}}
    arrays = [_array(columns[name], field.type) for name, field in zip(types, fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=of_run))


def _array(column: Any, kind: Any) -> pa.Array:
    return column if isinstance(column, pa.Array) else array_of(column, kind)


def _describe_objective(objective: Objective) -> dict[bytes, bytes]:
    return _encode(unit=objective.unit, goal=objective.goal, description=objective.description)


def _describe_fidelity(fidelity: Fidelity) -> dict[bytes, bytes]:
    return _encode(unit=fidelity.unit, name=fidelity.name)


def _encode(**said: str) -> dict[bytes, bytes]:
    return {key.encode(): text.encode() for key, text in said.items() if text}


# --- and back ---------------------------------------------------------------------------------------------


def trial_columns_of(table: pa.Table, schema: Schema) -> dict[str, list[Any]]:
    """The columns of :func:`trials_table`.

    Raises:
        FormatError: It is no such table, or holds a value that its hyperparameter cannot have.
    """
    names = _scalar_names(schema)
    found = {name: table.schema.field(name).type for name in names if name in table.column_names}
    types = _trial_types(schema, dict.fromkeys(names, _INT) | found)
    hyperparameters = [name for name in names if name != "seed"]
    _check(table, types, nullable=(*hyperparameters, "started", "ended", "checkpoint_of"))
    columns = {name: table[name].to_pylist() for name in table.column_names}
    for name in names:
        columns[name] = scalars_of(table.schema.field(name), table[name])
    for name in hyperparameters:
        _check_values(name, columns[name], schema.space.domains[name.removeprefix(CONFIG)].check)
    _check_values("seed", columns["seed"], _check_whole)
    _check_values("status", columns["status"], TrialStatus)
    if columns["trial"] != list(range(len(table))):
        raise FormatError("its trials are not numbered 0, 1, 2, ...")
    return columns


def _check_whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("it is not a whole number")
    return value


def segment_columns_of(table: pa.Table) -> dict[str, list[Any]]:
    """The columns of :func:`segments_table`.

    Raises:
        FormatError: It is no such table.
    """
    _check(table, _SEGMENTS, nullable=("started", "until"))
    columns: dict[str, list[Any]] = table.to_pydict()
    _check_values("outcome", columns["outcome"], TrialStatus)
    return columns


def call_columns_of(table: pa.Table) -> dict[str, list[Any]]:
    """The columns of :func:`calls_table`.

    Raises:
        FormatError: It is no such table.
    """
    _check(table, _CALLS, nullable=("trial", "segment", "fidelity", "answer"))
    columns: dict[str, list[Any]] = table.to_pydict()
    return columns


def report_columns_of(table: pa.Table, schema: Schema) -> dict[str, Array]:
    """The columns of :func:`reports_table`.

    Raises:
        FormatError: It is no such table.
    """
    numbers = ["fidelity", *(objective.name for objective in schema.objectives if not objective.constant)]
    found = {name: table.schema.field(name).type for name in numbers if name in table.column_names}
    types = {"time": _FLOAT, "trial": pa.int32(), "segment": pa.int32()}
    types |= {name: kind for name, kind in found.items() if kind in _NUMBERS}
    types |= {name: _FLOAT for name in numbers if name not in types}
    _check(table, {**types, "decision": _DECISION})
    columns = {name: _numbers(table[name]) for name in types}
    columns["decision"] = _decisions_of(table["decision"])
    return columns


def _decisions_of(column: pa.ChunkedArray) -> Array:
    """The codes of a column of words, by way of its dictionary, which has each word once."""
    codes = [np.empty(0, dtype=np.int8)]
    for chunk in column.unify_dictionaries().chunks:
        words, indices = chunk.dictionary.to_pylist(), numbers_of(chunk.indices)
        used = [words[index] for index in np.unique(indices).tolist()]
        _check_values("decision", [str(word) for word in used], _DECISIONS[1:].index)
        known = np.array([_DECISIONS.index(word) if word in _DECISIONS else 0 for word in words], np.int8)
        codes.append(known[indices])
    return np.concatenate(codes)


def records_of(table: pa.Table) -> Records:
    """The event record of :func:`trace_table`.

    Raises:
        FormatError: It is no such table.
    """
    names = RECORD.names or ()
    _check(table, {name: pa.from_numpy_dtype(RECORD[name]) for name in names})
    records = np.zeros(len(table), dtype=RECORD)
    for name in names:
        records[name] = _numbers(table[name])
    return records


def _numbers(column: pa.ChunkedArray) -> Array:
    return numbers_of(column.combine_chunks())


def _check(table: pa.Table, types: Mapping[str, Any], nullable: Sequence[str] = ()) -> None:
    """Refuse a table of other columns, or without a value where there must be one."""
    if table.column_names != list(types):
        raise FormatError(f"its columns are {table.column_names!r}, but must be {list(types)!r}")
    for name, kind in types.items():
        if not _is_same(table[name].type, kind):
            raise FormatError(f"its column {name!r} is of the type {table[name].type}, but must be {kind}")
        if table[name].null_count and name not in nullable:
            raise FormatError(f"its column {name!r} lacks {table[name].null_count} values")


def _check_values(name: str, values: Sequence[Any], check: Callable[[Any], object]) -> None:
    for value in dict.fromkeys(value for value in values if value is not None):
        try:
            check(value)
        except ValueError as err:
            raise FormatError(f"its column {name!r} holds {value!r}, which cannot be: {err}") from err


def _is_same(found: Any, kind: Any) -> bool:
    """Whether two types are one; how wide a dictionary's indices are when it is read depends on pyarrow."""
    if pa.types.is_dictionary(found) and pa.types.is_dictionary(kind):
        return bool(found.value_type == kind.value_type)
    return bool(found == kind)
