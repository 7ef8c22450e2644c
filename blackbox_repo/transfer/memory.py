"""Read a small file, or parts of a large one, from any source of bytes into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blackbox_repo.transfer.retry import Failure, NoSuchPart, RetryPolicy, keep_trying
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
    """Parts of a file, several at a time. A source that gives no parts is asked once.

    Such a source sends what lies before and between the parts, too; it is not kept.

    Args:
        make_source: Makes a source of the file; each is used by one thread. The file must not change.
        ranges: The first byte of each part, and the byte after its last one; ascending.
        retry: How often and how long the source is asked.

    Returns:
        The bytes of each part; fewer where the file ends before.

    Raises:
        Failure: The source does not give the file.
    """
    reader = _RangeReader(make_source(), ranges)
    keep_trying(reader.attempt, retry, reader.received)
    found, missing = reader.found, reader.missing()

    def read_alone(place: int) -> bytearray:
        alone = _RangeReader(make_source(), ranges[place : place + 1])
        keep_trying(alone.attempt, retry, alone.received)
        return alone.found[0]

    if missing:
        from concurrent.futures import ThreadPoolExecutor  # takes 14 ms to import

        with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
            found.update(zip(missing, pool.map(read_alone, missing), strict=True))
    return [bytes(found[place]) for place in range(len(ranges))]


class _RangeReader:
    """Collects parts of a file: the first one, and of a source that gives no parts, all."""

    def __init__(self, source: ByteSource, ranges: Sequence[tuple[int, int]]) -> None:
        self._source, self._ranges = source, ranges
        self._end = max((stop for _, stop in ranges), default=0)  # after which nothing is wanted, or comes
        self._gives_parts = False
        self.found = {place: bytearray() for place in range(len(ranges))}

    def received(self) -> int:
        return sum(map(len, self.found.values()))

    def missing(self) -> list[int]:
        """The numbers of the parts that are not complete."""
        return [
            place
            for place, (start, stop) in enumerate(self._ranges)
            if start + len(self.found[place]) < min(stop, self._end)
        ]

    def attempt(self) -> None:
        while not self._gives_parts and (missing := self.missing()):
            start, stop = self._ranges[missing[0]]
            self._ask(start + len(self.found[missing[0]]), stop)

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
        self._gives_parts = answer.start == start > 0

    def _take(self, answer: Answer) -> int:
        """Keep what is wanted of the bytes that come; the position after the last one."""
        position = answer.start
        for piece in answer.pieces:
            for (start, stop), content in zip(self._ranges, self.found.values(), strict=True):
                wanted = start + len(content)
                if position <= wanted < position + len(piece):
                    content.extend(piece[wanted - position : max(stop - position, 0)])
            position += len(piece)
            if position >= self._end:
                break
        return position
