"""A published root in a folder of this machine."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from blackbox_repo import typed_json
from blackbox_repo.errors import NotInRoot, RootUnavailable
from blackbox_repo.roots.storage import Entry, Range, Report
from blackbox_repo.store import atomic_file
from blackbox_repo.store.atomic_directory import FULL
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
        found: list[Entry] = []
        for below, _, files in os.walk(self.local(folder)):
            for name in files:
                if not name.startswith("."):  # being written
                    found += self._entries(Path(below) / name)
        return sorted(found, key=lambda entry: entry.path)

    def look(self, path: str) -> Entry | None:
        return next(self._entries(self.local(path)), None)

    def write(self, path: str, content: bytes) -> None:
        with self._writing(path) as target:
            atomic_file.write(target, content)

    def create(self, path: str, content: bytes) -> bool:
        return self.replace(path, content, None)

    def replace(self, path: str, content: bytes, seen: bytes | None) -> bool:
        with self._writing(path) as target:
            if (self.read(path, typed_json.LARGEST) if target.exists() else None) != seen:
                return False
            atomic_file.write(target, content)
        return True

    def remove(self, path: str) -> None:
        with self._failures_described(path, "removed"):
            self.local(path).unlink(missing_ok=True)

    def tidy_up(self) -> None:
        """Remove what writers that were killed have left."""
        for folder in (self._folder, *self._folder.glob("*/"), *self._folder.glob("*/*/")):
            atomic_file.tidy_up(folder)

    def _entries(self, path: Path) -> Iterator[Entry]:
        with suppress(OSError):  # removed in between, or a link to nothing
            found = path.stat()
            yield Entry(path.relative_to(self._folder).as_posix(), found.st_size, found.st_mtime)

    @contextmanager
    def _writing(self, path: str) -> Iterator[Path]:
        target = self.local(path)
        with self._failures_described(path, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(target, timeout=_TIMEOUT):
                yield target

    @contextmanager
    def _failures_described(self, path: str, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            remedy = "free some space" if err.errno in FULL else "mend that"
            raise RootUnavailable(
                f"{self.local(path)} cannot be {what}: {err.strerror}; {remedy} and run the same command "
                f"again, which continues from here"
            ) from err

    def _failure(self, path: str, err: OSError) -> RootUnavailable:
        place = self.local(path)
        if isinstance(err, FileNotFoundError | NotADirectoryError) or err.errno == errno.ELOOP:
            return NotInRoot(f"the root {self._folder} has no {path}")
        return RootUnavailable(f"{place} cannot be read: {err.strerror}; mend that and try again")


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)
