"""A published root on a web server, which is read and not written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from blackbox_repo.errors import (
    BlackboxRepoError,
    FormatError,
    IntegrityError,
    NotInRoot,
    RootUnavailable,
)
from blackbox_repo.roots.addresses import Address, read_only
from blackbox_repo.roots.http_options import check_options
from blackbox_repo.roots.settings import read_options
from blackbox_repo.roots.storage import Entry, OnlyWholeFiles, Range, Report
from blackbox_repo.transfer.download import Expected, download
from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.memory import read, read_ranges
from blackbox_repo.transfer.retry import Failure, OnlyWhole, RateCheck, RetryPolicy, WrongContent

_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
_PAUSE = 0.5  # seconds before the second try
_T = TypeVar("_T")


class HttpStorage:
    """The files below an address; implements :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        address: Such as ``https://host/prefix``.
        options: What :class:`~blackbox_repo.roots.http_options.HttpOptions` has.

    Raises:
        InvalidOption: An option is unknown, or has a value that it cannot have.
    """

    def __init__(self, address: Address, options: Mapping[str, Any]) -> None:
        self._address, self._options = address, check_options(address, options)
        self._retry = RetryPolicy(pause=_PAUSE, timeout=self._options.timeout)

    @classmethod
    def configured(cls, address: Address) -> HttpStorage:
        """The files below an address, with the options that the configuration file of this process has."""
        return cls(address, read_options(address))

    def __reduce__(self) -> tuple[Any, ...]:
        """Without options, which may be secrets; another process has its own configuration file."""
        return HttpStorage.configured, (self._address,)

    @property
    def address(self) -> str:
        return self._address.text

    def local(self, path: str) -> None:
        del path

    def read(self, path: str, most: int) -> bytes:
        content = self._ask(path, lambda file: read(file(), most + 1, self._retry))
        if len(content) > most:
            raise FormatError(
                f"{self.address}/{path} is larger than the {most} bytes that are read of such a file"
            )
        return content

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> list[bytes]:
        return self._ask(path, lambda file: read_ranges(file, ranges, self._retry))

    def download(self, path: str, part: Path, sha256: str, size: int, report: Report) -> None:
        expected = Expected(sha256, size)
        self._ask(path, lambda file: download(file(), part, expected, retry=self._retry, report=report))

    def list(self, folder: str) -> list[Entry]:
        raise NotInRoot(
            f"the root {self.address} has no index.json, and a web server does not list its files; check the "
            f"address; if it is right, copy index.json, which bb-repo publish writes, to the server"
        )

    def look(self, path: str) -> NoReturn:
        raise read_only(self._address)

    def write(self, path: str, content: bytes) -> NoReturn:
        raise read_only(self._address)

    def create(self, path: str, content: bytes) -> NoReturn:
        raise read_only(self._address)

    def replace(self, path: str, content: bytes, seen: bytes | None) -> NoReturn:
        raise read_only(self._address)

    def remove(self, path: str) -> NoReturn:
        raise read_only(self._address)

    def _ask(self, path: str, action: Callable[[Callable[[], HttpFile]], _T]) -> _T:
        url = quote(f"{self.address}/{path}", safe="%/:[]!$&'()*+,;=@~")
        private = self._options.private()
        try:
            return action(lambda: HttpFile(url, path, RateCheck(self._retry), private))
        except Failure as err:
            raise self._translate(path, err) from err

    def _translate(self, path: str, err: Failure) -> BlackboxRepoError:
        if err.status in _MISSING:
            return NotInRoot(f"the root {self.address} has no {path}")
        if isinstance(err, OnlyWhole):
            return OnlyWholeFiles(f"the root {self.address} {err}")
        if isinstance(err, WrongContent):
            return IntegrityError(
                f"{self.address}/{path} is not the file of its manifest: {err}. The publisher can restore it"
            )
        remedy = self._describe_credentials() if err.status in _REFUSED else ""
        if not err.status and isinstance(err.__cause__, Failure):  # it was tried in vain several times
            remedy = "; check the address and the network, or use what was downloaded: BLACKBOX_OFFLINE=1"
        return RootUnavailable(f"the root {self.address} does not give {path}: {err}{remedy}")

    def _describe_credentials(self) -> str:
        host = "/".join(self.address.split("/")[:3])
        where = f'[options."{host}"] of the configuration file (see bb-repo config)'
        if self._options.headers or self._options.token_file:
            return f"; it does not accept the credentials in {where}, or they do not permit this"
        return (
            f"; credentials belong into {where}: token_file with the path of a file that holds a token, or "
            f"headers. Some hosts also answer this for a file that does not exist"
        )
