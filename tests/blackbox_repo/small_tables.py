"""A small blackbox whose tables can be learnt, for tests of surrogates on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blackbox_repo.domains import Categorical, Float
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, Manifest, Task
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Coded, Table

SPACE = Space({"rate": Float(0.001, 1.0, log=True), "kind": Categorical(("sgd", "adam"))})
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
ROWS = 24
EPOCHS = np.arange(1.0, 4.0)


def make_table(scale: float = 1.0) -> Table:
    """Every fourth run ends early; each configuration has two seeds."""
    rates = np.geomspace(0.001, 1.0, ROWS // 2).repeat(2)
    kinds = ["sgd", "adam"] * (ROWS // 2)
    rows = [(rate, kind, seed) for rate, kind in zip(rates.tolist(), kinds, strict=True) for seed in (0, 7)]
    lengths = np.array([2 if number % 4 == 3 else 3 for number in range(len(rows))])
    curves = [
        scale * (abs(np.log10(rate) + 1.5) + (kind == "sgd") + 0.01 * seed + 1 / EPOCHS[:length])
        for (rate, kind, seed), length in zip(rows, lengths.tolist(), strict=True)
    ]
    seconds = [np.cumsum(np.full(n, 1 + row[0])) for row, n in zip(rows, lengths.tolist(), strict=True)]
    return Table(
        hyperparameters={
            "rate": Coded.of([rate for rate, _, _ in rows]),
            "kind": Coded.of([kind for _, kind, _ in rows]),
        },
        seeds=np.array([seed for _, _, seed in rows]),
        points={
            "loss": np.concatenate(curves),
            "score": -np.concatenate(curves),
            "elapsed_time": np.concatenate(seconds),
        },
        lengths=lengths,
        constants={"params": np.array([1000.0 if kind == "sgd" else 3000.0 for _, kind, _ in rows])},
        labels={"row": Coded.of([f"row {number // 2}" for number in range(len(rows))])},
    )


def make_blackbox(folder: Path, name: str = "mine", scale: float = 1.0) -> Path:
    """Write the tasks ``a`` and ``b``; the latter is tuned for its score."""
    unwritten = {
        "a": Task("unwritten", "", 0, title="A"),
        "b": Task("unwritten", "", 0, ranges={"loss": (0, 9), "score": (-9, 0)}, target="score"),
    }
    card = (Defect("it is small", "it is meant to be"),)
    manifest = Manifest(
        name, "1.0", "Mine", "CC0-1.0", "", "", "", SCHEMA, unwritten, card=card, labels=("row",)
    )
    save_tables(folder / name, manifest, {"a": make_table(scale), "b": make_table(2 * scale)})
    return folder / name
