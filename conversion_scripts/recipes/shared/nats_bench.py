"""NATS-Bench: how its official records, epoch by epoch, become blackboxes.

Dong, Liu, Musial and Gabrys 2021, https://github.com/D-X-Y/NATS-Bench. Its two search spaces have a recipe
file each: nasbench201.py (topology) and nats_sss.py (size).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, AT_LEAST_0, PERCENT
from conversion_scripts.expected_size import ExpectedSize
from conversion_scripts.raw import RawFile, RawFolder
from conversion_scripts.raw.archives import decompress
from conversion_scripts.readers.pickle_stream import Take, unpickle_parts
from conversion_scripts.readers.safe_pickle import unpickle
from conversion_scripts.recipe import Conversion, Recipe
from conversion_scripts.recipes.shared.nasbench201_cell import CLASSES

TARGET = "valid_accuracy"
RECORD_LIMIT = 1 << 24  # bytes of one architecture's pickle
BENCHMARK_LIMIT = 1 << 34  # bytes of the pickle with all of them
# task -> our name of a split -> the name in the records, as NATStopology.get_more_info resolves it
SPLITS: dict[str, dict[str, str]] = {
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
    "ImageNet16-120": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
}
TITLES = {
    "cifar10-valid": "CIFAR-10, 25,000 images to train and 25,000 to validate",
    "cifar10": "CIFAR-10, 50,000 images to train, none to validate",
    "cifar100": "CIFAR-100",
    "ImageNet16-120": "ImageNet at 16 x 16 pixels, 120 classes",
}
IMAGES = {"valid": "validation images", "test": "test images", "valtest": "validation and test images"}
PAPER = (
    "Xuanyi Dong, Lu Liu, Katarzyna Musial and Bogdan Gabrys. NATS-Bench: Benchmarking NAS Algorithms for "
    "Architecture Topology and Size. IEEE Transactions on Pattern Analysis and Machine Intelligence, 2021."
)
COMMON_CARD = (
    Defect(
        "the split ori-test is the test images on cifar10-valid and cifar10, but validation and test images "
        "together on cifar100 and ImageNet16-120, where x-valid and x-test are its two parts",
        "named as in the official API: valid_accuracy, test_accuracy and valtest_accuracy; on cifar100 and "
        "ImageNet16-120 valid and valtest differ by up to 1.7 points",
    ),
    Defect(
        "cifar10 is trained on training and validation images together",
        "it has test accuracies only: test_accuracy is its target, and valid_accuracy is NaN; the official "
        "simulate_train_eval searches on cifar10-valid",
    ),
    Defect(
        "training times are one number an architecture and data set, scaled by the number of images: "
        "estimates, not measurements of a run",
        "elapsed_time is proportional to the epoch, and marked interpolated",
    ),
    Defect(
        "the official simulation adds one validation pass to the training time",
        "elapsed_time is training alone; one pass takes valid_seconds, test_seconds or valtest_seconds",
    ),
    Defect(
        "trainings of different length have schedules of their own: one is no prefix of another",
        "a blackbox each",
    ),
    Defect("the losses, and the top-5 accuracies of some trainings", "left out, for they double the size"),
    Defect("a training or architecture that the records lack", "stays missing; nothing is filled in"),
)


@dataclass(frozen=True)
class Records:
    """The official records of one of the two search spaces.

    Args:
        file: The records in the official layout: a folder, its tar file, or one pickle.
        space: The configurations.
        parse: Maps an official architecture string to its configuration.
        citation: The papers to cite.
        card: What is odd in these records.
        count_weights: Counts the weights of a configuration's network with so many classes. Without it the
            count in the records is taken.
        other_names: Other names by which users may look for the search space.
    """

    file: RawFile
    space: Space
    parse: Callable[[str], Mapping[str, Any]]
    citation: str
    card: tuple[Defect, ...]
    count_weights: Callable[[Mapping[str, Any], int], int] | None = None
    other_names: tuple[str, ...] = ()


class _Runs:
    """Collects the training runs of one task; a split has curves only if the records do."""

    def __init__(self, records: Records, task: str, epochs: int) -> None:
        self._records, self._classes, self._epochs = records, CLASSES[task], epochs
        self._splits = splits = SPLITS[task]
        self._keys: list[tuple[tuple[int, ...], int, int, str]] = []
        self._curves: dict[str, list[Array]] = {name: [] for name in ("train", *splits, "time")}
        self._constants: dict[str, list[float]] = {
            name: [] for name in ("parameters", "flops", "latency", *(f"{split}_seconds" for split in splits))
        }

    def __len__(self) -> int:
        return len({index for _, _, index, _ in self._keys})

    def add(self, record: Mapping[str, Any], seed: int, run: Mapping[str, Any]) -> None:
        """Add one training run.

        Args:
            record: The record of its architecture.
            seed: The seed of the run.
            run: The run in the record.
        """
        epochs, text = range(self._epochs), str(record["arch_str"])
        configuration = self._records.parse(text)
        domains = self._records.space.domains
        codes = tuple((domains[name].values or ()).index(value) for name, value in configuration.items())
        self._keys.append((codes, int(seed), int(record["arch_index"]), text))
        self._curves["train"].append(np.array([run["train_acc1es"][epoch] for epoch in epochs]))
        self._curves["time"].append(_sum_times([run["train_times"][epoch] for epoch in epochs]))
        for split, name in self._splits.items():
            accuracies, times = run["eval_acc1es"], run["eval_times"]
            there = epochs if f"{name}@0" in accuracies else epochs[-1:]
            self._curves[split].append(np.array([accuracies[f"{name}@{epoch}"] for epoch in there]))
            self._constants[f"{split}_seconds"].append(
                sum(times[f"{name}@{epoch}"] for epoch in epochs) / self._epochs
            )
        count_weights = self._records.count_weights
        self._constants["parameters"].append(
            count_weights(configuration, self._classes) / 1e6 if count_weights else run["params"]
        )
        self._constants["flops"].append(run["flop"])
        latencies = [
            seconds for seconds in run["latency"] or () if seconds > 0
        ]  # -1 means that none was measured
        self._constants["latency"].append(sum(latencies) / len(latencies) if latencies else np.nan)

    def table(self) -> Table:
        """The table of all runs, in the order of the grid and by ascending seeds."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        codes, seeds, indices, texts = zip(*(self._keys[row] for row in order), strict=True)
        columns = zip(self._records.space.domains.items(), np.array(codes, dtype=np.int32).T, strict=True)
        points = {f"{split}_accuracy": self._stack_curves(split, order) for split in ("train", *IMAGES)}
        missing = {f"{split}_seconds": [np.nan] * len(order) for split in IMAGES}
        constants = {
            name: np.array([float(values[row]) for row in order])
            for name, values in {**missing, **self._constants}.items()
        }
        return Table(
            hyperparameters={
                name: Coded(tuple(domain.values or ()), np.ascontiguousarray(column))
                for (name, domain), column in columns
            },
            seeds=np.array(seeds),
            points=points | {"elapsed_time": self._stack_curves("time", order)},
            lengths=np.full(len(order), self._epochs),
            constants=constants,
            labels={"architecture": Coded.of(texts), "index": Coded.of(indices)},
        )

    def target(self) -> str:
        """The accuracy of the first split that was measured at every epoch."""
        whole = (split for split in ("valid", "valtest", "test") if self._is_whole(split))
        return next((f"{split}_accuracy" for split in whole), TARGET)

    def _is_whole(self, split: str) -> bool:
        curves = self._curves.get(split, [])
        return bool(curves) and all(len(curve) == self._epochs for curve in curves)

    def _stack_curves(self, curve: str, order: list[int]) -> Array:
        """The points of all runs, one run after the other, with NaN where the records have none."""
        points = np.full((len(order), self._epochs), np.nan)
        for place, row in enumerate(order if curve in self._curves else ()):
            values = self._curves[curve][row]
            if curve == "time" and len(values) == 1:
                points[place] = values[0] * (np.arange(1, self._epochs + 1) / self._epochs)
            else:
                points[place, self._epochs - len(values) :] = values
        return points.ravel()


