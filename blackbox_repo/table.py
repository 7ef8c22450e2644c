"""Tabulated blackboxes: training runs are rows of read-only arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from operator import getitem, itemgetter
from typing import Any, overload

import numpy as np

from blackbox_repo.blackbox import Blackbox, Trainings
from blackbox_repo.curve import Array, LearningCurve, Status
from blackbox_repo.domains import Value
from blackbox_repo.errors import ConfigurationNotInTable, InvalidConfiguration, UnknownName, UnknownSeed
from blackbox_repo.frozen import sealed
from blackbox_repo.keyed_random import number_of
from blackbox_repo.row_checks import check_seeds, check_table
from blackbox_repo.rows import STATUSES, Coded, Table
from blackbox_repo.schema import Schema
from blackbox_repo.space import CanonicalKey, Configuration, configuration_text

__all__ = ["STATUSES", "Coded", "ConfigurationList", "Table", "TabularBlackbox"]

_VALUES_AT_ONCE = 1 << 16  # what is hashed: half a megabyte stays in the processor's cache
_DOUBTFUL_TYPES = frozenset({bool, np.bool_, type(None)})


class ConfigurationList(Sequence[Configuration]):
    """The configurations of a table, which become dicts only when they are accessed.

    Args:
        columns: Hyperparameter -> its choices, the last of them ``None``, and which of them each row has.
        gaps: Whether a hyperparameter may be inactive, which has the last choice then.
    """

    def __init__(
        self, columns: Mapping[str, tuple[Sequence[Value | None], Sequence[int]]], *, gaps: bool
    ) -> None:
        self._columns, self._gaps = columns, gaps

    def __len__(self) -> int:
        _, codes = next(iter(self._columns.values()))
        return len(codes)

    @overload
    def __getitem__(self, index: int) -> Configuration: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Configuration]: ...
    def __getitem__(self, index: int | slice) -> Configuration | Sequence[Configuration]:
        columns = self._columns.items()
        if isinstance(index, slice):
            part = {name: (choices, codes[index]) for name, (choices, codes) in columns}
            return ConfigurationList(part, gaps=self._gaps)
        row: dict[str, Any] = {name: choices[codes[index]] for name, (choices, codes) in columns}
        return {name: value for name, value in row.items() if value is not None} if self._gaps else row

    def text(self, index: int) -> str:
        """The ``configuration_text`` of a row, put together from those of its values."""
        return "{" + ",".join(filter(None, [texts[codes[index]] for texts, codes in self._texts])) + "}"

    @cached_property
    def _texts(self) -> list[tuple[list[str | None], Sequence[int]]]:
        """For each hyperparameter, sorted by name, the text of each of its choices, and its codes."""
        return [
            ([None if v is None else configuration_text({name: v})[1:-1] for v in choices], codes)
            for name, (choices, codes) in sorted(self._columns.items(), key=itemgetter(0))
        ]

    def column(self, name: str) -> list[Value | None]:
        """The values of a hyperparameter, row by row, ``None`` where it is inactive."""
        choices, codes = self._columns[name]
        return [choices[code] for code in codes]


class TabularBlackbox(Blackbox):
    """A blackbox whose training runs are rows of a table.

    The row of a configuration is computed by mixed radix if the table holds its whole finite space, and found
    in a dict otherwise; either takes about a microsecond.

    Args:
        schema: Describes the columns. If the table is no full grid, its space gets the configurations of the
            table as candidates.
        table: The training runs.
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
        table: Table,
        *,
        name: str = "table",
        check: Callable[[int, int], None] | None = None,
    ) -> None:
        table = self._table = check_table(schema, table, name)
        schema = replace(schema, space=replace(schema.space, candidates=None))  # those of another table
        self.name = name
        self._check = check
        names = list(schema.space.domains)
        columns = [table.hyperparameters[hyperparameter] for hyperparameter in names]
        first = _first_rows(columns)
        check_seeds(table.seeds, first, name)
        self._first = _compress(np.append(first, len(table)))
        self._offsets = _compress(np.append(0, np.cumsum(table.lengths, dtype=np.int64)))
        self._seeds: list[int] = table.seeds.tolist()
        self._points, self._constants = dict(table.points), dict(table.constants)
        self._status: list[Status] = [STATUSES[code] for code in _as_list(table.status)]
        self._configurations = ConfigurationList(
            {
                name: ((*column.values, None), column.codes[first].tolist())
                for name, column in zip(names, columns, strict=True)
            },
            gaps=bool(schema.space.conditions),
        )
        self._key = _key_getter(names)
        doubtful = [n for n, c in zip(names, columns, strict=True) if _is_doubtful(c)]
        self._doubtful: Callable[[Configuration], tuple[object, ...]] | None = None
        if doubtful:
            self._doubtful = _key_getter(doubtful)
        if any(isinstance(value, bool) for column in columns for value in column.values):
            self._doubtful = _always_in_doubt  # a number equals a bool as well
        self._digest = ""
        strides = _grid_strides(schema, columns, first)
        self._strides: list[dict[Value, int]] = strides or []
        self._rows: dict[CanonicalKey, int] = {}
        if strides is None:
            keys = zip(*(column.decoded(first) for column in columns), strict=True)
            self._rows = {key: i for i, key in enumerate(keys)}
            if len(self._rows) < len(first):
                raise InvalidConfiguration(f"the rows of some configurations of {name!r} are not adjacent")
            schema = replace(schema, space=replace(schema.space, candidates=self._configurations))
        self.schema = schema

    @property
    def table(self) -> Table:
        """The training runs with canonical values of hyperparameters, read-only."""
        self._check_all()
        return self._table

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curve_at(self._index(configuration), seed)

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
            self._status[row] if self._status else "ok",
            self._seeds[row],
        )

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self.seeds_at(self._index(configuration))

    def seeds_at(self, index: int) -> tuple[int, ...]:
        """As :meth:`seeds`, for the configuration at an index of :meth:`configurations`."""
        return self._common_seeds or tuple(self._seeds[self._first[index] : self._first[index + 1]])

    @cached_property
    def _common_seeds(self) -> tuple[int, ...]:
        """The seeds of each configuration, if all have the same; otherwise none."""
        if not isinstance(self._first, range):
            return ()
        seeds = self._table.seeds.reshape(-1, self._first.step)
        return tuple(self._seeds[: self._first.step]) if (seeds == seeds[0]).all() else ()

    def trainings(self, configuration: Configuration) -> Trainings:
        return _Row(self, self._index(configuration))

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
        fidelities = len(self.schema.fidelity.values)
        replicates = np.diff(self._first)
        shape = (len(replicates), int(replicates.max()), fidelities)
        lengths = self._table.lengths
        if objective in self._constants:
            cells = sealed(np.repeat(self._constants[objective], lengths))
        else:
            cells = self._points[objective]
        if cells.size == np.prod(shape):
            return cells.reshape(shape)
        array = np.full(shape, np.nan)
        row = np.repeat(np.arange(len(lengths)), lengths)
        configuration = np.repeat(np.arange(len(replicates)), replicates)[row]
        replicate = row - np.asarray(self._first)[configuration]
        point = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        array[configuration, replicate, point] = cells
        return sealed(array)

    def label(self, column: str) -> list[Any]:
        """A label column, with one entry for each configuration, in the order of :meth:`configurations`.

        Raises:
            UnknownName: There is no such label.
        """
        if column not in self._table.labels:
            raise UnknownName("label", column, self._table.labels)
        return self._table.labels[column].decoded(np.asarray(self._first[:-1]))

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
            self._digest = _table_digest(self.schema, self._table)
        return self._digest

    def _check_all(self) -> None:
        if self._check is not None:
            self._check(0, int(self._table.lengths.sum()))

    def _index(self, configuration: Configuration) -> int:
        # This fast path accepts what the checked one accepts, and leaves two cases to it: a bool, as True is
        # equal to 1, and None, which means an inactive hyperparameter here but must be left out by callers.
        try:
            key = self._key(configuration)
            if len(configuration) == len(key) and (
                self._doubtful is None or _DOUBTFUL_TYPES.isdisjoint(map(type, self._doubtful(configuration)))
            ):
                return sum(map(getitem, self._strides, key)) if self._strides else self._rows[key]
        except (KeyError, TypeError, AttributeError):
            pass
        return self._check_and_find(configuration)

    def _check_and_find(self, configuration: Configuration) -> int:
        key = self.schema.space.key(configuration)
        if self._strides:
            return sum(
                share[value] for share, value in zip(self._strides, key, strict=True) if value is not None
            )
        if key not in self._rows:
            raise ConfigurationNotInTable(
                f"{dict(configuration)!r} is not among the {len(self._rows)} configurations of "
                f"{self.name!r}; wrap the blackbox with views.nearest(...) to take the closest one"
            )
        return self._rows[key]

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


