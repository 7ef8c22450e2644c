"""What gives the bytes of one file, over http or otherwise: it is opened at a position, and sends pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What a source sends.

    Args:
        start: The position in the file of the first byte that comes: the one that was asked for, or 0 if the
            source sends the file from its beginning on.
        total: The size of the whole file in bytes; 0 if the source does not state it.
        validator: How the source names this version of the file, as by an ETag; empty if it does not.
        pieces: The bytes. They may end too early; an error while they come is a ``Failure``.
    """

    start: int
    total: int
    validator: str
    pieces: Iterator[bytes]


class ByteSource(Protocol):
    """One file at one address."""

    def open(
        self, start: int = 0, stop: int | None = None, *, validator: str = ""
    ) -> AbstractContextManager[Answer]:
        """Ask for the bytes of the file.

        Args:
            start: The position of the first byte that is wanted.
            stop: The position after the last one; ``None`` asks for all the rest. More may come.
            validator: The version of the file that is wanted from ``start`` on; another one is sent from its
                beginning on.

        Raises:
            NoSuchPart: The file ends before ``start``.
            WrongPart: The source gave another part.
            Failure: The source gave no bytes of the file.
        """
