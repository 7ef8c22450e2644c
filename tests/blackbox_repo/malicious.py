"""Tables and manifests that somebody has tampered with, hashes and all."""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.store.manifest import Manifest, write_checksum
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Coded, Table

SPACE = Space(
    {
        "rate": Float(1e-4, 1.0, log=True),
        "layers": Integer(1, 3),
        "kind": Categorical(("svm", "tree")),
        "split": Categorical(("sqrt", 0.5, 1)),
        "depth": Integer(1, 9),
    },
    {"depth": (Condition("kind", ("tree",)),)},
)
SCHEMA = Schema(
    SPACE,
    Fidelity("epoch", (1, 2, 3)),
    (
        Objective("loss", "min"),
        Objective("score", "max"),
        Objective("elapsed_time", "none", "s", cumulative=True),
        Objective("params", "none", constant=True),
    ),
    "loss",
    "elapsed_time",
)


def blackbox(folder: Path) -> Path:
    """A small sound blackbox with everything that a table can have."""
    lengths = np.array([3, 3, 2, 3, 1, 3])
    points = int(lengths.sum())
    table = Table(
        hyperparameters={
            "rate": Coded.of([0.1, 0.1, 0.01, 0.01, 0.5, 0.5]),
            "layers": Coded.of([1, 1, 2, 2, 3, 3]),
            "kind": Coded.of(["svm", "svm", "tree", "tree", "tree", "tree"]),
            "split": Coded.of(["sqrt", "sqrt", 0.5, 0.5, 1, 1]),
            "depth": Coded.of([None, None, 2, 2, 3, 3]),
        },
        seeds=np.array([0, 1] * 3),
        points={
            "loss": 1.0 / np.arange(1.0, points + 1),
            "score": np.arange(points) % 7 * 0.25,
            "elapsed_time": np.concatenate([np.cumsum(np.full(n, 1.5)) for n in lengths]),
        },
        lengths=lengths,
        constants={"params": np.array([10.0, 10, 20, 20, 30, 30])},
        status=np.array([0, 0, 1, 0, 2, 0]),
        labels={"arch": Coded.of(["a", "a", "b", "b", "c", "c"])},
    )
    manifest = Manifest("mine", "1", "Mine", "CC0-1.0", "", "", "", SCHEMA, {}, labels=("arch",))
    save_tables(folder / "mine", manifest, {"a": table})
    return folder / "mine"


# --- tables -------------------------------------------------------------------------------------------------

Change = Callable[[pa.Table], pa.Table]
TYPES = (
    *(pa.int8(), pa.int64(), pa.uint8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()),
    *(pa.string(), pa.large_string(), pa.binary(), pa.date32(), pa.timestamp("ns"), pa.duration("s")),
    *(pa.decimal128(12, 3), pa.list_(pa.int32()), pa.struct([("x", pa.int32())])),
    *(pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.int64()), pa.null()),
)
VALUES = (math.nan, math.inf, -1, 0, 7, 10**6, 1e300, 0.25, "x", "svm", "", "1", "[1]", True, None, [1.0], [])


def replaced(table: pa.Table, name: str, values: list[Any], kind: Any = None) -> pa.Table:
    """The table with another column; one that Arrow itself refuses is left as it is."""
    index = table.column_names.index(name)
    try:
        array = pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return table
    return table.set_column(
        index, pa.field(name, array.type, metadata=table.schema.field(name).metadata), array
    )


def value_at(name: str, row: int, value: Any, *, inside: bool) -> Change:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        if inside and isinstance(values[row], list) and values[row]:
            values[row] = [value, *values[row][1:]]
        else:
            values[row] = value
        return replaced(table, name, values)

    return change


def typed(name: str, kind: Any) -> Change:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        if values and isinstance(values[0], list) and not pa.types.is_nested(kind):
            return replaced(table, name, values, pa.list_(kind))
        return replaced(table, name, values, kind)

    return change


def moved_point(name: str, row: int) -> Change:
    """A point moved to the next row: the sum over all rows stays."""

    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        if not isinstance(values[row], list) or not values[row]:
            return table
        *values[row], last = values[row]
        values[row + 1] = [last, *values[row + 1]]
        return replaced(table, name, values, table.schema.field(name).type)

    return change


