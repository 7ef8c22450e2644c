"""The index of a table as arrays of numbers, from which it is made again without computing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from blackbox_repo.frozen import FrozenDict
from blackbox_repo.lookup import SortedNumbers
from blackbox_repo.row_index import RowIndex
from blackbox_repo.rows import Coded
from blackbox_repo.schema import Schema

_Entry = TypeVar("_Entry")


def arrays_of(rows: RowIndex) -> dict[str, Array]:
    """All but the points, each under what it is and the name of its column."""
    found: dict[str, Array] = {"seeds": rows.seeds}
    found |= _spaced("first", rows.first) | _spaced("offsets", rows.offsets)
    found |= {} if rows.status is None else {"status": rows.status}
    found |= {f"codes {name}": codes for name, codes in rows.codes.items()}
    found |= {f"values {name}": _as_text(values) for name, values in rows.values.items()}
    found |= {f"constant {name}": array for name, array in rows.constants.items()}
    for name, column in rows.labels.items():
        found |= {f"label {name}": column.codes, f"texts {name}": _as_text(column.values)}
    if rows.numbers is not None:
        found |= {f"numbers {group}": array for group, array in enumerate(rows.numbers.numbers)}
        found["order"] = rows.numbers.order
    return found


def index_of(
    arrays: Mapping[str, Array], points: Mapping[str, Array], schema: Schema, labels: Sequence[str]
) -> RowIndex:
    """The index of which :func:`arrays_of` made the arrays.

    Raises:
        LookupError: An array is missing.
    """
    values = _Lazy(schema.space.domains, partial(_values, arrays))
    codes = {name: arrays[f"codes {name}"] for name in schema.space.domains}
    return RowIndex(
        values=values,
        codes=FrozenDict(codes),
        first=_unspaced("first", arrays),
        offsets=_unspaced("offsets", arrays),
        seeds=arrays["seeds"],
        status=arrays.get("status"),
        points=FrozenDict(points),
        constants=FrozenDict({name: arrays[f"constant {name}"] for name in schema.constant_names}),
        labels=_Lazy(labels, partial(_label, arrays)),
        numbers=_numbers(arrays),
    )


class _Lazy(Mapping[str, _Entry]):
    """A mapping whose entries are made when they are first asked for, and then kept.

    Args:
        names: Its keys.
        make: Called with a key; returns the entry.
    """

    def __init__(self, names: Iterable[str], make: Callable[[str], _Entry]) -> None:
        self._made: dict[str, _Entry | None] = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> _Entry:
        entry = self._made[name]
        if entry is None:
            entry = self._made[name] = self._make(name)
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _numbers(arrays: Mapping[str, Array]) -> SortedNumbers | None:
    if "order" not in arrays:
        return None
    groups = sum(name.startswith("numbers ") for name in arrays)
    return SortedNumbers(tuple(arrays[f"numbers {group}"] for group in range(groups)), arrays["order"])


def _values(arrays: Mapping[str, Array], name: str) -> tuple[Value, ...]:
    return _from_text(arrays[f"values {name}"])


def _label(arrays: Mapping[str, Array], name: str) -> Coded:
    return Coded(_from_text(arrays[f"texts {name}"]), arrays[f"label {name}"])


def _as_text(values: Sequence[Value]) -> Array:
    """Values as JSON, which tells 1, 1.0, true and "1" apart and keeps every digit."""
    return np.frombuffer(json.dumps(values).encode(), dtype=np.uint8)


def _from_text(text: Array) -> tuple[Value, ...]:
    return tuple(json.loads(text.tobytes()))


def _spaced(name: str, numbers: Array | range) -> dict[str, Array]:
    if isinstance(numbers, range):
        return {f"range {name}": np.array([numbers.start, numbers.stop, numbers.step], dtype=np.int64)}
    return {name: numbers}


def _unspaced(name: str, arrays: Mapping[str, Array]) -> Array | range:
    ends = arrays.get(f"range {name}")
    return arrays[name] if ends is None else range(*ends.tolist())
