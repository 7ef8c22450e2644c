"""Raw files of full size in the official layouts: made up, but as fine-grained as the real ones.

What a table takes on disk depends on how many digits of its numbers are chance. Here

- an accuracy of NAS-Bench-201 is a number of images that were right, with the rounding error of the official
  trainings: of their batches of 256 the last, smaller one is rounded to float32 (so it is with every accuracy
  of the three real records); the last epochs are those of ``nasbench201-final``;
- an accuracy of LCBench is a number of rows that were right, in float32, and one of five is the float64
  beside it, as printed in the official notebook; a loss is a float32; the curves are those of
  ``yahpo-lcbench``;
- an error of FCNet is a float32 that wavers by 2 percent, in proportion to the learning rate; the last epochs
  are those of ``fcnet-final``.
"""

from __future__ import annotations

import bz2
import io
import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from blackbox_repo import load_blackbox
from blackbox_repo.families.nasbench201 import architecture_of
from conversion_scripts.readers.safe_pickle import unpickle
from conversion_scripts.recipes.fcnet import ARCHIVE
from conversion_scripts.recipes.lcbench import FILE
from conversion_scripts.recipes.shared.nasbench201_cell import SPACE
from tests.conversion_scripts.official import (
    lcbench_run,
    noise,
    write_fcnet_archive,
    write_fcnet_task,
    write_lcbench,
)

# rows and classes of the data sets of LCBench
DATA_SETS = {
    "APSFailure": (76_000, 2),
    "Amazon_employee_access": (32_769, 2),
    "Australian": (690, 2),
    "Fashion-MNIST": (70_000, 10),
    "KDDCup09_appetency": (50_000, 2),
    "MiniBooNE": (130_064, 2),
    "adult": (48_842, 2),
    "airlines": (539_383, 2),
    "albert": (425_240, 2),
    "bank-marketing": (45_211, 2),
    "blood-transfusion-service-center": (748, 2),
    "car": (1_728, 4),
    "christine": (5_418, 2),
    "cnae-9": (1_080, 9),
    "connect-4": (67_557, 3),
    "covertype": (581_012, 7),
    "credit-g": (1_000, 2),
    "dionis": (416_188, 355),
    "fabert": (8_237, 7),
    "helena": (65_196, 100),
    "higgs": (98_050, 2),
    "jannis": (83_733, 4),
    "jasmine": (2_984, 2),
    "jungle_chess_2pcs_raw_endgame_complete": (44_819, 3),
    "kc1": (2_109, 2),
    "kr-vs-kp": (3_196, 2),
    "mfeat-factors": (2_000, 10),
    "nomao": (34_465, 2),
    "numerai28.6": (96_320, 2),
    "phoneme": (5_404, 2),
    "segment": (2_310, 7),
    "shuttle": (58_000, 7),
    "sylvine": (5_124, 2),
    "vehicle": (846, 4),
    "volkert": (58_310, 10),
}
_SHARES = {"train": 0.4489, "val": 0.2211, "test": 0.33}  # of the rows
_IMAGES = {"cifar10-valid": 25_000, "cifar10": 50_000, "cifar100": 50_000, "ImageNet16-120": 151_700}
_TESTED = {"cifar10-valid": 10_000, "cifar10": 10_000, "cifar100": 10_000, "ImageNet16-120": 6_000}
_BATCH = 256


def bell(shape: tuple[int, ...], *key: str | int) -> np.ndarray:
    """About normally distributed numbers that follow from the key."""
    return (noise((4, *shape), *key).sum(axis=0) - 2) * np.sqrt(3)


def right(share: np.ndarray, count: int, *key: str | int) -> np.ndarray:
    """How many of so many were right, by chance."""
    spread = np.sqrt(count * share * (1 - share)) * bell(share.shape, *key)
    return np.clip(np.round(count * share + spread), 0, count)


def write_fcnet(folder: Path) -> None:
    """One HDF5 file of full size, four times in the archive."""
    final = load_blackbox("fcnet-final")["protein_structure"]
    columns = (final.values("valid_mse"), final.values("elapsed_time"))

    def runs() -> Iterator[tuple[Any, Any]]:
        for index, configuration in enumerate(final.configurations()):
            yield configuration, fcnet_run(index, configuration, *(column[index] for column in columns))

    task = folder / "task.hdf5"
    write_fcnet_task(task, runs())
    write_fcnet_archive(folder / ARCHIVE, dict.fromkeys(load_blackbox("fcnet-final"), task))
    task.unlink()


