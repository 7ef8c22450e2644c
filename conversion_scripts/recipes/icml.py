"""XGBoost and DeepAR, evaluated on random configurations, as published with a paper of ICML 2020.

Salinas, Shen and Perrone, ICML 2020;
https://github.com/geoalgo/A-Quantile-based-Approach-for-Hyperparameter-Transfer-Learning
"""

from __future__ import annotations

import math

import numpy as np

from blackbox_repo.domains import Float, Integer, Ordinal
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, AT_LEAST_0, FRACTION
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

REPOSITORY = "geoalgo/A-Quantile-based-Approach-for-Hyperparameter-Transfer-Learning"
ONCE = Fidelity("evaluation", (1,))
XGBOOST_FILE, DEEPAR_FILE = "icml2020/XGBoost.csv.zip", "icml2020/DeepAR.csv.zip"

XGBOOST_SCHEMA = Schema(
    space=Space(
        {
            "log2_min_child_weight": Float(-8, 6),
            "subsample": Float(0.5, 1),
            "colsample_bytree": Float(0.3, 1),
            "log2_gamma": Float(-20, 6),
            "log2_lambda": Float(-10, 8),
            "eta": Float(0, 1),
            "max_depth_index": Integer(0, 12),
            "log2_alpha": Float(-20, 8),
        }
    ),
    fidelity=ONCE,
    objectives=(Objective("error", "min", "", "classification error, 1 - accuracy"),),
    target="error",
)
DEEPAR_SCHEMA = Schema(
    space=Space(
        {
            "num_layers": Ordinal((math.log(2), math.log(3), math.log(4))),
            "num_cells": Float(math.log(30), math.log(120)),
            "dropout_rate_log": Float(math.log(0.01), math.log(0.51)),
            "learning_rate_log": Float(math.log(1e-4), math.log(1e-1)),
            "num_batches_per_epoch_log": Float(math.log(10), math.log(10_000)),
            "context_length_ratio_log": Float(math.log(0.05), math.log(4)),
        }
    ),
    fidelity=ONCE,
    objectives=(
        Objective("crps", "min", "", "continuous ranked probability score"),
        Objective("train_loss", "min", "nats", "negative log-likelihood in training"),
        Objective("throughput", "max", "", "as the source measures it"),
        Objective("rmse", "min", "", "root mean squared error"),
        Objective("elapsed_time", "min", "s", "of the whole evaluation", cumulative=True),
    ),
    target="crps",
    time="elapsed_time",
)
METRICS = {
    "error": "metric_error",
    "crps": "metric_CRPS",
    "train_loss": "metric_train_loss",
    "throughput": "metric_throughput",
    "rmse": "metric_RMSE",
    "elapsed_time": "metric_time",
}


def _convert_xgboost(raw: RawFolder) -> Conversion:
    tasks = _split(raw.csv(XGBOOST_FILE))
    tables = {task: _table(columns, XGBOOST_SCHEMA) for task, columns in tasks.items()}
    return Conversion(XGBOOST_SCHEMA, tables, titles={task: f"{task} of LIBSVM" for task in tables})


def _convert_deepar(raw: RawFolder) -> Conversion:
    tasks = _split(raw.csv(DEEPAR_FILE))
    tables = {task: _table(columns, DEEPAR_SCHEMA) for task, columns in tasks.items()}
    titles = {
        task: f"{task}, frequency {columns['dataset_time_freq'][0]}, "
        f"{columns['dataset_prediction_length'][0]} points predicted"
        for task, columns in tasks.items()
    }
    return Conversion(DEEPAR_SCHEMA, tables, titles=titles)


def _split(columns: dict[str, list[str]]) -> dict[str, dict[str, list[str]]]:
    """The columns of each task's rows."""
    rows: dict[str, list[int]] = {}
    for row, task in enumerate(columns["task"]):
        rows.setdefault(task, []).append(row)
    return {
        task: {name: [column[row] for row in chosen] for name, column in columns.items()}
        for task, chosen in rows.items()
    }


def _table(columns: dict[str, list[str]], schema: Schema) -> Table:
    runs = len(columns["task"])
    return Table(
        hyperparameters={
            name: Coded.of(map(int if isinstance(domain, Integer) else float, columns[f"hp_{name}"]))
            for name, domain in schema.space.domains.items()
        },
        seeds=np.zeros(runs, dtype=np.int64),
        points={
            objective.name: np.array(columns[METRICS[objective.name]], dtype=np.float64)
            for objective in schema.objectives
        },
        lengths=np.ones(runs, dtype=np.int64),
    )


ONE_FIDELITY = Defect(
    "the source has the result of whole evaluations only, without curves or seeds",
    "one fidelity, evaluation 1, and one seed, 0",
)
NAMES = Defect(
    "columns are called hp_* and metric_*",
    "the prefixes are dropped, metrics in small letters, metric_time is elapsed_time",
)
CITATION = (
    "David Salinas, Huibin Shen and Valerio Perrone. A Quantile-based Approach for Hyperparameter Transfer "
    "Learning. International Conference on Machine Learning (ICML), 2020."
)


def _file(name: str, sha256: str, size: int) -> RawFile:
    path = f"src/blackbox/offline_evaluations/{name.split('/')[1]}"
    return github(name, REPOSITORY, "31cdb2ff29576201c365e77cb1d04d94f83bfe1a", path, sha256, size)


XGBOOST = Recipe(
    name="icml-xgboost",
    title="XGBoost on 10 classification tasks, 5,000 random configurations each",
    license="Apache-2.0",
    citation=CITATION,
    homepage=f"https://github.com/{REPOSITORY}",
    version="1.0",
    files=(
        _file(XGBOOST_FILE, "07bc5e4087cb408ac154871c1b64caf3f1c163ba9b05c0c703db78a0ec815349", 3_580_783),
    ),
    card=(
        ONE_FIDELITY,
        NAMES,
        Defect(
            "there is no time in the source",
            "no elapsed time, so a simulation needs a time model of its own",
        ),
        Defect(
            "the source states no ranges, and gives four hyperparameters as their logarithm to base 2",
            "values as in the source; the ranges are the data's, rounded outward to a tenth (subsample, "
            "colsample_bytree, eta) or a whole number",
        ),
    ),
    convert=_convert_xgboost,
    default=TuningDefaults(workers=4),
    bounds={"error": FRACTION},
)
DEEPAR = Recipe(
    name="icml-deepar",
    title="DeepAR on 11 forecasting tasks, 212 to 249 random configurations each",
    license="Apache-2.0",
    citation=CITATION,
    homepage=f"https://github.com/{REPOSITORY}",
    version="1.0",
    files=(_file(DEEPAR_FILE, "70869c97d28733d7eef2f7dac11a8a846d3e792038acc72017f61fbfb8de0a83", 184_888),),
    card=(
        ONE_FIDELITY,
        NAMES,
        Defect(
            "the source states no ranges, and gives every hyperparameter as its natural logarithm, "
            "num_layers and num_cells too, although their names do not say it",
            "values and names as in the source: num_layers is ln 2, ln 3 or ln 4, num_cells from ln 30 to "
            "ln 120; the other ranges are logarithms of the round numbers next to the data's",
        ),
        Defect(
            "a task's frequency and prediction length are columns of the source",
            "they are in the task's title",
        ),
    ),
    convert=_convert_deepar,
    default=TuningDefaults(workers=4, seconds=300_000.0),
    bounds={
        **dict.fromkeys(("crps", "rmse"), AT_LEAST_0),
        **dict.fromkeys(("throughput", "elapsed_time"), ABOVE_0),
    },
)
RECIPES = (DEEPAR, XGBOOST)
