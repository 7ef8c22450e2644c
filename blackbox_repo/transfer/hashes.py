"""The SHA-256 of files and folders, read piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

_PIECE = 1 << 20


def hash_stream(stream: BinaryIO) -> tuple[str, int]:
    """The SHA-256 of the rest of a stream, and its size in bytes."""
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def hash_file(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file, and its size in bytes."""
    with path.open("rb") as stream:
        return hash_stream(stream)


def hash_folder(paths: Iterable[Path]) -> tuple[str, int]:
    """The SHA-256 of what ``sha256sum`` prints for these files, and the sum of their sizes in bytes."""
    digest, total = hashlib.sha256(), 0
    for path in paths:
        found, size = hash_file(path)
        digest.update(f"{found}  {path.name}\n".encode())
        total += size
    return digest.hexdigest(), total
