"""Decoded copies of large tables, which later processes map into their memory instead of decoding the file.

The copies lie in a folder of the user's cache to which no other user can write. The name of a copy is the
SHA-256 of the file it was made from, and it was made after that hash had been checked, so a copy is what the
manifest describes. Copies have checksums of their own: the columns that describe the rows are checked when
the copy is mapped, and the points of the curves in blocks, when a point of a block is first read.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from blackbox_repo.curve import Array
from blackbox_repo.errors import AlreadyLocked, BlackboxRepoError, FolderNotPrivate, IntegrityError
from blackbox_repo.schema import Schema
from blackbox_repo.store.arrow_table import from_arrow, to_arrow
from blackbox_repo.store.cache_folder import FOLDER_VARIABLE, check_private, folder, is_mine, make_private
from blackbox_repo.store.lock import exclusive
from blackbox_repo.table import Table

__all__ = ["BLOCK", "FOLDER_VARIABLE", "SMALLEST", "copies", "find", "folder", "keep"]

SMALLEST = 8_000_000
"""The smallest table with a copy, in bytes of curves: decoding less is faster than starting Python."""
BLOCK = 2048
"""How many points have one checksum together, over all objectives; a block takes 20 microseconds."""
_LAYOUT = 2
_NAME = re.compile(r"[0-9a-f]{64}\.arrow|\.[0-9a-f]{64}\.arrow\.partial")
_MAGIC = b"ARROW1"
_SUMS = b"blackbox-repo checksums"

Check = Callable[[int, int], None]


def find(file: Path, sha256: str, schema: Schema, labels: Sequence[str]) -> tuple[Table, Check] | None:
    """The table of a file that should have that hash, if a copy was made since the file was changed last.

    Returns:
        The table, whose points must not be read before the function beside it has been called with where they
        begin and end; it raises :class:`IntegrityError` if they are damaged.
    """
    path = _path(sha256, schema)
    if path is None or not _is_private(path.parent):
        return None
    try:
        copy = path.stat()
        regular = stat.S_ISREG(copy.st_mode)  # a pipe need not end
        if not regular or not is_mine(copy) or copy.st_mtime_ns < file.stat().st_mtime_ns:
            return None
        with pa.memory_map(str(path)) as mapped:
            columns = pa.ipc.open_file(mapped, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
        sums = _Sums.parse(columns.schema.metadata[_SUMS])
        columns.drop_columns(schema.curve_names).validate(full=True)
        table = from_arrow(columns, schema, labels)
        if sums.rows != _rows_sum(table) or len(sums.blocks) != _block_count(table):
            return None
    # there is no copy, or it was cut off or damaged
    except (OSError, pa.ArrowException, BlackboxRepoError, LookupError, TypeError, ValueError):
        return None
    return table, _Checked(path, table.points, sums.blocks)


def keep(sha256: str, schema: Schema, table: Table) -> None:
    """Write a copy for other processes if the table is large; where that is impossible, there is none."""
    path = _path(sha256, schema)
    if path is None or sum(array.nbytes for array in table.points.values()) < SMALLEST:
        return
    columns = to_arrow(table, schema)
    columns = columns.replace_schema_metadata({_SUMS: _Sums.of(table).text()})
    with suppress(OSError, AlreadyLocked, FolderNotPrivate):
        make_private(path.parent)
        _tidy_up(path.parent)
        with exclusive(path):
            partial = _partial(path)
            try:
                with pa.OSFile(str(partial), "wb") as file, pa.ipc.new_file(file, columns.schema) as writer:
                    writer.write_table(columns)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)


def copies() -> list[Path]:
    """All copies, and partial ones of writers that were killed; other files in the folder are left out."""
    where = folder()
    if where is None or not where.is_dir():
        return []
    named = [path for path in where.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]
    return sorted(path for path in named if path.suffix == ".partial" or _begins_like_one(path))


class _Sums:
    """The checksums of a table: of what describes its rows, and of each block of points."""

    def __init__(self, rows: int, blocks: Array) -> None:
        self.rows, self.blocks = rows, blocks

    @classmethod
    def of(cls, table: Table) -> _Sums:
        blocks = [_block_sum(table.points, block) for block in range(_block_count(table))]
        return cls(_rows_sum(table), np.array(blocks, dtype="<u4"))

    @classmethod
    def parse(cls, text: bytes) -> _Sums:
        data = json.loads(text)
        blocks = np.array(data["blocks"], dtype="<u4")
        if zlib.crc32(blocks.data) != data["of_blocks"]:
            raise ValueError("the checksums are damaged")
        return cls(data["rows"], blocks)

    def text(self) -> bytes:
        data = {"rows": self.rows, "blocks": self.blocks.tolist(), "of_blocks": zlib.crc32(self.blocks.data)}
        return json.dumps(data).encode()


class _Checked:
    """Checks the points of a mapped table before they are first read."""

    def __init__(self, path: Path, points: Mapping[str, Array], sums: Array) -> None:
        self._path, self._points, self._sums = path, points, sums
        self._done = bytearray(len(sums))

    def __call__(self, start: int, stop: int) -> None:
        if start >= stop:
            return
        first, last = start // BLOCK, (stop - 1) // BLOCK
        if self._done[first] and self._done[last] and last - first < 2:
            return
        for block in range(first, last + 1):
            if not self._done[block]:
                self._check(block)

    def _check(self, block: int) -> None:
        if _block_sum(self._points, block) != self._sums[block]:
            with suppress(OSError):
                self._path.unlink()
            raise IntegrityError(
                f"{self._path}, the decoded copy of a table, was damaged and is removed: try again; the "
                f"table's own file is decoded then"
            )
        self._done[block] = 1


def _rows_sum(table: Table) -> int:
    columns = [array.data for array in (table.seeds, table.lengths, *_in_order(table.constants))]
    columns += [] if table.status is None else [table.status.data]
    for name, coded in (*sorted(table.hyperparameters.items()), *sorted(table.labels.items())):
        columns += [memoryview(ascii((name, coded.values)).encode()), coded.codes.data]
    total = 0
    for column in columns:
        total = zlib.crc32(column, total)
    return total


def _block_count(table: Table) -> int:
    return -(-max((len(array) for array in table.points.values()), default=0) // BLOCK)


def _block_sum(points: Mapping[str, Array], block: int) -> int:
    total = 0
    for array in _in_order(points):
        total = zlib.crc32(array[block * BLOCK : (block + 1) * BLOCK].data, total)
    return total


def _in_order(arrays: Mapping[str, Array]) -> list[Array]:
    return [arrays[name] for name in sorted(arrays)]


def _is_private(where: Path) -> bool:
    """Whether no other user can write to the folder."""
    try:
        check_private(where)
    except (FolderNotPrivate, OSError):
        return False
    return True


def _begins_like_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _tidy_up(where: Path) -> None:
    """Remove the partial copies of writers that were killed."""
    for partial in where.glob(".*.partial"):
        if _NAME.fullmatch(partial.name):
            with suppress(AlreadyLocked), exclusive(where / partial.name[1 : -len(".partial")]):
                partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _path(sha256: str, schema: Schema) -> Path | None:
    where = folder()
    if where is None:
        return None
    meant = hashlib.sha256(f"{_LAYOUT} {sha256} {schema.meaning()}".encode())
    return where / f"{meant.hexdigest()}.arrow"
