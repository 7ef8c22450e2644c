"""Blackboxes on disk: a folder with a manifest and parquet files (docs/format.md)."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.manifest import Best, Manifest, Task, read_manifest, write_manifest
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.table import STATUSES, Coded, Table, TabularBlackbox

CONFIGURATIONS_A_ROW_GROUP = 4096
NETWORK_FILE = "network.parquet"


def save_tables(folder: Path, manifest: Manifest, tables: Mapping[str, Table]) -> Manifest:
    """Write a tabulated blackbox to a new folder, which appears complete or not at all.

    Args:
        folder: Where it shall lie; an older version of it is replaced.
        manifest: Its description; the entries of ``tasks`` may carry a title and are completed here.
        tables: Task -> its training runs.

    Returns:
        The manifest as written.
    """
    with _appearing(folder) as partial:
        tasks = {}
        for name, table in tables.items():
            file = partial / f"{name}.parquet"
            _write_table(file, manifest.schema, table)
            given = manifest.tasks.get(name)
            tasks[name] = _table_entry(file, manifest.schema, table, given.title if given else "")
        complete = replace(manifest, tasks=tasks)
        write_manifest(partial, complete)
    return complete


def save_network(
    folder: Path, manifest: Manifest, arrays: Mapping[str, Array], codes: Mapping[str, int]
) -> Manifest:
    """Write a network whose tasks share one file, like :func:`save_tables`.

    Args:
        folder: Where it shall lie.
        manifest: Its description, with ``network`` set; the entries of ``tasks`` may carry a title.
        arrays: Name -> float32 weights.
        codes: Task -> its code in the network's embedding.
    """
    with _appearing(folder) as partial:
        file = partial / NETWORK_FILE
        columns = {
            "name": pa.array(list(arrays)),
            "shape": pa.array([list(array.shape) for array in arrays.values()], pa.list_(pa.int32())),
            "values": pa.array(
                [array.astype(np.float32).ravel() for array in arrays.values()], pa.list_(pa.float32())
            ),
        }
        pq.write_table(
            pa.table(columns),
            file,
            compression="zstd",
            use_dictionary=False,
            use_byte_stream_split=["values"],
        )
        digest, size = _sha256(file.read_bytes()), file.stat().st_size
        tasks = {}
        for name, code in codes.items():
            given = manifest.tasks.get(name)
            tasks[name] = Task(NETWORK_FILE, digest, size, title=given.title if given else "", code=code)
        complete = replace(manifest, tasks=tasks)
        write_manifest(partial, complete)
    return complete


def load_task(folder: Path, manifest: Manifest, name: str) -> Blackbox:
    """One task, decoded into read-only arrays; its file's hash is checked first.

    Raises:
        UnknownName: There is no such task.
        IntegrityError: The file is not the one that the manifest describes.
        FormatError: The file is not what the format says.
    """
    task = manifest.task(name)
    content = read_checked(folder / task.file, task)
    full_name = f"{manifest.name}/{name}"
    try:
        columns = pq.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowInvalid, OSError) as err:
        raise FormatError(f"{folder / task.file} is not readable parquet: {err}") from err
    if manifest.network is not None:
        return _network_blackbox(manifest, task, columns, full_name)
    table = _read_table(columns, manifest, folder / task.file)
    if len(table) != task.rows:
        raise FormatError(f"{folder / task.file} has {len(table)} rows, but the manifest says {task.rows}")
    return TabularBlackbox(manifest.schema, table, name=full_name)


def read_checked(path: Path, task: Task) -> bytes:
    """The bytes of a task's file.

    Raises:
        IntegrityError: It is missing, or its SHA-256 is not the manifest's.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise IntegrityError(f"{path} is listed in the manifest but cannot be read: {err.strerror}") from err
    found = _sha256(content)
    if found != task.sha256:
        raise IntegrityError(
            f"{path} is corrupted: its sha256 is {found}, but the manifest says {task.sha256}; "
            f"it was not used. Restore the file, or convert or download the blackbox again"
        )
    return content


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its place when all went well, and is gone if not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    partial.chmod(0o755)
    outdated = partial.with_name(f"{partial.name}.old")
    try:
        yield partial
        if folder.exists():
            read_manifest(folder)  # only a blackbox is ever replaced
            folder.rename(outdated)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(outdated, ignore_errors=True)
        elif outdated.exists():  # interrupted between the two renames
            outdated.rename(folder)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- tables -------------------------------------------------------------------------------------------------


def _write_table(file: Path, schema: Schema, table: Table) -> None:
    columns: dict[str, Any] = {}
    for name, domain in schema.space.domains.items():
        columns[name] = _to_arrow(table.hyperparameters[name], dictionary=not isinstance(domain, Float))
    columns["seed"] = pa.array(table.seeds.astype(np.int32))
    if table.status is not None:
        codes = table.status.astype(np.int32)
        columns["status"] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(STATUSES))
    for objective in schema.objectives:
        if objective.constant:
            columns[objective.name] = pa.array(_narrowed(table.constants[objective.name], schema, objective))
        else:
            points = _narrowed(table.points[objective.name], schema, objective)
            columns[objective.name] = _list_column(points, table.lengths, len(schema.fidelity.values))
    for label, coded in table.labels.items():
        columns[label] = _to_arrow(coded, dictionary=True)
    arrow = pa.table(columns)
    split = [
        name for name in columns if pa.types.is_floating(_leaf(arrow[name].type)) and _splits(arrow, name)
    ]
    rows = CONFIGURATIONS_A_ROW_GROUP * max(1, round(len(table) / _configuration_count(table)))
    pq.write_table(arrow, file, row_group_size=rows, **_encoding(arrow, split))


