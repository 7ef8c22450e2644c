"""LCBench: 2,000 settings of funnel-shaped networks on each of 35 tabular data sets, 50 epochs.

Zimmer, Lindauer and Hutter 2021, https://github.com/automl/LCBench
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float, Integer, Value
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import AT_LEAST_0, COUNT, FRACTION, PERCENT
from conversion_scripts.expected_size import ExpectedSize
from conversion_scripts.raw import RawFile, RawFolder
from conversion_scripts.readers.json_stream import inner_objects
from conversion_scripts.recipe import Conversion, Recipe

FILE = "data_2k_lw.zip"
EPOCHS = 50
RUN_LIMIT = 1 << 24  # characters of one training run
SPACE = Space(
    {
        "batch_size": Integer(16, 512, log=True),
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "momentum": Float(0.1, 0.99),
        "weight_decay": Float(1e-5, 1e-1),
        "num_layers": Integer(1, 5),
        "max_units": Integer(64, 1024, log=True),
        "max_dropout": Float(0.0, 1.0),
    }
)
_SPLITS = {"train": "training", "val": "validation", "test": "test"}
# objective -> its name in the source's log
LOGS = {
    f"{split}_{quantity}": f"Train/{split}_{quantity}"
    for split in _SPLITS
    for quantity in ("accuracy", "cross_entropy", "balanced_accuracy")
} | {"test_accuracy": "Train/test_result", "elapsed_time": "time"}


def _objectives() -> tuple[Objective, ...]:
    found: list[Objective] = []
    for split, name in _SPLITS.items():
        found += (
            Objective(f"{split}_accuracy", "max", "%", f"on the {name} split"),
            Objective(f"{split}_cross_entropy", "min", "", f"on the {name} split"),
            Objective(
                f"{split}_balanced_accuracy",
                "max",
                "",
                f"mean over the classes, from 0 to 1, on the {name} split",
            ),
        )
    description = "training and scoring since the untrained network was scored"
    return (
        *found,
        Objective("elapsed_time", "min", "s", description, cumulative=True),
        Objective("parameters", "min", "", "trained weights", constant=True),
    )


SCHEMA = Schema(
    SPACE,
    Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
    _objectives(),
    target="val_accuracy",
    time="elapsed_time",
)


class _Runs:
    """Collects the training runs of one data set, as arrays."""

    def __init__(self) -> None:
        self._identifiers: list[int] = []
        self._configurations: list[list[Value]] = []
        self._parameters: list[float] = []
        self._curves: dict[str, list[Array]] = {name: [] for name in LOGS}

    def add(self, name: str, identifier: str, run: Mapping[str, Any]) -> None:
        """Add one run of the source.

        Args:
            name: The data set.
            identifier: The official number of the configuration.
            run: The entry of the run.
        """
        curves = {ours: np.array(run["log"][theirs], dtype=np.float64) for ours, theirs in LOGS.items()}
        lengths = {len(curve) for curve in curves.values()}
        if len(lengths) > 1:
            raise FormatError(
                f"the logs of {name}/{identifier} have {sorted(lengths)} points; all need as many"
            )
        curves["elapsed_time"] -= curves["elapsed_time"][:1]
        for ours, curve in curves.items():
            self._curves[ours].append(curve[1 : EPOCHS + 1])
        self._identifiers.append(int(identifier))
        self._configurations.append(
            [_value(hyperparameter, run["config"]) for hyperparameter in SPACE.domains]
        )
        self._parameters.append(run["results"]["model_parameters"])

    def table(self) -> Table:
        """The table of all runs, ordered by their numbers in the source."""
        order = sorted(range(len(self._identifiers)), key=self._identifiers.__getitem__)
        columns = zip(*(self._configurations[row] for row in order), strict=True)
        return Table(
            hyperparameters={
                name: Coded.of(column) for name, column in zip(SPACE.domains, columns, strict=True)
            },
            seeds=np.zeros(len(order), dtype=np.int64),
            points={
                name: np.concatenate([curves[row] for row in order]) for name, curves in self._curves.items()
            },
            lengths=np.array([len(self._curves["elapsed_time"][row]) for row in order]),
            constants={"parameters": np.array([float(self._parameters[row]) for row in order])},
            labels={"config_id": Coded.of(self._identifiers[row] for row in order)},
        )


def _value(hyperparameter: str, configuration: Mapping[str, Any]) -> Value:
    value = configuration[hyperparameter]
    whole = isinstance(SPACE.domains[hyperparameter], Integer) and value == int(value)
    return int(value) if whole else float(value)


def _convert(raw: RawFolder) -> Conversion:
    member = PurePosixPath(raw.variant(FILE)).with_suffix(".json").name
    tables, titles = {}, {}
    with raw.member(FILE, member) as stream:
        entries = inner_objects(stream, member, depth=2, limit=RUN_LIMIT)
        for name, group in itertools.groupby(entries, key=lambda entry: entry[0][0]):
            if name in tables:
                raise FormatError(f"{member} has the data set {name!r} twice")
            runs, results = _Runs(), {}
            for (_, identifier), run in group:
                try:
                    runs.add(name, identifier, run)
                except (KeyError, TypeError, ValueError) as err:
                    raise FormatError(
                        f"{name}/{identifier} of {member} is not a run of LCBench: {err!r}"
                    ) from err
                results = run["results"]
            tables[name], titles[name] = runs.table(), _title(results)
    return Conversion(SCHEMA, tables, titles=titles)


def _title(results: Mapping[str, Any]) -> str:
    task, instances, features, classes = (
        int(results[name]) for name in ("OpenML_task_id", "instances", "features", "classes")
    )
    return f"OpenML task {task}: {instances} instances, {features} features, {classes} classes"


CARD = (
    Defect(
        "the curves have 52 points: the first is the untrained network, the last is the end once more",
        "points 1 to 50 are epochs 1 to 50; the other two are left out",
    ),
    Defect(
        "the time is counted from the start and includes the scoring before training",
        "elapsed_time is what has passed since the untrained network was scored: time[epoch] - time[0]",
    ),
    Defect("num_layers is true where it is 1, in some files", "integers are written as integers"),
    Defect(
        "accuracies are percentages, balanced accuracies go from 0 to 1; the accuracy on the test split is "
        "called Train/test_result",
        "kept, with units; the latter is test_accuracy",
    ),
    Defect("each configuration was trained once, and the seed is not in the source", "one seed, 0"),
    Defect(
        "Train/loss repeats the training loss, and the full file has statistics of gradients besides",
        "left out",
    ),
    Defect("a loss that is not a number", "stays NaN; a curve that is short stays short"),
    Defect(
        "the 2,000 configurations were drawn at random, some hyperparameters of the source never vary",
        "the seven that vary; config_id is the official number of the configuration",
    ),
)
LCBENCH = Recipe(
    name="lcbench",
    title="LCBench: 2,000 funnel-shaped networks on each of 35 tabular data sets, 50 epochs",
    license="Apache-2.0",
    citation=(
        "Lucas Zimmer, Marius Lindauer and Frank Hutter. Auto-PyTorch Tabular: Multi-Fidelity MetaLearning "
        "for Efficient and Robust AutoDL. IEEE Transactions on Pattern Analysis and Machine Intelligence, "
        "2021."
    ),
    homepage="https://github.com/automl/LCBench",
    version="1.0",
    files=(
        RawFile(
            FILE,
            url="https://ndownloader.figshare.com/files/21188598",
            about=340_000_000,
            instead=(
                RawFile(
                    "data_2k.zip",
                    url="https://figshare.com/projects/LCBench/74151",
                    members=("data_2k.json",),
                ),
            ),
            members=("data_2k_lw.json",),
        ),
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4, seconds=7200.0),
    labels=("config_id",),
    bounds={
        "parameters": COUNT,
        **{
            f"{split}_{what}": allowed
            for split in _SPLITS
            for what, allowed in (
                ("accuracy", PERCENT),
                ("balanced_accuracy", FRACTION),
                ("cross_entropy", AT_LEAST_0),
            )
        },
    },
    expected_size=ExpectedSize(tasks=35, configurations=2000),
    nan_allowed=tuple(name for name in LOGS if name.endswith("cross_entropy")),
)
RECIPES = (LCBENCH,)
