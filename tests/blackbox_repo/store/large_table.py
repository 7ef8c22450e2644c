"""A table that is large enough for a decoded copy, and a blackbox whose only task it is."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Coded, Table, TabularBlackbox

ROWS, EPOCHS = 9_000, 100


@functools.cache
def made(rows: int = ROWS, *, ragged: bool = False) -> TabularBlackbox:
    """A table of every kind of column; 10.8 MB of numbers for 9,000 rows."""
    numbers = np.arange(rows)
    lengths = np.where(numbers % 7 == 0, 3, EPOCHS) if ragged else np.full(rows, EPOCHS)
    loss = np.sqrt(np.arange(lengths.sum(), dtype=np.float64)).astype(np.float32)
    loss[5] = np.nan
    schema = Schema(
        Space(
            {
                "number": Integer(0, rows),
                "rate": Float(0, 1),
                "kind": Categorical(("a", "b")),
                "on": Categorical((False, True)),
            }
        ),
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (
            Objective("loss", "min"),
            Objective("elapsed_time", "none", "s", cumulative=True),
            Objective("parameters", "none", constant=True),
        ),
        target="loss",
        time="elapsed_time",
    )
    table = Table(
        hyperparameters={
            "number": Coded.of(range(rows)),
            "rate": Coded.of_array(numbers % 10 / 10),
            "kind": Coded.of("ab"[number % 2] for number in range(rows)),
            "on": Coded.of(number % 3 == 0 for number in range(rows)),
        },
        seeds=np.full(rows, 777),
        points={"loss": loss, "elapsed_time": np.concatenate([np.arange(1.0, n + 1) / 7 for n in lengths])},
        lengths=lengths,
        constants={"parameters": numbers / 3},
        status=(numbers % 3).astype(np.uint8),
        labels={"official": Coded.of(f"|{number}|" for number in range(rows))},
    )
    return TabularBlackbox(schema, table, name="made/a")


def saved(blackbox: TabularBlackbox, where: Path) -> Path:
    """Write the blackbox ``made`` with its only task ``a``."""
    manifest = Manifest(
        "made", "1", "made up", "CC0-1.0", "nobody", "", "none", blackbox.schema, {}, labels=("official",)
    )
    save_tables(where, manifest, {"a": blackbox.table})
    return where
