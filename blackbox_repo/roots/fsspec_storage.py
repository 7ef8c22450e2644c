"""A published root in a bucket, or anywhere else that a file system of fsspec reaches."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, NotInRoot, RootUnavailable
from blackbox_repo.roots.addresses import Address
from blackbox_repo.roots.fsspec_errors import is_taken, translate
from blackbox_repo.roots.settings import read_options
from blackbox_repo.roots.storage import Entry, Range, Report
from blackbox_repo.transfer.download import Expected, download
from blackbox_repo.transfer.retry import Failure, WrongContent
from blackbox_repo.transfer.source import Answer

_PIECE = 1 << 23  # bytes that one request downloads
_S3_CLIENT = {"connect_timeout": 10, "read_timeout": 30, "retries": {"total_max_attempts": 3}}
_S3_TRIES = 2  # of s3fs, each with the attempts of its client
_LONGEST = 120.0  # seconds that one request may take
_S3 = ("s3", "s3a")
_T = TypeVar("_T")


class FsspecStorage:
    """The files below an address; implements :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        address: Such as ``s3://bucket/prefix``.
        options: Storage options of fsspec's file system for it.

    Raises:
        InvalidOption: No installed package knows the scheme, or there is an option that it does not know.
    """

    def __init__(self, address: Address, options: Mapping[str, Any]) -> None:
        self._address = address
        self._options: Mapping[str, Any] | None = dict(options)
        self._opened: tuple[int, Any] | None = None
        self._system()

    @property
    def address(self) -> str:
        return self._address.text

    def local(self, path: str) -> None:
        del path

    def read(self, path: str, most: int) -> bytes:
        content: bytes = self._ask(
            path, lambda system, place: system.cat_file(place, start=0, end=most + 1, **self._limit)
        )
        if len(content) > most:
            raise FormatError(
                f"{self.address}/{path} is larger than the {most} bytes that are read of such a file"
            )
        return content

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> list[bytes]:
        starts, stops = [start for start, _ in ranges], [stop for _, stop in ranges]

        def read(system: Any, place: str) -> list[bytes]:
            # at the same time, where the file system can
            places, limit = [place] * len(ranges), self._limit
            found = system.cat_ranges(places, starts, stops, on_error="raise", **limit)
            return [_cut(content, start, stop) for content, (start, stop) in zip(found, ranges, strict=True)]

        return self._ask(path, read)

    def download(self, path: str, part: Path, sha256: str, size: int, report: Report) -> None:
        try:
            download(_Pieces(self, path, size), part, Expected(sha256, size), report=report)
        except WrongContent as err:
            raise IntegrityError(
                f"{self.address}/{path} is not the file of its manifest: {err}. The publisher can "
                f"restore it with bb-repo publish NAME ROOT --repair"
            ) from err
        except Failure as err:
            if isinstance(err.__cause__, RootUnavailable):
                raise err.__cause__ from err
            raise RootUnavailable(f"{self.address}/{path} could not be downloaded: {err}") from err

    def list(self, folder: str) -> list[Entry]:
        try:
            found = self._ask(folder, lambda system, place: system.find(place, detail=True))
        except NotInRoot:
            return []
        base = len(self._place(""))
        entries = [_entry(path[base:], info) for path, info in found.items()]
        return sorted(entries, key=lambda entry: entry.path)

    def look(self, path: str) -> Entry | None:
        try:
            return _entry(path, self._ask(path, lambda system, place: system.info(place)))
        except NotInRoot:
            return None

    def write(self, path: str, content: bytes) -> None:
        self._ask(path, lambda system, place: _put(system, place, content))

    def create(self, path: str, content: bytes) -> bool:
        return self._unless_taken(path, lambda system, place: _put(system, place, content, mode="create"))

    def replace(self, path: str, content: bytes, seen: bytes | None) -> bool:
        if seen is None:
            return self.create(path, content)

        def replace(system: Any, place: str) -> None:
            tag = system.info(place).get("ETag") if self._address.scheme in _S3 else None
            if system.cat_file(place) != seen:
                raise FileExistsError
            _put(system, place, content, **({"IfMatch": tag} if tag else {}))

        return self._unless_taken(path, replace)

    def remove(self, path: str) -> None:
        self._ask(path, lambda system, place: system.rm_file(place))

    def _unless_taken(self, path: str, write: Callable[[Any, str], object]) -> bool:
        def attempt(system: Any, place: str) -> bool:
            try:
                write(system, place)
            except Exception as err:  # whatever the library raises
                if is_taken(err):
                    return False
                raise
            return True

        try:
            return self._ask(path, attempt)
        except NotInRoot:  # it was removed since it was seen
            return False

    def _ask(self, path: str, action: Callable[[Any, str], _T]) -> _T:
        try:
            return action(self._system(), self._place(path))
        except InvalidOption:
            raise
        except Exception as err:  # whatever the library raises; its text may hold secrets
            raise translate(self.address, path, err) from None

    @property
    def _limit(self) -> dict[str, float]:
        return {"timeout": _LONGEST} if self._address.scheme in _S3 else {}

    def _place(self, path: str) -> str:
        system = self._system()
        return f"{system._strip_protocol(self.address)}/{path}"  # noqa: SLF001  the documented way

    def _system(self) -> Any:
        """The file system; its event loop does not survive a fork."""
        if self._opened is None or self._opened[0] != os.getpid():
            options = read_options(self._address) if self._options is None else self._options
            self._opened = os.getpid(), _open(self._address, options)
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        """Without options, which may be secrets; another process has its own configuration file."""
        return {"_address": self._address, "_options": None, "_opened": None}


class _Pieces:
    """A file that is asked for piece by piece; implements ``ByteSource``."""

    def __init__(self, storage: FsspecStorage, path: str, size: int) -> None:
        self._storage, self._path, self._size = storage, path, size

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        del validator  # the hash tells whether it is the same file
        yield Answer(start, 0, "", self._read(start, self._size if stop is None else stop))

    def _read(self, start: int, stop: int) -> Iterator[bytes]:
        for begin in range(start, stop, _PIECE):
            try:
                (piece,) = self._storage.read_ranges(self._path, [(begin, min(begin + _PIECE, stop))])
            except NotInRoot as err:
                raise Failure(str(err)) from err
            except RootUnavailable as err:
                raise Failure(str(err), transient=True) from err
            yield piece
            if len(piece) < min(begin + _PIECE, stop) - begin:  # the file ends here
                return


def _open(address: Address, options: Mapping[str, Any]) -> Any:
    scheme = address.scheme
    try:
        import fsspec

        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as err:
        extra = (
            "pip install 'blackbox-repo[s3]'" if scheme in _S3 else f"install what fsspec needs for {scheme}"
        )
        raise InvalidOption(f"the root {address} needs a package that is not installed: {extra}") from err
    except ValueError as err:
        raise InvalidOption(
            f"the root {address} has an unknown scheme {scheme!a}; fsspec knows none"
        ) from err
    settings = dict(options)
    if scheme in _S3:
        _check_s3_options(address, kind, options)
        settings["config_kwargs"] = {**_S3_CLIENT, **options.get("config_kwargs", {})}
    try:
        system = kind(**settings, skip_instance_cache=True, use_listings_cache=False)
        system.retries = _S3_TRIES
    except Exception as err:  # whatever the library raises; its text may hold secrets
        raise translate(address.text, "anything", err) from None
    return system


def _check_s3_options(address: Address, kind: Any, options: Mapping[str, Any]) -> None:
    """Refuse what s3fs would ignore, such as a misspelt endpoint."""
    ours = {"self", "kwargs", "asynchronous", "loop", "session"}
    known = sorted({*inspect.signature(kind.__init__).parameters, "profile"} - ours)
    for name, value in options.items():
        if name not in known:
            raise InvalidOption(
                f"the option {name!a} of the root {address} is not known; s3fs has {', '.join(known)}"
            )
        if name.endswith("_kwargs") and not isinstance(value, dict):
            raise InvalidOption(f"the option {name} of the root {address} must be a table of options")


def _cut(content: bytes, start: int, stop: int) -> bytes:
    """The part that was asked for, also of a server that knows no ranges and sends the whole file."""
    return content if len(content) <= stop - start else content[start:stop]


def _put(system: Any, place: str, content: bytes, **how: Any) -> None:
    parent = place.rpartition("/")[0]
    if not hasattr(system, "split_path"):  # a bucket has no folders to be made
        system.makedirs(parent, exist_ok=True)
    system.pipe_file(place, content, **how)


def _entry(path: str, info: Mapping[str, Any]) -> Entry:
    return Entry(path, info["size"], _modified(info))


def _modified(info: Mapping[str, Any]) -> float | None:
    found = next((info[key] for key in ("LastModified", "mtime", "updated", "created") if key in info), None)
    if isinstance(found, datetime):
        return found.timestamp()
    return float(found) if isinstance(found, int | float) else None
