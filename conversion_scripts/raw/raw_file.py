"""A raw file as a recipe knows it: its name, where it is published, and what its content must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from blackbox_repo.errors import InvalidOption


@dataclass(frozen=True)
class RawFile:
    """One file that a recipe reads, or a folder of files.

    Args:
        name: Its path below the raw folder, with ``/`` between folders. The file may also lie there
            compressed, as ``name + ".gz"``.
        repository: The GitHub repository that publishes it, as ``owner/name``.
        path: Its path in that repository.
        commit: The commit of the repository that was read.
        url: The address from which it can be downloaded.
        sha256: The SHA-256 of the file as published, before it was compressed with gzip here; empty if the
            recipe does not know it. That of a folder is the SHA-256 of what ``sha256sum *`` prints in it.
        size: Its size as published, in bytes; 0 if the recipe does not know it.
        mirrors: Other addresses of the same file, which are tried in this order.
        instead: The same data packed in other ways; any of these files will do in place of this one.
        about: Its approximate size in bytes, where the recipe does not know the exact one. It is only shown
            to users and used for limits.
        members: The members of an archive that the recipe reads; such an archive may also lie unpacked in
            the raw folder.

    Raises:
        InvalidOption: The name leads out of the raw folder.
    """

    name: str
    repository: str = ""
    path: str = ""
    commit: str = ""
    url: str = ""
    sha256: str = ""
    size: int = 0
    mirrors: tuple[str, ...] = ()
    instead: tuple[RawFile, ...] = ()
    about: int = 0
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if not self.name or path.is_absolute() or ".." in path.parts or "\\" in self.name or ":" in self.name:
            raise InvalidOption(f"the raw file {self.name!r} must be a relative path below the raw folder")

    @property
    def variants(self) -> tuple[RawFile, ...]:
        """This file, then those that will do in place of it."""
        return (self, *self.instead)

    @property
    def origin(self) -> str:
        """Where to get the file, in words."""
        if self.repository:
            return f"{self.path} of {self.repository} at commit {self.commit[:12]}"
        return self.url or "its publisher"


def github(name: str, repository: str, commit: str, path: str, sha256: str, size: int = 0) -> RawFile:
    """A file of a public GitHub repository, with the address of its raw content.

    Args:
        name: Its path below the raw folder.
        repository: The repository, as ``owner/name``.
        commit: The commit from which it is taken.
        path: Its path in the repository.
        sha256: Its SHA-256; empty if the recipe does not know it.
        size: Its size in bytes; 0 if the recipe does not know it.
    """
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    return RawFile(name, repository, path, commit, url, sha256, size)


def total_size(files: Iterable[RawFile]) -> tuple[int, Literal["exact", "about", "at least"]]:
    """The size of the files whose size is known, in bytes, and what that is of the size of all.

    Args:
        files: Some files; of those that will do in place of one, only the first counts.
    """
    files = list(files)
    sizes = [file.size or file.about for file in files]
    if not all(sizes):
        return sum(sizes), "at least"
    return sum(sizes), "about" if any(file.about and not file.size for file in files) else "exact"
