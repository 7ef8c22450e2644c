from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import ConfigurationNotInTable, FormatError, UnknownName
from blackbox_repo.repository import verify
from conversion_scripts.build import build
from conversion_scripts.recipes.fcnet import ARCHIVE, CURVES
from tests.conversion_scripts.official import Runs, noise, write_fcnet_archive, write_fcnet_task

TASKS = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
PICKED = range(5, 62_208, 7001)
FINAL = load_blackbox("fcnet-final")  # a task is read once
Change = Callable[[int, dict[str, Any], dict[str, np.ndarray]], None]


def runs(task: str, change: Change) -> Iterator[tuple[Mapping[str, Any], Runs]]:
    """Some configurations whose last points are the real ones; what leads there is made up."""
    final = FINAL[task]
    for index in reversed(PICKED):
        configuration = dict(final.configurations()[index])
        curves = [final.curve(configuration, seed=seed) for seed in range(4)]
        last = np.array([curve["valid_mse"][0] for curve in curves], dtype=np.float32)
        mse = last[:, None] * (1 + noise((4, 100), task, index).astype(np.float32))
        mse[:, -1] = last
        columns = {
            "valid_mse": mse,
            "valid_loss": mse,
            "train_mse": mse / 2,
            "train_loss": mse / 2,
            "final_test_error": last * np.float32(1.1),
            "runtime": np.array([curve["elapsed_time"][0] for curve in curves], dtype=np.float32),
            "n_params": np.full(4, float(100 + index)),
        }
        change(index, configuration, columns)
        yield configuration, columns


def written(folder: Path, change: Change = lambda index, configuration, columns: None) -> Path:
    folder.mkdir()
    files = {task: folder / f"{task}.hdf5" for task in TASKS}
    for task, file in files.items():
        write_fcnet_task(file, runs(task, change))
    write_fcnet_archive(folder / ARCHIVE, files)
    return folder


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fcnet")
    build(CURVES, written(folder / "raw"), folder)
    return folder / "fcnet"


@pytest.mark.parametrize("task", TASKS)
def test_the_last_epoch_is_that_of_the_real_table_bit_by_bit(converted: Path, task: str) -> None:
    curves, final = load_blackbox(converted)[task], FINAL[task]
    assert list(curves.configurations()) == [final.configurations()[index] for index in PICKED]
    for configuration in curves.configurations():
        assert curves.seeds(configuration) == (0, 1, 2, 3)
        for seed in range(4):
            whole, last = (box.curve(configuration, seed=seed) for box in (curves, final))
            assert len(whole) == 100
            assert [whole[name][-1] for name in ("valid_mse", "elapsed_time")] == [
                last[name][0] for name in ("valid_mse", "elapsed_time")
            ]


def test_curves_and_constants_are_those_of_the_file(converted: Path) -> None:
    blackbox = load_blackbox(converted)["protein_structure"]
    for configuration, columns in runs("protein_structure", lambda *_: None):
        for seed in range(4):
            curve = blackbox.curve(configuration, seed=seed)
            assert np.array_equal(curve["valid_mse"], columns["valid_mse"][seed])
            assert np.array_equal(curve["train_mse"], columns["train_mse"][seed])
            assert curve.constant("test_mse") == columns["final_test_error"][seed]
            assert curve.constant("parameters") == columns["n_params"][seed]


