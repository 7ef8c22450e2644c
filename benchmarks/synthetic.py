"""A table of the size of NAS-Bench-201, made by rule: 15,625 architectures, 2 seeds, 200 epochs."""

from __future__ import annotations

import numpy as np

from blackbox_repo.domains import Categorical
from blackbox_repo.keyed_random import unit
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

OPERATIONS = ("none", "skip_connect", "conv_1x1", "conv_3x3", "avg_pool")
EDGES, SEEDS, EPOCHS = 6, 2, 200
CONFIGURATIONS = len(OPERATIONS) ** EDGES


def make() -> TabularBlackbox:
    """Errors fall with the epoch, an epoch takes 5 to 25 s, and both depend on the architecture."""
    schema = Schema(
        Space({f"edge_{k}": Categorical(OPERATIONS) for k in range(EDGES)}),
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (Objective("error", "min", "%"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="error",
        time="elapsed_time",
    )
    epochs = np.arange(1, EPOCHS + 1)
    rows = np.repeat(np.arange(CONFIGURATIONS), SEEDS)
    level = np.array([unit("level", row, seed) for row in range(CONFIGURATIONS) for seed in range(SEEDS)])
    decay = np.array([unit("decay", row) for row in range(CONFIGURATIONS)])[rows]
    pace = np.array([5 + 20 * unit("pace", row) for row in range(CONFIGURATIONS)])[rows]
    errors = 5 + 40 * level[:, None] + 50 * epochs ** -(0.3 + decay[:, None])
    digits = np.unravel_index(rows, (len(OPERATIONS),) * EDGES)
    table = Table(
        hyperparameters={
            f"edge_{k}": Coded(OPERATIONS, digit.astype(np.int32)) for k, digit in enumerate(digits)
        },
        seeds=np.tile(np.arange(SEEDS), CONFIGURATIONS),
        points={"error": errors.astype(np.float32).ravel(), "elapsed_time": np.outer(pace, epochs).ravel()},
        lengths=np.full(len(rows), EPOCHS),
    )
    return TabularBlackbox(schema, table, name="synthetic/15625x2x200")
