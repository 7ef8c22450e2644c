"""FCNet: all 62,208 settings of a two-layer network on four regression data sets, 100 epochs.

``fcnet`` has the learning curves of the official HDF5 files, and ``fcnet-final`` their last points.

Klein and Hutter 2019, https://arxiv.org/abs/1905.04970
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Categorical, Ordinal
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, COUNT
from conversion_scripts.expected_size import ExpectedSize
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.raw.archives import make_seekable
from conversion_scripts.readers import hdf5
from conversion_scripts.recipe import Conversion, Recipe

ARCHIVE = "fcnet_tabular_benchmarks.tar.gz"
MEMBER = "fcnet_tabular_benchmarks/fcnet_{}_data.hdf5"
FINAL_FILE = "fcnet/meta-learn-tpe/{}.pkl"
# task -> the SHA-256 of its file of last points
FINAL_FILES = {
    "naval_propulsion": "0e2c02eb183c0ed4d1d83d504473134fc0539ad636dba48f555048a40b4fa451",
    "parkinsons_telemonitoring": "36b4b30418e561ee305b4e5dea11a99cb6d00c00b6ef70da9009960467c02438",
    "protein_structure": "d87b5e6da3381529dc2c5edfc129b4f29b907e7ef9c5a37c8044ecdddf17d0fe",
    "slice_localization": "456cd543279760cb6f56ee97587dd3df539e354760fb922893aa4f6ef9be5623",
}
SEEDS, EPOCHS = 4, 100
SHAPES = {
    "valid_mse": (SEEDS, EPOCHS),
    "train_mse": (SEEDS, EPOCHS),
    "runtime": (SEEDS,),
    "final_test_error": (SEEDS,),
    "n_params": (SEEDS,),
}
SPACE = Space(
    {
        "activation_fn_1": Categorical(("relu", "tanh")),
        "activation_fn_2": Categorical(("relu", "tanh")),
        "batch_size": Ordinal((8, 16, 32, 64)),
        "dropout_1": Ordinal((0.0, 0.3, 0.6)),
        "dropout_2": Ordinal((0.0, 0.3, 0.6)),
        "init_lr": Ordinal((0.0005, 0.001, 0.005, 0.01, 0.05, 0.1)),
        "lr_schedule": Categorical(("cosine", "const")),
        "n_units_1": Ordinal((16, 32, 64, 128, 256, 512)),
        "n_units_2": Ordinal((16, 32, 64, 128, 256, 512)),
    }
)
FINAL_SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("epoch", (100,)),
    objectives=(
        Objective("valid_mse", "min", "", "mean squared error on the validation split"),
        Objective("elapsed_time", "min", "s", "the whole training of 100 epochs", cumulative=True),
    ),
    target="valid_mse",
    time="elapsed_time",
)
CURVES_SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
    objectives=(
        Objective("valid_mse", "min", "", "mean squared error on the validation split"),
        Objective("train_mse", "min", "", "mean squared error on the training split, with dropout"),
        Objective(
            "elapsed_time",
            "min",
            "s",
            "training and validation passes",
            cumulative=True,
            provenance="interpolated",
        ),
        Objective("test_mse", "min", "", "on the test split, after the last epoch", constant=True),
        Objective("parameters", "min", "", "trained weights", constant=True),
    ),
    target="valid_mse",
    time="elapsed_time",
)


def _convert_final(raw: RawFolder) -> Conversion:
    keys = _keys()
    order = np.argsort(np.argsort(keys, kind="stable"), kind="stable")
    tables = {}
    for task in FINAL_FILES:
        source = raw.pickle(FINAL_FILE.format(task))
        if any(len(source[name]) != SEEDS * len(keys) for name in ("valid_mse", "runtime")):
            raise FormatError(
                f"{FINAL_FILE.format(task)} does not have {SEEDS} runs of {len(keys)} configurations"
            )
        values = {name: column.reshape(-1, SEEDS)[order].ravel() for name, column in source.items()}
        points = {"valid_mse": values["valid_mse"], "elapsed_time": values["runtime"]}
        tables[task] = _table(np.arange(len(keys)), points, {})
    return Conversion(FINAL_SCHEMA, tables)


def _convert_curves(raw: RawFolder) -> Conversion:
    raw.verify(ARCHIVE)
    return Conversion(CURVES_SCHEMA, LazyTables(FINAL_FILES, partial(_curves, raw, _keys())))


def _curves(raw: RawFolder, keys: list[str], task: str) -> Table:
    name = MEMBER.format(task)
    with _open_data(raw, name) as data:
        known = set(data)
        there = [index for index, key in enumerate(keys) if key in known]
        if len(there) != len(known):
            unknown = sorted(known.difference(keys))
            raise FormatError(f"it has {len(unknown)} keys outside the grid (first: {unknown[0]!r})")
        if not there:
            raise FormatError("it has no keys, but each of its configurations should be one")
        runs = hdf5.read_columns(data, [keys[i] for i in there], SHAPES)
    # proportional to the epoch, as FCNetBenchmark says, and exact at the last one
    elapsed = runs["runtime"].astype(np.float64)[..., np.newaxis] * (np.arange(1, EPOCHS + 1) / EPOCHS)
    points = {"valid_mse": runs["valid_mse"], "train_mse": runs["train_mse"], "elapsed_time": elapsed}
    constants = {"test_mse": runs["final_test_error"], "parameters": runs["n_params"]}
    return _table(
        np.array(there),
        {name: values.ravel() for name, values in points.items()},
        {name: values.ravel() for name, values in constants.items()},
    )


@contextmanager
def _open_data(raw: RawFolder, name: str) -> Iterator[Any]:
    """Open an HDF5 file of the archive."""
    with (
        raw.member(ARCHIVE, name) as stream,
        make_seekable(stream, name) as file,
        hdf5.open_file(file, name, "FCNet") as data,
    ):
        yield data


def _keys() -> list[str]:
    """The HDF5 keys of all configurations, in the order of the grid."""
    return [
        json.dumps(dict(zip(SPACE.domains, values, strict=True)), sort_keys=True)
        for values in itertools.product(*(domain.values or () for domain in SPACE.domains.values()))
    ]


def _table(indices: Array, points: dict[str, Array], constants: dict[str, Array]) -> Table:
    """The runs of the configurations with these grid indices; all have as many points."""
    choices = [tuple(domain.values or ()) for domain in SPACE.domains.values()]
    codes = np.unravel_index(np.repeat(indices, SEEDS), [len(values) for values in choices])
    columns = zip(SPACE.domains, choices, codes, strict=True)
    rows = SEEDS * len(indices)
    return Table(
        hyperparameters={name: Coded(values, column.astype(np.int32)) for name, values, column in columns},
        seeds=np.tile(np.arange(SEEDS), len(indices)),
        points=points,
        lengths=np.full(rows, len(points["valid_mse"]) // rows),
        constants=constants,
    )


FINAL_CARD = (
    Defect(
        "the source holds the last epoch only; the 100-epoch curves of the original HDF5 files are not in it",
        "a single fidelity, 100; valid_mse and elapsed_time are those of the whole training",
    ),
    Defect(
        "the source gives no configurations: its order is that of the HDF5 keys, json.dumps(config, "
        "sort_keys=True) as text, where 16 comes before 8",
        "put into the order of the grid",
    ),
    Defect("the seeds of the four trainings are not in the source", "0, 1, 2, 3: the order in the source"),
    Defect(
        "valid_mse spans 11 decades, to 8.7e7: some trainings diverged without a NaN",
        "kept; no status, for the source has none",
    ),
)
_CITATION = (
    "Aaron Klein and Frank Hutter. Tabular Benchmarks for Joint Architecture and Hyperparameter "
    "Optimization. arXiv:1905.04970, 2019."
)
FINAL = Recipe(
    name="fcnet-final",
    title="FCNet: all 62,208 settings of a two-layer network on four regression tasks after 100 epochs",
    license="Apache-2.0 AND BSD-3-Clause",
    citation=_CITATION,
    homepage="https://github.com/automl/nas_benchmarks",
    version="1.0",
    files=tuple(
        github(
            FINAL_FILE.format(task),
            "nabenabe0928/meta-learn-tpe",
            "7cdd9f36c71412d27562734d23f05d58ef642f1b",
            f"targets/hpolib/metric_vals/{task}.pkl",
            sha256,
            3_981_545,
        )
        for task, sha256 in FINAL_FILES.items()
    ),
    card=FINAL_CARD,
    convert=_convert_final,
    default=TuningDefaults(workers=4, seconds=20_000.0),
    bounds={"valid_mse": ABOVE_0, "elapsed_time": ABOVE_0},
)
CURVES_CARD = (
    Defect(
        "there is one runtime a run: training, validation passes and the final test together",
        "elapsed_time is proportional to the epoch, as in FCNetBenchmark.objective_function; it is exact at "
        "epoch 100 and marked interpolated",
    ),
    Defect("the seeds of the four trainings are not in the source", "0, 1, 2, 3: the order in the source"),
    Defect(
        "valid_mse spans 11 decades, to 8.7e7: some trainings diverged without a NaN",
        "kept; no status, for the source has none",
    ),
    Defect("train_loss and valid_loss are mean squared errors too", "left out"),
    Defect(
        "a configuration is found by the text json.dumps(config, sort_keys=True)",
        "put into the order of the grid; one that the source lacks stays missing",
    ),
)
CURVES = Recipe(
    name="fcnet",
    title="FCNet: all 62,208 settings of a two-layer network on four regression tasks, 100 epochs",
    license="BSD-3-Clause",
    citation=_CITATION,
    homepage="https://github.com/automl/nas_benchmarks",
    version="1.0",
    files=(
        RawFile(
            ARCHIVE,
            url=f"https://ml.informatik.uni-freiburg.de/wp-content/uploads/2019/01/{ARCHIVE}",
            mirrors=(f"https://ml4aad.org/wp-content/uploads/2019/01/{ARCHIVE}",),
            members=tuple(MEMBER.format(task) for task in FINAL_FILES),
        ),
    ),
    card=CURVES_CARD,
    convert=_convert_curves,
    default=TuningDefaults(workers=4, seconds=20_000.0),
    bounds=dict.fromkeys(("valid_mse", "train_mse", "test_mse", "elapsed_time"), ABOVE_0)
    | {"parameters": COUNT},
    expected_size=ExpectedSize(tasks=len(FINAL_FILES), configurations=SPACE.size or 0),
    needs=("h5py",),
)
RECIPES = (CURVES, FINAL)
