"""Checksums of points in blocks, each of which is compared before the block is first read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import IntegrityError

BLOCK = 2048
"""How many points have one checksum together, over all objectives; a block takes 10 to 20 microseconds."""


def block_sums(points: Mapping[str, Array]) -> Array:
    """The CRC-32 of each block."""
    count = -(-max(map(len, points.values()), default=0) // BLOCK)
    return np.array([_sum(points, block) for block in range(count)], dtype=np.uint32)


def _sum(points: Mapping[str, Array], block: int) -> int:
    total = 0
    for name in sorted(points):
        total = zlib.crc32(points[name][block * BLOCK : (block + 1) * BLOCK].data, total)
    return total


class CheckedBlocks:
    """Called before points are read, with the index of the first and the index after the last.

    Args:
        path: The file of the points, which is removed if a block is damaged.
        points: Objective -> its points.
        sums: What :func:`block_sums` said when the file was written.
    """

    def __init__(self, path: Path, points: Mapping[str, Array], sums: Array) -> None:
        self._path, self._points, self._sums = path, points, sums
        self._done = bytearray(len(sums))

    def __call__(self, start: int, stop: int) -> None:
        """Check the blocks of these points that have not been checked.

        Raises:
            IntegrityError: A block is damaged.
        """
        if start >= stop:
            return
        first, last = start // BLOCK, (stop - 1) // BLOCK
        if self._done[first] and self._done[last] and last - first < 2:
            return
        for block in range(first, last + 1):
            if not self._done[block]:
                self._check(block)

    def _check(self, block: int) -> None:
        if _sum(self._points, block) != self._sums[block]:
            with suppress(OSError):
                self._path.unlink()
            raise IntegrityError(
                f"{self._path}, the decoded copy of a table, was damaged and is removed: try again; the "
                f"table's own file is decoded then"
            )
        self._done[block] = 1
