"""Loads a task: from its decoded copy, or from its file, whose hash is checked first.

pyarrow is imported where a file is decoded, as a copy can be mapped without it; that saves 50 ms and 12 MB.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError, IntegrityError, InvalidConfiguration
from blackbox_repo.row_index import RowIndex
from blackbox_repo.store import cache
from blackbox_repo.store.manifest import Manifest, Task
from blackbox_repo.surrogate.blackbox import NetworkBlackbox
from blackbox_repo.surrogate.network import Network
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.table import TabularBlackbox

# file's hash and spec -> the network, which all tasks share as long as one of them is in use
_networks: WeakValueDictionary[tuple[str, str], Network] = WeakValueDictionary()


def load_task(folder: Path, manifest: Manifest, name: str, *, cached: bool = True) -> Blackbox:
    """As :func:`load_file`, for a blackbox whose files lie in one folder."""
    return load_file(folder / manifest.task(name).file, manifest, name, cached=cached)


def load_file(path: Path, manifest: Manifest, name: str, *, cached: bool = True) -> Blackbox:
    """One task, decoded into read-only arrays; its file's hash is checked first.

    Args:
        path: The file of the task, wherever it lies.
        manifest: The manifest of its blackbox.
        name: The name of the task.
        cached: Whether a decoded copy in the user's cache may be read instead, and written.

    Raises:
        UnknownName: There is no such task.
        IntegrityError: The file differs from what the manifest describes.
        FormatError: The file does not have the documented format.
    """
    task = manifest.task(name)
    full_name = f"{manifest.name}/{name}"
    schema = manifest.schema_of(name)
    if manifest.surrogate is not None:
        return _surrogate(read_checked(path, task), manifest, name, path)
    if manifest.network is not None:
        network = _network(read_checked(path, task), manifest.network, task, path)
        return NetworkBlackbox(schema, network, task.code, name=full_name)
    if cached and task.rows * len(schema.fidelity.values) * len(schema.curve_names) >= cache.SMALLEST:
        wanted = cache.Wanted(path, task.sha256, schema, manifest.labels)
        rows, check = cache.load(wanted, lambda: _decode(path, manifest, name))
    else:
        rows, check = _decode(path, manifest, name), None
    return TabularBlackbox(schema, rows, name=full_name, check=check)


def _decode(path: Path, manifest: Manifest, name: str) -> RowIndex:
    from blackbox_repo.store.parquet import read_table, release_memory

    task, schema = manifest.task(name), manifest.schema_of(name)
    table = read_table(read_checked(path, task), schema, manifest.labels, path, task.rows)
    release_memory()
    try:
        return RowIndex.of(schema, table, f"{manifest.name}/{name}")
    except InvalidConfiguration as err:
        raise FormatError(f"{path} is not what the manifest says: {err}") from err


def check_copy(path: Path, manifest: Manifest, name: str) -> None:
    """Check the decoded copy of a task as a whole, if there is one.

    Args:
        path: The file of the task.
        manifest: The manifest of its blackbox.
        name: The name of the task.

    Raises:
        IntegrityError: The copy is damaged; it has been removed.
    """
    task = manifest.task(name)
    if manifest.network is None and manifest.surrogate is None:
        found = cache.find(cache.Wanted(path, task.sha256, manifest.schema_of(name), manifest.labels))
        if found is not None:
            rows, check = found
            check(0, int(rows.offsets[-1]))


def check_file_parts(path: Path, manifest: Manifest, name: str) -> None:
    """Check the parts by which single objectives are read, if the manifest has them.

    Raises:
        IntegrityError: The file, or a part of it, differs from what the manifest describes.
    """
    from blackbox_repo.store.columns import check_parts

    task = manifest.task(name)
    if task.parts is not None:
        check_parts(read_checked(path, task), task, manifest.schema, path)


def _surrogate(content: bytes, manifest: Manifest, name: str, path: Path) -> SurrogateBlackbox:
    from blackbox_repo.store.flat_arrays import read_flat_arrays
    from blackbox_repo.surrogate.flat import unflatten

    entry, arrays = manifest.fitted(), read_flat_arrays(content, path)
    schema, full_name = manifest.schema_of(name), f"{manifest.name}/{name}"
    return unflatten(entry.tasks[name].spec, arrays, schema, entry.info(name), full_name)


def _network(content: bytes, spec: Mapping[str, Any], task: Task, path: Path) -> Network:
    from blackbox_repo.store.parquet import read_arrays

    key = task.sha256, json.dumps(spec, sort_keys=True)
    network = _networks.get(key)
    if network is None:
        network = _networks[key] = Network(read_arrays(content, path), spec)
    return network


REMEDY = "restore the file, or convert or download the blackbox again"
"""What to do about a file that is not the one in the manifest."""


def read_checked(path: Path, task: Task) -> bytes:
    """The bytes of a task's file.

    Raises:
        IntegrityError: The file is missing or not a regular one, or its SHA-256 differs from the manifest.
    """
    try:
        known = path.stat()
        if not stat.S_ISREG(known.st_mode):  # a pipe or a device need not end
            raise IntegrityError(f"{path} is not a regular file; {REMEDY}")
        if known.st_size > task.bytes:  # it may be too large for the memory
            raise IntegrityError(
                f"{path} is corrupted: it has {known.st_size} bytes, but the manifest says {task.bytes}; "
                f"it was not used; {REMEDY}"
            )
        content = path.read_bytes()
    except OSError as err:
        raise IntegrityError(f"{path} cannot be read ({err.strerror}); {REMEDY}") from err
    found = hashlib.sha256(content).hexdigest()
    if found != task.sha256:
        raise IntegrityError(
            f"{path} is corrupted: its sha256 is {found}, but the manifest says {task.sha256}; "
            f"it was not used; {REMEDY}"
        )
    return content