def _first_rows(columns: Sequence[Coded]) -> Array:
    """The first row of each configuration."""
    changes = np.zeros(len(columns[0].codes), dtype=bool)
    changes[:1] = True
    for column in columns:
        changes[1:] |= np.diff(column.codes) != 0
    return np.flatnonzero(changes)


def _grid_strides(schema: Schema, columns: Sequence[Coded], first: Array) -> list[dict[Value, int]] | None:
    """Each value's share of the grid index, if the configurations are the whole grid in its order."""
    size = schema.space.size
    if size is None or size != len(first) or schema.space.conditions:
        return None
    strides, stride = [], 1
    for domain in reversed(list(schema.space.domains.values())):
        assert domain.values is not None
        strides.append({value: rank * stride for rank, value in enumerate(domain.values)})
        stride *= len(domain.values)
    strides.reverse()
    index = np.zeros(size, dtype=np.int64)
    for column, share in zip(columns, strides, strict=True):
        index += np.array([share[value] for value in column.values] + [size])[column.codes[first]]
    return strides if np.array_equal(index, np.arange(size)) else None


def _key_getter(names: Sequence[str]) -> Callable[[Configuration], tuple[Value, ...]]:
    """Configuration -> its values in this order; ``KeyError`` where one is missing."""
    if len(names) == 1:
        name = names[0]
        return lambda configuration: (configuration[name],)
    return itemgetter(*names)


def _always_in_doubt(configuration: Configuration) -> tuple[None]:
    return (None,)


def _is_doubtful(column: Coded) -> bool:
    """Whether a value of a wrong type could equal one of the column: a bool 0 or 1, ``None`` a gap."""
    return bool(np.any(column.codes < 0)) or any(value in (0, 1) for value in column.values)


def _compress(numbers: Array) -> Sequence[int]:
    """The same numbers, as a range if they are equally spaced: computing is faster than fetching."""
    steps = np.diff(numbers)
    if steps[0] > 0 and (steps == steps[0]).all():
        return range(int(numbers[0]), int(numbers[-1]) + 1, int(steps[0]))
    listed: list[int] = numbers.tolist()
    return listed


def _as_list(array: Array | None) -> list[Any]:
    return [] if array is None else list(array.tolist())
