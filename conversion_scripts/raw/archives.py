"""Members of zip and tar archives, read as streams within limits. Nothing is written to disk under a name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from blackbox_repo.errors import FormatError, InvalidOption, UnknownName

HEADER_LIMIT = 1 << 20  # bytes of one tar header, long names included
# an archive may unpack to FREE bytes, and RATIO for each of its own; the known raw files need 39 at most
RATIO, FREE = 200, 1 << 24
_PIECE = 1 << 20
# the errors of the standard library's readers at damaged, encrypted or unknown content
_DAMAGE = (
    *(OSError, EOFError, RuntimeError, ValueError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


@dataclass(frozen=True)
class Limits:
    """The most that is read of an archive.

    Args:
        member: Bytes of one member.
        total: Bytes of all members together.
        count: The number of members.
    """

    member: int = 1 << 34
    total: int = 1 << 37
    count: int = 1_000_000


@dataclass(frozen=True)
class Member:
    """A regular file in an archive.

    Args:
        name: Its path in the archive.
        size: Its size in bytes, unpacked, as the archive declares it. The stream gives exactly as many bytes,
            or raises ``FormatError``.
        stream: Its content, which must be read before the next member is asked for.
    """

    name: str
    size: int
    stream: BinaryIO

    def content(self, limit: int) -> bytes:
        """The whole content as bytes.

        Args:
            limit: The largest size that is read, in bytes.

        Raises:
            FormatError: The member is larger.
        """
        if self.size > limit:
            raise FormatError(f"{self.name} has {self.size} bytes, more than the limit of {limit}")
        return self.stream.read()


def members(archive: BinaryIO, name: str, limits: Limits = Limits()) -> Generator[Member, None, None]:
    """The regular files in a zip file, or in a tar file, plain or compressed by gzip, bzip2 or xz.

    Args:
        archive: The archive as a seekable stream.
        name: The name of the archive in messages.
        limits: How much may be read.

    Raises:
        FormatError: The archive is of another format, damaged or encrypted, exceeds a limit by what it
            declares or by what it holds, or has a member that leads out of it or is a link or device.
    """
    packed = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    start = archive.read(4)
    archive.seek(0)
    read_members = _read_zip if start[:2] == b"PK" else _read_tar
    total, count = 0, 0
    with _translate_damage(name):
        for member in read_members(archive, name):
            total, count = total + member.size, count + 1
            _check_limit(name, member.name, member.size, limits.member)
            _check_limit(name, f"all files up to {member.name} together", total, limits.total)
            _check_ratio(name, total, packed)
            if count > limits.count:
                raise FormatError(f"{name} has more than the limit of {limits.count} files")
            yield member


@contextmanager
def open_member(archive: BinaryIO, name: str, member: str, limits: Limits = Limits()) -> Iterator[BinaryIO]:
    """The content of one member of an archive, as a stream.

    Args:
        archive: The archive as a seekable stream.
        name: The name of the archive in messages.
        member: The path of the member in the archive.
        limits: How much may be read of the archive, up to the end of the member.

    Raises:
        UnknownName: The archive has no such member.
        FormatError: As for :func:`members`.
    """
    seen = []
    with closing(members(archive, name, limits)) as found:
        for candidate in found:
            if candidate.name == member:
                yield candidate.stream
                return
            seen.append(candidate.name)
    raise UnknownName(f"member of {name}", member, seen)


def decompress(file: BinaryIO, name: str, limit: int = Limits.member) -> BinaryIO:
    """The content of a file that may be compressed by gzip, bzip2 or xz, as a stream.

    Args:
        file: The file as a seekable stream; it is closed together with the stream that is returned.
        name: The name of the file in messages.
        limit: The largest size that it may unpack to, in bytes.

    Raises:
        FormatError: The content is damaged or exceeds the limit. This is raised while the stream is read.
    """
    return io.BufferedReader(_LimitedStream(_open_decompressor(file), name, limit, beneath=file), _PIECE)


@contextmanager
def make_seekable(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The stream itself if it is seekable, otherwise a temporary file with its content.

    The temporary file has no name, so nothing is left of it even if the process is killed.

    Args:
        stream: The stream, at its beginning.
        name: The name of its content in messages.

    Raises:
        InvalidOption: The temporary folder has too little space.
    """
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as file:
        try:
            shutil.copyfileobj(stream, file, _PIECE)
            file.flush()
        except OSError as err:
            raise InvalidOption(
                f"{name} cannot be unpacked in the temporary folder {tempfile.gettempdir()!r} beyond "
                f"{file.tell()} bytes: {err.strerror}; name a folder with enough space in the environment "
                f"variable TMPDIR"
            ) from err
        file.seek(0)
        yield cast("BinaryIO", file)


