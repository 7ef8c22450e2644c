"""Group the training runs of the same configuration, and number them where the source names no seed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from blackbox_repo.curve import Array


def replicates(configurations: Iterable[Hashable]) -> tuple[Array, Array]:
    """An order of rows that groups those of the same configuration, and the number of each row in its group.

    Args:
        configurations: For each row a value that identifies its configuration.

    Returns:
        The row indices, grouped by configuration: the groups in the order of their first rows, and the rows
        of a group in their original order. Then, in the same order, the number of each row in its group: 0,
        1, 2, ...

    Example:
        >>> replicates("abca")
        (array([0, 3, 1, 2]), array([0, 1, 0, 0]))
    """
    known: dict[Hashable, int] = {}
    codes = np.array([known.setdefault(key, len(known)) for key in configurations], dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    return order, np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
