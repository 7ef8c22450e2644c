"""Read a JSON file that is too large for the memory, one inner object at a time."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from blackbox_repo.errors import FormatError

_PIECE = 1 << 20
VALUE_LIMIT = 1 << 28  # characters of one value


def inner_objects(
    stream: BinaryIO, name: str, depth: int, limit: int = VALUE_LIMIT
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values at a depth of nested objects, each with the keys that lead to it, in the order of the file.

    At depth 2 these are the values of ``{"outer": {"inner": value, ...}, ...}``. Only one of them is in
    memory at a time. ``NaN`` and ``Infinity`` are read as Python's ``json`` reads them.

    Args:
        stream: The file.
        name: The name of the file in messages.
        depth: The number of keys that lead to a value.
        limit: The largest number of characters that a value may have.

    Raises:
        FormatError: The file is not JSON of nested objects, ends early, or has a value above the limit.
    """
    text = _Text(stream, name, limit)
    yield from _values(text, depth)
    if text.peek():
        raise text.error("the end")


def _values(text: _Text, depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    following = ","
    while following == ",":
        key = text.value('"')
        text.take(":")
        if depth > 1:
            yield from (((key, *keys), value) for keys, value in _values(text, depth - 1))
        else:
            yield (key,), text.value("{[")
        following = text.take(",}")


class _Text:
    """The piece of the text that is in memory, and the position in it."""

    def __init__(self, stream: BinaryIO, name: str, limit: int) -> None:
        self._stream, self._characters = stream, codecs.getincrementaldecoder("utf-8")()
        self._name, self._limit = name, limit
        self._text, self._at, self._before = "", 0, 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is not a space, which is not consumed; empty at the end."""
        while True:
            rest = self._text[self._at : self._at + 64].lstrip() if self._at < len(self._text) else ""
            if rest:
                self._at = self._text.index(rest[0], self._at)
                return rest[0]
            self._at = min(self._at + 64, len(self._text))
            if self._at == len(self._text) and not self._extend(_PIECE):
                return ""

    def take(self, allowed: str) -> str:
        """Consume and return the next character, which must be one of these."""
        sign = self.peek()
        if not sign or sign not in allowed:
            raise self.error(" or ".join(map(repr, allowed)))
        self._at += 1
        return sign

    def value(self, starts: str) -> Any:
        """Consume and return the next value: a string, array or object that begins with one of the signs."""
        sign = self.peek()
        if not sign or sign not in starts:
            raise self.error(" or ".join(map(repr, starts)))
        size = _PIECE
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as err:
                where = self._before + err.pos
                if len(self._text) - self._at > self._limit:
                    raise FormatError(
                        f"{self._name} has a value of more than the limit of {self._limit} characters"
                    ) from err
                if not self._extend(size):
                    raise FormatError(
                        f"{self._name} is not readable as JSON: {err.msg} at character {where}"
                    ) from err
                size *= 2  # so that a long value is parsed only a logarithmic number of times
            except RecursionError as err:
                raise FormatError(f"{self._name} is not readable as JSON: {err}") from err
            else:
                return value

    def error(self, wanted: str) -> FormatError:
        """The error that something else was found than is wanted."""
        found = repr(self.peek()) if self.peek() else "the end"
        where = self._before + self._at
        return FormatError(f"{self._name} has {found} at character {where} where {wanted} should be")

    def _extend(self, size: int) -> bool:
        try:
            piece = self._stream.read(size)
            more = self._characters.decode(piece, final=not piece)
        except UnicodeDecodeError as err:
            raise FormatError(f"{self._name} is not readable as JSON: {err}") from err
        self._before += self._at
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(piece)
