"""Draws that are functions of their key, so that no draw shifts another (docs/time.md, T16).

A key is a tuple of strings, integers and floats that says what the draw is for, such as
``(seed, "random-search", 17, "learning_rate")``. The same key gives the same number on every machine.
"""

from __future__ import annotations

from hashlib import blake2b

Key = str | int | float | None


def unit(*key: Key) -> float:
    """A number in [0, 1), uniform over its 2^53 values."""
    return (_bits(key, 8) >> 11) * 2.0**-53


def integer(count: int, *key: Key) -> int:
    """One of 0 .. count - 1; the bias is below count / 2^128."""
    return _bits(key, 16) % count


def _bits(key: tuple[Key, ...], size: int) -> int:
    # ascii() of built-in values is the same text on every Python; repr() is not for exotic letters
    return int.from_bytes(blake2b(ascii(key).encode(), digest_size=size).digest(), "little")
