"""Raw files as they were published: found in a folder, unpacked, and checked by hash before use."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.manifest import Source
from conversion_scripts.safe_pickle import unpickle, unpickle_torch

UNPACKED_LIMIT = 1 << 32


@dataclass(frozen=True)
class RawFile:
    """One file that a recipe reads.

    Args:
        name: Where it lies in the raw folder, ``/`` between folders; there it may also be ``name + ".gz"``.
        repository: Where it is published, ``owner/name``.
        path: Its path there.
        commit: The commit that was read.
        url: Where it can be downloaded.
        sha256: Of the file as published, before any gzip of ours; empty if the recipe does not know it.
        size: Its bytes as published; 0 if the recipe does not know them.
        mirrors: Other addresses of the same file, to be tried in order.

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

    Raises:
        InvalidOption: There is no such folder, or it lacks files.
    """

    def __init__(self, root: Path, files: Iterable[RawFile]) -> None:
        self._root = root
        self._files = {file.name: file for file in files}
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

    def bytes(self, name: str) -> bytes:
        """The content of a file as published.

        Raises:
            UnknownName: The recipe does not list it.
            IntegrityError: It is not the file that the recipe knows.
            FormatError: Its gzip is damaged, or too large.
        """
        if name not in self._files:
            raise UnknownName("raw file", name, self._files)
        file, path = self._files[name], self._find(name)
        if path is None:
            raise InvalidOption(_missing_text(self._root, [file], len(self._files)))
        content = path.read_bytes() if path.name == PurePosixPath(name).name else _gunzipped(path)
        found = hashlib.sha256(content).hexdigest()
        if file.sha256 not in ("", found):
            raise IntegrityError(
                f"{path} is not the file that this recipe knows: its sha256 is {found}, expected "
                f"{file.sha256}; it was not used. Fetch it again from {_origin(file)}"
            )
        self._read[name] = Source(
            name, found, len(content), file.repository, file.path, file.commit, file.url
        )
        return content

    def json(self, name: str) -> Any:
        """A JSON file; the literals ``NaN`` and ``Infinity`` are read as Python does."""
        try:
            return json.loads(self.bytes(name))
        except ValueError as err:
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
        header, *rows = csv.reader(io.StringIO(content.decode()))
        return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))

    def _find(self, name: str) -> Path | None:
        for candidate in (self._root / name, self._root / f"{name}.gz"):
            if candidate.is_file():
                return candidate
        return None


def _only_member(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) != 1 or members[0].file_size > UNPACKED_LIMIT:
                raise FormatError(
                    f"{name} holds {len(members)} files, not one of at most {UNPACKED_LIMIT} bytes"
                )
            return archive.read(members[0])
    except zipfile.BadZipFile as err:
        raise FormatError(f"{name} is no readable zip file: {err}") from err


def _gunzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            content = stream.read(UNPACKED_LIMIT + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        raise FormatError(f"{path} is no readable gzip file: {err}") from err
    if len(content) > UNPACKED_LIMIT:
        raise FormatError(f"{path} unpacks to more than the {UNPACKED_LIMIT} bytes that are read")
    return content


def _missing_text(root: Path, missing: list[RawFile], total: int) -> str:
    shown = ", ".join(f"{file.name!r} ({_origin(file)})" for file in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"the raw folder {str(root)!r} lacks {len(missing)} of the {total} files needed: {shown}{more}"


def _origin(file: RawFile) -> str:
    if file.repository:
        return f"{file.path} of {file.repository} at commit {file.commit[:12]}"
    return file.url or "its publisher"