@pytest.mark.filterwarnings("ignore")
def test_a_loader_on_pypi_reads_these_files_and_finds_the_same(tmp_path: Path) -> None:
    """The official one is not on PyPI; syne-tune's fcnet_import.py is, convert_dataset(), in float32."""
    theirs = pytest.importorskip(
        "syne_tune.blackbox_repository.conversion_scripts.scripts.fcnet_import", exc_type=ImportError
    )
    build(CURVES, written(tmp_path / "raw"), tmp_path)
    for task in TASKS:
        found, ours = (
            theirs.convert_dataset(tmp_path / "raw" / f"{task}.hdf5"),
            load_blackbox(tmp_path / "fcnet"),
        )
        assert len(found.hyperparameters) == len(PICKED)
        for row, hyperparameters in enumerate(found.hyperparameters.to_dict("records")):
            configuration = {name.removeprefix("hp_"): value for name, value in hyperparameters.items()}
            for seed in range(4):
                curve = ours[task].curve(configuration, seed=seed)
                valid, train, test, parameters, elapsed = found.objectives_evaluations[row, seed].T
                assert np.array_equal(curve["valid_mse"], valid)
                assert np.array_equal(curve["train_mse"], train)
                assert np.allclose(curve["elapsed_time"], elapsed, rtol=1e-6, atol=0)
                assert {*test.tolist()} == {curve.constant("test_mse")}
                assert {*parameters.tolist()} == {curve.constant("parameters")}


def test_the_time_is_the_official_interpolation(converted: Path) -> None:
    blackbox = load_blackbox(converted)["naval_propulsion"]
    for configuration in blackbox.configurations():
        elapsed = blackbox.curve(configuration)["elapsed_time"]
        assert elapsed == pytest.approx([elapsed[-1] / 100 * budget for budget in range(1, 101)], rel=1e-15)
    assert blackbox.schema.objective("elapsed_time").provenance == "interpolated"


def test_a_configuration_that_the_file_lacks_is_missing(converted: Path) -> None:
    blackbox = load_blackbox(converted)["naval_propulsion"]
    known = dict(blackbox.configurations()[0])
    absent = known | {"batch_size": 8 if known["batch_size"] != 8 else 16}
    with pytest.raises(ConfigurationNotInTable):
        blackbox.curve(absent)


def test_a_task_is_read_from_its_own_file_only(converted: Path, tmp_path: Path) -> None:
    for name in ("manifest.json", "slice_localization.parquet"):
        (tmp_path / name).write_bytes((converted / name).read_bytes())
    loaded = load_blackbox(tmp_path)
    assert len(loaded["slice_localization"].configurations()) == len(PICKED)
    assert [finding.problem for finding in verify(converted)] == [""] * 4


def test_the_archive_may_be_unpacked_and_nothing_is_copied_then(
    converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "raw")
    (folder / ARCHIVE).unlink()
    for task in TASKS:
        (folder / f"{task}.hdf5").rename(folder / f"fcnet_{task}_data.hdf5")
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    assert build(CURVES, folder, tmp_path).tasks == load_blackbox(converted).manifest.tasks


