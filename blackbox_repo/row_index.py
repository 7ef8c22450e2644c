"""A checked table as it is looked up: each configuration once, in as few bytes as it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.frozen import FrozenDict, sealed
from blackbox_repo.lookup import SortedNumbers
from blackbox_repo.row_checks import check_seeds, check_table
from blackbox_repo.rows import Coded, Table
from blackbox_repo.schema import Schema
from blackbox_repo.space import Space


@dataclass(frozen=True)
class RowIndex:
    """The training runs of a table, and where those of a configuration lie.

    Args:
        values: Hyperparameter -> its values, all of the space in its order.
        codes: Hyperparameter -> which of its values each configuration has; their number if it is inactive.
        first: The first row of each configuration; then the number of rows.
        offsets: The first point of each row; then the number of points.
        seeds: The seed of each row.
        status: Row -> index into ``STATUSES``; ``None`` where the source does not know it.
        points: Curve objective -> the points of all rows, end to end.
        constants: Constant objective -> the value of each row.
        labels: Name -> a column of text or numbers that are neither hyperparameters nor objectives.
        numbers: By what configurations are found; ``None`` if they are the whole grid in its order.
    """

    values: Mapping[str, Sequence[Value]]
    codes: Mapping[str, Array]
    first: Array | range
    offsets: Array | range
    seeds: Array
    status: Array | None
    points: Mapping[str, Array]
    constants: Mapping[str, Array]
    labels: Mapping[str, Coded]
    numbers: SortedNumbers | None

    @classmethod
    def of(cls, schema: Schema, table: Table, name: str) -> RowIndex:
        """Check a table, and index it.

        Args:
            schema: What the columns mean.
            table: The training runs.
            name: The name of the blackbox, for messages.

        Raises:
            InvalidConfiguration: The table is wrong, as in :class:`TabularBlackbox`.
        """
        table = check_table(schema, table, name)
        columns = {h: table.hyperparameters[h] for h in schema.space.domains}
        first = _first_rows(list(columns.values()))
        check_seeds(table.seeds, first, name)
        values = {h: column.values for h, column in columns.items()}
        codes = {h: _unsigned(column, first) for h, column in columns.items()}
        numbers = None if _is_grid(schema.space, values, codes) else SortedNumbers.of(values, codes)
        if numbers is not None and not numbers.differ:
            raise InvalidConfiguration(f"the rows of some configurations of {name!r} are not adjacent")
        return cls(
            values=FrozenDict(values),
            codes=FrozenDict(codes),
            first=_compress(np.append(first, len(table))),
            offsets=_compress(np.append(0, np.cumsum(table.lengths, dtype=np.int64))),
            seeds=_narrow(table.seeds),
            status=table.status,
            points=table.points,
            constants=table.constants,
            labels=table.labels,
            numbers=numbers,
        )

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def replicates(self) -> Array:
        """How many rows each configuration has."""
        return _steps(self.first)

    @property
    def most_replicates(self) -> int:
        """How many rows a configuration has at most."""
        return self.first.step if isinstance(self.first, range) else int(self.replicates.max())

    @property
    def lengths(self) -> Array:
        """How many points each row has."""
        return _steps(self.offsets)

    @property
    def common_seeds(self) -> tuple[int, ...]:
        """The seeds of each configuration, if all have the same; otherwise none."""
        if not isinstance(self.first, range):
            return ()
        seeds = self.seeds.reshape(-1, self.first.step)
        return tuple(seeds[0].tolist()) if (seeds == seeds[0]).all() else ()

    def table(self) -> Table:
        """The table again, with canonical values of hyperparameters, and read-only arrays."""
        replicates = self.replicates
        hyperparameters = {
            name: Coded(
                tuple(self.values[name]), sealed(np.repeat(_signed(codes, self.values[name]), replicates))
            )
            for name, codes in self.codes.items()
        }
        return Table(
            hyperparameters=FrozenDict(hyperparameters),
            seeds=sealed(_widened(self.seeds)),
            points=self.points,
            lengths=sealed(self.lengths),
            constants=self.constants,
            status=self.status,
            labels=FrozenDict(self.labels),
        )


def _first_rows(columns: Sequence[Coded]) -> Array:
    """The first row of each configuration."""
    changes = np.zeros(len(columns[0].codes), dtype=bool)
    changes[:1] = True
    for column in columns:
        changes[1:] |= np.diff(column.codes) != 0
    return np.flatnonzero(changes)


def _unsigned(column: Coded, first: Array) -> Array:
    """The codes of some rows with the number of values in place of -1."""
    codes = column.codes[first]
    return _narrow(np.where(codes < 0, len(column.values), codes))


def _signed(codes: Array, values: Sequence[Value]) -> Array:
    return np.where(codes == len(values), np.int32(-1), codes.astype(np.int32))


def _is_grid(space: Space, values: Mapping[str, Sequence[Value]], codes: Mapping[str, Array]) -> bool:
    """Whether the configurations are the whole grid in its order."""
    size = replace(space, candidates=None).size
    if size is None or size != len(next(iter(codes.values()))) or space.conditions:
        return False
    index = np.zeros(size, dtype=np.int64)
    for name, domain in space.domains.items():
        assert domain.values is not None
        rank = {value: rank for rank, value in enumerate(domain.values)}
        index = index * len(rank) + np.array([rank[value] for value in values[name]] + [size])[codes[name]]
    return np.array_equal(index, np.arange(size))


def _compress(numbers: Array) -> Array | range:
    """The same numbers, as a range if they are equally spaced."""
    steps = np.diff(numbers)
    if steps[0] > 0 and (steps == steps[0]).all():
        return range(int(numbers[0]), int(numbers[-1]) + 1, int(steps[0]))
    return _narrow(numbers)


def _steps(numbers: Array | range) -> Array:
    if isinstance(numbers, range):
        return np.full(len(numbers) - 1, numbers.step)
    return np.diff(numbers.astype(np.int64))


def _narrow(whole: Array) -> Array:
    """Whole numbers in as few bytes as they need."""
    low, high = int(whole.min(initial=0)), int(whole.max(initial=0))
    kinds = (
        (np.uint8, np.uint16, np.uint32, np.uint64) if low >= 0 else (np.int8, np.int16, np.int32, np.int64)
    )
    return whole.astype(next(k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max))


def _widened(seeds: Array) -> Array:
    """Seeds as int64, or as uint64 where one of them needs it."""
    return seeds.astype(np.uint64 if int(seeds.max()) > np.iinfo(np.int64).max else np.int64)
