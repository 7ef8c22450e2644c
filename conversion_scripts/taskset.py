"""TaskSet: text classifiers trained with 1,000 settings of Adam, 10,000 steps each.

Metz et al. 2020, https://arxiv.org/abs/2002.11887; as published with DPL, Kadra et al., NeurIPS 2023
"""

from __future__ import annotations

from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.manifest import Default, Defect
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import STATUSES, Coded, Table
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "taskset/FixedTextRNNClassification_{}.json"
# three of the twelve tasks there: many, some and no diverged trainings
TASKS = {
    "imdb_patch32_IRNN64_relu_last_bs128": (
        "2e82adc0fed36722e6ef38e4a3ab54d77e8495ce7482f35389000e29da5ac010",
        2_841_114,
    ),
    "imdb_patch128_LSTM128_bs64": (
        "c52d49dfb308cfca66c02f67f89aa880ccb9f04c38ace31e18db1e58898e8c03",
        3_176_320,
    ),
    "imdb_patch32_GRU64_avg_bs128": (
        "d3650db950bf292d52972db69fe3bfd7d2588d68b7b40f5c496977e8ebab11bc",
        3_365_837,
    ),
}
SPLITS = ("train", "valid", "test")
# the ranges of TaskSet's Adam8p; it draws 1 - beta in log scale, which no domain of ours says
SPACE = Space(
    {
        "learning_rate": Float(1e-8, 10, log=True),
        "beta1": Float(0, 1 - 1e-4),
        "beta2": Float(0, 1 - 1e-6),
        "epsilon": Float(1e-10, 1e3, log=True),
        "l1": Float(1e-8, 10, log=True),
        "l2": Float(1e-8, 10, log=True),
        "linear_decay": Float(1e-7, 1e-4, log=True),
        "exponential_decay": Float(1e-6, 1e-3, log=True),
    }
)
SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("step", tuple(range(0, 10_001, 200))),
    objectives=tuple(
        Objective(f"{split}_loss", "min", "nats", f"cross-entropy on the {split} split") for split in SPLITS
    ),
    target="valid_loss",
)


def _convert(raw: RawFolder) -> Conversion:
    tables = {task: _table(raw.json(FILE.format(task))) for task in TASKS}
    titles = {task: f"FixedTextRNNClassification_{task} of TaskSet" for task in TASKS}
    return Conversion(SCHEMA, tables, titles=titles)


def _table(records: list[dict[str, Any]]) -> Table:
    losses = {
        f"{split}_loss": np.array([record[split]["loss"] for record in records], dtype=np.float64)
        for split in SPLITS
    }
    diverged: Array = ~np.all([np.isfinite(values).all(axis=1) for values in losses.values()], axis=0)
    points = next(iter(losses.values())).shape[1]
    return Table(
        hyperparameters={name: Coded.of(record["hp"][name] for record in records) for name in SPACE.domains},
        seeds=np.zeros(len(records), dtype=np.int64),
        points={name: values.ravel() for name, values in losses.items()},
        lengths=np.full(len(records), points),
        status=np.where(diverged, STATUSES.index("diverged"), STATUSES.index("ok")).astype(np.uint8),
    )


CARD = (
    Defect(
        "the source writes NaN for the loss of a diverged training, from then on to the last step: in 245 of "
        "1,000 trainings of IRNN64_relu_last, 99 of patch128_LSTM128, none of GRU64_avg",
        "the NaN stay; a training with any has status diverged; its curve keeps all 51 points",
    ),
    Defect(
        "finite losses reach 2e26, and 2e19 in the task without any NaN",
        "kept; status diverged means a value that is not finite, nothing else",
    ),
    Defect(
        "there is no time in the source",
        "no elapsed time, so a simulation needs a time model of its own",
    ),
    Defect("each value is an average of several evaluations already", "one seed, 0; values in float64"),
    Defect(
        "the source gives the 1,000 settings and no ranges",
        "those of TaskSet's Adam8p, which hold all of them: 1 - beta1 in [1e-4, 1], 1 - beta2 in [1e-6, 1] "
        "(drawn in log scale there, declared linear in beta here), the others in log scale",
    ),
    Defect("step 0 is the untrained network", "kept as fidelity 0"),
    Defect("1,162 tasks exist, 12 in the source", "three of these, chosen for many, some and no divergence"),
)
TASKSET = Recipe(
    name="taskset",
    title="TaskSet: three text classifiers, 1,000 settings of Adam with 8 hyperparameters, 10,000 steps",
    license="Apache-2.0",
    citation=(
        "Luke Metz, Niru Maheswaranathan, Ruoxi Sun, C. Daniel Freeman, Ben Poole and Jascha "
        "Sohl-Dickstein. Using a Thousand Optimization Tasks to Learn Hyperparameter Search Strategies. "
        "arXiv:2002.11887, 2020. As published with: Arlind Kadra, Maciej Janowski, Martin Wistuba and Josif "
        "Grabocka. Scaling Laws for Hyperparameter Optimization. Advances in Neural Information Processing "
        "Systems (NeurIPS), 2023."
    ),
    homepage="https://github.com/google-research/google-research/tree/master/task_set",
    version="1.0",
    files=tuple(
        github(
            FILE.format(task),
            "releaunifreiburg/DPL",
            "de44b74030a7d4bb37467add431e6fac19cd357a",
            f"data/{FILE.format(task)}",
            *hash_and_size,
        )
        for task, hash_and_size in TASKS.items()
    ),
    card=CARD,
    convert=_convert,
    default=Default(workers=4),
    nan_allowed=tuple(f"{split}_loss" for split in SPLITS),
)