def whole_changes() -> Iterator[tuple[str, Change]]:
    yield "no rows", lambda table: table.slice(0, 0)
    yield "one row less", lambda table: table.slice(1)
    yield "a row twice", lambda table: pa.concat_tables([table, table.slice(5)])
    yield "all rows twice", lambda table: pa.concat_tables([table, table])
    yield "rows reversed", lambda table: table.take(list(range(5, -1, -1)))
    yield "rows shuffled", lambda table: table.take([0, 2, 4, 1, 3, 5])
    yield "no columns", lambda table: table.select([])
    yield "one more column", lambda table: table.append_column("more", pa.array([1] * len(table)))
    yield "other order", lambda table: table.select(table.column_names[::-1])


def column_changes(name: str) -> Iterator[tuple[str, Change]]:
    yield f"{name} missing", lambda table: table.drop_columns([name])
    yield f"{name} twice", lambda table: table.append_column(name, table[name])
    yield f"{name} renamed", lambda t: t.rename_columns([f"{c}2" if c == name else c for c in t.column_names])
    yield f"{name} all null", lambda table: replaced(table, name, [None] * len(table), table[name].type)
    yield f"{name} reversed", lambda table: replaced(table, name, table[name].to_pylist()[::-1])
    yield f"{name} without metadata", lambda t: t.set_column(t.column_names.index(name), name, t[name])
    for kind in TYPES:
        yield f"{name} as {kind}", typed(name, kind)
    for row, value in itertools.product((0, 2, 5), VALUES):
        yield f"{name}[{row}] = {value!r}", value_at(name, row, value, inside=False)
        yield f"{name}[{row}][0] = {value!r}", value_at(name, row, value, inside=True)
    for row in range(5):
        yield f"a point of {name} moved from row {row}", moved_point(name, row)


def table_changes(folder: Path) -> dict[str, Change]:
    """Name -> what is done to the table of :func:`blackbox`."""
    names = pq.read_schema(folder / "a.parquet").names
    singles = dict(itertools.chain(whole_changes(), *map(column_changes, names)))
    pairs = {}
    listed = list(singles.items())
    for number in range(0, len(listed), 3):  # and some two at once
        (first, one), (second, two) = listed[number], listed[(number * 7 + 5) % len(listed)]
        pairs[f"{first}; {second}"] = lambda table, one=one, two=two: two(one(table))
    return singles | pairs


def write_changed(folder: Path, change: Change, original: pa.Table) -> pa.Table | None:
    """Write the changed table and vouch for it; ``None`` if nothing changed, or parquet cannot hold it."""
    from hashlib import sha256

    try:
        table = change(original)
        pq.write_table(table, folder / "a.parquet")
    except (pa.ArrowException, KeyError, ValueError, NotImplementedError, IndexError):
        return None
    if table.equals(original, check_metadata=True):
        return None
    content = (folder / "a.parquet").read_bytes()
    data = json.loads((folder / "manifest.json").read_text())
    data["tasks"]["a"] |= {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    write_json(folder, data)
    return table


def write_json(folder: Path, data: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(data))
    write_checksum(folder)


# --- manifests ----------------------------------------------------------------------------------------------

ODD = (
    *(
        None,
        True,
        0,
        -1,
        1,
        2.5,
        1e300,
        2**63,
        2**200,
        "",
        "x",
        "../x",
        "\x1b[31m",
        "\u202e",
        "nan",
        "a" * 300,
    ),
    *([], [1], ["a"], [None], [[]], {}, {"a": 1}, {"": None}),
)


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in it."""
    if at:
        yield at
    if isinstance(data, Mapping):
        for key in data:
            yield from places(data[key], (*at, key))
    elif isinstance(data, list):
        for index in range(min(len(data), 3)):
            yield from places(data[index], (*at, index))


def manifest_changes(data: Any) -> Iterator[tuple[str, Any]]:
    """Name -> the manifest with one value replaced, dropped, added or doubled."""
    for place in places(data):
        *outer, key = place
        name = ".".join(map(str, place))
        for odd in ODD:
            yield (
                f"{name} = {str(odd)[:20]!a}",
                _changed(data, outer, lambda v, k=key, o=odd: v.__setitem__(k, o)),
            )
        yield f"{name} dropped", _changed(data, outer, lambda v, k=key: v.__delitem__(k))
        if isinstance(key, str):
            yield f"{name} renamed", _changed(data, outer, lambda v, k=key: v.__setitem__(f"{k}_", v.pop(k)))
            yield f"{name} and more", _changed(data, outer, lambda v: v.__setitem__("more", 1))
        else:
            yield f"{name} doubled", _changed(data, outer, lambda v, k=key: v.append(v[k]))


def _changed(data: Any, outer: list[Any], change: Callable[[Any], object]) -> Any:
    made = copy.deepcopy(data)
    value = made
    for key in outer:
        value = value[key]
    change(value)
    return made
