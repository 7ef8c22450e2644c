"""The training runs of one task as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from blackbox_repo.curve import Array, Status
from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.numeric.scalars import plain

STATUSES: tuple[Status, ...] = ("ok", "diverged", "crashed")


@dataclass(frozen=True)
class Coded:
    """A dictionary-encoded column: row ``r`` has ``values[codes[r]]``, or no value if its code is -1."""

    values: tuple[Value, ...]
    codes: Array

    @classmethod
    def of(cls, column: Iterable[Value | None]) -> Coded:
        """The column of these values, with ``values`` in the order of their first row.

        The values 1, 1.0 and True are different. Numpy's scalars become built-in values.
        """
        listed = list(column)
        kinds = {*map(type, listed)} - {type(None)}
        if any(issubclass(kind, np.generic) for kind in kinds):
            return cls.of([plain(value) for value in listed])  # type: ignore[misc]
        if len(kinds) > 1:
            return cls._of_kinds(listed)
        known: dict[Value, int] = {}
        codes = [-1 if value is None else known.setdefault(value, len(known)) for value in listed]
        return cls(tuple(known), np.array(codes, dtype=np.int32))

    @classmethod
    def _of_kinds(cls, column: Sequence[Value | None]) -> Coded:
        known: dict[tuple[type, Value], int] = {}
        codes = [-1 if v is None else known.setdefault((type(v), v), len(known)) for v in column]
        return cls(tuple(value for _, value in known), np.array(codes, dtype=np.int32))

    @classmethod
    def of_array(cls, column: Array) -> Coded:
        """As :meth:`of`, for an array of numbers without gaps."""
        values, first, codes = np.unique(column, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return cls(tuple(values[order].tolist()), rank[codes].astype(np.int32))

    def decoded(self, rows: Array | slice = slice(None)) -> list[Value | None]:
        """The values of the chosen rows, ``None`` where there is none."""
        choices = (*self.values, None)
        return [choices[code] for code in self.codes[rows].tolist()]


@dataclass(frozen=True)
class Table:
    """The training runs of one task, one in each row.

    The rows of a configuration are adjacent, with ascending seeds.

    Args:
        hyperparameters: Hyperparameter -> its column; all of the space.
        seeds: The seed of each row.
        points: Curve objective -> the points of all rows, end to end.
        lengths: How many points each row has.
        constants: Constant objective -> the value of each row.
        status: Row -> index into ``STATUSES``; ``None`` where the source does not know it.
        labels: Name -> a column such as an architecture's official string: neither hyperparameter nor
            objective.
        fidelities: The fidelity of each point, end to end, if the source records it; a row must have the
            first fidelities of the schema without a gap.

    Raises:
        InvalidConfiguration: A column is no numpy array, or is a masked array.
    """

    hyperparameters: Mapping[str, Coded]
    seeds: Array
    points: Mapping[str, Array]
    lengths: Array
    constants: Mapping[str, Array] = field(default_factory=dict)
    status: Array | None = None
    labels: Mapping[str, Coded] = field(default_factory=dict)
    fidelities: Array | None = None

    def __post_init__(self) -> None:
        columns = {**self.points, **self.constants, "seeds": self.seeds, "lengths": self.lengths}
        columns |= {} if self.status is None else {"status": self.status}
        columns |= {} if self.fidelities is None else {"fidelities": self.fidelities}
        for name, array in columns.items():
            if not isinstance(array, np.ndarray) or np.ma.isMaskedArray(array):
                raise InvalidConfiguration(
                    f"the column {name!r} of a table must be a numpy array, not {type(array).__name__}; what "
                    f"is missing in it is NaN"
                )

    def __len__(self) -> int:
        return len(self.seeds)
