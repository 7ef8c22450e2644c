"""A table of the size of FCNet, made by rule: 62,208 configurations, 4 seeds, 100 epochs, 5 objectives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Categorical, Ordinal
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Coded, Table

UNITS = (16, 32, 64, 128, 256, 512)
SPACE = {
    "activation_fn_1": Categorical(("relu", "tanh")),
    "activation_fn_2": Categorical(("relu", "tanh")),
    "batch_size": Ordinal((8, 16, 32, 64)),
    "dropout_1": Ordinal((0.0, 0.3, 0.6)),
    "dropout_2": Ordinal((0.0, 0.3, 0.6)),
    "init_lr": Ordinal((0.0005, 0.001, 0.005, 0.01, 0.05, 0.1)),
    "lr_schedule": Categorical(("const", "cosine")),
    "n_units_1": Ordinal(UNITS),
    "n_units_2": Ordinal(UNITS),
}
SEEDS, EPOCHS = 4, 100
OBJECTIVES = ("train_loss", "train_mse", "valid_loss", "valid_mse")


def schema(epochs: int = EPOCHS) -> Schema:
    """Four errors and the time."""
    return Schema(
        Space(SPACE),
        Fidelity("epoch", tuple(range(1, epochs + 1))),
        (
            *(Objective(name, "min") for name in OBJECTIVES),
            Objective("elapsed_time", "none", "s", cumulative=True),
        ),
        target="valid_loss",
        time="elapsed_time",
    )


def make(epochs: int = EPOCHS) -> Table:
    """Errors have few digits, as it would take minutes to compress noise."""
    sizes = [len(domain.values) for domain in SPACE.values()]
    rows = math.prod(sizes) * SEEDS
    digits = np.unravel_index(np.repeat(np.arange(math.prod(sizes)), SEEDS), sizes)
    points = {name: _errors(rows, epochs, 7 + place) for place, name in enumerate(OBJECTIVES)}
    pace = 0.25 + np.arange(rows) % 97 / 8
    points["elapsed_time"] = np.outer(pace, np.arange(1, epochs + 1)).ravel()
    return Table(
        hyperparameters={
            name: Coded(tuple(domain.values), digit.astype(np.int32))
            for (name, domain), digit in zip(SPACE.items(), digits, strict=True)
        },
        seeds=np.tile(np.arange(SEEDS), rows // SEEDS),
        points=points,
        lengths=np.full(rows, epochs),
    )


def _errors(rows: int, epochs: int, step: int) -> Array:
    level = (np.arange(rows) * step % 1009 / 1009).astype(np.float32)
    decay = np.arange(1, epochs + 1, dtype=np.float32) ** -0.5
    return np.round(level[:, None] + decay, 3).astype(np.float32).ravel()


def save(where: Path, epochs: int = EPOCHS) -> Path:
    """Write the blackbox ``big`` with its only task ``a``."""
    described = schema(epochs)
    save_tables(
        where,
        Manifest("big", "1", "made up", "CC0-1.0", "nobody", "", "none", described, {}),
        {"a": make(epochs)},
    )
    return where
