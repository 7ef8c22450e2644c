"""How the files of a root elsewhere are read: in memory, in parts, or downloaded and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError, RootUnavailable
from blackbox_repo.roots.addresses import Address
from blackbox_repo.roots.storage import OnlyWholeFiles, Range, Report
from blackbox_repo.transfer.download import Expected, download
from blackbox_repo.transfer.memory import read, read_ranges
from blackbox_repo.transfer.retry import Failure, OnlyWhole, RetryPolicy, WrongContent
from blackbox_repo.transfer.source import ByteSource

_PAUSE = 0.5  # seconds before the second try
_T = TypeVar("_T")


class RemoteStorage(ABC):
    """Files below an address elsewhere; the reading half of :class:`blackbox_repo.roots.storage.Storage`.

    Args:
        address: The address.
        timeout: A connection counts as broken after so many seconds without a byte.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._retry = RetryPolicy(pause=_PAUSE, timeout=timeout)

    @property
    def address(self) -> str:
        return self._address.text

    def local(self, path: str) -> None:
        del path

    def read(self, path: str, most: int) -> bytes:
        content = self._get(path, lambda file: read(file(), most + 1, self._retry))
        if len(content) > most:
            raise FormatError(
                f"{self.address}/{path} is larger than the {most} bytes that are read of such a file"
            )
        return content

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> list[bytes]:
        return self._get(path, lambda file: read_ranges(file, ranges, self._retry))

    def download(self, path: str, part: Path, sha256: str, size: int, report: Report) -> None:
        expected = Expected(sha256, size)
        self._get(path, lambda file: download(file(), part, expected, retry=self._retry, report=report))

    @abstractmethod
    def _file(self, path: str) -> ByteSource:
        """A file, before it is asked for."""

    def _get(self, path: str, action: Callable[[Callable[[], ByteSource]], _T]) -> _T:
        """What an action, which tries as often as it should, makes of a file."""
        try:
            return action(partial(self._file, path))
        except Failure as err:
            raise self._translate(path, err) from err

    def _translate(self, path: str, err: Failure) -> BlackboxRepoError:
        """The error to raise instead of a failure."""
        if isinstance(err, OnlyWhole):
            return OnlyWholeFiles(f"the root {self.address} {err}")
        if isinstance(err, WrongContent):
            return IntegrityError(
                f"{self.address}/{path} is not the file of its manifest: {err}. The publisher can restore it "
                f"with bb-repo publish NAME ROOT --repair"
            )
        beginning = f"the root {self.address} does not give {path}:"
        return RootUnavailable(f"{beginning} {str(err).removeprefix(f'{beginning} ')}")
