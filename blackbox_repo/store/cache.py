"""Decoded copies of large tables, which later processes map into their memory instead of decoding the file.

The copies lie in a folder of the user's cache to which no other user can write. The name of a copy is made of
the SHA-256 of the file it was made from, and it was made after that hash had been checked, so a copy is what
the manifest describes. Copies have checksums of their own: what describes the rows is checked when the copy
is mapped, and the points of the curves in blocks, when a point of a block is first read.

One process decodes a table while the others wait for its copy. Where no copy can be written, each decodes it
for itself, and a warning says why, once in a process.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from blackbox_repo.errors import AlreadyLocked, FolderNotPrivate
from blackbox_repo.row_index import RowIndex
from blackbox_repo.schema import Schema
from blackbox_repo.store import array_file
from blackbox_repo.store.block_sums import CheckedBlocks, block_sums
from blackbox_repo.store.cache_folder import (
    FOLDER_VARIABLE,
    check_private,
    folder,
    make_private,
    warn_unusable,
)
from blackbox_repo.store.lock import exclusive, remove_abandoned
from blackbox_repo.store.row_arrays import arrays_of, index_of

__all__ = ["FOLDER_VARIABLE", "SMALLEST", "Wanted", "copies", "find", "folder", "load"]

SMALLEST = 1_500_000
"""The smallest table with a copy, in points (about 8 MB): decoding less is faster than starting Python."""
_LAYOUT = 3
_PATIENCE = 300.0  # seconds to wait for a process that decodes the same table
_NAME = re.compile(r"[0-9a-f]{64}\.arrow|\.[0-9a-f]{64}\.arrow\.partial")
_MARKS = (array_file.MARK, b"ARROW1\0\0")  # copies before layout 3 were Arrow files; the name has stayed
_POINTS, _SUMS = "points ", "sums"

Check = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """A table whose copy is looked for.

    Args:
        file: The file of the table; a copy that is older is not used.
        sha256: The SHA-256 that the file should have.
        schema: What its columns mean.
        labels: The names of its label columns.
    """

    file: Path
    sha256: str
    schema: Schema
    labels: Sequence[str]

    @cached_property
    def copy(self) -> Path | None:
        """Where the copy lies, or ``None`` if there is no cache."""
        where = folder()
        meant = f"{_LAYOUT} {self.sha256} {self.schema.meaning()} {list(self.labels)!a}"
        return where and where / f"{hashlib.sha256(meant.encode()).hexdigest()}.arrow"


def load(wanted: Wanted, decode: Callable[[], RowIndex]) -> tuple[RowIndex, Check | None]:
    """The table from its copy; if there is none, it is decoded, and a copy is written for other processes.

    Args:
        wanted: The table.
        decode: Called if there is no copy, once among the processes that load the table at the same time.

    Returns:
        The table, and unless it was decoded for this process alone a function as :func:`find` returns it.
    """
    found = find(wanted)
    if found is not None:
        return found
    copy = wanted.copy
    if copy is None:
        return decode(), None
    with ExitStack() as stack:
        try:
            make_private(copy.parent)
            if copy.is_symlink():  # none is read, and what it names is not ours to lock
                copy.unlink()
            stack.enter_context(exclusive(copy, timeout=_PATIENCE))
        except (OSError, FolderNotPrivate, AlreadyLocked) as err:
            _tell(copy.parent, err)
            return decode(), None
        return find(wanted) or _decode_and_keep(wanted, copy, decode)


def find(wanted: Wanted) -> tuple[RowIndex, Check] | None:
    """The table from its copy, if one was made since the file was changed last.

    Returns:
        The table, whose points must not be read before the function beside it has been called with where they
        begin and end; it raises :class:`IntegrityError` if they are damaged.
    """
    path = wanted.copy
    try:
        if path is None:
            return None
        check_private(path.parent)
        arrays, state = array_file.read(path)
        if state.st_mtime_ns < wanted.file.stat().st_mtime_ns:
            return None
        points = {name: arrays[_POINTS + name] for name in wanted.schema.curve_names}
        rows = index_of(arrays, points, wanted.schema, wanted.labels)
        return rows, CheckedBlocks(path, points, arrays[_SUMS])
    # there is no copy, or it was cut off or damaged
    except (FolderNotPrivate, OSError, LookupError, TypeError, ValueError):
        return None


def _decode_and_keep(
    wanted: Wanted, copy: Path, decode: Callable[[], RowIndex]
) -> tuple[RowIndex, Check | None]:
    """Decode the table and write its copy, which is used from then on: the memory of the arrays is free."""
    from blackbox_repo.store.parquet import release_memory  # which has been imported to decode

    rows = decode()
    try:
        remove_abandoned(copy.parent, _remove_partial)
        _keep(copy, rows, not_before=wanted.file.stat().st_mtime_ns)
    except OSError as err:
        _tell(copy.parent, err)
        return rows, None
    found = find(wanted)
    if found is None:
        return rows, None
    del rows
    release_memory()
    return found


def _keep(copy: Path, rows: RowIndex, not_before: int) -> None:
    """Write a copy for other processes, completely or not at all."""
    sums = block_sums(rows.points)
    points = {_POINTS + name: array for name, array in rows.points.items()}
    partial = _partial(copy)
    try:
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            array_file.write(file, {**arrays_of(rows), _SUMS: sums}, points)
        written = partial.stat()
        if written.st_mtime_ns < not_before:  # by the clock of another machine
            os.utime(partial, ns=(written.st_atime_ns, not_before))
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)


def copies() -> list[Path]:
    """All copies, and partial ones of writers that were killed; other files in the folder are left out."""
    where = folder()
    if where is None or not where.is_dir():
        return []
    named = [path for path in where.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]
    return sorted(path for path in named if path.suffix == ".partial" or _begins_like_one(path))


def _begins_like_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(array_file.MARK)) in _MARKS


def _remove_partial(copy: Path) -> None:
    """Remove what a writer left that was killed."""
    if _NAME.fullmatch(copy.name):
        _partial(copy).unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _tell(where: Path, err: Exception) -> None:
    """Warn that there is no copy, and why."""
    warn_unusable(where, err, "each process decodes large tables for itself")
