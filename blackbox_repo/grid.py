"""Finite sets of configurations, counted through by index and never stored."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate

import numpy as np

from blackbox_repo.domains import Value
from blackbox_repo.errors import TooEntangled

Requirements = Mapping[str, Sequence[tuple[str, Collection[Value]]]]
"""Hyperparameter -> the parents and their values that must all hold for it to be active."""

MOST_STATES = 100_000
"""How many different sets of active hyperparameters are kept in mind while configurations are counted."""


class Rows:
    """Configurations that are listed.

    Args:
        rows: The list.
    """

    def __init__(self, rows: Sequence[Mapping[str, Value]]) -> None:
        self._rows = rows
        self.size = len(rows)

    def __getitem__(self, index: int) -> dict[str, Value]:
        return dict(self._rows[index])

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return map(dict, self._rows)

    def block(self, indices: Sequence[int]) -> list[dict[str, Value]]:
        """The configurations at some indices."""
        return [dict(self._rows[index]) for index in indices]


class Grid:
    """All combinations of some values of each hyperparameter that conditions allow.

    The last hyperparameter turns fastest; of those that conditions tie together, which turn as one, it is the
    last group, ordered by its first member.

    Args:
        values: Hyperparameter -> its values, all different; parents before their children.
        requirements: Its conditions.

    Raises:
        TooEntangled: The conditions are too entangled to be counted.
    """

    def __init__(self, values: Mapping[str, Sequence[Value]], requirements: Requirements) -> None:
        self._names, self._values = tuple(values), tuple(values.values())
        groups = _tied_together(self._names, requirements)
        self._tied = len(groups) < len(self._names)
        self._groups = [
            _Group(group, values, requirements) if len(group) > 1 else _Single(group[0], values[group[0]])
            for group in reversed(groups)
        ]
        self.size = math.prod(group.size for group in self._groups)

    def __getitem__(self, index: int) -> dict[str, Value]:
        if not 0 <= index < self.size:
            raise IndexError(f"grid index {index} is not in 0 .. {self.size - 1}")
        found: dict[str, Value] = {}
        for group in self._groups:
            index, digit = divmod(index, group.size)
            group.add(found, digit)
        return {name: found[name] for name in self._names if name in found}

    def block(self, indices: Sequence[int]) -> list[dict[str, Value]]:
        """The configurations at some indices."""
        if self._tied or self.size >= 1 << 63:
            return [self[index] for index in indices]
        columns, rest = [], np.array(indices, dtype=np.int64)
        for values in reversed(self._values):
            rest, digits = np.divmod(rest, _count(values))
            columns.append(map(values.__getitem__, digits.tolist()))
        return [dict(zip(self._names, row, strict=True)) for row in zip(*reversed(columns), strict=True)]

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return (self[index] for index in range(self.size))


class _Single:
    """A hyperparameter by itself."""

    def __init__(self, name: str, values: Sequence[Value]) -> None:
        self._name, self._values = name, values
        self.size = _count(values)

    def add(self, found: dict[str, Value], index: int) -> None:
        found[self._name] = self._values[index]


class _Group:
    """Hyperparameters that conditions tie together.

    A state is the set of later members that may still be active, as bits: a value clears those that it makes
    inactive. The configurations from a member on are counted for each state that the members before it can
    lead to.
    """

    def __init__(
        self, names: Sequence[str], values: Mapping[str, Sequence[Value]], requirements: Requirements
    ) -> None:
        self._names = names
        self._values = [values[name] for name in names]
        self._runs = [_runs(name, values[name], names, requirements) for name in names]
        self._idle = [  # what an inactive member makes inactive
            _bits(names, (o for o in names if any(p == name for p, _ in requirements.get(o, ()))))
            for name in names
        ]
        self._counts = self._counted()
        self.size = self._counts[0][(1 << len(names)) - 1]

    def _counted(self) -> list[dict[int, int]]:
        """For each member, state -> how many configurations there are from it on."""
        levels = [{(1 << len(self._names)) - 1}]
        for member in range(len(self._names)):
            levels.append({after for state in levels[-1] for _, after in self._ways(member, state)})
            if sum(map(len, levels)) > MOST_STATES:
                raise TooEntangled(
                    f"the conditions between {self._names[0]!r} and {self._names[-1]!r} are too entangled "
                    f"for their configurations to be counted"
                )
        counts: list[dict[int, int]] = [dict.fromkeys(levels[-1], 1)]
        for member in reversed(range(len(self._names))):
            following = counts[0]
            counts.insert(
                0,
                {
                    state: sum(length * following[after] for length, after in self._ways(member, state))
                    for state in levels[member]
                },
            )
        return counts

    def _ways(self, member: int, state: int) -> list[tuple[int, int]]:
        """How many values lead to which state, run by run; one way where the member is inactive."""
        rest = state & ~((2 << member) - 1)
        if not state >> member & 1:
            return [(1, rest & ~self._idle[member])]
        return [(high - low, rest & ~kills) for low, high, kills in self._runs[member]]

    def add(self, found: dict[str, Value], index: int) -> None:
        state = (1 << len(self._names)) - 1
        for member, name in enumerate(self._names):
            following, ways = self._counts[member + 1], self._ways(member, state)
            ends = list(accumulate(length * following[after] for length, after in ways))
            way = bisect_right(ends, index)
            index -= ends[way - 1] if way else 0
            rank, index = divmod(index, following[ways[way][1]])
            if state >> member & 1:
                found[name] = self._values[member][self._runs[member][way][0] + rank]
            state = ways[way][1]


def _count(values: Sequence[Value]) -> int:
    """How many values there are, which may be more than ``len`` can return."""
    return values.stop - values.start if isinstance(values, range) else len(values)


def _runs(
    name: str, values: Sequence[Value], names: Sequence[str], requirements: Requirements
) -> list[tuple[int, int, int]]:
    """From which rank to which one values make the same members inactive, and which members these are."""
    needed = {other: [v for p, v in requirements.get(other, ()) if p == name] for other in names}
    special = sorted(
        {values.index(v) for lists in needed.values() for allowed in lists for v in allowed if v in values}
    )
    cuts = sorted({0, _count(values), *special, *(rank + 1 for rank in special)})
    return [
        (
            low,
            high,
            _bits(names, (o for o in names if any(values[low] not in allowed for allowed in needed[o]))),
        )
        for low, high in zip(cuts, cuts[1:], strict=False)
    ]


def _bits(names: Sequence[str], chosen: Iterator[str]) -> int:
    return sum(1 << names.index(name) for name in chosen)


def _tied_together(names: Sequence[str], requirements: Requirements) -> list[list[str]]:
    """Names in groups that no condition crosses, each in order, the groups by their first name."""
    group_of = {name: [name] for name in names}
    for name in names:
        for parent, _ in requirements.get(name, ()):
            into, other = group_of[parent], group_of[name]
            if into is not other:
                into.extend(other)
                group_of.update(dict.fromkeys(other, into))
    order = {name: rank for rank, name in enumerate(names)}
    groups = {id(group): sorted(group, key=order.__getitem__) for group in group_of.values()}
    return sorted(groups.values(), key=lambda group: order[group[0]])
