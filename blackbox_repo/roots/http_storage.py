"""A published root on a web server, which is read and not written."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import quote

from blackbox_repo.errors import (
    BlackboxRepoError,
    NotInRoot,
)
from blackbox_repo.roots.addresses import Address, read_only
from blackbox_repo.roots.http_options import check_options
from blackbox_repo.roots.remote_storage import RemoteStorage
from blackbox_repo.roots.settings import read_options
from blackbox_repo.roots.storage import Entry
from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.retry import Failure, RateCheck

_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)


class HttpStorage(RemoteStorage):
    """The files below an address; implements :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        address: Such as ``https://host/prefix``.
        options: What :class:`~blackbox_repo.roots.http_options.HttpOptions` has.

    Raises:
        InvalidOption: An option is unknown, or has a value that it cannot have.
    """

    def __init__(self, address: Address, options: Mapping[str, Any]) -> None:
        self._options = check_options(address, options)
        super().__init__(address, self._options.timeout)

    @classmethod
    def configured(cls, address: Address) -> HttpStorage:
        """The files below an address, with the options that the configuration file of this process has."""
        return cls(address, read_options(address))

    def __reduce__(self) -> tuple[Any, ...]:
        """Without options, which may be secrets; another process has its own configuration file."""
        return HttpStorage.configured, (self._address,)

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

    def _file(self, path: str) -> HttpFile:
        url = quote(f"{self.address}/{path}", safe="%/:[]!$&'()*+,;=@~")
        return HttpFile(url, path, RateCheck(self._retry), self._options.private())

    def _translate(self, path: str, err: Failure) -> BlackboxRepoError:
        if err.status in _MISSING:
            return NotInRoot(f"the root {self.address} has no {path}")
        remedy = self._describe_credentials() if err.status in _REFUSED else ""
        if not err.status and isinstance(err.__cause__, Failure):  # no try has reached it
            remedy = "; check the address and the network, or use what was downloaded: BLACKBOX_OFFLINE=1"
        return super()._translate(path, type(err)(f"{err}{remedy}"))

    def _describe_credentials(self) -> str:
        host = "/".join(self.address.split("/")[:3])
        where = f'[options."{host}"] of the configuration file (see bb-repo config)'
        if self._options.headers or self._options.token_file:
            return f"; it does not accept the credentials in {where}, or they do not permit this"
        return (
            f"; credentials belong into {where}: token_file with the path of a file that holds a token, or "
            f"headers. Some hosts also answer this for a file that does not exist"
        )
