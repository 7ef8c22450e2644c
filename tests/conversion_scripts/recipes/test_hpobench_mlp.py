"""HPOBench MLP against its raw files: every value; and the order of its rows, which nothing there states."""

from __future__ import annotations

import functools
import json

import numpy as np
import pandas as pd
import pytest

from blackbox_repo.table import TabularBlackbox
from conversion_scripts.checks import check_table
from conversion_scripts.recipe import Conversion
from conversion_scripts.recipes.hpobench_mlp import SCHEMA, SPACE, TASKS
from tests.conversion_scripts.frames import converted, frame, needs_raw, raw_bytes, raw_pickle

pytestmark = needs_raw
# AVAIL_SEEDS and DatasetChoices in targets/hpobench/api.py of nabenabe0928/meta-learn-tpe
SEEDS = [665, 1319, 7222, 7541, 8916]
OPENML = {
    "credit_g": 31,
    "vehicle": 53,
    "kc1": 3917,
    "phoneme": 9952,
    "blood_transfusion": 10101,
    "australian": 146818,
    "car": 146821,
    "segment": 146822,
}


@functools.cache
def mlp() -> Conversion:
    return converted("hpobench-mlp")


@functools.cache
def rows() -> pd.DataFrame:
    """The configuration and seed of each row, from the search space that lies beside the values."""
    parameters = json.loads(raw_bytes("hpobench_mlp/meta-learn-tpe/params.json"))
    values = {name: entry["sequence"] for name, entry in sorted(parameters.items()) if name[0] != "_"}
    product = pd.MultiIndex.from_product([*values.values(), SEEDS], names=[*values, "seed"])
    return product.to_frame(index=False)


@pytest.mark.parametrize("task", TASKS)
def test_every_value_is_that_of_the_source(task: str) -> None:
    source = raw_pickle(f"hpobench_mlp/meta-learn-tpe/{task}.pkl")
    expected = rows().assign(valid_balanced_accuracy=source["bal_acc"], valid_precision=source["precision"])
    found = frame(mlp().tables[task]).drop(columns="point")
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_exact=True, check_dtype=False)
    assert set(found) == set(expected)
    assert mlp().titles[task] == f"task {OPENML[task]} of OpenML"


def test_the_table_is_the_whole_grid_and_keeps_the_rules() -> None:
    assert SPACE.size == 30_000
    for task in ("car", "vehicle"):
        check_table(task, SCHEMA, mlp().tables[task])
    car = TabularBlackbox(SCHEMA, mlp().tables["car"], name="car")
    assert car.seeds(SPACE.configuration(12_345)) == tuple(SEEDS)
    assert car.configurations()[12_345] == SPACE.configuration(12_345)


@pytest.mark.parametrize("task", TASKS)
def test_the_order_of_the_rows_makes_sense(task: str) -> None:
    """Marginal means: the best learning rate lies inside, wide networks are better, much decay is worse."""
    means = mlp().tables[task].points["valid_balanced_accuracy"].reshape(10, 10, 3, 10, 10, 5)
    alpha, _, _, rate, width = (means.mean(axis=tuple(k for k in range(6) if k != axis)) for axis in range(5))
    assert 3 <= np.argmax(rate) <= 5
    assert (np.diff(rate[: np.argmax(rate) + 1]) > 0).all()
    assert (np.diff(rate[5:]) < 0).all()
    assert (np.diff(width) > 0).all()
    assert alpha[9] < alpha[:9].min()
