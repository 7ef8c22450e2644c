"""The raw folder of a recipe: its files are found in it, unpacked, and checked by hash before use."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.store.manifest import SourceFile
from blackbox_repo.transfer.hashes import hash_folder, hash_stream
from conversion_scripts.raw.archives import Limits, Member, decompress, members, open_member
from conversion_scripts.raw.locate import LocatedFile, locate_files
from conversion_scripts.raw.raw_file import RawFile
from conversion_scripts.readers.csv_columns import csv_columns
from conversion_scripts.readers.safe_pickle import unpickle, unpickle_torch

UNPACKED_LIMIT = 1 << 28  # bytes of a file that is read in one piece, unless the recipe says that it has more
_PIECE = 1 << 20


class RawFolder:
    """The files of a recipe in a folder; the only way in which a recipe reads anything.

    A file may lie under its whole name, as ``root/icml2020/XGBoost.csv.zip``, or under the end of its name,
    as ``root/XGBoost.csv.zip``, if no other file of the recipe ends like that.

    Args:
        root: The folder, or one of the files in it.
        files: The files that may be read from the folder; all of them must be there.
        watch: Called while a file or folder is read with its name, the number of bytes that have been read,
            and the number of all its bytes.

    Raises:
        InvalidOption: The folder does not exist, or lacks files.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[RawFile],
        watch: Callable[[str, int, int], None] = lambda name, done, total: None,
    ) -> None:
        self._watch = watch
        self._unverified: Path | None = None
        self._files = {file.name: file for file in files}
        self._read: dict[str, SourceFile] = {}
        if not root.exists():
            raise InvalidOption(f"the raw folder {str(root)!r} does not exist or is not a folder")
        self._located = locate_files(root, self._files.values())
        missing = [file for name, file in self._files.items() if name not in self._located]
        if missing:
            raise InvalidOption(_describe_missing(root, missing, len(self._files)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """The files read so far, in that order, with the hash and size of what was read."""
        return tuple(self._read.values())

    @property
    def unverified(self) -> Path | None:
        """The last file or folder that the recipe used without knowing its hash, if there is one."""
        return self._unverified

    def variant(self, name: str) -> str:
        """The name of the variant that is there: the file's own, or that of one of its ``instead``.

        Where an archive lies unpacked, its name has no ending such as ``.zip``.

        Raises:
            UnknownName: The recipe does not list the file.
        """
        return self._locate(name).file.name

    def bytes(self, name: str) -> bytes:
        """The content of a file as published.

        Raises:
            UnknownName: The recipe does not list the file.
            IntegrityError: It is not the file that the recipe knows.
            FormatError: It is compressed with gzip, and damaged or too large.
        """
        located = self._locate(name)
        with self._open(located, _limit(located.file, UNPACKED_LIMIT)) as stream:
            content = stream.read()
        self._check(located, hashlib.sha256(content).hexdigest(), len(content))
        return content

    def stream(self, name: str) -> BinaryIO:
        """The content of a file as published, as a stream, for files too large to be read in one piece.

        At its first use the file is read twice, as its hash is checked before anything of it is used. The
        errors are those of :meth:`bytes`.
        """
        self.verify(name)
        located = self._locate(name)
        return self._open(located, _limit(located.file, Limits.member))

    def members(self, name: str) -> Iterator[Member]:
        """The files in an archive, in its order, or in a folder, by name; see :func:`archives.members`."""
        self.verify(name)
        located = self._locate(name)
        if not located.parts:
            with self.stream(name) as archive:
                yield from members(archive, located.file.name)
        total, done = self._read[located.file.name].bytes, 0
        for member, path in located.parts.items():
            with path.open("rb") as stream:
                yield Member(member, path.stat().st_size, stream)
            done += path.stat().st_size
            self._watch(located.file.name, done, total)

    @contextmanager
    def member(self, name: str, member: str) -> Iterator[BinaryIO]:
        """One file in an archive, as a stream; see :func:`archives.open_member`."""
        self.verify(name)
        located = self._locate(name)
        if member in located.parts:
            with located.parts[member].open("rb") as stream:
                yield stream
            return
        with self.stream(name) as archive, open_member(archive, located.file.name, member) as stream:
            yield stream

    def verify(self, name: str) -> None:
        """Check the hash of a file or folder, if this is its first use, and count it among the sources."""
        located = self._locate(name)
        if located.file.name in self._read:
            return
        if located.parts:
            self._check(located, *hash_folder(located.parts.values()))
            return
        with self._open(located, _limit(located.file, Limits.member)) as stream:
            self._check(located, *hash_stream(stream))

    def json(self, name: str) -> Any:
        """The content of a JSON file; the literals ``NaN`` and ``Infinity`` are read as Python does."""
        try:
            return json.loads(self.bytes(name))
        except (ValueError, RecursionError) as err:
            raise FormatError(f"{name} is not readable as JSON: {err}") from err

    def pickle(self, name: str) -> Any:
        """The content of a pickle of plain data and numpy arrays; see :func:`safe_pickle.unpickle`."""
        return unpickle(self.bytes(name), name)

    def torch(self, name: str) -> Any:
        """The content of a file of ``torch.save`` with plain data; torch is not needed."""
        return unpickle_torch(self.bytes(name), name)

    def csv(self, name: str) -> dict[str, list[str]]:
        """The columns of a CSV file with a header, or of the only file in a zip file, as text."""
        content = self.bytes(name)
        if name.endswith(".zip"):
            content = _read_only_member(content, name)
        return csv_columns(content, name)

    def _locate(self, name: str) -> LocatedFile:
        if name not in self._located:
            raise UnknownName("raw file", name, self._files)
        located = self._located[name]
        if not located.file.sha256:
            self._unverified = located.path
        return located

    def _open(self, located: LocatedFile, limit: int) -> BinaryIO:
        stream = self._open_watched(located)
        gzipped = located.path.name == f"{PurePosixPath(located.file.name).name}.gz"
        return decompress(stream, str(located.path), limit) if gzipped else stream

    def _open_watched(self, located: LocatedFile) -> BinaryIO:
        report = partial(self._watch, located.file.name)
        return cast("BinaryIO", io.BufferedReader(_WatchedFile(located.path, report), _PIECE))

    def _check(self, located: LocatedFile, found: str, size: int) -> None:
        file = located.file
        if file.sha256 not in ("", found):
            raise IntegrityError(
                f"{located.path} is not the file that this recipe knows: its sha256 is {found}, "
                f"expected {file.sha256}; it was not used. Fetch it again from {file.origin}"
            )
        self._read[file.name] = SourceFile(
            file.name, found, size, file.repository, file.path, file.commit, file.url
        )


def _limit(file: RawFile, default: int) -> int:
    """The largest size that the file may unpack to, in bytes."""
    return file.size or max(default, 4 * file.about)


class _WatchedFile(io.FileIO):
    """A file that reports how many of its bytes have been read."""

    def __init__(self, path: Path, watch: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._size, self._report = path.stat().st_size, watch

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self._report(self.tell(), self._size)
        return count


def _read_only_member(content: bytes, name: str) -> bytes:
    contents = [member.content(UNPACKED_LIMIT) for member in members(io.BytesIO(content), name)]
    if len(contents) != 1:
        raise FormatError(f"{name} holds {len(contents)} files, not one")
    return contents[0]


def _describe_missing(root: Path, missing: list[RawFile], total: int) -> str:
    shown = ", ".join(f"{_names(file)} ({file.origin})" for file in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"the raw folder {str(root)!r} lacks {len(missing)} of the {total} files needed: {shown}{more}"


def _names(file: RawFile) -> str:
    return " or ".join(repr(variant.name) for variant in file.variants)
