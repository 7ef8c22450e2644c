"""A blackbox that was found: its manifest, and where the files of its tasks are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.store.loading import REMEDY
from blackbox_repo.store.manifest import Manifest, Task, read_manifest_file
from blackbox_repo.store.parts import Part, read_parts

ReportFile: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of a file, the number of its bytes that have been moved, and of all its bytes."""


def quiet(file: str, done: int, total: int) -> None:
    """Report nothing."""


class Holding(Protocol):
    """A blackbox that was found in a root.

    Attributes:
        manifest: Its description.
        digest: The SHA-256 of the file of its manifest, which stands for all files.
        origin: Where it was found, as it may be printed.
        folder: The folder in which its files lie under their names; ``None`` if they lie elsewhere.
    """

    manifest: Manifest
    digest: str
    origin: str
    folder: Path | None

    def content(self) -> bytes:
        """The file of the manifest."""

    def file(self, task: Task, report: ReportFile) -> Path:
        """The file of a task on this machine, downloaded if need be; its hash is checked when it is read.

        Raises:
            RootUnavailable: It cannot be downloaded.
            IntegrityError: It is not the file that the manifest describes.
        """

    def parts(self, task: Task, parts: Sequence[Part]) -> dict[Part, bytes]:
        """Verified parts of the file of a task.

        Raises:
            RootUnavailable: They cannot be read.
            IntegrityError: They are not what the manifest describes.
        """

    def discard(self, task: Task) -> bool:
        """Remove the downloaded file of a task, which is damaged; a file that was not downloaded stays.

        Returns:
            Whether there was one, so that it can be downloaded again.
        """


class FolderHolding:
    """A blackbox in a folder of this machine, laid out as docs/format.md says.

    Args:
        folder: The folder.
        origin: The root in which it was found.

    Raises:
        FormatError: It has no manifest, or a malformed one.
    """

    def __init__(self, folder: Path, origin: str) -> None:
        self.folder: Path | None = folder
        self.origin = origin
        self._place = folder
        self._content, self.manifest = read_manifest_file(folder)
        self.digest = hashlib.sha256(self._content).hexdigest()

    def content(self) -> bytes:
        return self._content

    def file(self, task: Task, report: ReportFile) -> Path:
        del report
        return self._place / task.file

    def parts(self, task: Task, parts: Sequence[Part]) -> dict[Part, bytes]:
        return read_file_parts(self._place / task.file, task, parts)

    def discard(self, task: Task) -> bool:
        del task
        return False


def read_file_parts(path: Path, task: Task, parts: Sequence[Part]) -> dict[Part, bytes]:
    """Verified parts of a file of this machine.

    Args:
        path: The file.
        task: What it should be.
        parts: What to read.

    Raises:
        IntegrityError: It cannot be read, or is not what the manifest describes.
    """
    try:
        content = memoryview(typed_json.read_regular(path, task.bytes))
    except OSError as err:
        raise IntegrityError(f"{path} cannot be read ({err.strerror}); {REMEDY}") from err
    except FormatError as err:
        raise IntegrityError(f"{err}; {REMEDY}") from err
    return read_parts(parts, lambda ranges: [bytes(content[a:b]) for a, b in ranges], path)
