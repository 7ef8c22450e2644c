"""Raw files as they were published: found in a folder, unpacked, and checked by hash before use."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.store.manifest import Source
from conversion_scripts.raw.archives import Limits, Member, members, opened, unpacked
from conversion_scripts.raw.locate import located, located_unpacked, short_names, unpacked_name
from conversion_scripts.readers.csv_columns import csv_columns
from conversion_scripts.readers.safe_pickle import unpickle, unpickle_torch

UNPACKED_LIMIT = 1 << 28  # of what is read in one piece, unless the recipe knows of more
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
        members: Of an archive, what is read of it; the archive may then also lie there unpacked.

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


def github(name: str, repository: str, commit: str, path: str, sha256: str, size: int = 0) -> RawFile:
    """A file of a public GitHub repository, with the address of its raw content."""
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    return RawFile(name, repository, path, commit, url, sha256, size)


class RawFolder:
    """The files of a recipe in a folder; the only way in which a recipe reads anything.

    A file may lie under its whole name, or under the end of it: in ``root/icml2020/XGBoost.csv.zip``, or in
    ``root/XGBoost.csv.zip`` where only one file of the recipe can be meant.

    Args:
        root: The folder, or one file of it.
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
        self._watch = watch
        self._unverified: Path | None = None
        self._files = {file.name: file for file in files}
        self._read: dict[str, Source] = {}
        if not root.exists():
            raise InvalidOption(f"the raw folder {str(root)!r} does not exist or is no folder")
        self._places = _places(root, self._files.values())
        missing = [file for name, file in self._files.items() if name not in self._places]
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

        That of an archive which lies there unpacked has no ending such as ``.zip``.

        Raises:
            UnknownName: The recipe does not list the file.
        """
        return self._place(name).file.name

    def bytes(self, name: str) -> bytes:
        """The content of a file as published.

        Raises:
            UnknownName: The recipe does not list it.
            IntegrityError: It is not the file that the recipe knows.
            FormatError: Its gzip is damaged, or too large.
        """
        place = self._place(name)
        with self._content(place, _limit(place.file, UNPACKED_LIMIT)) as stream:
            content = stream.read()
        self._check(place, hashlib.sha256(content).hexdigest(), len(content))
        return content

    def stream(self, name: str) -> BinaryIO:
        """The content of a file as published, for those too large to be read in one piece; errors as there.

        At its first use the file is read twice: its hash is checked before anything of it is used.
        """
        self.verify(name)
        place = self._place(name)
        return self._content(place, _limit(place.file, Limits.member))

    def members(self, name: str) -> Iterator[Member]:
        """The files in an archive, in its order, or in a folder, by name; see :func:`archives.members`."""
        self.verify(name)
        place = self._place(name)
        if not place.parts:
            with self.stream(name) as archive:
                yield from members(archive, place.file.name)
        total, done = self._read[place.file.name].bytes, 0
        for member, path in place.parts.items():
            with path.open("rb") as stream:
                yield Member(member, path.stat().st_size, stream)
            done += path.stat().st_size
            self._watch(place.file.name, done, total)

    @contextmanager
    def member(self, name: str, member: str) -> Iterator[BinaryIO]:
        """One file in an archive, as a stream; see :func:`archives.opened`."""
        self.verify(name)
        place = self._place(name)
        if member in place.parts:
            with place.parts[member].open("rb") as stream:
                yield stream
            return
        with self.stream(name) as archive, opened(archive, place.file.name, member) as stream:
            yield stream

    def verify(self, name: str) -> None:
        """Check a file or folder at its first use; from then on it is among the sources."""
        place = self._place(name)
        if place.file.name in self._read:
            return
        if place.parts:
            self._check(place, *_folder_hash(place.parts.values()))
            return
        with self._content(place, _limit(place.file, Limits.member)) as stream:
            self._check(place, *_hashed(stream))

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

    def _place(self, name: str) -> _Place:
        if name not in self._places:
            raise UnknownName("raw file", name, self._files)
        place = self._places[name]
        if not place.file.sha256:
            self._unverified = place.path
        return place

    def _content(self, place: _Place, limit: int) -> BinaryIO:
        opened = self._watched(place, place.path)
        packed = place.path.name == f"{PurePosixPath(place.file.name).name}.gz"
        return unpacked(opened, str(place.path), limit) if packed else opened

    def _watched(self, place: _Place, path: Path) -> BinaryIO:
        report = partial(self._watch, place.file.name)
        return cast("BinaryIO", io.BufferedReader(_Watched(path, report), _PIECE))

    def _check(self, place: _Place, found: str, size: int) -> None:
        file = place.file
        if file.sha256 not in ("", found):
            raise IntegrityError(
                f"{place.path} is not the file that this recipe knows: its sha256 is {found}, "
                f"expected {file.sha256}; it was not used. Fetch it again from {_origin(file)}"
            )
        self._read[file.name] = Source(
            file.name, found, size, file.repository, file.path, file.commit, file.url
        )


@dataclass(frozen=True)
class _Place:
    """A packing that is there.

    Args:
        file: Which one.
        path: The file, plain or gzipped, or the folder.
        parts: Of a folder: name -> its file; the names are those in the archive if that lies there unpacked.
    """

    file: RawFile
    path: Path
    parts: Mapping[str, Path] = field(default_factory=dict)


def present(root: Path, files: Iterable[RawFile]) -> set[str]:
    """The names of those files which are there, in whichever packing and place a :class:`RawFolder` finds."""
    return set(_places(root, list(files)))


def _places(root: Path, files: Collection[RawFile]) -> dict[str, _Place]:
    """Where the files are, in a folder or beside the one of them that is given instead."""
    found = _found(root, files, "")
    if found or not (given := _given(root, files)):
        return found
    return _found(root.parent, files, given)


def _found(root: Path, files: Collection[RawFile], preferred: str) -> dict[str, _Place]:
    """Where the files are; under their whole names rather than under a part of these."""
    packings = {file.name: _packings(file, preferred) for file in files}
    short = short_names({name: [packing.name for packing in some] for name, some in packings.items()})
    places = {}
    for name, some in packings.items():
        whole = (_tried(root, packing, [packing.name]) for packing in some)
        ends = (_tried(root, packing, short[packing.name]) for packing in some)
        place = next(filter(None, itertools.chain(whole, ends)), None)
        if place is not None:
            places[name] = place
    return places


def _given(root: Path, files: Iterable[RawFile]) -> str:
    """The base name of the raw file that is given instead of the folder in which it lies, if one is."""
    packings = [packing for file in files for packing in (file, *file.instead)]
    names = dict.fromkeys(name for packing in packings for name in _base_names(packing))
    given = next((name for name in names if root.name in (name, f"{name}.gz")), "")
    if root.is_file() and not given:
        raise InvalidOption(
            f"{str(root)!r} is none of the raw files that are needed; they are called "
            f"{', '.join(map(repr, names))}"
        )
    return given


def _packings(file: RawFile, preferred: str) -> list[RawFile]:
    """The file and what will do instead, or the one of these that the user pointed at."""
    all_ = [file, *file.instead]
    return [packing for packing in all_ if preferred in _base_names(packing)] or all_


def _base_names(file: RawFile) -> list[str]:
    return [PurePosixPath(name).name for name in (file.name, *file.members)]


def _tried(root: Path, file: RawFile, names: Iterable[str]) -> _Place | None:
    path = located(root, names)
    if path is not None and path.is_dir():
        return _Place(file, path, {part.name: part for part in sorted(path.iterdir()) if part.is_file()})
    if path is not None:
        return _Place(file, path)
    paths = located_unpacked(root, file.name, file.members)
    if not paths:
        return None
    unpacked_file = RawFile(unpacked_name(file.name), file.repository, file.path, file.commit)
    return _Place(unpacked_file, next(iter(paths.values())).parent, paths)


def _limit(file: RawFile, default: int) -> int:
    """The most bytes that the file may unpack to."""
    return file.size or max(default, 4 * file.about)


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
    contents = [member.content(UNPACKED_LIMIT) for member in members(io.BytesIO(content), name)]
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


def _folder_hash(paths: Iterable[Path]) -> tuple[str, int]:
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
