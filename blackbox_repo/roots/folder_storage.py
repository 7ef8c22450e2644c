"""A published root in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from blackbox_repo import typed_json
from blackbox_repo.errors import NotInRoot, RootUnavailable
from blackbox_repo.roots.storage import Entry, Range, Report
from blackbox_repo.store.atomic_directory import sync_to_disk
from blackbox_repo.store.lock import exclusive

_TIMEOUT = 60.0  # seconds that a writer waits for another one of the same file


class FolderStorage:
    """The files below a folder; implements :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        folder: The folder; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def address(self) -> str:
        return str(self._folder)

    def local(self, path: str) -> Path:
        return self._folder / path

    def read(self, path: str, most: int) -> bytes:
        try:
            return typed_json.read_regular(self.local(path), most)
        except OSError as err:
            raise self._failure(path, err) from err

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> list[bytes]:
        try:
            with self.local(path).open("rb") as file:
                return [_read(file, start, stop) for start, stop in ranges]
        except OSError as err:
            raise self._failure(path, err) from err

    def download(self, path: str, part: Path, sha256: str, size: int, report: Report) -> None:
        raise NotImplementedError("the files of a folder are used where they lie")

    def list(self, folder: str) -> list[Entry]:
        top = self.local(folder)
        found = []
        for below, _, files in os.walk(top):
            for name in files:
                path = Path(below) / name
                if not name.startswith("."):  # being written
                    stat = path.stat()
                    found.append(
                        Entry(path.relative_to(self._folder).as_posix(), stat.st_size, stat.st_mtime)
                    )
        return sorted(found, key=lambda entry: entry.path)

    def write(self, path: str, content: bytes) -> None:
        target = self.local(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(target, timeout=_TIMEOUT):
            _write(target, content)

    def create(self, path: str, content: bytes) -> bool:
        return self.replace(path, content, None)

    def replace(self, path: str, content: bytes, seen: bytes | None) -> bool:
        target = self.local(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(target, timeout=_TIMEOUT):
            if (target.read_bytes() if target.exists() else None) != seen:
                return False
            _write(target, content)
        return True

    def remove(self, path: str) -> None:
        self.local(path).unlink(missing_ok=True)

    def _failure(self, path: str, err: OSError) -> RootUnavailable:
        place = self.local(path)
        if isinstance(err, FileNotFoundError | NotADirectoryError):
            return NotInRoot(f"the root {self._folder} has no {path}")
        return RootUnavailable(f"{place} cannot be read: {err.strerror}")


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def _write(target: Path, content: bytes) -> None:
    """Write a file completely or not at all, also if the machine stops; the caller has locked it."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_bytes(content)
        sync_to_disk(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_to_disk(target.parent)
