"""LightGBM with 104 settings on 93 OpenML tasks, from the history of TabRepo.

Salinas and Erickson, AutoML 2024; https://github.com/autogluon/tabrepo
"""

from __future__ import annotations

from typing import Any

import numpy as np

from blackbox_repo.domains import Categorical, Float, Integer, Value
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, AT_LEAST_0
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

REPOSITORY = "autogluon/tabrepo"
RESULTS_FILE = "tabrepo_lightgbm/results_ranked_by_dataset_valid.csv"
CONFIGURATIONS_FILE = "tabrepo_lightgbm/configs_20221004_lightgbm.json"

# ranges and defaults of autogluon_zeroshot/models/lightgbm/generate.py of that time
SPACE = Space(
    {
        "extra_trees": Categorical((False, True)),
        "feature_fraction": Float(0.65, 1.0),
        "learning_rate": Float(5e-3, 0.2, log=True),
        "min_data_in_leaf": Integer(2, 60),
        "num_leaves": Integer(16, 128),
    }
)
DEFAULTS: dict[str, Value] = {
    "extra_trees": False,
    "feature_fraction": 1.0,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "num_leaves": 31,
}
SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("evaluation", (1,)),
    objectives=(
        Objective("metric_error", "min", "", "the error that AutoGluon minimizes on this kind of problem"),
        Objective("elapsed_time", "min", "s", "of the training", cumulative=True),
        Objective(
            "inference_time", "min", "s", "of the prediction, as the source measures it", constant=True
        ),
    ),
    target="metric_error",
    time="elapsed_time",
)


def _convert(raw: RawFolder) -> Conversion:
    configurations = raw.json(CONFIGURATIONS_FILE)
    results = raw.csv(RESULTS_FILE)
    rows: dict[str, list[int]] = {}
    for row, task in enumerate(results["dataset"]):
        rows.setdefault(task, []).append(row)
    tables, titles = {}, {}
    for task, chosen in rows.items():
        columns = {name: [column[row] for row in chosen] for name, column in results.items()}
        tables[task] = _table(columns, configurations)
        titles[task] = f"task {task} of OpenML, {columns['problem_type'][0]}"
    return Conversion(SCHEMA, tables, titles=titles)


def _table(columns: dict[str, list[str]], configurations: dict[str, Any]) -> Table:
    names, runs = columns["framework"], len(columns["framework"])
    settings = [configurations[name]["hyperparameters"] for name in names]
    return Table(
        hyperparameters={
            name: Coded.of(setting.get(name, default) for setting in settings)
            for name, default in DEFAULTS.items()
        },
        seeds=np.zeros(runs, dtype=np.int64),
        points={
            "metric_error": np.array(columns["metric_error"], dtype=np.float64),
            "elapsed_time": np.array(columns["time_train_s"], dtype=np.float64),
        },
        lengths=np.ones(runs, dtype=np.int64),
        constants={"inference_time": np.array(columns["time_infer_s"], dtype=np.float64)},
        labels={"configuration": Coded.of(names)},
    )


CARD = (
    Defect(
        "the results name configurations by number (LightGBM_r1, ...), which two files of the repository "
        "resolve differently",
        "the file of October 2022: its settings explain 97.6 % of the variance of the logarithmic training "
        "times (means over tasks, linear), those of configs_lightgbm.json 2.7 %, no more than chance",
    ),
    Defect(
        "LightGBM_c1 and c2 give no values but extra_trees, c3 none of it: they run with the defaults",
        "those that the search space in the repository names beside its ranges, which are AutoGluon's: "
        "learning rate 0.05, 31 leaves, 20 data in a leaf, all features, no extra trees",
    ),
    Defect(
        "metric_error is another metric for each kind of problem (the title says which), and reaches 7.6e6 "
        "for regression; the source says neither its split nor its folds",
        "as in the source; do not compare tasks by it",
    ),
    Defect(
        "there are whole trainings only, without curves or seeds",
        "one fidelity, evaluation 1, and one seed, 0",
    ),
    Defect(
        "bestdiff, loss_rescaled, time_train_s_rescaled, time_infer_s_rescaled and rank are given besides",
        "left out: they follow from the values of the same task, the first two but for the rounding of "
        "metric_error to five decimals",
    ),
)
LIGHTGBM = Recipe(
    name="tabrepo-lightgbm",
    title="LightGBM with 104 settings on 93 OpenML tasks, with training and inference times",
    license="Apache-2.0",
    citation=(
        "David Salinas and Nick Erickson. TabRepo: A Large Scale Repository of Tabular Model Evaluations and "
        "its AutoML Applications. International Conference on Automated Machine Learning (AutoML), 2024."
    ),
    homepage=f"https://github.com/{REPOSITORY}",
    version="1.0",
    files=(
        github(
            RESULTS_FILE,
            REPOSITORY,
            "c027dbd43d7696674921d8de0add0e3cee9dddc3",
            "data/results/lightgbm/results_ranked_by_dataset_valid.csv",
            "519932f77089e3d75b7afe81f6e6bdacfff2c058d6dcb155ba5a3a04d073787e",
            1_538_394,
        ),
        github(
            CONFIGURATIONS_FILE,
            REPOSITORY,
            "3c3008eeb4bd7a0ee90d751dd496bbf5d78c0ee8",
            "data/configs/configs_20221004/configs_lightgbm.json",
            "868ce13d45e0345759deb72c6dea3299bf96c7d70662b20ed1e5d3b37b344f4c",
            37_818,
        ),
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4),
    bounds={"metric_error": AT_LEAST_0, "elapsed_time": ABOVE_0, "inference_time": ABOVE_0},
    labels=("configuration",),
)
RECIPES = (LIGHTGBM,)
