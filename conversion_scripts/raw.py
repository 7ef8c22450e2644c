"""Raw files as they were published: found in a folder, unpacked, and checked by hash before use."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.manifest import Source
from conversion_scripts.archives import Limits, Member, members, opened, unpacked
from conversion_scripts.csv_columns import csv_columns
from conversion_scripts.safe_pickle import unpickle, unpickle_torch

UNPACKED_LIMIT = 1 << 32  # of what is read in one piece
_PIECE = 1 << 20


@dataclass(frozen=True)
class RawFile:
    """One file that a recipe reads, or a folder of files.

    Args:
        name: Where it lies in the raw folder, ``/`` between folders; there it may also be ``name + ".gz"``.
        repository: Where it is published, ``owner/name``.
        path: Its path there.
        commit: The commit that was read.
        url: Where it can be downloaded.
        sha256: Of the file as published, before any gzip of ours; empty if the recipe does not know it. That
            of a folder is the SHA-256 of what ``sha256sum *`` prints in it.
        size: Its bytes as published; 0 if the recipe does not know them.
        mirrors: Other addresses of the same file, to be tried in order.
        instead: The same data in other packings, any of which will do.
        about: So many bytes it has roughly, where the recipe does not know them; nothing is checked with it.

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

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if not self.name or path.is_absolute() or ".." in path.parts or "\\" in self.name or ":" in self.name:
            raise InvalidOption(f"the raw file {self.name!r} must be a relative path below the raw folder")


def github(name: str, repository: str, commit: str, path: str, sha256: str, size: int = 0) -> RawFile:
    """A file of a public GitHub repository, with the address of its raw content."""
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    return RawFile(name, repository, path, commit, url, sha256, size)


