"""Writes data in the layouts that the official loaders read; each function names its loader."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from blackbox_repo import keyed_random

Runs = Mapping[str, np.ndarray]


def noise(shape: tuple[int, ...], *key: str | int) -> np.ndarray:
    """Numbers from 0 to 1 that follow from the key: a linear congruential sequence, good enough for looks."""
    size = int(np.prod(shape))
    start = np.uint64(keyed_random.integer(2**64, *key))
    with np.errstate(over="ignore"):
        mixed = (np.arange(size, dtype=np.uint64) + start) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64).reshape(shape) / 2**53


def write_fcnet_task(file: Path, runs: Iterable[tuple[Mapping[str, Any], Runs]]) -> None:
    """One HDF5 file of FCNet: a group a configuration, in it a dataset a column.

    Loader: automl/nas_benchmarks at 107bf38e, tabular_benchmarks/fcnet_benchmark.py, lines 16 and 42 to 62;
    the columns are those of its data_collection/train_fcnet.py, lines 101 to 117.
    """
    with h5py.File(file, "w") as data:
        for configuration, columns in runs:
            group = data.create_group(json.dumps(dict(configuration), sort_keys=True))
            for name, values in columns.items():
                group.create_dataset(name, data=values)


def write_fcnet_archive(file: Path, tasks: Mapping[str, Path]) -> None:
    """``fcnet_tabular_benchmarks.tar.gz`` as the README there has it unpacked."""
    with gzip.open(file, "wb", compresslevel=1) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for task, path in tasks.items():
            archive.add(path, f"fcnet_tabular_benchmarks/fcnet_{task}_data.hdf5")


def lcbench_run(name: str, identifier: int, *, epochs: int = 52) -> dict[str, Any]:
    """One entry of LCBench's JSON, with made-up numbers."""
    draws = noise((7,), name, identifier).tolist()
    falling = 1 / np.arange(1, epochs + 1) + noise((9, epochs), name, identifier, "curves") / 10
    log: dict[str, list[float]] = {
        "time": (np.arange(epochs) * (1 + draws[0]) + 0.25 + draws[1]).tolist(),
        "epoch": list(range(epochs)),
        "Train/loss": falling[0].tolist(),
        "Train/lr": (np.cos(np.arange(epochs) / 60) * 0.1).tolist(),
    }
    for row, split in enumerate(("train", "val", "test")):
        accuracy = "Train/test_result" if split == "test" else f"Train/{split}_accuracy"
        log[accuracy] = (100 - 80 * falling[3 * row]).tolist()
        log[f"Train/{split}_cross_entropy"] = falling[3 * row + 1].tolist()
        log[f"Train/{split}_balanced_accuracy"] = (1 - 0.8 * falling[3 * row + 2]).tolist()
    layers = 1 + int(5 * draws[2])
    config = {
        "batch_size": int(16 + 496 * draws[3]),
        "imputation_strategy": "mean",
        "learning_rate_scheduler": "cosine_annealing",
        "network": "shapedmlpnet",
        "max_dropout": draws[4],
        "optimizer": "sgd",
        "cosine_annealing_T_max": 50,
        "max_units": int(64 + 960 * draws[5]),
        "num_layers": True if layers == 1 else layers,
        "learning_rate": 1e-4 + 0.0999 * draws[6],
        "momentum": 0.1 + 0.89 * draws[0],
        "weight_decay": 1e-5 + 0.09999 * draws[1],
    }
    results = {
        "OpenML_task_id": 3945.0,
        "classes": 2.0,
        "features": 230.0,
        "instances": 50000.0,
        "model_parameters": 1000.0 + identifier,
        "final_val_accuracy": log["Train/val_accuracy"][-1],
    }
    return {"config": config, "log": log, "results": results}


def write_lcbench(
    file: Path, member: str, datasets: Mapping[str, Iterable[tuple[int, dict[str, Any]]]]
) -> None:
    """``data_2k_lw.zip``: data set -> number of the configuration -> config, log, results.

    Loader: automl/LCBench at 44083aa6, api.py, lines 31 to 58 (``Benchmark.query``).
    """
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open(member, "w", force_zip64=True) as stream:
        for place, (name, runs) in enumerate(datasets.items()):
            stream.write(f"{', ' if place else '{'}{json.dumps(name)}: {{".encode())
            for index, (identifier, run) in enumerate(runs):
                stream.write(f'{", " if index else ""}"{identifier}": {json.dumps(run)}'.encode())
            stream.write(b"}")
        stream.write(b"}")


def copied(source: Path, target: Path) -> Path:
    """A writable copy of a folder or file of the raw data."""
    if source.is_dir():
        target.mkdir(parents=True)
        for path in source.iterdir():
            shutil.copyfile(path, target / path.name)
    else:
        shutil.copyfile(source, target)
    return target
