"""Training runs of the same configuration: brought together, and numbered where the source names no seed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from blackbox_repo.curve import Array


def replicates(configurations: Iterable[Hashable]) -> tuple[Array, Array]:
    """An order of the rows in which those of a configuration lie together, and each row's number there.

    Args:
        configurations: What names the configuration of each row.

    Returns:
        The rows in the order of their configurations' first rows, else as they were; and for each of them how
        many of its configuration come before it: 0, 1, 2, ...

    Example:
        >>> replicates("abca")
        (array([0, 3, 1, 2]), array([0, 1, 0, 0]))
    """
    known: dict[Hashable, int] = {}
    codes = np.array([known.setdefault(key, len(known)) for key in configurations], dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    return order, np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
