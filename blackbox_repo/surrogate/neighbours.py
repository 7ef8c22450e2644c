"""The rows that are nearest to another one: exactly, and in sublinear time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from blackbox_repo.curve import Array

DECIMALS = 12
"""Squared distances are rounded to so many decimals, so that equal distances are equal."""
_AT_ONCE = 48_000  # numbers that are multiplied sooner than near ones are found, and by one thread
_BLOCK = 256
_ERROR = 1e-15  # of a few operations, as a share of what they are made with


def squared_distances(rows: Array, row: Array) -> Array:
    """The squared Euclidean distances from rows ``(row, feature)`` to another one, rounded.

    Each is the same to the last bit on every machine, whichever rows are asked for together.
    """
    apart = rows.T - row[:, np.newaxis]
    apart *= apart
    squares: Array = np.add.accumulate(apart)[-1]  # in this order, which a sum need not have
    rounded: Array = squares.round(DECIMALS)
    return rounded


@dataclass(frozen=True)
class NearestRows:
    """Finds the nearest of some rows by Euclidean distance, as comparing them all would.

    Many rows lie in blocks that medians separate, and only the blocks whose bounding boxes are near enough
    are searched. There a product of matrices gives distances with a known error, and those that may be small
    enough are computed again; so the answer does not depend on the library that multiplies.

    Args:
        rows: ``(row, feature)``, finite.
        order: The row at each place of a block ``(block, place)``. The last places may repeat rows.
        factors: Minus twice those rows ``(block, place, feature)``.
        norms: Their squared norms ``(block, place)``, infinite where a row is repeated.
        low: The lower corner of each block's box ``(feature, block)``.
        high: The upper one.
        fewest: How many different rows a block has at least.
        largest: The largest squared norm.
    """

    rows: Array
    order: Array
    factors: Array
    norms: Array
    low: Array
    high: Array
    fewest: int
    largest: float

    @classmethod
    def of(cls, rows: Array) -> NearestRows:
        """The blocks of some rows; it takes a tenth of a second for 60,000 rows."""
        everything = np.arange(len(rows))
        parts = [everything] if rows.size <= _AT_ONCE else list(_split(rows, everything))
        sizes = np.array([len(part) for part in parts])
        norms = (rows * rows).sum(axis=1)
        order = np.array([np.resize(part, sizes.max()) for part in parts])
        repeated = np.arange(sizes.max()) >= sizes[:, np.newaxis]
        return cls(
            rows=rows,
            order=order,
            factors=-2 * rows[order],
            norms=np.where(repeated, np.inf, norms[order]),
            low=np.stack([rows[part].min(axis=0) for part in parts], axis=1),
            high=np.stack([rows[part].max(axis=0) for part in parts], axis=1),
            fewest=int(sizes.min()),
            largest=float(norms.max()),
        )

    def nearest(self, row: Array, count: int) -> tuple[Array, Array]:
        """The ``count`` nearest rows, and all others that are as near as the last of them.

        Args:
            row: ``(feature,)``, finite.
            count: At least 1; if there are fewer rows, all are taken.

        Returns:
            Their indices, ascending, and their squared distances, rounded.
        """
        count = min(count, len(self.rows))
        near = self._candidates(row, count)
        near.sort()
        squares = squared_distances(self.rows[near], row)
        chosen = squares <= _smallest(squares, count)
        return near[chosen], squares[chosen]

    def _candidates(self, row: Array, count: int) -> Array:
        """Rows among which the nearest ones are."""
        norm = float(row @ row)
        margin = 10.0**-DECIMALS + _ERROR * (len(row) + 4) * (norm + self.largest)
        blocks: Array | slice = slice(None)
        if len(self.order) > 1:
            blocks = self._near_blocks(row, count, norm, margin)
        relative = self._relative(blocks, row)
        near: Array = self.order[blocks].ravel()[relative <= _smallest(relative, count) + 2 * margin]
        return near

    def _near_blocks(self, row: Array, count: int, norm: float, margin: float) -> Array:
        """The blocks that may have one of the nearest rows."""
        place = row[:, np.newaxis]
        beside = np.maximum(self.low - place, place - self.high)
        np.maximum(beside, 0.0, out=beside)
        beside *= beside
        bounds = beside.sum(axis=0)
        enough = min(-(-count // self.fewest), len(bounds))
        first = np.argpartition(bounds, enough - 1)[:enough]
        farthest = _smallest(self._relative(first, row), count) + norm
        return np.flatnonzero(bounds <= farthest + 2 * margin)

    def _relative(self, blocks: Array | slice, row: Array) -> Array:
        """The squared distances of the rows of some blocks, less the squared norm of ``row``; with errors."""
        relative = self.factors[blocks] @ row  # block by block, since threads would take longer
        relative += self.norms[blocks]
        return relative.ravel()


def _smallest(numbers: Array, count: int) -> float:
    """The number that has this place in ascending order."""
    return float(numbers.min() if count == 1 else np.partition(numbers, count - 1)[count - 1])


def _split(rows: Array, chosen: Array) -> Iterator[Array]:
    """Rows in blocks, halved at the median of the feature that varies most until they are small."""
    if len(chosen) <= _BLOCK:
        yield chosen
        return
    part = rows[chosen]
    ordered = chosen[np.argsort(part[:, int(np.argmax(part.var(axis=0)))], kind="stable")]
    half = len(chosen) // 2
    yield from _split(rows, ordered[:half])
    yield from _split(rows, ordered[half:])
