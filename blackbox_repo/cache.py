"""Decoded copies of large tables, which later processes map into their memory instead of decoding the file.

They lie in a folder of the user's cache. A copy is named by the SHA-256 of the file that it was made of, and
was made after that had been checked: what the manifest describes is found, or nothing.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from blackbox_repo.arrow_table import from_arrow, to_arrow
from blackbox_repo.schema import Schema
from blackbox_repo.table import Table

FOLDER_VARIABLE = "BLACKBOX_CACHE"
SMALLEST = 8_000_000
"""Bytes of curves; smaller tables are decoded in less time than Python takes to start."""
_LAYOUT = 1


def folder() -> Path | None:
    """Where the copies are; ``None`` for nowhere.

    The environment variable ``BLACKBOX_CACHE`` names it; there are no copies if it is set to nothing.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    with suppress(RuntimeError):  # a user without a home
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackbox-repo", "tables")
    return None


def find(file: Path, sha256: str, schema: Schema, labels: Sequence[str]) -> Table | None:
    """The table of a file that should have that hash, if a copy was made since the file was changed last."""
    path = _path(sha256, schema)
    if path is None:
        return None
    try:
        if path.stat().st_mtime_ns < file.stat().st_mtime_ns:
            return None
        with pa.memory_map(str(path)) as mapped:
            return from_arrow(pa.ipc.open_file(mapped).read_all(), schema, labels)
    except (OSError, pa.ArrowException, KeyError):  # there is none, or it was cut off
        return None


def keep(sha256: str, schema: Schema, table: Table) -> None:
    """Write a copy for other processes if the table is large; where that is impossible, there is none."""
    path = _path(sha256, schema)
    if path is None or sum(array.nbytes for array in table.points.values()) < SMALLEST:
        return
    columns = to_arrow(table, schema)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            with pa.OSFile(name, "wb") as file, pa.ipc.new_file(file, columns.schema) as writer:
                writer.write_table(columns)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def copies() -> list[Path]:
    """Every copy, and what a writer that was killed has left."""
    where = folder()
    return [] if where is None else sorted([*where.glob("*.arrow"), *where.glob(".*.partial")])


def _path(sha256: str, schema: Schema) -> Path | None:
    where = folder()
    if where is None:
        return None
    meant = hashlib.sha256(f"{_LAYOUT} {sha256} {schema.meaning()}".encode())
    return where / f"{meant.hexdigest()}.arrow"
