"""Files of fsspec's file systems as sources of bytes: from buckets as streams, else piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from blackbox_repo.roots.fsspec_errors import is_beyond_the_end
from blackbox_repo.transfer.retry import NoSuchPart, RateCheck, WrongPart
from blackbox_repo.transfer.source import Answer

ErrorsDescribed: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Raises what a file system raises as a ``Failure``."""
_READ = 1 << 18  # bytes of a stream that are handed on at once
_PIECE = 1 << 20  # bytes of a request where there is no stream; what a broken download has lost at most
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)


class BucketFile:
    """A file in a bucket, which comes as a stream; implements ``ByteSource``.

    Args:
        system: The file system, of s3fs.
        place: The path of the file in it.
        rate: The check that counts the bytes of all streams; it has the time limits.
        described: Describes errors.
    """

    def __init__(self, system: Any, place: str, rate: RateCheck, described: ErrorsDescribed) -> None:
        self._system, self._place, self._rate, self._described = system, place, rate, described

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        del validator  # the hash tells whether it is the same file
        self._rate.restart()
        answer = self._ask(start, stop)
        try:
            yield Answer(*_position(answer, start, stop), "", self._pieces(answer["Body"]))
        finally:
            self._run(_close, answer["Body"])

    def _ask(self, start: int, stop: int | None) -> Mapping[str, Any]:
        bucket, key, _ = self._system.split_path(self._place)
        part = (
            {} if _is_whole(start, stop) else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
        )
        with self._described():
            try:
                found: Mapping[str, Any] = self._system.call_s3("get_object", Bucket=bucket, Key=key, **part)
            except OSError as err:
                if is_beyond_the_end(err):
                    raise NoSuchPart("has no more of the file than the beginning that was there") from None
                raise
        return found

    def _pieces(self, body: Any) -> Iterator[bytes]:
        while True:
            with self._described():
                piece: bytes = self._run(body.read, _READ)
            if not piece:
                return
            self._rate.count(len(piece))
            yield piece

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a coroutine of the file system's event loop returns."""
        from fsspec.asyn import sync

        return sync(self._system.loop, function, *arguments)


async def _close(body: Any) -> None:
    body.close()


class SystemFile:
    """A file that any file system gives by ranges of bytes; implements ``ByteSource``.

    Args:
        system: The file system.
        place: The path of the file in it.
        described: Describes errors.
    """

    def __init__(self, system: Any, place: str, described: ErrorsDescribed) -> None:
        self._system, self._place, self._described = system, place, described

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        del validator  # the hash tells whether it is the same file
        with self._described():
            size = int(self._system.info(self._place)["size"])
        if start > size or (start == size and start > 0):
            raise NoSuchPart("has no more of the file than the beginning that was there")
        yield Answer(start, size, "", self._pieces(start, size if stop is None else min(stop, size)))

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        for begin in range(start, stop, _PIECE):
            end = min(begin + _PIECE, stop)
            with self._described():
                piece: bytes = self._system.cat_file(self._place, start=begin, end=end)
            if len(piece) > end - begin:
                raise WrongPart("sends another part of the file than was asked for")
            yield piece
            if len(piece) < end - begin:
                return


def _is_whole(start: int, stop: int | None) -> bool:
    return start == 0 and stop is None


def _position(answer: Mapping[str, Any], start: int, stop: int | None) -> tuple[int, int]:
    """The position of the first byte of an answer, and the size of the whole file, 0 if it is not stated."""
    stated = answer.get("ContentRange")
    if stated is None:  # all of it, even if a part was asked for
        return 0, int(answer.get("ContentLength") or 0)
    found = _RANGE.fullmatch(stated)
    if found is None or int(found[1]) != start or _is_whole(start, stop):
        raise WrongPart("sends another part of the file than was asked for")
    return start, int(found[2])
