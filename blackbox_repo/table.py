"""Tabulated blackboxes: training runs are rows of read-only arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox, Trainings
from blackbox_repo.configuration_list import ConfigurationList
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Value
from blackbox_repo.errors import UnknownName, UnknownSeed
from blackbox_repo.frozen import FrozenDict, sealed
from blackbox_repo.keyed_random import number_of
from blackbox_repo.lookup import Lookup
from blackbox_repo.row_index import RowIndex
from blackbox_repo.rows import STATUSES, Coded, Table
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration

__all__ = ["STATUSES", "Coded", "ConfigurationList", "Table", "TabularBlackbox"]

_FEW = 1 << 14  # of numbers that may take 40 bytes each as Python objects
_VALUES_AT_ONCE = 1 << 16  # what is hashed: half a megabyte stays in the processor's cache


class TabularBlackbox(Blackbox):
    """A blackbox whose training runs are rows of a table.

    The row of a configuration is computed by mixed radix if the table holds its whole finite space, and found
    among sorted numbers otherwise; either takes about a microsecond.

    Args:
        schema: Describes the columns. If the table is no full grid, its space gets the configurations of the
            table as candidates.
        table: The training runs, or their index under this schema, which is not checked again.
        name: The name of the blackbox in messages and results.
        check: Called before points are read, with the index of the first and the index after the last;
            raises an error if they are damaged.

    Raises:
        InvalidConfiguration: The table lacks a column or has no rows, its columns do not fit together, a
            value lies outside its domain, or the rows of a configuration do not lie together with seeds
            ascending.
    """

    def __init__(
        self,
        schema: Schema,
        table: Table | RowIndex,
        *,
        name: str = "table",
        check: Callable[[int, int], None] | None = None,
    ) -> None:
        schema = replace(schema, space=replace(schema.space, candidates=None))  # those of another table
        rows = table if isinstance(table, RowIndex) else RowIndex.of(schema, table, name)
        self.name, self._rows, self._check = name, rows, check
        self._first, self._offsets = _as_sequence(rows.first), _as_sequence(rows.offsets)
        self._seeds = _as_sequence(rows.seeds)
        self._status = None if rows.status is None else _as_sequence(rows.status)
        self._points, self._constants = dict(rows.points), dict(rows.constants)
        self._configurations = ConfigurationList(rows.values, rows.codes, gaps=bool(schema.space.conditions))
        self._digest = ""
        # no cached property, which would make each access to an attribute slower
        self._index: Callable[[Configuration], int] | None = None
        if rows.numbers is not None:
            schema = replace(schema, space=replace(schema.space, candidates=self._configurations))
        self.schema = schema

    def __reduce__(self) -> Any:
        return partial(TabularBlackbox, name=self.name, check=self._check), (self.schema, self._rows)

    def under(self, schema: Schema, name: str) -> TabularBlackbox:
        """The same training runs with some of the objectives, in the same memory.

        Args:
            schema: The same schema with these objectives only.
            name: The name of the blackbox in messages and results.
        """
        points = {curve: self._points[curve] for curve in schema.curve_names}
        constants = {constant: self._constants[constant] for constant in schema.constant_names}
        rows = replace(self._rows, points=FrozenDict(points), constants=FrozenDict(constants))
        return TabularBlackbox(schema, rows, name=name, check=self._check)

    def _make_index(self) -> Callable[[Configuration], int]:
        """Finds the index of a configuration; made when one is first looked up."""
        self._index = Lookup(self.schema.space, self._rows.values, self._rows.numbers, self.name).index
        return self._index

    @property
    def table(self) -> Table:
        """The training runs with canonical values of hyperparameters, read-only."""
        self._check_all()
        return self._rows.table()

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curve_at((self._index or self._make_index())(configuration), seed)

    def curve_at(self, index: int, seed: int | None = None) -> LearningCurve:
        """As :meth:`curve`, for the configuration at an index of :meth:`configurations`."""
        row = self._first[index]
        if seed is not None and self._seeds[row] != seed:
            row = self._row_of_seed(index, seed)
        start, stop = self._offsets[row], self._offsets[row + 1]
        if self._check is not None:
            self._check(start, stop)
        return LearningCurve(
            self.schema,
            self._points,
            self._constants,
            start,
            stop,
            row,
            STATUSES[self._status[row]] if self._status else "ok",
            self._seeds[row],
        )

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self.seeds_at((self._index or self._make_index())(configuration))

    def seeds_at(self, index: int) -> tuple[int, ...]:
        """As :meth:`seeds`, for the configuration at an index of :meth:`configurations`."""
        return self._common_seeds or tuple(self._seeds[self._first[index] : self._first[index + 1]])

    @cached_property
    def _common_seeds(self) -> tuple[int, ...]:
        return self._rows.common_seeds

    def trainings(self, configuration: Configuration) -> Trainings:
        return _Row(self, (self._index or self._make_index())(configuration))

    def number_at(self, index: int) -> int:
        """The number of the configuration at an index, as in :class:`Trainings`; it is computed once."""
        number: int = self._numbers.item(index)
        if not number:  # 0 is not known; if it is the number itself, it is computed again each time
            number = self._numbers[index] = number_of(self._configurations.text(index))
        return number

    @cached_property
    def _numbers(self) -> Array:
        return np.zeros(len(self._configurations), dtype=np.uint64)

    def configurations(self) -> Sequence[Configuration]:
        return self._configurations

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        self._check_all()
        rows, fidelities = self._rows, len(self.schema.fidelity.values)
        shape = (len(self._configurations), rows.most_replicates, fidelities)
        if objective in self._constants:
            cells = sealed(np.repeat(self._constants[objective], rows.lengths))
        else:
            cells = self._points[objective]
        if cells.size == np.prod(shape):
            return cells.reshape(shape)
        array, replicates, lengths = np.full(shape, np.nan), rows.replicates, rows.lengths
        row = np.repeat(np.arange(len(lengths)), lengths)
        configuration = np.repeat(np.arange(len(replicates)), replicates)[row]
        replicate = row - np.asarray(rows.first)[configuration]
        point = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        array[configuration, replicate, point] = cells
        return sealed(array)

    def label(self, column: str) -> list[Any]:
        """A label column, with one entry for each configuration, in the order of :meth:`configurations`.

        Raises:
            UnknownName: There is no such label.
        """
        if column not in self._rows.labels:
            raise UnknownName("label", column, self._rows.labels)
        return self._rows.labels[column].decoded(np.asarray(self._rows.first[:-1]))

    def labelled(self, column: str, value: Value) -> Configuration:
        """The configuration with that label, such as an official architecture string or index.

        Raises:
            UnknownName: There is no such label column, or no configuration has this label.
        """
        labels = self.label(column)
        if value not in labels:
            raise UnknownName(column, value, [str(label) for label in labels[:3]])
        return self._configurations[labels.index(value)]

    def digest(self) -> str:
        if not self._digest:
            self._check_all()
            self._digest = _table_digest(self.schema, self._rows.table())
        return self._digest

    def _check_all(self) -> None:
        if self._check is not None:
            self._check(0, self._offsets[-1])

    def _row_of_seed(self, index: int, seed: int) -> int:
        rows = range(self._first[index], self._first[index + 1])
        for row in rows:
            if self._seeds[row] == seed:
                return row
        raise UnknownSeed(
            f"{self._configurations[index]!r} was trained with the seeds {[self._seeds[r] for r in rows]} "
            f"in {self.name!r}, not with {seed!r}"
        )


class _Row(Trainings):
    """The training runs of the configuration at an index of a table."""

    __slots__ = ("_index", "_table")

    def __init__(self, table: TabularBlackbox, index: int) -> None:
        self.blackbox, self.configuration = table, table.configurations()[index]
        self._table, self._index = table, index

    @property
    def seeds(self) -> tuple[int, ...]:
        return self._table.seeds_at(self._index)

    @property
    def number(self) -> int:
        return self._table.number_at(self._index)

    def curve(self, seed: int | None = None) -> LearningCurve:
        return self._table.curve_at(self._index, seed)


def _table_digest(schema: Schema, table: Table) -> str:
    """SHA-256 of the content; it does not depend on the arrays' types or the order of a column's values."""
    hashed = hashlib.sha256(schema.meaning().encode())
    for name in schema.space.domains:
        column = table.hyperparameters[name]
        known = Coded.of_array(column.codes)  # the codes themselves, numbered in the order of their first row
        values = Coded(column.values, np.array(known.values)).decoded()
        hashed.update(f"{name} {values!a}".encode())
        hashed.update(known.codes.astype("<i4").tobytes())
    if table.seeds.dtype == np.uint64:  # the same bits are negative seeds too
        hashed.update(b"uint64")
    hashed.update(table.seeds.astype("<i8").tobytes())
    hashed.update(table.lengths.astype("<i8").tobytes())
    for objective in schema.objectives:
        columns = table.constants if objective.constant else table.points
        hashed.update(objective.name.encode())
        array = columns[objective.name]
        for start in range(0, len(array), _VALUES_AT_ONCE):
            wide = array[start : start + _VALUES_AT_ONCE].astype("<f8")
            wide[np.isnan(wide)] = np.nan  # there are many kinds of NaN
            hashed.update(wide.data)
    if table.status is not None:
        hashed.update(table.status.astype("u1").tobytes())
    return hashed.hexdigest()


def _as_sequence(numbers: Array | range) -> Sequence[int]:
    """Numbers that are fetched one by one: from a list if they are few, as that is faster."""
    if isinstance(numbers, range):
        return numbers
    return numbers.tolist() if len(numbers) <= _FEW else numbers.data
