"""Tables of any kind, for tests of what is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.keyed_random import Stream
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

SPACE = Space(
    {
        "lr": Float(1e-4, 1.0, log=True),
        "layers": Integer(1, 5),
        "optimizer": Categorical(("sgd", "adam")),
        "momentum": Float(0.0, 0.99),
    },
    {"momentum": (Condition("optimizer", ("sgd",)),)},
)
OBJECTIVES = (
    Objective("loss", "min"),
    Objective("accuracy", "max"),
    Objective("elapsed_time", "none", unit="s", cumulative=True),
    Objective("samples", "none", cumulative=True),
    Objective("params", "min", constant=True),
)


def drawn_configurations(count: int, space: Space = SPACE) -> list[dict[str, Any]]:
    """Different configurations of a space."""
    found: dict[str, dict[str, Any]] = {}
    for number in range(100 * count):
        configuration = space.sample("tables", number)
        found.setdefault(repr(configuration), configuration)
        if len(found) == count:
            break
    return list(found.values())


def make_table(
    runs: Sequence[Sequence[Sequence[float]]],
    *,
    most: int,
    status: Sequence[int] | None = None,
    repeats: int = 1,
) -> TabularBlackbox:
    """A table with one run an entry; ``repeats`` runs one after the other are seeds of a configuration.

    Args:
        runs: For each run its points, each with the loss, the accuracy, and seconds and samples since the one
            before.
        most: How many fidelities there are.
        status: Number of the status of each run; by default all are ok.
        repeats: Runs a configuration.
    """
    configurations = drawn_configurations(len(runs) // repeats)
    rows = [configuration for configuration in configurations for _ in range(repeats)]
    schema = Schema(SPACE, Fidelity("epoch", tuple(range(1, most + 1))), OBJECTIVES, "loss", "elapsed_time")
    points = [np.array(run, dtype=np.float64).reshape(-1, 4) for run in runs][: len(rows)]
    along = [np.cumsum(run[:, 2:], axis=0) for run in points]
    table = Table(
        hyperparameters={name: Coded.of([row.get(name) for row in rows]) for name in SPACE.domains},
        seeds=np.array([number % repeats for number in range(len(rows))]),
        points={
            "loss": np.concatenate([run[:, 0] for run in points]),
            "accuracy": np.concatenate([run[:, 1] for run in points]),
            "elapsed_time": np.concatenate([sums[:, 0] for sums in along]),
            "samples": np.concatenate([sums[:, 1] for sums in along]),
        },
        lengths=np.array([len(run) for run in points]),
        constants={"params": np.arange(len(rows), dtype=np.float64)},
        status=np.array([0] * len(rows) if status is None else status[: len(rows)]),
    )
    return TabularBlackbox(schema, table, name="drawn/table")


def smooth_table(count: int, most: int = 5, repeats: int = 1, space: Space = SPACE) -> TabularBlackbox:
    """A table whose loss depends smoothly on the configuration, with a little noise of each seed."""
    runs = []
    for configuration in drawn_configurations(count, space):
        for repeat in range(repeats):
            noise = Stream("noise", repr(configuration), repeat).block(0, most)
            layers = configuration["layers"]
            level = abs(np.log10(configuration["lr"]) + 2) + 1 / layers + 0.2 * ("momentum" in configuration)
            runs.append(
                [
                    [level / epoch + 0.01 * float(noise[epoch - 1] % 100) / 100, -level, layers, 100.0]
                    for epoch in range(1, most + 1)
                ]
            )
    return make_table(runs, most=most, repeats=repeats)


@st.composite
def tables(draw: st.DrawFn) -> TabularBlackbox:
    """Small tables with all that goes wrong: NaN, huge values, early ends, bad runs, standing clocks."""
    most = draw(st.integers(1, 4))
    values = st.one_of(st.floats(-10, 10), st.sampled_from([np.nan, 1e18, -1e18, 0.0]))
    steps = st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 1e-9, 1e12]))
    point = st.tuples(values, values, steps, steps)
    repeats = draw(st.integers(1, 2))
    count = repeats * draw(st.integers(1, 6))
    runs = draw(st.lists(st.lists(point, max_size=most), min_size=count, max_size=count))
    runs[0] = [(0.5, 0.5, 1.0, 1.0), *runs[0][1:]]  # a target without a finite value is refused
    status = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    return make_table(runs, most=most, status=status, repeats=repeats)
