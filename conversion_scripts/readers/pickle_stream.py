"""Read pickles larger than the memory: their parts are handed over as soon as they are complete."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, ClassVar, cast

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.safe_pickle import Opcodes, SafeUnpickler

Take = Callable[[dict[Any, Any]], bool]
KEPT_PARTS = (
    64  # the pickle may refer to the objects of so many parts before, or to any that another part used
)
PART_LIMIT = 1 << 24  # bytes of a part, and of what comes before the first and after the last


class _LimitedStream:
    """A stream of which a limited number of bytes may be read for each part."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit, self._left = stream, limit, limit

    def renew(self) -> None:
        self._left = self._limit

    def read(self, size: int) -> bytes:
        self._take(size)
        return self._stream.read(size)

    def readline(self) -> bytes:
        line = self._stream.readline(self._left + 1)
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise FormatError(f"the pickle has a part of more than the limit of {self._limit} bytes")


class _StreamUnpickler(SafeUnpickler):
    memo: dict[int, Any]
    read: Callable[[int], bytes]
    dispatch: ClassVar[Opcodes] = Opcodes(SafeUnpickler.dispatch)

    def __init__(self, stream: BinaryIO, take: Take, limit: int) -> None:
        self._stream = _LimitedStream(stream, limit)
        super().__init__(cast("BinaryIO", self._stream))
        self._take = take
        self._count = 0  # of all objects that were ever put into the memo
        self._shared: set[int] = set()
        self._ends: deque[int] = deque()  # the value of _count after each of the latest parts

    def load_memoize(self) -> None:
        self.memo[self._count] = self.stack[-1]
        self._count += 1

    def load_binget(self) -> None:
        self._get(self.read(1)[0])

    def load_long_binget(self) -> None:
        self._get(int.from_bytes(self.read(4), "little"))

    def _get(self, number: int) -> None:
        if len(self._ends) > 1 and number < self._ends[-2]:
            self._shared.add(number)
        if number not in self.memo:
            raise FormatError(
                "the pickle refers back to what was in a part that was taken long ago; take the data in "
                "another packing, with a file for each part"
            )
        self.append(self.memo[number])

    def load_setitems(self) -> None:
        super().load_setitems()
        filled = self.stack[-1]
        if type(filled) is dict and self._take(filled):
            filled.clear()
            self._forget()
            self._stream.renew()

    def _forget(self) -> None:
        """Drop the objects of an old part, except those to which a part after the next one referred."""
        self.keys.forget()
        self._ends.append(self._count)
        if len(self._ends) > KEPT_PARTS:
            for number in range(self._ends.popleft(), self._ends[0]):
                if number not in self._shared:
                    del self.memo[number]

    dispatch[pickle.MEMOIZE[0]] = load_memoize
    dispatch[pickle.BINGET[0]] = load_binget
    dispatch[pickle.LONG_BINGET[0]] = load_long_binget
    dispatch[pickle.SETITEMS[0]] = load_setitems


def unpickle_parts(stream: BinaryIO, name: str, take: Take, limit: int = PART_LIMIT) -> Any:
    """Read a pickle of plain data, of protocol 4 or newer, and hand over its dicts as they are filled.

    Args:
        stream: The pickle.
        name: The name of the pickle in messages.
        take: Called with every plain dict of two entries or more, inner ones first. If it returns true, the
            dict is emptied and its content is dropped, so that a pickle can be larger than the memory.
        limit: The largest number of bytes between two dicts that are taken.

    Returns:
        The content of the pickle, without what was taken.

    Raises:
        FormatError: As for :func:`safe_pickle.unpickle`; also if the pickle refers back to a part that was
            taken long ago, or has a part above the limit.
    """
    try:
        return _StreamUnpickler(stream, take, limit).load()
    except FormatError as err:
        raise FormatError(f"{name}: {err}") from err
    except Exception as err:  # a damaged pickle raises almost anything
        raise FormatError(f"{name} is not a readable pickle: {str(err) or 'it ends early'}") from err