def _encoding(arrow: Any, split: list[str]) -> dict[str, Any]:
    paths = {name: _leaf_path(arrow, name) for name in arrow.column_names}
    return {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [paths[name] for name in arrow.column_names if name not in split],
        "use_byte_stream_split": [paths[name] for name in split],
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


def _to_arrow(column: Coded, *, dictionary: bool) -> Any:
    codes = pa.array(column.codes, mask=column.codes < 0)
    encoded = pa.DictionaryArray.from_arrays(codes, pa.array(column.values))
    # parquet has no dictionary of bools
    return encoded if dictionary and not isinstance(column.values[0], bool) else encoded.dictionary_decode()


def _narrowed(array: Array, schema: Schema, objective: Objective) -> Array:
    """The values as float32 where that loses no bit; the time stays float64."""
    wide = array.astype(np.float64)
    if objective.name == schema.time:
        return wide
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), wide, equal_nan=True) else wide


def _list_column(points: Array, lengths: Array, full: int) -> Any:
    if full == 1 and np.all(lengths == 1):
        return pa.array(points)  # one point a run: a plain column
    if np.all(lengths == full):
        return pa.FixedSizeListArray.from_arrays(pa.array(points), full)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(points))


def _table_entry(file: Path, schema: Schema, table: Table, title: str) -> Task:
    blackbox = TabularBlackbox(schema, table, name=file.stem)
    goals = [objective for objective in schema.objectives if objective.goal != "none"]
    return Task(
        file=file.name,
        sha256=_sha256(file.read_bytes()),
        bytes=file.stat().st_size,
        rows=len(table),
        configurations=len(blackbox.configurations()),
        title=title,
        best={o.name: _best(blackbox, o) for o in goals if not np.isnan(blackbox.values(o.name)).all()},
    )


def _best(blackbox: TabularBlackbox, objective: Objective) -> Best:
    values = blackbox.values(objective.name)
    losses = -values if objective.goal == "max" else values
    where = np.unravel_index(np.nanargmin(losses), losses.shape)
    index, replicate, point = (int(axis) for axis in where)
    configuration = blackbox.configurations()[index]
    return Best(
        value=float(values[where]),
        configuration=dict(configuration),
        seed=blackbox.seeds(configuration)[replicate],
        fidelity=blackbox.schema.fidelity.values[point],
    )


def _configuration_count(table: Table) -> int:
    changes = np.zeros(len(table), dtype=bool)
    for column in table.hyperparameters.values():
        changes[1:] |= np.diff(column.codes) != 0
    return int(changes.sum()) + 1


def _read_table(columns: Any, manifest: Manifest, path: Path) -> Table:
    schema = manifest.schema
    curves = [objective.name for objective in schema.objectives if not objective.constant]
    constants = [objective.name for objective in schema.objectives if objective.constant]
    wanted = [*schema.space.domains, "seed", *curves, *constants, *manifest.labels]
    missing = [name for name in wanted if name not in columns.column_names]
    if missing:
        raise FormatError(f"{path} lacks the columns {missing!r}")
    points = {name: _flat(columns[name]) for name in curves}
    lengths = next((length for _, length in points.values()), np.ones(len(columns), dtype=np.int64))
    return Table(
        hyperparameters={name: _coded(columns[name]) for name in schema.space.domains},
        seeds=columns["seed"].to_numpy(),
        points={name: flat for name, (flat, _) in points.items()},
        lengths=lengths,
        constants={name: columns[name].to_numpy() for name in constants},
        status=_status(columns["status"]) if "status" in columns.column_names else None,
        labels={name: _coded(columns[name]) for name in manifest.labels},
    )


def _flat(column: Any) -> tuple[Array, Array]:
    """The points end to end, and how many each row has."""
    joined = _joined(column)
    if pa.types.is_fixed_size_list(joined.type):
        return joined.flatten().to_numpy(), np.full(len(joined), joined.type.list_size)
    if pa.types.is_list(joined.type):
        return joined.flatten().to_numpy(), np.diff(joined.offsets.to_numpy())
    return joined.to_numpy(), np.ones(len(joined), dtype=np.int64)


def _joined(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _coded(column: Any) -> Coded:
    if not pa.types.is_dictionary(column.type):
        if not pa.types.is_floating(column.type) or column.null_count:
            return Coded.of(column.to_pylist())
        return Coded.of_array(column.to_numpy())
    joined = column.unify_dictionaries()
    codes = np.concatenate([chunk.indices.fill_null(-1).to_numpy() for chunk in joined.chunks])
    return Coded(tuple(joined.chunk(0).dictionary.to_pylist()), codes.astype(np.int32))


def _status(column: Any) -> Array:
    coded = _coded(column)
    codes = np.array([STATUSES.index(value) for value in coded.values], dtype=np.uint8)
    return codes[coded.codes]


# --- networks -----------------------------------------------------------------------------------------------


def _network_blackbox(manifest: Manifest, task: Task, columns: Any, name: str) -> Blackbox:
    from blackbox_repo.surrogate.blackbox import NetworkBlackbox
    from blackbox_repo.surrogate.network import Network

    rows = columns.to_pydict() if len(columns) == 0 else columns
    arrays = {
        str(rows["name"][i].as_py()): rows["values"][i].values.to_numpy().reshape(rows["shape"][i].as_py())
        for i in range(len(columns))
    }
    assert manifest.network is not None
    return NetworkBlackbox(manifest.schema, Network(arrays, manifest.network), task.code, name=name)
