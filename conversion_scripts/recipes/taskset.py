"""TaskSet: text classifiers trained with 1,000 settings of Adam, 10,000 steps each.

Metz et al. 2020, https://arxiv.org/abs/2002.11887; as published with DPL, Kadra et al., NeurIPS 2023
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import STATUSES, Coded, Table
from conversion_scripts.bounds import AT_LEAST_0
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "taskset/FixedTextRNNClassification_{}.json"
# SHA-256 and bytes of the twelve files there, by task
FILES = {
    "imdb_patch128_LSTM128_avg_bs64": (
        "5f5a332e45231a5639d43ff35ffac6bba28836593953a428dc0b508f8d4ea264",
        3_213_812,
    ),
    "imdb_patch128_LSTM128_bs64": (
        "c52d49dfb308cfca66c02f67f89aa880ccb9f04c38ace31e18db1e58898e8c03",
        3_176_320,
    ),
    "imdb_patch128_LSTM128_embed128_bs64": (
        "cf04eeed0cf4f4950666841756d9988d4d529c8aebd433c0303464cfec5a4e2d",
        3_230_232,
    ),
    "imdb_patch32_GRU128_bs128": (
        "3f72bcc5688c429e8b204029afa8a115a1233d304808efbc6290fcc6d530551c",
        3_359_039,
    ),
    "imdb_patch32_GRU64_avg_bs128": (
        "d3650db950bf292d52972db69fe3bfd7d2588d68b7b40f5c496977e8ebab11bc",
        3_365_837,
    ),
    "imdb_patch32_IRNN64_relu_avg_bs128": (
        "5ae8c7fbea5f4fa5a63920767be50467bcf1647421d8b64595a5420fc1c4b7b2",
        2_869_772,
    ),
    "imdb_patch32_IRNN64_relu_last_bs128": (
        "2e82adc0fed36722e6ef38e4a3ab54d77e8495ce7482f35389000e29da5ac010",
        2_841_114,
    ),
    "imdb_patch32_LSTM128_E128_bs128": (
        "11891b4d02be630145f4ff6537bc77c2d83f517a448f1bd3c181fa67ebc59c07",
        3_377_651,
    ),
    "imdb_patch32_LSTM128_bs128": (
        "08a52b1102b6b010ece9fa5549b2b16b0e782aca3fbd8119b4c0447fa9d72558",
        3_373_258,
    ),
    "imdb_patch32_VRNN128_tanh_bs128": (
        "838d8716451d0ce1626450739d68d3e26561f0b5891bd939e07a7bf2e438eb2b",
        3_373_559,
    ),
    "imdb_patch32_VRNN64_relu_avg_bs128": (
        "e48a689597342aec59c60ed94f58cff5d874bff581642f7f6662fea874b1b1b1",
        3_008_500,
    ),
    "imdb_patch32_VRNN64_tanh_avg_bs128": (
        "b81762ce3cc0e56e0146853abc809189a3eff1c756cf7a9c4bdb1f64c79084c5",
        3_381_410,
    ),
}
# tasks with many, some and no diverged trainings
CHOSEN = (
    "imdb_patch32_IRNN64_relu_last_bs128",
    "imdb_patch128_LSTM128_bs64",
    "imdb_patch32_GRU64_avg_bs128",
)
SPLITS = ("train", "valid", "test")
# the ranges of TaskSet's Adam8p, which draws 1 - beta in log scale; no domain of ours expresses that
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


def _convert(tasks: Iterable[str], raw: RawFolder) -> Conversion:
    tables = {task: _table(raw.json(FILE.format(task))) for task in tasks}
    titles = {task: f"FixedTextRNNClassification_{task} of TaskSet" for task in tables}
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


def _files(tasks: Iterable[str]) -> tuple[RawFile, ...]:
    commit = "de44b74030a7d4bb37467add431e6fac19cd357a"
    names = {task: FILE.format(task) for task in tasks}
    return tuple(
        github(name, "releaunifreiburg/DPL", commit, f"data/{name}", *FILES[task])
        for task, name in names.items()
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
    files=_files(CHOSEN),
    card=CARD,
    convert=partial(_convert, CHOSEN),
    default=TuningDefaults(workers=4),
    nan_allowed=tuple(f"{split}_loss" for split in SPLITS),
    bounds={f"{split}_loss": AT_LEAST_0 for split in SPLITS},
)
IMDB = replace(
    TASKSET,
    name="taskset-imdb",
    title="TaskSet: twelve text classifiers, 1,000 settings of Adam with 8 hyperparameters, 10,000 steps",
    files=_files(FILES),
    card=(
        Defect(
            "the source writes NaN for the loss of a diverged training, from then on to the last step: in "
            "917 of 12,000 trainings, from none of VRNN64_tanh_avg and GRU64_avg to 245 of IRNN64_relu_last",
            CARD[0].rule,
        ),
        Defect("finite losses reach 5e34, and 2e19 in a task without any NaN", CARD[1].rule),
        *CARD[2:-1],
        Defect("all tasks have the same 1,000 settings", "kept in the order of the source"),
        Defect("1,162 tasks exist, 12 in the source", "all of these"),
    ),
    convert=partial(_convert, tuple(FILES)),
)
RECIPES = (TASKSET, IMDB)
