"""What a root is made of: files below one address, which can be read, and perhaps listed and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from blackbox_repo.errors import RootUnavailable

Report: TypeAlias = Callable[[int, int], None]
"""Called with the number of bytes of a file that have been moved, and the number of all its bytes."""

Range: TypeAlias = tuple[int, int]
"""The first byte, and the byte after the last."""


@dataclass(frozen=True)
class Entry:
    """A file in a storage.

    Args:
        path: Where it lies below the address of the storage, with ``/`` between folders.
        size: Its size in bytes.
        modified: When it was written by the storage's own clock, in seconds since 1970; ``None`` if unknown.
    """

    path: str
    size: int
    modified: float | None = None


class OnlyWholeFiles(RootUnavailable):
    """A place gives files only as a whole, and a part of one was asked for."""


class AccessRefused(RootUnavailable):
    """A place does not permit what was asked; some say so of a file that does not exist."""


class Storage(Protocol):
    """Files below one address: a folder, a bucket, a web server.

    Paths are relative to the address. All methods raise :class:`blackbox_repo.errors.RootUnavailable` if the
    place cannot be reached or refuses access, with a message that names the address and never a secret.
    """

    @property
    def address(self) -> str:
        """Where it is, as it may be printed."""

    def read(self, path: str, most: int) -> bytes:
        """The content of a file of at most ``most`` bytes.

        Raises:
            NotInRoot: There is no such file.
            FormatError: It is larger.
        """

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> list[bytes]:
        """Parts of a file.

        Args:
            path: The file.
            ranges: The first byte of each part, and the byte after its last one; ascending.

        Returns:
            As many bytes of each as were asked for, or fewer where the file ends before.

        Raises:
            NotInRoot: There is no such file.
            OnlyWholeFiles: The place gives no parts of files; download the file.
        """

    def download(self, path: str, part: Path, sha256: str, size: int, report: Report) -> None:
        """Write a file to ``part`` and check it.

        What ``part`` already has is kept, and the download goes on from there; a download that breaks off
        leaves what it got.

        Raises:
            NotInRoot: There is no such file.
            IntegrityError: The file there is not that of the hash; nothing is kept.
        """

    def local(self, path: str) -> Path | None:
        """Where the file lies on this machine, whether or not it exists; ``None`` if it is elsewhere."""

    def list(self, folder: str) -> list[Entry]:
        """All files below a folder, sorted by path; none if there is no such folder."""

    def look(self, path: str) -> Entry | None:
        """One file as :meth:`list` has it; ``None`` if it is not there."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file as a whole; one of that path is replaced."""

    def create(self, path: str, content: bytes) -> bool:
        """Write a file unless there is one of that path.

        Returns:
            Whether it was written. Where a storage cannot say it in one step, another writer may come
            between; so the caller reads the file again.
        """

    def replace(self, path: str, content: bytes, seen: bytes | None) -> bool:
        """Write a file unless it has changed since it was read.

        Args:
            path: The file.
            content: Its new content.
            seen: What :meth:`read` gave; ``None`` if there was no such file.

        Returns:
            Whether it was written. The remark on :meth:`create` holds here too.
        """

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
