"""The numbers below a size in an order that a key draws, any place of which is computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blackbox_repo.keyed_random import Key, Stream, mixed, mixed_array

Numbers = npt.NDArray[np.uint64]

LISTED = 1024
"""Up to so many numbers the order is listed: a network of so few bits has too few orders."""
ROUNDS = 8
_FEW = 24  # below so many at a time arrays do not pay
_WORD = (1 << 64) - 1


class Permutation:
    """Each number below ``size`` once, in constant memory whatever the size.

    A Feistel network (Luby and Rackoff, 1988) over the next power of two, from a number that is too large
    walked on until one is not.

    Args:
        size: How many numbers, without a limit.
        key: What the order is for.
    """

    def __init__(self, size: int, *key: Key) -> None:
        self.size = size
        stream = Stream(*key)
        self._listed: list[int] | None = None
        if size <= LISTED:
            # no two values of a stream are equal
            self._listed = np.argsort(stream.block(0, size)).tolist()
        bits = (size - 1).bit_length()
        self._low, self._high = bits // 2, bits - bits // 2
        self._rounds = [stream.bits(number) for number in range(ROUNDS)]

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(f"place {index} is not in 0 .. {self.size - 1}")
        if self._listed is not None:
            return self._listed[index]
        index = self._shuffled(index)
        while index >= self.size:
            index = self._shuffled(index)
        return index

    def block(self, first: int, count: int) -> list[int]:
        """The numbers at the places from ``first`` on, fewer at the end."""
        count = min(count, self.size - first)
        if self._listed is not None:
            return self._listed[first : first + count]
        if count < _FEW or self.size >= 1 << 63:
            return [self[index] for index in range(first, first + count)]
        numbers = self._all_shuffled(np.arange(first, first + count, dtype=np.uint64))
        while len(over := np.flatnonzero(numbers >= self.size)):
            numbers[over] = self._all_shuffled(numbers[over])
        found: list[int] = numbers.tolist()
        return found

    def _shuffled(self, index: int) -> int:
        high, low = index >> self._low, index & ((1 << self._low) - 1)
        for one, other in zip(self._rounds[::2], self._rounds[1::2], strict=True):
            high ^= _hashed(one, low, self._high)
            low ^= _hashed(other, high, self._low)
        return high << self._low | low

    def _all_shuffled(self, numbers: Numbers) -> Numbers:
        shift = np.uint64(self._low)
        to_high, to_low = np.uint64(64 - self._high), np.uint64(64 - self._low)
        high, low = numbers >> shift, numbers & np.uint64((1 << self._low) - 1)
        for one, other in zip(self._rounds[::2], self._rounds[1::2], strict=True):
            high ^= mixed_array(one, low) >> to_high
            low ^= mixed_array(other, high) >> to_low
        joined: Numbers = high << shift | low
        return joined


def _hashed(start: int, number: int, bits: int) -> int:
    """So many bits out of a number of any size."""
    state = mixed(start, number & _WORD)
    while number := number >> 64:
        state = mixed(state, number & _WORD)
    if bits <= 64:
        return state >> (64 - bits)
    words = sum(mixed(state, word) << 64 * word for word in range(-(-bits // 64)))
    return words & ((1 << bits) - 1)
