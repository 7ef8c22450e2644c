"""Tables that every simulator can take: full grids of two hyperparameters, one seed, no gaps."""

from __future__ import annotations

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Categorical
from blackbox_repo.repository import load_blackbox
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

METRIC, ELAPSED, RESOURCE = "valid_loss", "elapsed_time", "epoch"
GROUPS, MEMBERS, EPOCHS = 20, 16, 50


def grid(losses: Array, elapsed: Array, members: int) -> TabularBlackbox:
    """Configuration i is group i // members, member i % members; the arrays are (configuration, epoch)."""
    count, epochs = losses.shape
    groups, places = np.divmod(np.arange(count), members)
    schema = Schema(
        Space(
            {
                "group": Categorical(tuple(range(count // members))),
                "member": Categorical(tuple(range(members))),
            }
        ),
        Fidelity(RESOURCE, tuple(range(1, epochs + 1))),
        (Objective(METRIC, "min"), Objective(ELAPSED, "none", "s", cumulative=True)),
        target=METRIC,
        time=ELAPSED,
    )
    table = Table(
        hyperparameters={"group": Coded.of(groups.tolist()), "member": Coded.of(places.tolist())},
        seeds=np.zeros(count, dtype=np.int64),
        points={METRIC: losses.ravel(), ELAPSED: elapsed.ravel()},
        lengths=np.full(count, epochs),
    )
    return TabularBlackbox(schema, table, name=f"grid of {count}")


def wikitext(pace: float = 1.0) -> TabularBlackbox:
    """320 real trainings of nasbench-nlp; an epoch takes minutes, times the pace."""
    whole = load_blackbox("nasbench-nlp")["wikitext-2"]
    names = [name for name in whole.configurations() if whole.seeds(name) == (0,)]
    curves = [curve for curve in map(whole.curve, names) if len(curve) == EPOCHS and curve.status == "ok"]
    chosen = curves[: GROUPS * MEMBERS]
    losses, elapsed = (np.stack([curve.head(name, EPOCHS) for curve in chosen]) for name in (METRIC, ELAPSED))
    return grid(losses, elapsed * pace, MEMBERS)


def paced(*paces: float, epochs: int = 4) -> TabularBlackbox:
    """An epoch of configuration i takes ``paces[i]`` seconds, and its loss is i + 1 / epoch."""
    steps = np.arange(1, epochs + 1)
    return grid(np.arange(len(paces))[:, None] + 1 / steps, np.outer(paces, steps), members=2)
