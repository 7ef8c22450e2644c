"""All twelve tasks of TaskSet against their raw files: every value."""

from __future__ import annotations

import functools
import json

import numpy as np
import pandas as pd
import pytest

from conversion_scripts.checks import check_table
from conversion_scripts.recipe import Conversion
from conversion_scripts.registry import load_recipe
from tests.conversion_scripts.frames import RAW, converted, frame, needs_raw, raw_bytes

pytestmark = needs_raw
DIVERGED = {
    "imdb_patch128_LSTM128_avg_bs64": 84,
    "imdb_patch128_LSTM128_bs64": 99,
    "imdb_patch128_LSTM128_embed128_bs64": 78,
    "imdb_patch32_GRU128_bs128": 1,
    "imdb_patch32_GRU64_avg_bs128": 0,
    "imdb_patch32_IRNN64_relu_avg_bs128": 234,
    "imdb_patch32_IRNN64_relu_last_bs128": 245,
    "imdb_patch32_LSTM128_E128_bs128": 1,
    "imdb_patch32_LSTM128_bs128": 3,
    "imdb_patch32_VRNN128_tanh_bs128": 1,
    "imdb_patch32_VRNN64_relu_avg_bs128": 171,
    "imdb_patch32_VRNN64_tanh_avg_bs128": 0,
}


@functools.cache
def imdb() -> Conversion:
    return converted("taskset-imdb")


def test_every_file_of_the_source_is_a_task() -> None:
    files = {path.name.split(".")[0].partition("_")[2] for path in (RAW / "taskset").glob("*.json*")}
    assert files == set(imdb().tables) == set(DIVERGED)
    assert f" {sum(DIVERGED.values())} of 12,000 trainings, " in load_recipe("taskset-imdb").card[0].what


@pytest.mark.parametrize("task", DIVERGED)
def test_every_value_is_that_of_the_source(task: str) -> None:
    name = f"FixedTextRNNClassification_{task}"
    records = json.loads(raw_bytes(f"taskset/{name}.json"))
    settings = pd.DataFrame([record["hp"] for record in records])
    expected = settings.loc[settings.index.repeat(51)].reset_index(drop=True)
    for split in ("train", "valid", "test"):
        expected[f"{split}_loss"] = np.concatenate([record[split]["loss"] for record in records])
    expected["point"] = np.tile(np.arange(51), 1000)
    expected["seed"] = 0
    lost = expected[["train_loss", "valid_loss", "test_loss"]].isna().any(axis=1).to_numpy().reshape(1000, 51)
    expected["status"] = np.repeat(np.where(lost.any(axis=1), "diverged", "ok"), 51)
    found = frame(imdb().tables[task])
    assert set(found) == set(expected)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_exact=True, check_dtype=False)
    assert lost.any(axis=1).sum() == DIVERGED[task]
    assert (np.diff(lost.astype(int)) >= 0).all()  # once lost, lost for good, as the card says
    assert imdb().titles[task] == f"{name} of TaskSet"


def test_the_tables_keep_the_rules_and_what_the_card_says() -> None:
    tables = imdb().tables
    for task, table in tables.items():
        check_table(task, imdb().schema, table, load_recipe("taskset-imdb").nan_allowed)
    largest = {
        task: max(np.nanmax(np.abs(values)) for values in table.points.values())
        for task, table in tables.items()
    }
    assert max(largest.values()) == pytest.approx(5e34, rel=0.05)
    assert max(largest[task] for task, runs in DIVERGED.items() if runs == 0) == pytest.approx(2e19, rel=0.1)
    first, *others = tables.values()
    for other in others:
        for name, column in first.hyperparameters.items():
            assert list(column.decoded()) == list(other.hyperparameters[name].decoded())
