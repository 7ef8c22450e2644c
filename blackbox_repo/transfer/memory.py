"""Read a small file, or parts of a large one, from any source of bytes into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blackbox_repo.transfer.retry import Failure, NoSuchPart, OnlyWhole, RetryPolicy, keep_trying
from blackbox_repo.transfer.source import Answer, ByteSource

_MOST_AT_ONCE = 8  # parts, over a connection each


def read(source: ByteSource, most: int, retry: RetryPolicy) -> bytes:
    """The content of a file; of a larger one, its first ``most`` bytes or a few more.

    Args:
        source: Where the file is.
        most: The number of bytes after which no more are read.
        retry: How often and how long the source is asked.

    Raises:
        Failure: The source does not give the file.
    """
    return keep_trying(lambda: _read_once(source, most), retry)


def _read_once(source: ByteSource, most: int) -> bytes:
    content = bytearray()
    with source.open() as answer:
        for piece in answer.pieces:
            content += piece
            if len(content) >= most:
                return bytes(content)
    if len(content) < answer.total:
        raise Failure(f"was cut off after {len(content)} of {answer.total} bytes", transient=True)
    return bytes(content)


def read_ranges(
    make_source: Callable[[], ByteSource], ranges: Sequence[tuple[int, int]], retry: RetryPolicy
) -> list[bytes]:
    """Parts of a file, several at a time.

    Args:
        make_source: Makes a source of the file; each is used by one thread. The file must not change.
        ranges: The first byte of each part, and the byte after its last one.
        retry: How often and how long the source is asked.

    Returns:
        The bytes of each part; fewer where the file ends before.

    Raises:
        OnlyWhole: The source gives no parts.
        Failure: The source does not give the file.
    """
    readers = [_RangeReader(make_source(), start, stop) for start, stop in ranges]
    if len(readers) < 2:
        return [reader.read(retry) for reader in readers]
    from concurrent.futures import ThreadPoolExecutor  # takes 14 ms to import

    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        return list(pool.map(lambda reader: reader.read(retry), readers))


class _RangeReader:
    """Reads one part of a file, with as many attempts as this takes."""

    def __init__(self, source: ByteSource, start: int, stop: int) -> None:
        self._source, self._start, self._stop = source, start, stop
        self._content = bytearray()

    def read(self, retry: RetryPolicy) -> bytes:
        if self._start < self._stop:
            keep_trying(self._attempt, retry, lambda: len(self._content))
        return bytes(self._content)

    def _attempt(self) -> None:
        position = self._start + len(self._content)
        try:
            with self._source.open(position, self._stop) as answer:
                if answer.start != position:
                    raise OnlyWhole("gives files only as a whole, though a part was asked for")
                self._receive(answer)
        except NoSuchPart:
            return
        position = self._start + len(self._content)
        if position < min(self._stop, answer.total):
            raise Failure(f"was cut off after {position} of {answer.total} bytes", transient=True)

    def _receive(self, answer: Answer) -> None:
        wanted = self._stop - self._start
        for piece in answer.pieces:
            self._content += piece[: wanted - len(self._content)]
            if len(self._content) == wanted:
                return
