"""Writes data in the layouts that the official loaders read; each function names its loader."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from blackbox_repo import draw

Runs = Mapping[str, np.ndarray]


def noise(shape: tuple[int, ...], *key: str | int) -> np.ndarray:
    """Numbers from 0 to 1 that follow from the key: a linear congruential sequence, good enough for looks."""
    size = int(np.prod(shape))
    start = np.uint64(draw.integer(2**64, *key))
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
    with h5py.File(file, "w", libver="latest") as data:
        for configuration, columns in runs:
            group = data.create_group(json.dumps(dict(configuration), sort_keys=True))
            for name, values in columns.items():
                group.create_dataset(name, data=values)


def write_fcnet_archive(file: Path, tasks: Mapping[str, Path]) -> None:
    """``fcnet_tabular_benchmarks.tar.gz`` as the README there has it unpacked."""
    with gzip.open(file, "wb", compresslevel=1) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for task, path in tasks.items():
            archive.add(path, f"fcnet_tabular_benchmarks/fcnet_{task}_data.hdf5")


def copied(source: Path, target: Path) -> Path:
    """A writable copy of a folder or file of the raw data."""
    if source.is_dir():
        target.mkdir(parents=True)
        for path in source.iterdir():
            shutil.copyfile(path, target / path.name)
    else:
        shutil.copyfile(source, target)
    return target
