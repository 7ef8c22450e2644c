from __future__ import annotations

import itertools
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import LearningCurve, TabularBlackbox, load_blackbox
from blackbox_repo.errors import FormatError
from conversion_scripts.build import build
from conversion_scripts.recipes.lcbench import FILE, LCBENCH, LOGS
from tests.conversion_scripts.official import lcbench_run, write_lcbench

DATASETS = ("APSFailure", "jungle_chess_2pcs_raw_endgame_complete", "numerai28.6")
IDENTIFIERS = (10, 9, 0, 1999)  # not in order
Run = dict[str, Any]


def data(change: Callable[[str, int, Run], None]) -> dict[str, list[tuple[int, Run]]]:
    found = {name: [(i, lcbench_run(name, i)) for i in IDENTIFIERS] for name in DATASETS}
    for name, runs in found.items():
        for identifier, run in runs:
            change(name, identifier, run)
    return found


def converted(
    folder: Path, change: Callable[[str, int, Run], None] = lambda *_: None, file: str = FILE
) -> dict[str, list[tuple[int, Run]]]:
    (folder / "raw").mkdir()
    written = data(change)
    write_lcbench(folder / "raw" / file, file.replace(".zip", ".json"), written)
    build(LCBENCH, folder / "raw", folder)
    return written


def curve_of(blackbox: Any, identifier: int) -> LearningCurve:
    assert isinstance(blackbox, TabularBlackbox)
    return blackbox.curve(blackbox.labelled("config_id", identifier))


@pytest.mark.parametrize("file", ["data_2k_lw.zip", "data_2k.zip"])
def test_every_number_is_where_the_official_query_finds_it(tmp_path: Path, file: str) -> None:
    written = converted(tmp_path, file=file)
    loaded = load_blackbox(tmp_path / "lcbench")
    assert list(loaded) == list(DATASETS)
    for name, runs in written.items():
        for identifier, run in runs:
            curve, log = curve_of(loaded[name], identifier), run["log"]
            for split in ("train", "val", "test"):
                for quantity in ("accuracy", "cross_entropy", "balanced_accuracy"):
                    tag = f"Train/{split}_{quantity}".replace("test_accuracy", "test_result")
                    assert curve[f"{split}_{quantity}"].tolist() == log[tag][1:51]
            assert curve["elapsed_time"].tolist() == [t - log["time"][0] for t in log["time"][1:51]]
            assert curve.fidelities == tuple(range(1, 51))
            assert curve.constant("parameters") == run["results"]["model_parameters"]


@pytest.mark.filterwarnings("ignore")
def test_the_official_loader_reads_these_files_and_finds_the_same(tmp_path: Path) -> None:
    """LCBench's api.py is not on PyPI, but syne-tune has a copy of it; where that is installed."""
    theirs = pytest.importorskip(
        "syne_tune.blackbox_repository.conversion_scripts.scripts.lcbench.api", exc_type=ImportError
    )
    converted(tmp_path)
    with zipfile.ZipFile(tmp_path / "raw" / FILE) as archive:
        archive.extractall(tmp_path)
    bench = theirs.Benchmark(str(tmp_path / FILE.replace(".zip", ".json")), cache=False)
    loaded = load_blackbox(tmp_path / "lcbench")
    assert bench.get_dataset_names() == list(loaded)
    for name, identifier in itertools.product(loaded, IDENTIFIERS):
        curve = curve_of(loaded[name], identifier)
        for objective, tag in LOGS.items():
            expected = np.array(bench.query(dataset_name=name, tag=tag, config_id=identifier))
            start = expected[0] if tag == "time" else 0.0
            assert curve[objective].tolist() == (expected[1:51] - start).tolist()
        assert curve.constant("parameters") == bench.query(name, "model_parameters", identifier)


def test_configurations_come_by_their_number_and_true_layers_are_one(tmp_path: Path) -> None:
    def change(name: str, identifier: int, run: Run) -> None:
        run["config"]["num_layers"] = {10: True, 9: 1, 0: 2, 1999: 5.0}[identifier]

    written = dict(converted(tmp_path, change)["APSFailure"])
    blackbox = load_blackbox(tmp_path / "lcbench")["APSFailure"]
    assert isinstance(blackbox, TabularBlackbox)
    assert blackbox.label("config_id") == sorted(IDENTIFIERS)
    layers = [configuration["num_layers"] for configuration in blackbox.configurations()]
    assert layers == [2, 1, 1, 5]
    assert all(type(count) is int for count in layers)
    first = written[0]["config"]
    assert blackbox.configurations()[0] == {name: first[name] for name in blackbox.schema.space.domains}