def fcnet_run(index: int, configuration: Mapping[str, Any], last: Any, seconds: Any) -> dict[str, Any]:
    """The four trainings of a configuration, whose last points are given."""
    epochs = np.arange(100)
    rate = (1 + np.cos(np.pi * epochs / 100)) / 2 if configuration["lr_schedule"] == "cosine" else 1.0
    wavers = 1 + 0.02 * rate * bell((2, 4, 100), "fcnet", index)
    curves = np.stack([last, last * 0.9]) * (1 + 5 * np.exp(-epochs / 20)) * wavers
    curves[0, :, -1:] = last
    valid, train = curves.astype(np.float32)
    first, second = configuration["n_units_1"], configuration["n_units_2"]
    return {
        "valid_mse": valid,
        "valid_loss": valid,
        "train_mse": train,
        "train_loss": train,
        "runtime": seconds.ravel().astype(np.float32),
        "final_test_error": valid[:, -1] * (1 + 0.02 * bell((4,), "test", index)).astype(np.float32),
        "n_params": np.full(4, float(10 * first + (first + 1) * second + second + 1)),
    }


def write_lcbench_folder(folder: Path) -> None:
    """A zip file whose JSON is about 1 GB."""
    write_lcbench(
        folder / FILE, FILE.replace(".zip", ".json"), {name: lcbench_runs(name) for name in DATA_SETS}
    )