def test_a_key_outside_the_grid_is_refused(tmp_path: Path) -> None:
    def change(index: int, configuration: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
        if index == PICKED[0]:
            configuration["batch_size"] = 128

    with pytest.raises(FormatError, match=r"has 1 keys outside the grid \(first: '\{.*\"batch_size\": 128"):
        build(CURVES, written(tmp_path / "raw", change), tmp_path)


def test_a_curve_of_another_length_is_refused(tmp_path: Path) -> None:
    def change(index: int, configuration: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
        columns["train_mse"] = columns["train_mse"][:, :99]

    with pytest.raises(
        FormatError, match=r"hdf5: train_mse of \{.*\} has the shape \(4, 99\), not \(4, 100\)\. The SHA"
    ):
        build(CURVES, written(tmp_path / "raw", change), tmp_path)


def test_an_archive_without_the_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    write_fcnet_archive(tmp_path / "raw" / ARCHIVE, {})
    with pytest.raises(UnknownName, match=r"unknown member '.*' of fcnet_tabular_benchmarks\.tar\.gz"):
        build(CURVES, tmp_path / "raw", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", " is not an HDF5 file of FCNet: Unable to .*open file"),
        (b"", " is not an HDF5 file of FCNet: Unable to .*open file"),
        (None, ": it has no keys, but each of its configurations should be one"),
    ],
)
def test_what_is_no_data_set_of_fcnet_is_reported_with_its_name(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    (tmp_path / "raw").mkdir()
    file = tmp_path / "x.hdf5"
    if content is None:
        write_fcnet_task(file, [])
    else:
        file.write_bytes(content)
    write_fcnet_archive(tmp_path / "raw" / ARCHIVE, dict.fromkeys(TASKS, file))
    with pytest.raises(FormatError, match=rf"^fcnet_tabular_benchmarks/fcnet_{TASKS[0]}_data\.hdf5{message}"):
        build(CURVES, tmp_path / "raw", tmp_path)


def test_a_configuration_without_a_column_is_reported_with_its_file(tmp_path: Path) -> None:
    def change(index: int, configuration: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
        del columns["n_params"]

    with pytest.raises(FormatError, match=r"data\.hdf5: n_params of \{.*\} is not there"):
        build(CURVES, written(tmp_path / "raw", change), tmp_path)


# --- files that are made to be read wrongly -----------------------------------------------------------------


def archived(folder: Path, write: Callable[[h5py.Group], object]) -> Path:
    """The archive, with one configuration a task; ``write`` makes the ``valid_mse`` of the first."""
    folder.mkdir()
    for task in TASKS:
        write_fcnet_task(folder / f"{task}.hdf5", list(runs(task, lambda *_: None))[:1])
    with h5py.File(folder / f"{TASKS[0]}.hdf5", "a") as data:
        group = next(iter(data.values()))
        del group["valid_mse"]
        write(group)
    write_fcnet_archive(folder / ARCHIVE, {task: folder / f"{task}.hdf5" for task in TASKS})
    return folder


def test_no_byte_of_another_file_and_no_number_that_was_not_written_gets_into_the_blackbox(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not part of the archive " * 20)

    def external(group: h5py.Group) -> None:
        group.create_dataset("valid_mse", (4, 100), "u1", external=[(str(secret), 0, 400)])

    def virtual(group: h5py.Group) -> None:
        layout = h5py.VirtualLayout((4, 100), "f4")
        layout[:] = h5py.VirtualSource("nowhere.h5", "x", (4, 100))
        group.create_virtual_dataset("valid_mse", layout)

    def unwritten(group: h5py.Group) -> None:
        group.create_dataset("valid_mse", (4, 100), "f4", chunks=(4, 100))

    def link(group: h5py.Group) -> None:
        group["valid_mse"] = h5py.ExternalLink(str(secret), "/x")

    for write, problem in (
        (external, "lies in other files"),
        (virtual, "is put together from other files"),
        (unwritten, "was never written"),
        (link, r"is a link to another place \(ExternalLink\)"),
    ):
        raw = archived(tmp_path / write.__name__, write)
        with pytest.raises(FormatError, match=rf"_data\.hdf5: valid_mse of \{{.*\}} {problem}"):
            build(CURVES, raw, tmp_path / "out")
    assert not (tmp_path / "out" / "fcnet").exists()


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("valid_mse", -0.5, "1 row has valid_mse=-0.5, which must be above 0"),
        ("valid_mse", 0.0, "1 row has valid_mse=0, which must be above 0"),
        ("train_mse", -1e-9, "1 row has train_mse=-1e-09, which must be above 0"),
        ("final_test_error", -1.0, "1 row has test_mse=-1, which must be above 0"),
        ("runtime", 0.0, "1 row has elapsed_time=0, which must be above 0"),
        ("runtime", -3.0, "1 row has a cumulative 'elapsed_time' that decreases"),
        ("n_params", 0.0, "1 row has parameters=0, which must be at least 1"),
        ("valid_mse", np.inf, "1 row has an infinite 'valid_mse'"),
        ("valid_mse", np.nan, "1 row has NaN in 'valid_mse'"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path: Path, column: str, value: float, problem: str) -> None:
    def change(index: int, configuration: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
        if index == PICKED[1]:
            columns[column][2, ...] = columns[column][2, ...] if column.endswith("mse") else value
            if column.endswith("mse"):
                columns[column] = columns[column].copy()
                columns[column][2, 7] = value

    with pytest.raises(FormatError) as caught:
        build(CURVES, written(tmp_path / "raw", change), tmp_path)
    assert problem in str(caught.value)
    assert not (tmp_path / "fcnet").exists()
