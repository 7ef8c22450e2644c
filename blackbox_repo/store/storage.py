"""Blackboxes on disk: a folder with a manifest and parquet files (docs/format.md)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Objective
from blackbox_repo.store.atomic_directory import atomic_directory
from blackbox_repo.store.columns import useful_parts
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.loading import check_file_parts, load_task, read_checked
from blackbox_repo.store.manifest import (
    MANIFEST_FILE,
    BestKnown,
    Manifest,
    Task,
    read_manifest,
    write_manifest,
)
from blackbox_repo.store.names import check_names
from blackbox_repo.store.parquet import read_arrays, write_arrays, write_table
from blackbox_repo.store.self_description import README_FILE, file_metadata, readme
from blackbox_repo.store.surrogate_entry import SURROGATES
from blackbox_repo.table import Table, TabularBlackbox

NETWORK_FILE = "network.parquet"


def save_tables(
    folder: Path,
    manifest: Manifest,
    tables: Mapping[str, Table],
    finish: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> Manifest:
    """Write a tabulated blackbox to a new folder, completely or not at all.

    Args:
        folder: The folder to write; an older version of the blackbox is replaced.
        manifest: Its description; the entries of ``tasks`` may have a title and are completed here.
        tables: Task -> its training runs.
        finish: Called with the complete manifest; returns the one that is written.

    Returns:
        The manifest as written.
    """
    check_names("task name", tables)
    manifest.to_text()  # refused before anything is written
    with atomic_directory(folder, check_replaced) as partial:
        tasks = {name: _write_task(partial, manifest, name, tables[name]) for name in tables}  # one at a time
        complete = finish(replace(manifest, tasks=tasks))
        write_description(partial, complete)
        _keep_surrogates(folder, partial, complete)
    return complete


def save_network(
    folder: Path, manifest: Manifest, arrays: Mapping[str, Array], codes: Mapping[str, int | None]
) -> Manifest:
    """Write a network whose tasks share one file, like :func:`save_tables`.

    Args:
        folder: The folder to write.
        manifest: Its description, with ``network`` set; the entries of ``tasks`` may have a title.
        arrays: Name -> float32 weights.
        codes: Task -> its code in the network's embedding; ``None`` for the only task of a network without.
    """
    check_names("task name", codes)
    manifest.to_text()
    with atomic_directory(folder, check_replaced) as partial:
        file = partial / NETWORK_FILE
        write_arrays(file, arrays, file_metadata(manifest, ""))
        digest, size = _sha256(file.read_bytes()), file.stat().st_size
        tasks = {}
        for name, code in codes.items():
            given = manifest.tasks.get(name, Task(NETWORK_FILE, digest, size))
            tasks[name] = replace(given, file=NETWORK_FILE, sha256=digest, bytes=size, code=code)
        complete = replace(manifest, tasks=tasks)
        write_description(partial, complete)
    return complete


def rewrite(folder: Path) -> Manifest:
    """Write a blackbox again in the way of this version of the code, with the same content of its tables.

    Returns:
        The manifest as written.

    Raises:
        IntegrityError: A file differs from what the manifest describes.
        FormatError: A file does not have the documented format.
    """
    manifest = read_manifest(folder)
    if manifest.surrogate is not None:
        raise FormatError(f"{folder} has fitted surrogates, which are fitted again instead: bb-repo fit")
    if manifest.network is not None:
        task = next(iter(manifest.tasks.values()))
        arrays = read_arrays(read_checked(folder / task.file, task), folder / task.file)
        codes = {name: task.code for name, task in manifest.tasks.items()}
        return save_network(folder, manifest, arrays, codes)

    def table(name: str) -> Table:
        blackbox = load_task(folder, manifest, name, cached=False)
        check_file_parts(folder / manifest.tasks[name].file, manifest, name)
        assert isinstance(blackbox, TabularBlackbox)
        return blackbox.table

    return save_tables(folder, manifest, LazyTables(manifest.tasks, table))


def write_description(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a folder, with its checksum and a README."""
    write_manifest(folder, manifest)
    (folder / README_FILE).write_text(readme(manifest), encoding="utf-8")


def check_replaced(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but a blackbox, or the surrogates of one elsewhere.

    Raises:
        FormatError: It does.
    """
    if [path.name for path in folder.iterdir()] != [SURROGATES]:
        read_manifest(folder)


def _keep_surrogates(replaced: Path, folder: Path, manifest: Manifest) -> None:
    """Copy the surrogates beside the tables that are replaced, if they are surrogates of the new ones."""
    for old in sorted((replaced / SURROGATES).glob(f"[!.]*/{MANIFEST_FILE}")):
        with suppress(FormatError):  # they are of other tables, and are fitted again
            fitted = read_manifest(old.parent).fitted()
            fitted.check_tables(manifest.name, {name: task.sha256 for name, task in manifest.tasks.items()})
            shutil.copytree(old.parent, folder / SURROGATES / old.parent.name)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_task(folder: Path, manifest: Manifest, name: str, table: Table) -> Task:
    file = folder / f"{name}.parquet"
    if set(table.labels) != set(manifest.labels):
        raise FormatError(
            f"the table of {name!r} has the labels {sorted(table.labels)}, but the manifest says "
            f"{sorted(manifest.labels)}"
        )
    blackbox = TabularBlackbox(manifest.schema, table, name=name)
    write_table(file, manifest.schema, blackbox.table, file_metadata(manifest, name))
    content = file.read_bytes()
    given = manifest.tasks.get(name, Task(file.name, "", 0))
    goals = [objective for objective in manifest.schema.objectives if objective.goal != "none"]
    return replace(
        given,
        file=file.name,
        sha256=_sha256(content),
        bytes=len(content),
        parts=useful_parts(content, manifest.schema),
        rows=len(table),
        configurations=len(blackbox.configurations()),
        best={o.name: _best(blackbox, o) for o in goals if not np.isnan(blackbox.values(o.name)).all()},
    )


def _best(blackbox: TabularBlackbox, objective: Objective) -> BestKnown:
    values = blackbox.values(objective.name)
    losses = -values if objective.goal == "max" else values
    where = np.unravel_index(np.nanargmin(losses), losses.shape)
    if np.isinf(values[where]):
        raise FormatError(
            f"the best {objective.name!r} of {blackbox.name!r} is {values[where]}, but must be finite; what "
            f"has no value is NaN"
        )
    index, replicate, point = (int(axis) for axis in where)
    configuration = blackbox.configurations()[index]
    return BestKnown(
        value=float(values[where]),
        configuration=dict(configuration),
        seed=blackbox.seeds(configuration)[replicate],
        fidelity=blackbox.schema.fidelity.values[point],
    )
