"""Draws that are functions of their key, so that no draw shifts another (docs/time.md, T16).

A key is a tuple of strings, whole numbers, floats, bools and ``None`` that says what the draw is for, such as
``(seed, "random search", "learning_rate", 17)``. All parts but the last name a stream, the last one is the
draw's number in it. Equal values make equal keys: numpy's 3 is Python's 3, but neither 3.0 nor "3".

A stream is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): 64-bit integer arithmetic, the n-th value a
function of the start and n. The start of a longer key is the value of the shorter one's stream that has the
hash of the last part as its number. So single draws and arrays of them are equal, on every machine and under
every version of numpy.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from hashlib import blake2b
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import Scalar, plain

Key = Scalar | np.generic
"""A part of a key."""

_STEP = 1 / (1 << 53)
_MASK = (1 << 64) - 1
_GAMMA, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Stream:
    """Values that are numbered from 0; the same key gives the same values.

    Where a value has several numbers, such as trial, segment and point, each one chooses among the streams
    that the numbers before it lead to.

    Args:
        key: What the draws are for.

    Raises:
        InvalidOption: A part of the key that is no string, number, bool or ``None``.
    """

    __slots__ = ("_start",)

    def __init__(self, *key: Key) -> None:
        self._start = 0
        for part in key:
            self._start = mixed(self._start, number_of(part))

    def within(self, part: Key) -> Stream:
        """The stream of the key that has one more part."""
        stream = Stream()
        stream._start = mixed(self._start, number_of(part))
        return stream

    def bits(self, *numbers: int) -> int:
        """The 64 bits of a value."""
        value = self._start
        for number in numbers:  # as mixed() does it; a call would take as long as all of this
            value = (value + _GAMMA * (number + 1)) & _MASK
            value = (value ^ (value >> 30)) * _FIRST & _MASK
            value = (value ^ (value >> 27)) * _SECOND & _MASK
            value ^= value >> 31
        return value

    def unit(self, *numbers: int) -> float:
        """A number in [0, 1), uniform over its 2^53 values."""
        return (self.bits(*numbers) >> 11) * _STEP

    def integer(self, count: int, *numbers: int) -> int:
        """One of 0 .. count - 1; the bias is below 2^-32."""
        if count < 1 << 32:
            return self.bits(*numbers) * count >> 64
        words = (count.bit_length() + 95) // 64
        value = sum(self.bits(*numbers, word) << 64 * word for word in range(words))
        return value * count >> 64 * words

    def units(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """The values of :meth:`unit` with the numbers ``first``, ``first + 1``, ...; shape (count,)."""
        units: npt.NDArray[np.float64] = (self.block(first, count) >> np.uint64(11)) * _STEP
        return units

    def units_at(self, *numbers: int | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The values of :meth:`unit` with numbers out of arrays, which numpy broadcasts.

        So the last value of ``stream.units_at(trial, segment, numpy.arange(9))`` is
        ``stream.unit(trial, segment, 8)``.
        """
        position = 0
        while position < len(numbers) and isinstance(numbers[position], int):
            position += 1
        values = np.array([self.bits(*numbers[:position])], dtype=np.uint64)  # type: ignore[arg-type]
        for number in numbers[position:]:
            values = mixed_array(values, np.atleast_1d(np.asarray(number)).astype(np.uint64))
        units: npt.NDArray[np.float64] = (values >> np.uint64(11)) * _STEP
        return units

    def integers(self, among: int, first: int, count: int) -> list[int]:
        """The values of :meth:`integer` with the numbers ``first``, ``first + 1``, ..."""
        if among >= 1 << 32:
            return [self.integer(among, number) for number in range(first, first + count)]
        bits, half, size = self.block(first, count), np.uint64(32), np.uint64(among)
        low = (bits & np.uint64(0xFFFFFFFF)) * size >> half
        found: list[int] = ((bits >> half) * size + low >> half).tolist()
        return found

    def block(self, first: int, count: int) -> npt.NDArray[np.uint64]:
        """The 64 bits of the values ``first``, ``first + 1``, ...; no two are equal."""
        numbers = np.arange(count, dtype=np.uint64) + np.uint64(first & _MASK)
        return mixed_array(self._start, numbers)


def unit(*key: Key) -> float:
    """A number in [0, 1), uniform over its 2^53 values; the last part of the key is its number."""
    stream, number = split_key(key)
    return Stream(*stream).unit(number)


def integer(count: int, *key: Key) -> int:
    """One of 0 .. count - 1; the last part of the key is its number."""
    stream, number = split_key(key)
    return Stream(*stream).integer(count, number)


def split_key(key: tuple[Key, ...]) -> tuple[tuple[Key, ...], int]:
    """The key of a stream and a number in it.

    A key that does not end with a whole number from 0 to 2^64 - 2 is a stream of its own, and its draw has
    the number before 0, which is 2^64 - 1.
    """
    last = key[-1] if key else None
    number = last if type(last) is int else plain(last)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _MASK:
        return key[:-1], number
    return key, _MASK


def mixed(start: int, number: int) -> int:
    """The value of SplitMix64 that has this number after a start."""
    bits = (start + _GAMMA * (number + 1)) & _MASK
    bits = (bits ^ (bits >> 30)) * _FIRST & _MASK
    bits = (bits ^ (bits >> 27)) * _SECOND & _MASK
    return bits ^ (bits >> 31)


def mixed_array(
    start: int | npt.NDArray[np.uint64], numbers: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    """As :func:`mixed`, for an array of numbers, after one start or as many."""
    first = np.uint64((start + _GAMMA) & _MASK) if isinstance(start, int) else start + np.uint64(_GAMMA)
    bits: npt.NDArray[np.uint64] = numbers * np.uint64(_GAMMA) + first
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(_FIRST)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(_SECOND)
    return bits ^ (bits >> np.uint64(31))  # type: ignore[no-any-return]


def number_of(part: Key) -> int:
    """The number that a further part of a key has in a stream.

    Raises:
        InvalidOption: It is no string, number, bool or ``None``.
    """
    try:
        return _hash(part)
    except TypeError:  # it cannot be looked up
        return _refuse(part)


@lru_cache(maxsize=4096, typed=True)
def _hash(part: Key) -> int:
    """64 bits that say what a part is and of which kind."""
    value = plain(part)
    if value is None or isinstance(value, bool):
        kind, content = b"o", repr(value).encode()
    elif isinstance(value, str):
        kind, content = b"s", value.encode("utf-8", "surrogatepass")
    elif isinstance(value, int):
        kind, content = b"i", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    elif isinstance(value, float):
        kind, content = b"f", struct.pack("<d", math.nan if math.isnan(value) else value + 0.0)
    else:
        _refuse(part)
    return int.from_bytes(blake2b(kind + content, digest_size=8).digest(), "little")


def _refuse(part: object) -> NoReturn:
    raise InvalidOption(
        f"the key of a draw has the part {part!r}, but must be made of strings, numbers, bools and None"
    )
