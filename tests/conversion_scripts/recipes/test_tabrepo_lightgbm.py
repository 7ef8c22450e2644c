"""LightGBM of TabRepo against its raw files: every value; and which file resolves the numbers of settings."""

from __future__ import annotations

import functools
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blackbox_repo.store.manifest import read_manifest
from tests.conversion_scripts.frames import CACHE, needs_raw, raw_bytes, same, stored

pytestmark = needs_raw
# what autogluon_zeroshot/models/lightgbm/generate.py of autogluon/tabrepo says of each hyperparameter
DEFAULTS = {
    "extra_trees": False,
    "feature_fraction": 1.0,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "num_leaves": 31,
}


@functools.cache
def results() -> pd.DataFrame:
    content = raw_bytes("tabrepo_lightgbm/results_ranked_by_dataset_valid.csv")
    found = pd.read_csv(io.BytesIO(content), dtype=str)
    numbers = [name for name in found if name not in ("dataset", "framework", "problem_type")]
    found[numbers] = found[numbers].map(float)
    return found


def configurations(file: str) -> dict[str, dict[str, Any]]:
    found = json.loads(raw_bytes(f"tabrepo_lightgbm/{file}.json"))
    return {name: entry["hyperparameters"] for name, entry in found.items()}


def test_every_value_is_that_of_the_source() -> None:
    settings = configurations("configs_20221004_lightgbm")
    manifest = read_manifest(CACHE / "tabrepo-lightgbm")
    assert set(manifest.tasks) == set(results().dataset)
    for task, rows in results().groupby("dataset"):
        expected = pd.DataFrame([DEFAULTS | settings[name] for name in rows.framework]).drop(
            columns="ag_args"
        )
        expected["seed"] = 0
        expected["configuration"] = rows.framework.to_numpy()
        expected["metric_error"] = rows.metric_error.to_numpy()
        expected["elapsed_time"] = rows.time_train_s.to_numpy()
        expected["inference_time"] = rows.time_infer_s.to_numpy()
        same(stored("tabrepo-lightgbm", str(task)), expected, ["configuration"])
        (kind,) = rows.problem_type.unique()
        assert manifest.task(str(task)).title == f"task {task} of OpenML, {kind}"


def explained(values: pd.Series[float], settings: dict[str, dict[str, Any]]) -> float:
    """The share of the variance of the configurations' means over tasks that is linear in their settings."""
    logs = np.log(values)
    means = (logs - logs.groupby(results().dataset).transform("mean")).groupby(results().framework).mean()
    means = means[[name for name in means.index if "_r" in name]]
    features = np.array(
        [
            (
                1,
                s["extra_trees"],
                s["feature_fraction"],
                np.log(s["learning_rate"]),
                s["min_data_in_leaf"],
                np.log(s["num_leaves"]),
            )
            for s in map(settings.__getitem__, means.index)
        ],
        dtype=float,
    )
    fitted = features @ np.linalg.lstsq(features, means, rcond=None)[0]
    return float(1 - ((means - fitted) ** 2).sum() / ((means - means.mean()) ** 2).sum())


def test_the_file_of_october_2022_has_the_settings_of_the_results_and_the_other_has_not() -> None:
    october, other = configurations("configs_20221004_lightgbm"), configurations("configs_lightgbm")
    shares = [
        round(explained(results()[column], settings), 3)
        for column in ("time_train_s", "time_infer_s", "metric_error")
        for settings in (october, other)
    ]
    assert shares == pytest.approx([0.976, 0.027, 0.980, 0.054, 0.719, 0.075], abs=1e-3)


def test_what_is_left_out_follows_from_what_is_there() -> None:
    for _, rows in results().groupby("dataset"):
        assert (rows.metric_error.rank(method="average") == rows["rank"]).all()
        for name in ("time_train_s", "time_infer_s"):
            assert np.allclose(rows[name] / rows[name].min(), rows[f"{name}_rescaled"], rtol=1e-9)
        best, span = rows.metric_error.min(), rows.metric_error.max() - rows.metric_error.min()
        assert (
            np.abs(rows.metric_error - best - rows.loss_rescaled * span).max() <= 1.0001e-5
        )  # five decimals
        assert np.abs(rows.metric_error * (1 - rows.bestdiff) - best).max() <= 1.0001e-5
