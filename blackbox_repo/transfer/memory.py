"""Read a small file, or parts of a large one, from any source of bytes into memory."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.transfer.retry import Failure, NoSuchPart, RetryPolicy, keep_trying
from blackbox_repo.transfer.source import Answer, ByteSource


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


def read_ranges(source: ByteSource, ranges: Sequence[tuple[int, int]], retry: RetryPolicy) -> list[bytes]:
    """Parts of a file. A source that gives no parts is asked once, and sends what lies before them, too.

    Args:
        source: Where the file is. It must not change while it is read.
        ranges: The first byte of each part, and the byte after its last one; ascending.
        retry: How often and how long the source is asked.

    Returns:
        The bytes of each part; fewer where the file ends before.

    Raises:
        Failure: The source does not give the file.
    """
    reader = _RangeReader(source, ranges)
    keep_trying(reader.attempt, retry, reader.received)
    return [bytes(content) for content in reader.found]


class _RangeReader:
    """Collects parts of a file, with as many attempts as this takes."""

    def __init__(self, source: ByteSource, ranges: Sequence[tuple[int, int]]) -> None:
        self._source, self._ranges = source, ranges
        self._end = max((stop for _, stop in ranges), default=0)  # after which nothing is wanted, or comes
        self.found = [bytearray() for _ in ranges]

    def received(self) -> int:
        return sum(map(len, self.found))

    def attempt(self) -> None:
        for (start, stop), content in zip(self._ranges, self.found, strict=True):
            if start + len(content) < min(stop, self._end):
                self._ask(start + len(content), stop)

    def _ask(self, start: int, stop: int) -> None:
        try:
            with self._source.open(start, stop) as answer:
                position = self._take(answer)
        except NoSuchPart:
            self._end = start
            return
        if position < min(stop, answer.total):
            raise Failure(f"was cut off after {position} of {answer.total} bytes", transient=True)
        if position < stop:
            self._end = position

    def _take(self, answer: Answer) -> int:
        """Keep what is wanted of the bytes that come; the position after the last one."""
        position = answer.start
        for piece in answer.pieces:
            for (start, stop), content in zip(self._ranges, self.found, strict=True):
                wanted = start + len(content)
                if position <= wanted < position + len(piece):
                    content.extend(piece[wanted - position : max(stop - position, 0)])
            position += len(piece)
            if position >= self._end:
                break
        return position