def lcbench_runs(name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """All 2,000 runs on a data set, as a surrogate sees them."""
    surrogates = load_blackbox("yahpo-lcbench")
    tasks = list(surrogates)
    surrogate = surrogates[tasks[list(DATA_SETS).index(name) % len(tasks)]]
    for identifier in range(2000):
        run = lcbench_run("any", identifier)
        config = run["config"] | {"num_layers": int(run["config"]["num_layers"])}
        curve = surrogate.curve({hp: config[hp] for hp in surrogate.schema.space.domains})
        seen = {o.name: np.asarray(curve[o.name]) for o in surrogate.schema.objectives}
        run["log"] |= {tag: series.tolist() for tag, series in lcbench_log(name, identifier, seen).items()}
        yield identifier, run


def lcbench_log(name: str, identifier: int, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The 52 points of each curve: one before the training, and the last one twice."""
    around = np.concatenate([[0], np.arange(50), [49]])
    steps = np.diff(seen["elapsed_time"], prepend=0)[around] * (1 + 0.03 * bell((52,), name, identifier))
    log = {"time": np.round(np.cumsum(np.abs(steps)) * 2**22) / 2**22}
    for split, part in _SHARES.items():
        key = (name, identifier, split)
        source = "val" if split == "train" else split
        accuracy = np.clip(seen["val_accuracy"][around] / 100, 0.01, 0.99)
        loss = seen[f"{source}_cross_entropy"][around] * (1 + 0.005 * bell((52,), *key))
        rows, classes = int(DATA_SETS[name][0] * part), min(DATA_SETS[name][1], 10)
        tag = "Train/test_result" if split == "test" else f"Train/{split}_accuracy"
        log[tag] = printed(100 * right(accuracy, rows, *key, "right") / rows, *key)
        log[f"Train/{split}_cross_entropy"] = loss.astype(np.float32).astype(np.float64)
        balanced = np.clip(seen[f"{source}_balanced_accuracy"][around], 0.01, 0.99)
        sizes = [max(3, round(2 * rows * (c + 1) / classes / (classes + 1))) for c in range(classes)]
        recalls = [right(balanced, size, *key, c) / size for c, size in enumerate(sizes)]
        log[f"Train/{split}_balanced_accuracy"] = np.mean(recalls, axis=0)
    return log


def printed(values: np.ndarray, *key: str | int) -> np.ndarray:
    """As float32, and one of five a float64 beside it: so the official file was printed."""
    exact = values.astype(np.float32).astype(np.float64)
    return np.where(noise(values.shape, *key, "printed") < 0.2, np.nextafter(exact, 0), exact)


def write_nasbench201(folder: Path) -> None:
    """One compressed pickle with the records of all cells."""
    source = Path(os.environ["NATS_BENCH"]) / "NATS-tss-v1_0-3ffb9-simple"
    paths = sorted(source.glob("0*.pickle.pbz2"))
    real = [unpickle(bz2.decompress(path.read_bytes()), path.name) for path in paths]
    whole = SPACE.size or 0
    with bz2.open(folder / "NATS-tss-v1_0-3ffb9.pickle.pbz2", "wb", compresslevel=1) as file:
        _write_pickle(file, whole, (nasbench201_record(index, real) for index in range(whole)))


def _write_pickle(file: Any, whole: int, records: Iterator[Any]) -> None:
    """The official dict as one pickle, of which a record at a time is in memory."""
    sink = io.BytesIO()
    pickler = pickle.Pickler(sink, protocol=4)  # keeps its memo, so that a record may refer to earlier ones

    def body(value: Any) -> bytes:
        sink.seek(0)
        sink.truncate()
        pickler.dump(value)
        return sink.getvalue()[2:-1]  # without the beginning and the end

    file.write(b"\x80\x04}(" + body("meta_archs") + body([]) + body("total_archs") + body(whole))
    file.write(body("arch2infos") + b"}")
    for index, record in enumerate(records):
        file.write(b"(" * (index % 1000 == 0) + body(index) + body(record))
        file.write(b"u" * (index % 1000 == 999 or index == whole - 1))
        _empty(record)
    file.write(body("evaluated_indexes") + body(set(range(whole))) + b"u.")


def _empty(value: Any) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            _empty(inner)
        value.clear()


def _copied(value: Any, text: str) -> Any:
    """With another architecture string."""
    if isinstance(value, dict):
        return {_shared(key): _copied(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copied(inner, text) for inner in value]
    if isinstance(value, str) and value.startswith("|"):
        return text
    return value.copy() if isinstance(value, np.generic) else _shared(value)


_known: dict[Any, Any] = {}


def _shared(value: Any) -> Any:
    """The same object for the same text: all records share the names in them."""
    return _known.setdefault(value, value) if isinstance(value, str | tuple) else value


_finals: dict[str, np.ndarray] = {}


def _final_error(task: str, index: int) -> float:
    task = "cifar10-valid" if task == "cifar10" else task
    if task not in _finals:
        errors = load_blackbox("nasbench201-final")[task].values("valid_error")
        _finals[task] = np.nanmean(errors, axis=(1, 2))
    return float(_finals[task][index])


def nasbench201_record(index: int, real: list[Any]) -> dict[str, Any]:
    """Both trainings of a cell; that of 200 epochs has a real one's shape, and the end of this cell's."""
    text = architecture_of(SPACE.configuration(index))
    record: dict[str, Any] = _copied(real[index % len(real)], text)
    for length, state in record.items():
        state["arch_index"] = index
        if length == "200" and index % 2:
            state["all_results"] = {key: run for key, run in state["all_results"].items() if key[1] != 999}
        pace = 0.5 + float(noise((1,), "pace", index)[0])
        for (task, seed), run in state["all_results"].items():
            if length == "200":
                _vary(run, task, _final_error(task, index), (index, task, int(seed)))
            run["train_times"] = {epoch: pace * seconds for epoch, seconds in run["train_times"].items()}
    return record


def _vary(run: dict[str, Any], task: str, error: float, key: tuple[str | int, ...]) -> None:
    for column in ("train_acc1es", "eval_acc1es"):
        series = run[column]
        shares = np.array(list(series.values())) / 100
        scaled = np.clip(shares * (1 - error / 100) / shares[-1], 0.001, 0.9995)
        for name, images in _splits(task, column).items():
            places = {point: i for i, point in enumerate(series) if str(point).startswith(name)}
            if places:
                values = measured(scaled[list(places.values())], images, (*key, column, name))
                series.update(zip(places, values.tolist(), strict=True))


def _splits(task: str, column: str) -> dict[str, int]:
    if column == "train_acc1es":
        return {"": _IMAGES[task]}
    tested = _TESTED[task]
    return {"ori-test": tested, "x-test": tested // 2, "x-valid": 25_000 if "valid" in task else tested // 2}


def measured(share: np.ndarray, images: int, key: tuple[str | int, ...]) -> np.ndarray:
    """Accuracies in percent, with the rounding of the last batch to float32."""
    last = images % _BATCH or _BATCH
    whole = right(share, images - last, *key, "whole")
    part = right(share, last, *key, "last")
    rounded = (part.astype(np.float32) * np.float32(100 / last)).astype(np.float64)
    values: np.ndarray = (100 * whole + rounded * last) / images
    return values