def _open_decompressor(file: BinaryIO) -> BinaryIO:
    start = file.read(6)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if start[:3] == b"BZh":
        return cast("BinaryIO", bz2.BZ2File(file))
    if start == b"\xfd7zXZ\x00":
        return cast("BinaryIO", lzma.LZMAFile(file))
    return file


class _LimitedStream(io.RawIOBase):
    """A stream of at most ``limit`` bytes; that of a member must have exactly so many.

    Without ``beneath`` it is the stream of a member, and leaves its archive open. Otherwise ``beneath`` is
    the compressed file, which is closed with the stream.
    """

    def __init__(self, inner: BinaryIO, name: str, limit: int, *, beneath: BinaryIO | None = None) -> None:
        super().__init__()
        self._inner, self._name, self._limit, self._beneath = inner, name, limit, beneath
        self._is_exact = beneath is None
        self._count = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        super().close()
        if self._beneath is not None:
            self._inner.close()
            self._beneath.close()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        with _translate_damage(self._name):
            piece = self._inner.read(len(buffer))
        self._count += len(piece)
        if self._count > self._limit:
            raise FormatError(f"{self._name} unpacks to more than the limit of {self._limit} bytes")
        if self._beneath is not None:
            _check_ratio(self._name, self._count, self._beneath.tell())
        if not piece and self._is_exact and self._count < self._limit:
            raise FormatError(f"{self._name} ends after {self._count} of {self._limit} bytes")
        buffer[: len(piece)] = piece
        return len(piece)


class _MeteredSource:
    """A tar file that gives no more bytes than it was allowed to, so that no header can fill the memory.

    Args:
        archive: The file, plain or compressed.
        name: The name of the file in messages.
    """

    def __init__(self, archive: BinaryIO, name: str) -> None:
        self._inner, self._packed, self._name = _open_decompressor(archive), archive, name
        self._left, self._count = HEADER_LIMIT, 0

    def allow(self, size: int) -> None:
        """Let so many bytes of content and the next header be read."""
        self._left = size + HEADER_LIMIT

    def read(self, size: int) -> bytes:
        piece = self._inner.read(size)
        self._left, self._count = self._left - len(piece), self._count + len(piece)
        _check_ratio(self._name, self._count, self._packed.tell())
        if self._left < 0:
            raise FormatError(f"{self._name} has a header of more than the limit of {HEADER_LIMIT} bytes")
        return piece


class _Header(tarfile.TarInfo):
    """A header as the standard library reads it; a truncated or damaged one does not end the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        if len(buf) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it is truncated: the empty block that ends a tar file is missing")
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.InvalidHeaderError as err:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(err)) from err


def _read_tar(archive: BinaryIO, name: str) -> Iterator[Member]:
    source = _MeteredSource(archive, name)
    with tarfile.open(fileobj=cast("BinaryIO", source), mode="r|", tarinfo=_Header) as tar:
        for info in tar:  # next() fails on an empty archive before CPython 3.11
            source.allow(info.size)  # read or skipped
            tar.members = []  # type: ignore[attr-defined]  # else it keeps all headers
            _check_path(name, info.name)
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise FormatError(
                    f"{name} has the member {info.name!r}, a link or device; only files are read"
                )
            content = tar.extractfile(info)
            assert content is not None
            yield _make_member(name, info.name, info.size, cast("BinaryIO", content))


def _read_zip(archive: BinaryIO, name: str) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as zipped:
        infos = zipped.infolist()
        for info in infos:
            _check_path(name, info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise FormatError(
                    f"{name} has the member {info.filename!r}, a link or device; only files are read"
                )
        for info in infos:
            if not info.is_dir():
                with zipped.open(info) as content:
                    yield _make_member(name, info.filename, info.file_size, cast("BinaryIO", content))


def _make_member(archive: str, name: str, size: int, content: BinaryIO) -> Member:
    stream = _LimitedStream(content, f"{archive}/{name}", size)
    return Member(name, size, io.BufferedReader(stream, _PIECE))


def _check_path(archive: str, member: str) -> None:
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts or any(sign in member for sign in "\\:\0"):
        raise FormatError(
            f"{archive} has the member {member!r}, which leads out of the archive; none is read"
        )


def _check_limit(archive: str, what: str, size: int, limit: int) -> None:
    if size > limit:
        raise FormatError(f"{archive}: {what} unpacks to {size} bytes, more than the limit of {limit}")


def _check_ratio(name: str, unpacked_bytes: int, packed: int) -> None:
    if unpacked_bytes > FREE + RATIO * packed:
        raise FormatError(
            f"{name} unpacks to {unpacked_bytes} bytes or more out of {packed}, which is out of proportion"
        )


@contextmanager
def _translate_damage(name: str) -> Iterator[None]:
    try:
        yield
    except FormatError:
        raise
    except _DAMAGE as err:
        raise FormatError(f"{name} cannot be read: {err}") from err
