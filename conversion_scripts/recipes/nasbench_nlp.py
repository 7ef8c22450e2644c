"""NAS-Bench-NLP: recurrent cells trained on WikiText-2 for 50 epochs.

Klyuchnikov et al., IEEE Access 2022; https://github.com/fmsnew/nas-bench-nlp-release
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from blackbox_repo.domains import Categorical
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import STATUSES, Coded, Table
from conversion_scripts.bounds import ABOVE_0, AT_LEAST_0, COUNT
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "nas_bench_nlp/train_logs_wikitext-2/logs.zip"
LOSSES = {"train_loss": "train_losses", "valid_loss": "val_losses", "test_loss": "test_losses"}
STATUS = {"OK": STATUSES.index("ok"), "loss is nan!": STATUSES.index("diverged")}


def _convert(raw: RawFolder) -> Conversion:
    logs = _logs(raw)
    ids = [log["recepie_id"] for log in logs]
    known = tuple(dict.fromkeys(ids))
    codes = np.array([known.index(number) for number in ids], dtype=np.int32)
    table = Table(
        hyperparameters={"architecture": Coded(known, codes)},
        seeds=np.array([ids[:row].count(number) for row, number in enumerate(ids)]),
        points={
            **{name: np.concatenate([log[field] for log in logs]) for name, field in LOSSES.items()},
            "elapsed_time": np.concatenate([np.cumsum(log["wall_times"]) for log in logs]),
        },
        lengths=np.array([len(log["wall_times"]) for log in logs]),
        constants={"parameters": np.array([log["num_params"] for log in logs], dtype=np.float64)},
        status=np.array([STATUS[log["status"]] for log in logs], dtype=np.uint8),
        labels={"recipe": Coded.of(log["recepie"] for log in logs)},
    )
    return Conversion(_schema(known), {"wikitext-2": table}, titles={"wikitext-2": "WikiText-2"})


def _logs(raw: RawFolder) -> list[dict[str, Any]]:
    """The training logs, by architecture, then by the number of the experiment."""
    logs = [json.load(member.stream) for member in raw.members(FILE) if member.name.endswith(".json")]
    return sorted(logs, key=lambda log: (log["recepie_id"], log["experiment_id"]))


def _schema(architectures: tuple[int, ...]) -> Schema:
    return Schema(
        space=Space({"architecture": Categorical(architectures)}),
        fidelity=Fidelity("epoch", tuple(range(1, 51))),
        objectives=(
            Objective("train_loss", "min", "nats", "cross-entropy a word: the logarithm of the perplexity"),
            Objective("valid_loss", "min", "nats", "as train_loss, on the validation text"),
            Objective("test_loss", "min", "nats", "as train_loss, on the test text"),
            Objective("elapsed_time", "min", "s", "sum of the epochs' wall times", cumulative=True),
            Objective("parameters", "min", "", "number of weights", constant=True),
        ),
        target="valid_loss",
        time="elapsed_time",
    )


CARD = (
    Defect(
        "this is the WikiText-2 part, 345 trainings of 344 architectures, of a benchmark with 14,322 "
        "architectures; the Penn Treebank logs are not in the repository",
        "one task, wikitext-2",
    ),
    Defect("wall times are given for each epoch", "elapsed_time is their running sum"),
    Defect(
        "four trainings ended with a NaN loss, after 1, 1, 19 and 23 epochs",
        "kept at that length, the NaN as their last point; status diverged",
    ),
    Defect(
        "architecture 1002429 was trained twice",
        "seeds 0 and 1, in the order of the experiments' numbers; all others have seed 0",
    ),
    Defect(
        "the 344 architectures have 291 different recipe strings: 43 strings have two numbers, 5 have three",
        "each number is a configuration of its own; the label recipe shows the equal ones",
    ),
    Defect("the hyperparameters of the training are the same in all logs", "left out"),
)
NLP = Recipe(
    name="nasbench-nlp",
    title="NAS-Bench-NLP: 344 recurrent cells on WikiText-2, 50 epochs",
    license="Apache-2.0",
    citation=(
        "Nikita Klyuchnikov, Ilya Trofimov, Ekaterina Artemova, Mikhail Salnikov, Maxim Fedorov, Alexander "
        "Filippov and Evgeny Burnaev. NAS-Bench-NLP: Neural Architecture Search Benchmark for Natural "
        "Language Processing. IEEE Access, 10, 2022."
    ),
    homepage="https://github.com/fmsnew/nas-bench-nlp-release",
    version="1.0",
    files=(
        github(
            FILE,
            "fmsnew/nas-bench-nlp-release",
            "a6d90a3b19e3966b1d009c0970b3761aa46707d1",
            "train_logs_wikitext-2/logs.zip",
            "f5052d6bea6398001e32c986322a243e8cdedffa906caf242eb0a62ee105aa12",
            879_000,
        ),
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4, seconds=600_000.0),
    labels=("recipe",),
    nan_allowed=tuple(LOSSES),
    bounds=dict.fromkeys(LOSSES, AT_LEAST_0) | {"elapsed_time": ABOVE_0, "parameters": COUNT},
)
RECIPES = (NLP,)
