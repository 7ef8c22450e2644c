"""The fast forward pass of a surrogate network: no more hidden units than some row needs, in small products.

A hidden unit of a block contributes ``a * relu(b)`` times its weights, which is 0 unless ``b`` is above 0.
So ``b`` is computed for all units, but ``a`` and the contribution only for units that are open in one row at
least, which are about half. Rows that differ in one number alone reach the first block as
``base + share * slope``: what that block's first layer makes of bases and slope is multiplied once for all
shares.

Sums are thereby taken in another order and in other parts than in :meth:`Network.unit`. The results differ by
less than the noise that :meth:`Network.evaluate` allows for.

Rows are columns here, ``(width + 1, row)``: what belongs to one unit lies together. The last of a row's
numbers is 1, whose weights are the biases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from blackbox_repo.curve import Array

# OpenBLAS starts threads for a product of more multiplications than this (rows x inner x columns). Here they
# gain little; where other processes want the same cores, they make it up to fifty times slower.
MOST_IN_ONE_THREAD = 2**18
Units = Array | slice
STACK = 24
"""How many units are multiplied at a time: products of about as many units as rows are fastest."""
TOO_LARGE = 1e100
"""From here on a number may overflow in a unit that is not computed because it is closed."""


class Linear(NamedTuple):
    """``x @ weight + bias``."""

    weight: Array
    bias: Array


class Line(NamedTuple):
    """The rows ``base + share * slope`` for each base and each share.

    ``bases`` is ``(width + 1, base)``, ``slope`` is ``(width + 1, 1)``, ``shares`` is ``(share,)``.
    """

    bases: Array
    slope: Array
    shares: Array

    @property
    def size(self) -> int:
        """How many rows there are."""
        return int(self.bases.shape[1]) * len(self.shares)

    def parts(self, most: int) -> Iterator[Line]:
        """The rows in order, no more than so many at a time."""
        if self.size <= most:
            yield self
            return
        together = max(1, most // len(self.shares))
        for base in range(0, self.bases.shape[1], together):
            bases = self.bases[:, base : base + together]
            for share in range(0, len(self.shares), most):
                yield Line(bases, self.slope, self.shares[share : share + most])

    def rows(self) -> Array:
        """All of them as columns, ``(width + 1, base * share)``, those of a base together."""
        rows: Array = self.bases[:, :, None] + self.slope[:, :, None] * self.shares
        return rows.reshape(len(self.slope), -1)


class Block:
    """A residual block, which adds ``linear1(a * relu(b))`` to ``x``, where ``[a, b] = linear0(x)``.

    One unit more is always open, and contributes the bias of ``linear1``.

    Args:
        gated: ``linear0``, with the block's normalization in it.
        back: ``linear1``.
    """

    def __init__(self, gated: Linear, back: Linear) -> None:
        units = len(back.weight)
        weights = np.vstack([gated.weight, gated.bias]).T
        always_one = np.append(np.zeros(len(gated.weight)), 1.0)
        self._value = _stacked(np.vstack([weights[:units], always_one]))
        self._gate = _stacked(np.vstack([weights[units:], always_one]))
        self._back = _stacked(np.pad(np.vstack([back.weight, back.bias]), ((0, 0), (0, 1))))

    def add(self, x: Array) -> None:
        """Add the block's contribution to ``x``."""
        gate = _product(self._gate, x)
        units = _open_units(gate)
        self._add(x, _product(self._value[units], x), gate, units)

    def add_on(self, line: Line, x: Array) -> None:
        """As :meth:`add`, where ``x`` are the rows of a line."""
        gate = _on_line(self._gate, line)
        units = _open_units(gate)
        self._add(x, _on_line(self._value[units], line), gate, units)

    def _add(self, x: Array, value: Array, gate: Array, units: Units) -> None:
        value *= np.maximum(gate[units], 0.0)
        back = self._back[units].reshape(-1, STACK, len(x)).transpose(0, 2, 1)
        x += np.matmul(back, value.reshape(len(back), STACK, -1)).sum(axis=0)


class Forward:
    """The network behind its first layer.

    Args:
        blocks: ``linear0`` and ``linear1`` of each.
        last: Scale and shift of the last normalization.
        head: The layer whose sigmoid is the result.
    """

    def __init__(
        self, blocks: Sequence[tuple[Linear, Linear]], last: tuple[Array, Array], head: Linear
    ) -> None:
        self._blocks = [Block(gated, back) for gated, back in blocks]
        self._scale, self._shift = np.append(last[0], 1.0)[:, None], np.append(last[1], 0.0)[:, None]
        self._head = np.ascontiguousarray(np.vstack([head.weight, head.bias]).T)
        self.most_rows = max(1, MOST_IN_ONE_THREAD // (STACK * len(self._scale)))
        """How many rows may come at a time."""

    def unit(self, line: Line) -> Array | None:
        """What the network yields for the rows of a line: float64 ``(row, output)``.

        ``None`` where numbers are too large for closed units to be passed over.
        """
        x = line.rows()
        rest = self._blocks
        if len(line.shares) > 1 and rest:
            rest[0].add_on(line, x)
            rest = rest[1:]
        for block in rest:
            block.add(x)
        if not np.abs(x).max() < TOO_LARGE:
            return None
        logits = self._head @ np.maximum(x * self._scale + self._shift, 0.0)
        unit: Array = 1.0 / (1.0 + np.exp(-logits.T))
        return unit


def _open_units(gate: Array) -> Units:
    """Whole stacks of units: those that are open, or no number, in some row, and a few closed ones."""
    if gate.shape[1] == 1:  # for a single row it takes longer to choose than to compute all
        return slice(None)
    closed: Array = np.all(gate <= 0, axis=1)
    needed = len(closed) - np.count_nonzero(closed)
    return np.argsort(closed, kind="stable")[: needed + -needed % STACK]


def _stacked(weights: Array) -> Array:
    """Behind the rows of all units rows of zeros, up to whole stacks."""
    return np.ascontiguousarray(np.pad(weights, ((0, -len(weights) % STACK), (0, 0))))


def _product(weights: Array, x: Array) -> Array:
    stacks: Array = np.matmul(weights.reshape(-1, STACK, len(x)), x)
    return stacks.reshape(len(weights), -1)


def _on_line(weights: Array, line: Line) -> Array:
    return Line(_product(weights, line.bases), _product(weights, line.slope), line.shares).rows()