def _sum_times(times: list[float]) -> Array:
    """The seconds since the start at each epoch; only the last ones if all epochs take equally long."""
    if len(set(times)) == 1:
        return np.array([times[0] * len(times)])
    return np.cumsum(times)


def _convert(records: Records, epochs: int, raw: RawFolder) -> Conversion:
    tasks = {task: _Runs(records, task, epochs) for task in SPLITS}

    def take(record: dict[Any, Any]) -> bool:
        if "all_results" not in record:
            return False
        try:
            for (task, seed), run in record["all_results"].items():
                if run["epochs"] == epochs:
                    tasks[task].add(record, seed, run)
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            index = record.get("arch_index")
            raise FormatError(f"the record of architecture {index!r} is not as expected: {err!r}") from err
        return True

    _take_records(raw, records.file.name, take)
    filled = {task: runs for task, runs in tasks.items() if len(runs)}
    if not filled:
        raise FormatError(f"{raw.variant(records.file.name)} has no training of {epochs} epochs")
    return Conversion(
        _schema(records.space, epochs),
        LazyTables(filled, lambda task: filled[task].table()),
        titles=TITLES,
        targets={task: target for task, runs in filled.items() if (target := runs.target()) != TARGET},
    )


def _take_records(raw: RawFolder, name: str, take: Take) -> None:
    """Call ``take`` with each record: one architecture, trained for one number of epochs (ArchResults)."""
    if raw.variant(name).endswith(".pbz2"):
        with decompress(raw.stream(name), raw.variant(name), BENCHMARK_LIMIT) as stream:
            unpickle_parts(stream, raw.variant(name), take)
        return
    for member in raw.members(name):
        if member.name.endswith(".pickle.pbz2") and not member.name.endswith("meta.pickle.pbz2"):
            packed = io.BytesIO(member.content(RECORD_LIMIT))
            content = decompress(packed, member.name, RECORD_LIMIT).read()
            for record in unpickle(content, member.name).values():
                take(record)


