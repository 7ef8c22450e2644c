"""A table's numbers may be narrow or unsigned: schedulers compare float64, whatever the goal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Goal, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table, TabularBlackbox
from simulator import Stop, simulate
from simulator.registry import SCHEDULERS, scheduler_factory

ROWS, EPOCHS = 40, 9


def counts(dtype: Any, goal: Goal) -> TabularBlackbox:
    """Values from 0 to 200, which an unsigned byte holds and whose negatives it does not."""
    schema = Schema(
        Space({"x": Integer(1, ROWS)}),
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (Objective("score", goal), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="score",
        time="elapsed_time",
    )
    rows, epochs = np.arange(ROWS)[:, None], np.arange(EPOCHS)[None, :]
    scores = ((rows * 67) % 200 * (epochs + 1) // EPOCHS).ravel()
    table = Table(
        hyperparameters={"x": Coded.of(list(range(1, ROWS + 1)))},
        seeds=np.zeros(ROWS, int),
        points={"score": scores.astype(dtype), "elapsed_time": np.tile(np.arange(1.0, EPOCHS + 1), ROWS)},
        lengths=np.full(ROWS, EPOCHS),
    )
    return TabularBlackbox(schema, table)


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_run_is_the_same_whatever_the_dtype(name: str, goal: Goal) -> None:
    digests, best = set(), set()
    for dtype in (np.float64, np.uint8, np.uint16, np.int16, np.float32, np.float16):
        stop = Stop(trials_started=30, time=300)
        run = simulate(counts(dtype, goal), scheduler_factory(name, {}), workers=3, stop=stop)
        digests.add(run.digest)
        found = run.best()
        assert found is not None
        best.add(found.value)
    assert len(digests) == len(best) == 1
