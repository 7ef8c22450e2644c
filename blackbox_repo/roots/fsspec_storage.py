"""A published root in a bucket, or anywhere else that a file system of fsspec reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from blackbox_repo import typed_json
from blackbox_repo.errors import (
    BlackboxRepoError,
    NotInRoot,
)
from blackbox_repo.roots.addresses import Address
from blackbox_repo.roots.fsspec_errors import concerns_credentials, is_taken, may_pass, translate
from blackbox_repo.roots.fsspec_files import BucketFile, SystemFile
from blackbox_repo.roots.fsspec_systems import S3, forget_systems, open_system, read_timeout, silence_systems
from blackbox_repo.roots.remote_storage import RemoteStorage
from blackbox_repo.roots.settings import read_options
from blackbox_repo.roots.storage import Entry
from blackbox_repo.transfer.retry import Failure, RateCheck, keep_trying
from blackbox_repo.transfer.source import ByteSource

_SLOWEST = 20_000  # bytes a second that a request may take to bring or take at least
_LISTING = 600.0  # seconds for all pages of a list
_T = TypeVar("_T")


class FsspecStorage(RemoteStorage):
    """The files below an address; implements :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        address: Such as ``s3://bucket/prefix``.
        options: Storage options of fsspec's file system for it.

    Raises:
        InvalidOption: No installed package knows the scheme, or there is an option that it does not know.
    """

    def __init__(self, address: Address, options: Mapping[str, Any]) -> None:
        super().__init__(address, read_timeout(address, options))
        self._options: Mapping[str, Any] | None = dict(options)
        self._system()

    def list(self, folder: str) -> list[Entry]:
        limit = self._limit(_LISTING)
        try:
            found = self._do(folder, lambda system, place: system.find(place, detail=True, **limit))
        except NotInRoot:
            return []
        base = len(self._place(""))
        entries = [_entry(path[base:], info) for path, info in found.items()]
        return sorted(entries, key=lambda entry: entry.path)

    def look(self, path: str) -> Entry | None:
        try:
            limit = self._limit()
            return _entry(path, self._do(path, lambda system, place: system.info(place, **limit)))
        except NotInRoot:
            return None

    def write(self, path: str, content: bytes) -> None:
        self._do(path, lambda system, place: self._put(system, place, content))

    def create(self, path: str, content: bytes) -> bool:
        def create(system: Any, place: str) -> None:
            if system.exists(place):  # some servers do not heed the condition
                raise FileExistsError
            self._put(system, place, content, mode="create")

        return self._unless_taken(path, create)

    def replace(self, path: str, content: bytes, seen: bytes | None) -> bool:
        if seen is None:
            return self.create(path, content)

        def replace(system: Any, place: str) -> None:
            tag = system.info(place).get("ETag") if self._address.scheme in S3 else None
            if self.read(path, typed_json.LARGEST) != seen:
                raise FileExistsError
            self._put(system, place, content, **({"IfMatch": tag} if tag else {}))

        return self._unless_taken(path, replace)

    def remove(self, path: str) -> None:
        self._do(path, lambda system, place: system.rm_file(place, **self._limit()))

    def _put(self, system: Any, place: str, content: bytes, **how: Any) -> None:
        if not hasattr(system, "split_path"):  # a bucket has no folders to be made
            system.makedirs(place.rpartition("/")[0], exist_ok=True)
        system.pipe_file(place, content, **how, **self._limit(len(content) / _SLOWEST))

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
            return self._do(path, attempt)
        except NotInRoot:  # it was removed since it was seen
            return False

    def _file(self, path: str) -> ByteSource:
        system, place = self._system(), self._place(path)
        described = partial(self._errors_described, path)
        if self._address.scheme in S3:
            return BucketFile(system, place, RateCheck(self._retry), described)
        return SystemFile(system, place, described)

    def _get(self, path: str, action: Callable[[Callable[[], ByteSource]], _T]) -> _T:
        with _silencing_systems():
            return super()._get(path, action)

    def _do(self, path: str, action: Callable[[Any, str], _T]) -> _T:
        """What an action on the file system returns, which is repeated while that may help."""

        def attempt() -> _T:
            with self._errors_described(path):
                return action(self._system(), self._place(path))

        try:
            with _silencing_systems():
                return keep_trying(attempt, self._retry)
        except Failure as err:
            raise self._translate(path, err) from err

    @contextmanager
    def _errors_described(self, path: str) -> Iterator[None]:
        try:
            yield
        except (BlackboxRepoError, Failure):
            raise
        except Exception as err:  # whatever the library raises; its text may hold secrets
            if concerns_credentials(err):
                forget_systems()  # they may have been renewed when it is tried again
            ours = translate(self.address, path, err)
            raise (Failure(str(ours), transient=True) if may_pass(err) else ours) from None

    def _limit(self, more: float = 0.0) -> dict[str, float]:
        """The seconds that a call to the file system may take, where it has such a limit."""
        return {"timeout": self._retry.timeout + more} if self._address.scheme in S3 else {}

    def _place(self, path: str) -> str:
        system = self._system()
        return f"{system._strip_protocol(self.address)}/{path}"  # noqa: SLF001  the documented way

    def _system(self) -> Any:
        if self._options is None:
            self._options = read_options(self._address)
        return open_system(self._address, self._options)

    def __getstate__(self) -> dict[str, Any]:
        """Without options, which may be secrets; another process has its own configuration file."""
        return {**self.__dict__, "_options": None}


@contextmanager
def _silencing_systems() -> Iterator[None]:
    """Within this, an interruption leaves no complaints of what it has interrupted."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        silence_systems()
        raise


def _entry(path: str, info: Mapping[str, Any]) -> Entry:
    return Entry(path, info["size"], _modified(info))


def _modified(info: Mapping[str, Any]) -> float | None:
    found = next((info[key] for key in ("LastModified", "mtime", "updated", "created") if key in info), None)
    if isinstance(found, datetime):
        return found.timestamp()
    return float(found) if isinstance(found, int | float) else None