def _schema(space: Space, epochs: int) -> Schema:
    accuracies = [
        Objective(f"{split}_accuracy", "max", "%", f"on the {images}") for split, images in IMAGES.items()
    ]
    seconds = [
        Objective(f"{split}_seconds", "none", "s", f"one pass over the {images}", constant=True)
        for split, images in IMAGES.items()
    ]
    objectives = (
        *accuracies,
        Objective("train_accuracy", "max", "%", "on the training images"),
        Objective(
            "elapsed_time",
            "min",
            "s",
            "training, without validation passes",
            cumulative=True,
            provenance="interpolated",
        ),
        *seconds,
        Objective("latency", "min", "s", "of one inference of a batch of 256", constant=True),
        Objective("parameters", "min", "M", "millions of trained weights", constant=True),
        Objective("flops", "min", "M", "millions of operations for one image", constant=True),
    )
    fidelity = Fidelity("epoch", tuple(range(1, epochs + 1)))
    return Schema(space, fidelity, objectives, target=TARGET, time="elapsed_time")


def records_file(name: str, about: int = 0) -> RawFile:
    """The raw file of the records that are officially called so, in any of their three forms.

    Args:
        name: The official name without its ending, such as ``NATS-tss-v1_0-3ffb9``.
        about: The size of the folder in bytes, roughly; 0 if it is unknown.
    """
    folder, *others = (
        _packing(f"nats_bench/{name}{ending}") for ending in ("-simple", "-simple.tar", ".pickle.pbz2")
    )
    return replace(folder, about=about, instead=tuple(others))


def _packing(name: str) -> RawFile:
    commit = "00201cc9d0f0eccf21c3abbffd4872905f0df66c"
    return RawFile(name, "D-X-Y/NATS-Bench", "README.md#preparation-and-download", commit)


def make_recipe(records: Records, name: str, *, title: str, epochs: int, seconds: float) -> Recipe:
    """The recipe of the trainings of one length.

    Args:
        records: The search space.
        name: The name of the blackbox.
        title: One line that describes it.
        epochs: The length of the trainings.
        seconds: The budget of a simulated run unless the user gives one.
    """
    return Recipe(
        name=name,
        title=title,
        license="MIT",
        citation=records.citation,
        homepage="https://github.com/D-X-Y/NATS-Bench",
        version="1.0",
        files=(records.file,),
        card=records.card,
        convert=partial(_convert, records, epochs),
        default=TuningDefaults(workers=4, seconds=seconds),
        labels=("architecture", "index"),
        bounds={
            **{f"{split}_accuracy": PERCENT for split in ("train", *IMAGES)},
            **{f"{split}_seconds": AT_LEAST_0 for split in IMAGES},
            **dict.fromkeys(("elapsed_time", "latency", "parameters", "flops"), ABOVE_0),
        },
        expected_size=ExpectedSize(tasks=len(SPLITS), configurations=records.space.size or 0),
        other_names=records.other_names,
        nan_allowed=(*(f"{split}_{what}" for split in IMAGES for what in ("accuracy", "seconds")), "latency"),
    )
