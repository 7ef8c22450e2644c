"""FCNet: all 62,208 settings of a two-layer network on four regression data sets, after 100 epochs.

Klein and Hutter 2019, https://arxiv.org/abs/1905.04970
"""

from __future__ import annotations

import itertools
import json

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Categorical, Ordinal, Value
from blackbox_repo.errors import FormatError
from blackbox_repo.manifest import Default, Defect
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "fcnet/meta-learn-tpe/{}.pkl"
TASKS = {
    "naval_propulsion": "0e2c02eb183c0ed4d1d83d504473134fc0539ad636dba48f555048a40b4fa451",
    "parkinsons_telemonitoring": "36b4b30418e561ee305b4e5dea11a99cb6d00c00b6ef70da9009960467c02438",
    "protein_structure": "d87b5e6da3381529dc2c5edfc129b4f29b907e7ef9c5a37c8044ecdddf17d0fe",
    "slice_localization": "456cd543279760cb6f56ee97587dd3df539e354760fb922893aa4f6ef9be5623",
}
SEEDS = 4
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
SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("epoch", (100,)),
    objectives=(
        Objective("valid_mse", "min", "", "mean squared error on the validation split"),
        Objective("elapsed_time", "min", "s", "the whole training of 100 epochs", cumulative=True),
    ),
    target="valid_mse",
    time="elapsed_time",
)


def _convert(raw: RawFolder) -> Conversion:
    choices = [tuple(domain.values or ()) for domain in SPACE.domains.values()]
    codes = np.array(list(itertools.product(*(range(len(values)) for values in choices))), dtype=np.int32)
    order = _positions()
    tables = {}
    for task in TASKS:
        source = raw.pickle(FILE.format(task))
        if any(len(source[name]) != SEEDS * len(order) for name in ("valid_mse", "runtime")):
            raise FormatError(f"{FILE.format(task)} has not {SEEDS} runs of {len(order)} configurations")
        tables[task] = _table(
            codes, choices, {name: source[name].reshape(-1, SEEDS)[order] for name in source}
        )
    return Conversion(SCHEMA, tables)


def _positions() -> Array:
    """Where each configuration of the grid lies in the source, which goes by the text of their JSON."""
    texts = [
        json.dumps(dict(zip(SPACE.domains, values, strict=True)), sort_keys=True)
        for values in itertools.product(*(domain.values or () for domain in SPACE.domains.values()))
    ]
    positions = np.empty(len(texts), dtype=np.int64)
    positions[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return positions


def _table(codes: Array, choices: list[tuple[Value, ...]], source: dict[str, Array]) -> Table:
    of_row = np.repeat(codes, SEEDS, axis=0)
    columns = zip(SPACE.domains, choices, of_row.T, strict=True)
    return Table(
        hyperparameters={
            name: Coded(values, np.ascontiguousarray(column)) for name, values, column in columns
        },
        seeds=np.tile(np.arange(SEEDS), len(codes)),
        points={"valid_mse": source["valid_mse"].ravel(), "elapsed_time": source["runtime"].ravel()},
        lengths=np.ones(len(of_row), dtype=np.int64),
    )


CARD = (
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
FINAL = Recipe(
    name="fcnet-final",
    title="FCNet: all 62,208 settings of a two-layer network on four regression tasks after 100 epochs",
    license="Apache-2.0 AND BSD-3-Clause",
    citation=(
        "Aaron Klein and Frank Hutter. Tabular Benchmarks for Joint Architecture and Hyperparameter "
        "Optimization. arXiv:1905.04970, 2019."
    ),
    homepage="https://github.com/automl/nas_benchmarks",
    version="1.0",
    files=tuple(
        github(
            FILE.format(task),
            "nabenabe0928/meta-learn-tpe",
            "7cdd9f36c71412d27562734d23f05d58ef642f1b",
            f"targets/hpolib/metric_vals/{task}.pkl",
            sha256,
        )
        for task, sha256 in TASKS.items()
    ),
    card=CARD,
    convert=_convert,
    default=Default(workers=4, seconds=20_000.0),
)
