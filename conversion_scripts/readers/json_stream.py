"""Objects inside a JSON file that is too large to be read in one piece."""

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
    """The values so many levels below the outermost object, with the keys that lead there, in file order.

    With depth 2 they are the values of ``{"outer": {"inner": value, ...}, ...}``. One of them at a time is in
    memory. ``NaN`` and ``Infinity`` are read as Python's ``json`` reads them.

    Args:
        stream: The file.
        name: What messages call it.
        depth: How many keys lead to a value.
        limit: The most characters that a value may have.

    Raises:
        FormatError: It is no such JSON, or ends early, or a value is too long.
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
    """The part of the text that is being read."""

    def __init__(self, stream: BinaryIO, name: str, limit: int) -> None:
        self._stream, self._characters = stream, codecs.getincrementaldecoder("utf-8")()
        self._name, self._limit = name, limit
        self._text, self._at, self._before = "", 0, 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            rest = self._text[self._at : self._at + 64].lstrip() if self._at < len(self._text) else ""
            if rest:
                self._at = self._text.index(rest[0], self._at)
                return rest[0]
            self._at = min(self._at + 64, len(self._text))
            if self._at == len(self._text) and not self._extend(_PIECE):
                return ""

    def take(self, allowed: str) -> str:
        """The next character, which must be one of these."""
        sign = self.peek()
        if not sign or sign not in allowed:
            raise self.error(" or ".join(map(repr, allowed)))
        self._at += 1
        return sign

    def value(self, starts: str) -> Any:
        """The next value, which begins with one of these characters: they have an end of their own."""
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
                        f"{self._name} has a value of more than the {self._limit} characters that are read"
                    ) from err
                if not self._extend(size):
                    raise FormatError(
                        f"{self._name} is no readable JSON: {err.msg} at character {where}"
                    ) from err
                size *= 2  # a long value is not tried more often than its length has digits
            except RecursionError as err:
                raise FormatError(f"{self._name} is no readable JSON: {err}") from err
            else:
                return value

    def error(self, wanted: str) -> FormatError:
        """What to raise where something else stands than is wanted."""
        found = repr(self.peek()) if self.peek() else "the end"
        where = self._before + self._at
        return FormatError(f"{self._name} has {found} at character {where} where {wanted} should be")

    def _extend(self, size: int) -> bool:
        try:
            piece = self._stream.read(size)
            more = self._characters.decode(piece, final=not piece)
        except UnicodeDecodeError as err:
            raise FormatError(f"{self._name} is no readable JSON: {err}") from err
        self._before += self._at
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(piece)