class RawFolder:
    """The files of a recipe in a folder; the only way in which a recipe reads anything.

    Args:
        root: The folder.
        files: What may be read from it, and must be there.
        watch: Told of a file or folder how many bytes of how many are read, as they are.

    Raises:
        InvalidOption: There is no such folder, or it lacks files.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[RawFile],
        watch: Callable[[str, int, int], None] = lambda name, done, total: None,
    ) -> None:
        self._root, self._watch = root, watch
        self._unverified: Path | None = None
        self._files = {file.name: self._variant(file) for file in files}
        self._read: dict[str, Source] = {}
        if not root.is_dir():
            raise InvalidOption(f"the raw folder {str(root)!r} does not exist or is no folder")
        missing = [file for file in self._files.values() if self._find(file.name) is None]
        if missing:
            raise InvalidOption(_missing_text(root, missing, len(self._files)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files read so far, in that order, with the hash and size of what was read."""
        return tuple(self._read.values())

    @property
    def unverified(self) -> Path | None:
        """The last file or folder asked for of which nobody knows the hash."""
        return self._unverified

    def variant(self, name: str) -> str:
        """The name of the packing that is there: the file's own, or one of its ``instead``.

        Raises:
            UnknownName: The recipe does not list the file.
        """
        return self._file(name).name

    def bytes(self, name: str) -> bytes:
        """The content of a file as published.

        Raises:
            UnknownName: The recipe does not list it.
            IntegrityError: It is not the file that the recipe knows.
            FormatError: Its gzip is damaged, or too large.
        """
        file = self._file(name)
        with self._content(file, file.size or UNPACKED_LIMIT) as stream:
            content = stream.read()
        self._check(file, hashlib.sha256(content).hexdigest(), len(content))
        return content

    def stream(self, name: str) -> BinaryIO:
        """The content of a file as published, for those too large to be read in one piece; errors as there.

        At its first use the file is read twice: its hash is checked before anything of it is used.
        """
        file = self._file(name)
        if file.name not in self._read:
            with self._content(file) as stream:
                self._check(file, *_hashed(stream))
        return self._content(file)

    def members(self, name: str) -> Iterator[Member]:
        """The files in an archive, in its order, or in a folder, by name; see :func:`archives.members`."""
        file = self._file(name)
        folder = self._root / file.name
        if not folder.is_dir():
            with self.stream(name) as archive:
                yield from members(archive, file.name)
            return
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        self._check(file, *_folder_hash(paths))
        total, done = self._read[file.name].bytes, 0
        for path in paths:
            with path.open("rb") as stream:
                yield Member(path.name, path.stat().st_size, stream)
            done += path.stat().st_size
            self._watch(file.name, done, total)

    @contextmanager
    def member(self, name: str, member: str) -> Iterator[BinaryIO]:
        """One file in an archive, as a stream; see :func:`archives.opened`."""
        with self.stream(name) as archive, opened(archive, self.variant(name), member) as stream:
            yield stream

    def json(self, name: str) -> Any:
        """A JSON file; the literals ``NaN`` and ``Infinity`` are read as Python does."""
        try:
            return json.loads(self.bytes(name))
        except (ValueError, RecursionError) as err:
            raise FormatError(f"{name} is no readable JSON: {err}") from err

    def pickle(self, name: str) -> Any:
        """A pickle of plain data and numpy arrays."""
        return unpickle(self.bytes(name), name)

    def torch(self, name: str) -> Any:
        """A file of ``torch.save`` with plain data."""
        return unpickle_torch(self.bytes(name), name)

    def csv(self, name: str) -> dict[str, list[str]]:
        """The columns of a CSV file with a header, or of the only one in a zip file, as text."""
        content = self.bytes(name)
        if name.endswith(".zip"):
            content = _only_member(content, name)
        return csv_columns(content, name)

    def _file(self, name: str) -> RawFile:
        if name not in self._files:
            raise UnknownName("raw file", name, self._files)
        file = self._files[name]
        if not file.sha256:
            self._unverified = self._find(file.name)
        return file

    def _variant(self, file: RawFile) -> RawFile:
        packings = (file, *file.instead)
        return next((packing for packing in packings if self._find(packing.name) is not None), file)

    def _find(self, name: str) -> Path | None:
        for candidate in (self._root / name, self._root / f"{name}.gz"):
            if candidate.exists():
                return candidate
        return None

    def _content(self, file: RawFile, limit: int = Limits.member) -> BinaryIO:
        path = self._find(file.name)
        if path is None:
            raise InvalidOption(_missing_text(self._root, [file], len(self._files)))
        opened = cast("BinaryIO", io.BufferedReader(_Watched(path, partial(self._watch, file.name)), _PIECE))
        return opened if path == self._root / file.name else unpacked(opened, str(path), limit)

    def _check(self, file: RawFile, found: str, size: int) -> None:
        if file.sha256 not in ("", found):
            raise IntegrityError(
                f"{self._find(file.name)} is not the file that this recipe knows: its sha256 is {found}, "
                f"expected {file.sha256}; it was not used. Fetch it again from {_origin(file)}"
            )
        self._read[file.name] = Source(
            file.name, found, size, file.repository, file.path, file.commit, file.url
        )


class _Watched(io.FileIO):
    """A file that tells how many bytes of how many are read."""

    def __init__(self, path: Path, watch: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._size, self._report = path.stat().st_size, watch

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self._report(self.tell(), self._size)
        return count


def _only_member(content: bytes, name: str) -> bytes:
    limits = Limits(member=UNPACKED_LIMIT)
    contents = [member.stream.read() for member in members(io.BytesIO(content), name, limits)]
    if len(contents) != 1:
        raise FormatError(f"{name} holds {len(contents)} files, not one")
    return contents[0]


def _hashed(stream: BinaryIO) -> tuple[str, int]:
    """The SHA-256 and the size of what is left of a stream."""
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _folder_hash(paths: list[Path]) -> tuple[str, int]:
    """The SHA-256 of what sha256sum prints for these files, and their bytes together."""
    digest, total = hashlib.sha256(), 0
    for path in paths:
        with path.open("rb") as stream:
            found, size = _hashed(stream)
        digest.update(f"{found}  {path.name}\n".encode())
        total += size
    return digest.hexdigest(), total


def _missing_text(root: Path, missing: list[RawFile], total: int) -> str:
    shown = ", ".join(f"{_names(file)} ({_origin(file)})" for file in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"the raw folder {str(root)!r} lacks {len(missing)} of the {total} files needed: {shown}{more}"


def _names(file: RawFile) -> str:
    return " or ".join(repr(packing.name) for packing in (file, *file.instead))


def _origin(file: RawFile) -> str:
    if file.repository:
        return f"{file.path} of {file.repository} at commit {file.commit[:12]}"
    return file.url or "its publisher"