def test_the_title_says_what_the_data_set_is(tmp_path: Path) -> None:
    converted(tmp_path)
    title = load_blackbox(tmp_path / "lcbench").manifest.task("APSFailure").title
    assert title.startswith("OpenML task 3945: 50000 instances, 230 features, 2 classes")


def test_a_short_curve_stays_short_and_a_missing_loss_stays_missing(tmp_path: Path) -> None:
    def change(name: str, identifier: int, run: Run) -> None:
        if identifier == 9:
            run["log"] = {tag: values[:20] for tag, values in run["log"].items()}
            run["log"]["Train/val_cross_entropy"][7] = math.nan

    converted(tmp_path, change)
    blackbox = load_blackbox(tmp_path / "lcbench")["APSFailure"]
    short = curve_of(blackbox, 9)
    assert len(short) == 19
    assert np.flatnonzero(np.isnan(short["val_cross_entropy"])).tolist() == [6]
    assert len(curve_of(blackbox, 10)) == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda name, identifier, run: run["log"].pop("time"),
            r"^APSFailure/10 of data_2k_lw\.json is not a run of LCBench: KeyError\('time'\)\. The SHA",
        ),
        (
            lambda name, identifier, run: run["log"]["time"].pop(),
            r"^the logs of APSFailure/10 have \[51, 52\] points; all need as many\. The SHA",
        ),
        (
            lambda name, identifier, run: run["config"].update(num_layers=2.5),
            r"lcbench/APSFailure is refused: 4 rows have num_layers=2\.5, which",
        ),
        (
            lambda name, identifier, run: run["log"]["time"].__setitem__(5, 0.1),
            r"4 rows have a cumulative 'elapsed_time' that decreases",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, change: Callable[[str, int, Run], None], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        converted(tmp_path, change)


def test_a_run_is_not_read_beyond_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversion_scripts.recipes.lcbench.RUN_LIMIT", 1 << 20)
    (tmp_path / "raw").mkdir()
    with zipfile.ZipFile(tmp_path / "raw" / FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data_2k_lw.json", '{"a": {"0": [' + "[]," * (1 << 21) + "[]]}}")
    with pytest.raises(
        FormatError, match=r"^data_2k_lw\.json has a value of more than the limit of 1048576 char"
    ):
        build(LCBENCH, tmp_path / "raw", tmp_path)


def test_a_data_set_in_two_places_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    text = '{"a": {"0": RUN}, "b": {"0": RUN}, "a": {"1": RUN}}'
    with zipfile.ZipFile(tmp_path / "raw" / FILE, "w") as archive:
        archive.writestr("data_2k_lw.json", text.replace("RUN", json.dumps(lcbench_run("a", 0))))
    with pytest.raises(FormatError, match=r"^data_2k_lw\.json has the data set 'a' twice\. The SHA"):
        build(LCBENCH, tmp_path / "raw", tmp_path)


@pytest.mark.parametrize("file", ["data_2k_lw.zip", "data_2k.zip"])
def test_the_archive_may_be_unpacked(tmp_path: Path, file: str) -> None:
    converted(tmp_path, file=file)
    packed = load_blackbox(tmp_path / "lcbench").manifest.tasks
    with zipfile.ZipFile(tmp_path / "raw" / file) as archive:
        archive.extractall(tmp_path / "unpacked")
    for raw in (tmp_path / "unpacked", tmp_path / "unpacked" / file.replace(".zip", ".json")):
        assert build(LCBENCH, raw, tmp_path / "again").tasks == packed


def test_a_task_is_read_from_its_own_file_only(tmp_path: Path) -> None:
    converted(tmp_path)
    for name in DATASETS[1:]:
        (tmp_path / "lcbench" / f"{name}.parquet").unlink()
    assert len(load_blackbox(tmp_path / "lcbench")["APSFailure"].configurations()) == len(IDENTIFIERS)
