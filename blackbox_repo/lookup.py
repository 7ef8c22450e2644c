"""Finds the configurations of a table: by mixed radix in a whole grid, else among sorted numbers.

What is found by is sorted arrays, which processes can share, and not a dict of all configurations.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import getitem, itemgetter

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from blackbox_repo.errors import ConfigurationNotInTable
from blackbox_repo.space import CanonicalKey, Configuration, Space

_MOST = 1 << 63  # the numbers are smaller, to be in arrays of 64 bits
_DOUBTFUL_TYPES = frozenset({bool, np.bool_, type(None)})


@dataclass(frozen=True)
class SortedNumbers:
    """Each configuration of a table as a number, or as several if its hyperparameters have too many values.

    Args:
        numbers: For each group of hyperparameters (:func:`strides`) the numbers, sorted by the first group,
            then the second, ...
        order: The index of the configuration to which each belongs.
    """

    numbers: tuple[Array, ...]
    order: Array

    @classmethod
    def of(cls, values: Mapping[str, Sequence[Value]], codes: Mapping[str, Array]) -> SortedNumbers:
        """The numbers of configurations that have these codes, which need not be different."""
        numbers = [
            np.sum([codes[name].astype(np.int64) * stride for name, stride in group.items()], axis=0)
            for group in strides(values)
        ]
        order = np.lexsort(numbers[::-1])
        return cls(tuple(array[order] for array in numbers), order)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def differ(self) -> bool:
        """Whether no two configurations have the same numbers."""
        return not np.logical_and.reduce([array[1:] == array[:-1] for array in self.numbers]).any()


def strides(values: Mapping[str, Sequence[Value]]) -> list[dict[str, int]]:
    """Hyperparameters in groups, each with the stride by which its codes count in the number of its group."""
    groups: list[dict[str, int]] = []
    size = _MOST
    for name, known in values.items():
        choices = len(known) + 1  # it may be inactive
        if size * choices > _MOST:
            groups.append({})
            size = 1
        groups[-1][name] = size
        size *= choices
    return groups


class Lookup:
    """Finds the index of a configuration of a table in about a microsecond.

    Args:
        space: The space of the table.
        values: Hyperparameter -> its values in the table, in the order of the space.
        numbers: The configurations of the table, or ``None`` for the whole grid in its order.
        name: The name of the blackbox, for messages.
    """

    def __init__(
        self, space: Space, values: Mapping[str, Sequence[Value]], numbers: SortedNumbers | None, name: str
    ) -> None:
        self._space, self._name = space, name
        self._key = _key_getter(list(space.domains))
        self._doubtful = _doubtful_values(space, values)
        self._strides = _grid_shares(space) if numbers is None else []
        self._groups = [] if numbers is None else _groups(values, numbers)
        self._order: Sequence[int] = () if numbers is None else numbers.order.data
        self._found: dict[CanonicalKey, int] = {}

    def index(self, configuration: Configuration) -> int:
        """The index of a configuration.

        Raises:
            InvalidConfiguration: The space refuses it.
            ConfigurationNotInTable: The table does not hold it.
        """
        # This fast path accepts what the checked one accepts, and leaves two cases to it: a bool, as True is
        # equal to 1, and None, which means an inactive hyperparameter here but must be left out by callers.
        try:
            key = self._key(configuration)
            if len(configuration) == len(key) and (
                self._doubtful is None or _DOUBTFUL_TYPES.isdisjoint(map(type, self._doubtful(configuration)))
            ):
                if self._strides:
                    return sum(map(getitem, self._strides, key))
                index = self._found.get(key)
                return self._search(key) if index is None else index
        except (KeyError, TypeError, AttributeError):
            pass
        checked = self._space.key(configuration)
        try:
            return sum(map(getitem, self._strides, checked)) if self._strides else self._search(checked)
        except KeyError:
            raise ConfigurationNotInTable(
                f"{dict(configuration)!r} is not among the {len(self._order)} configurations of "
                f"{self._name!r}; wrap the blackbox with views.nearest(...) to take the closest one, or with "
                "views.with_surrogate(...) to predict it (bb-sim run --off-table nearest, or forest)"
            ) from None

    def _search(self, key: CanonicalKey) -> int:
        """The index of a configuration with these values; ``KeyError`` if there is none."""
        low, high = 0, len(self._order)
        for part, shares, numbers in self._groups:
            number = sum(map(getitem, shares, key[part]))
            low = bisect_left(numbers, number, low, high)
            high = bisect_right(numbers, number, low, high)
        if low == high:
            raise KeyError(key)
        index = self._found[key] = self._order[low]
        return index


_Group = tuple[slice, list[dict[Value | None, int]], Sequence[int]]


def _groups(values: Mapping[str, Sequence[Value]], numbers: SortedNumbers) -> list[_Group]:
    """For each group the part of a key that it is, the share of each value in its number, and the numbers."""
    found: list[_Group] = []
    start = 0
    for group, array in zip(strides(values), numbers.numbers, strict=True):
        shares = [_shares((*values[name], None), stride) for name, stride in group.items()]
        found.append((slice(start, start + len(shares)), shares, array.data))
        start += len(shares)
    return found


def _grid_shares(space: Space) -> list[dict[Value | None, int]]:
    """Each value's share of the grid index, in which the last hyperparameter turns fastest."""
    shares, stride = [], 1
    for domain in reversed(list(space.domains.values())):
        assert domain.values is not None
        shares.append(_shares(domain.values, stride))
        stride *= len(domain.values)
    return shares[::-1]


def _shares(values: Sequence[Value | None], stride: int) -> dict[Value | None, int]:
    return {value: code * stride for code, value in enumerate(values)}


def _key_getter(names: Sequence[str]) -> Callable[[Configuration], tuple[Value, ...]]:
    """Configuration -> its values in this order; ``KeyError`` where one is missing."""
    if len(names) == 1:
        name = names[0]
        return lambda configuration: (configuration[name],)
    return itemgetter(*names)


def _doubtful_values(
    space: Space, values: Mapping[str, Sequence[Value]]
) -> Callable[[Configuration], tuple[object, ...]] | None:
    """Configuration -> those of its values that could equal one of the table and have a wrong type."""
    if any(isinstance(value, bool) for known in values.values() for value in known):
        return _always_in_doubt  # a number equals a bool as well
    doubtful = [name for name in values if name in space.conditions or 0 in values[name] or 1 in values[name]]
    return _key_getter(doubtful) if doubtful else None


def _always_in_doubt(configuration: Configuration) -> tuple[None]:
    return (None,)
