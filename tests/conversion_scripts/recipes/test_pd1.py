"""PD1 from files in the official layout: hyperbo/bo_utils/data.py of google-research/hyperbo, lines 37 to 42.

``pd1.tar.gz`` has ``pd1/pd1_{matched,unmatched}_phase{0,1}_results.jsonl.gz``, a trial a line, whose fields
its ``README.txt`` lists; the curves are lists aligned with ``global_step``. The values here are made up.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.repository import load_blackbox
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.table import TabularBlackbox
from conversion_scripts.build import build
from conversion_scripts.recipes.pd1 import ARCHIVE, PARTS, _elapsed_time
from conversion_scripts.registry import load_recipe

MNIST = "mnist_maxp_cnn,mnist,max_pooling_cnn,max_pool_relu,256"
LM1B = "lm1b_trfmr,lm1b,transformer,transformer,2048"
FIRST, SECOND, THIRD = (0.1, 1.5, 0.5, 0.9), (9.5, 0.2, 0.02, 0.001), (2e-5, 2.0, 0.9, 0.99)


def trial(
    group: str, number: int, setting: tuple[float, ...], errors: list[Any] | None, **more: Any
) -> dict[str, Any]:
    """A line of a file: a step every 100, two a second, unless ``more`` says otherwise."""
    steps = None if errors is None else [100 * (k + 1) for k in range(len(errors))]

    def curve(value: float) -> list[float] | None:
        return None if steps is None else [value] * len(steps)

    _, dataset, model, _, batch_size = group.split(",")
    fields = {
        "dataset": dataset,
        "model": model,
        "study_group": group,
        "trial_dir": f"/trials/{number}",
        "status": "done",
        "hps.batch_size": int(batch_size),
        "hps.activation_fn": "relu" if model == "max_pooling_cnn" else None,
        "hps.lr_hparams.initial_value": setting[0],
        "hps.lr_hparams.power": setting[1],
        "hps.lr_hparams.decay_steps_factor": setting[2],
        "hps.opt_hparams.momentum": setting[3],
        "global_step": steps,
        "epoch": None if steps is None else [step // 50 for step in steps],
        "valid/error_rate": errors,
        "steps_per_sec": curve(2.0),
        "eval_time": curve(1.25),
        "preemption_count": curve(0),
        "best_valid/error_rate": None,
    }
    fields |= {
        name: curve(0.5) for name in ("valid/ce_loss", "train/error_rate", "train/ce_loss", "train_cost")
    }
    fields |= {name: curve(0.1) for name in ("learning_rate", "test/error_rate", "test/ce_loss")}
    return {**fields, **more}


TRIALS = {
    "matched phase 0": [
        trial(MNIST, 1, FIRST, [0.9, 0.5, 0.25]),
        trial(LM1B, 2, FIRST, [0.8, 0.7], **{"test/error_rate": None, "test/ce_loss": None}),
    ],
    "matched phase 1": [
        trial(MNIST, 3, FIRST, [0.9, 0.4, 0.2]),
        trial(MNIST, 4, SECOND, [0.95], status="diverged"),
        trial(MNIST, 5, THIRD, None, status="diverged"),
        trial(LM1B, 6, THIRD, [0.6, None, 0.5]),
    ],
    "unmatched phase 0": [trial(MNIST, 1, FIRST, [0.9, 0.5, 0.25])],  # the first one again
    "unmatched phase 1": [
        trial(LM1B, 7, SECOND, [0.9, 0.8, None], status="diverged", global_step=[100, 200, None]),
    ],
}


def write(folder: Path, trials: dict[str, list[dict[str, Any]]], leave_out: str = "") -> Path:
    """A raw folder in the official layout, with the other members that the official archive has."""
    (folder / "pd1").mkdir(parents=True)
    contents = {
        name: gzip.compress("".join(json.dumps(t) + "\n" for t in trials[part]).encode())
        for name, part in PARTS.items()
    }
    with tarfile.open(folder / ARCHIVE, "w:gz") as archive:
        for name, content in {"pd1/README.txt": b"PD1", "pd1/LICENSE": b"CC-BY", **contents}.items():
            if name != leave_out:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Manifest:
    return build(load_recipe("pd1"), write(tmp_path / "raw", TRIALS), tmp_path / "out")


def table(folder: Path, task: str) -> TabularBlackbox:
    found = load_blackbox(folder / "out" / "pd1")[task]
    assert isinstance(found, TabularBlackbox)
    return found


def configuration(setting: tuple[float, ...]) -> dict[str, float]:
    names = ("lr_initial_value", "lr_power", "lr_decay_steps_factor", "momentum")
    return dict(zip(names, setting, strict=True))


def test_tasks_are_workloads_whose_title_is_the_official_name(made: Manifest) -> None:
    assert {name: task.title for name, task in made.tasks.items()} == {
        "lm1b-transformer-2048": LM1B,
        "mnist-max_pool_relu-256": MNIST,
    }
    assert made.schema.fidelity.values == (1, 2, 3)
    assert [source.file for source in made.sources] == [ARCHIVE]


def test_curves_keep_their_length_and_status(made: Manifest, tmp_path: Path) -> None:
    mnist = table(tmp_path, "mnist-max_pool_relu-256")
    curves = {
        setting: [(curve["valid_error_rate"].tolist(), curve.status) for curve in curves]
        for setting in (FIRST, SECOND, THIRD)
        for curves in [
            [mnist.curve(configuration(setting), seed=s) for s in mnist.seeds(configuration(setting))]
        ]
    }
    assert curves == {
        FIRST: [([0.9, 0.5, 0.25], "ok"), ([0.9, 0.4, 0.2], "ok")],  # two trials of a setting are two seeds
        SECOND: [([0.95], "diverged")],
        THIRD: [([], "diverged")],
    }
    assert made.tasks["mnist-max_pool_relu-256"].rows == 4  # a trial_dir that occurs again is no new trial
    assert mnist.label("part") == ["matched phase 0", "matched phase 1", "matched phase 1"]


def test_every_field_is_kept_as_it_is(made: Manifest, tmp_path: Path) -> None:
    mnist = table(tmp_path, "mnist-max_pool_relu-256")
    found = mnist.curve(configuration(FIRST), seed=1)
    source = TRIALS["matched phase 1"][0]
    fields = {
        "valid_error_rate": "valid/error_rate",
        "valid_ce_loss": "valid/ce_loss",
        "test_error_rate": "test/error_rate",
        "test_ce_loss": "test/ce_loss",
        "train_error_rate": "train/error_rate",
        "train_ce_loss": "train/ce_loss",
    }
    same_name = (
        "train_cost",
        "global_step",
        "epoch",
        "learning_rate",
        "steps_per_sec",
        "eval_time",
        "preemption_count",
    )
    for name, field in (fields | dict(zip(same_name, same_name, strict=True))).items():
        assert found[name].tolist() == source[field], name


def test_what_is_missing_stays_missing(made: Manifest, tmp_path: Path) -> None:
    lm1b = table(tmp_path, "lm1b-transformer-2048")
    assert np.isnan(lm1b.curve(configuration(FIRST))["test_error_rate"]).tolist() == [True, True]
    gap = lm1b.curve(configuration(THIRD))["valid_error_rate"]
    assert np.array_equal(gap, [0.6, np.nan, 0.5], equal_nan=True)
    ended = lm1b.curve(configuration(SECOND))  # its third evaluation has no step
    assert (len(ended), ended.status) == (2, "diverged")


def test_elapsed_time_is_steps_by_speed(made: Manifest, tmp_path: Path) -> None:
    mnist = table(tmp_path, "mnist-max_pool_relu-256")
    assert made.schema.time == "elapsed_time"
    assert mnist.curve(configuration(FIRST), seed=0)["elapsed_time"].tolist() == [50.0, 100.0, 150.0]


def test_elapsed_time_goes_on_after_a_restart_and_never_falls() -> None:
    curves = {
        "global_step": np.array([100.0, 200, 300, 400, 500]),
        "steps_per_sec": np.array([2.0, 2.0, 1.0, 4.0, np.nan]),
        "preemption_count": np.array([0.0, 0, 1, 1, 1]),
    }
    # restarted at step 200 after 100 s; 100 steps at 1/s; then 200 steps at 4/s would be earlier; no rate
    assert _elapsed_time(curves).tolist() == [50.0, 100.0, 200.0, 200.0, 200.0]


def test_other_names_of_the_archive_and_its_parts_alone_will_do(made: Manifest, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "raw" / ARCHIVE) as archive:
        archive.extractall(tmp_path / "unpacked")  # noqa: S202  our own archive
    (tmp_path / "renamed").mkdir()
    (tmp_path / "raw" / ARCHIVE).rename(tmp_path / "renamed" / "pd1_raw_data.tar.gz")
    for raw in ("unpacked", "unpacked/pd1", "renamed", "renamed/pd1_raw_data.tar.gz"):
        assert build(load_recipe("pd1"), tmp_path / raw, tmp_path / "again").tasks == made.tasks


def test_an_archive_without_a_part_is_refused(tmp_path: Path) -> None:
    missing = "pd1/pd1_matched_phase1_results.jsonl.gz"
    with pytest.raises(FormatError, match=r"pd1/pd1\.tar\.gz has no pd1/pd1_matched_phase1_results"):
        build(load_recipe("pd1"), write(tmp_path / "raw", TRIALS, leave_out=missing), tmp_path / "out")


def test_curves_that_are_not_aligned_are_refused(tmp_path: Path) -> None:
    wrong = trial(MNIST, 9, FIRST, [0.9, 0.5], epoch=[1])
    with pytest.raises(FormatError, match=r"/trials/9 has 1 values of 'epoch', but 2 of 'global_step'"):
        build(
            load_recipe("pd1"),
            write(tmp_path / "raw", {**TRIALS, "matched phase 0": [wrong]}),
            tmp_path / "out",
        )


def write_lines(folder: Path, lines: bytes) -> Path:
    """A raw folder whose first part has these lines, and no other any."""
    (folder / "pd1").mkdir(parents=True)
    with tarfile.open(folder / ARCHIVE, "w:gz") as archive:
        for name in PARTS:
            content = gzip.compress(lines if name == next(iter(PARTS)) else b"")
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder


GOOD = json.dumps(trial(MNIST, 1, FIRST, [0.5])).encode() + b"\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            GOOD + b"no JSON\n",
            r"line 2 of pd1/pd1_matched_phase0_results.jsonl.gz is not a trial of PD1: JSONDec",
        ),
        (b'{"a":1}\n', r"line 1 of pd1/.* is not a trial of PD1: KeyError\('trial_dir'\)"),
        (b"[1]\n", r"line 1 of pd1/.* is not a trial of PD1: TypeError"),
        (b"[" * 100_000, r"line 1 of pd1/.* is not a trial of PD1: RecursionError"),
        (GOOD.replace(b"0.9", b'"x"'), r"line 1 of pd1/.* is not a trial of PD1: ValueError"),
        (b"", r"^pd1/pd1\.tar\.gz has no trials"),
    ],
    ids=["no JSON", "no trial", "a list", "deep", "a word", "nothing"],
)
def test_a_line_that_is_no_trial_is_reported_with_its_place(
    tmp_path: Path, lines: bytes, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        build(load_recipe("pd1"), write_lines(tmp_path / "raw", lines), tmp_path / "out")


def test_a_part_is_not_read_beyond_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversion_scripts.recipes.pd1.PART_LIMIT", 100)
    with pytest.raises(
        FormatError, match=r"phase0_results.jsonl.gz has \d+ bytes, more than the limit of 100"
    ):
        build(load_recipe("pd1"), write(tmp_path / "raw", TRIALS), tmp_path / "out")


def test_a_line_is_not_read_beyond_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversion_scripts.recipes.pd1.LINE_LIMIT", len(GOOD))
    build(load_recipe("pd1"), write_lines(tmp_path / "a", GOOD), tmp_path / "out")
    with pytest.raises(FormatError, match=rf"has a line of more than the limit of {len(GOOD)} bytes"):
        build(load_recipe("pd1"), write_lines(tmp_path / "b", b" " + GOOD), tmp_path / "out")


def test_an_infinite_value_is_nan_as_the_card_says(tmp_path: Path) -> None:
    lines = GOOD.replace(b'"train_cost": [0.5]', b'"train_cost": [Infinity]')
    build(load_recipe("pd1"), write_lines(tmp_path / "raw", lines), tmp_path / "out")
    curve = table(tmp_path, "mnist-max_pool_relu-256").curve(configuration(FIRST))
    assert np.isnan(curve["train_cost"]).tolist() == [True]
    assert curve["valid_error_rate"].tolist() == [0.5]


def test_an_unknown_status_is_a_crash_as_the_card_says(tmp_path: Path) -> None:
    lines = GOOD.replace(b'"done"', b'"infeasible"')
    made = build(load_recipe("pd1"), write_lines(tmp_path / "raw", lines), tmp_path / "out")
    assert table(tmp_path, "mnist-max_pool_relu-256").curve(configuration(FIRST)).status == "crashed"
    assert "neither done nor diverged" in " ".join(defect.what for defect in made.card)


@pytest.mark.filterwarnings("ignore")
def test_mf_prior_bench_reads_these_files(tmp_path: Path) -> None:
    """Datapack of mfpbench/pd1/processing/process_script.py, as far as it takes any fields."""
    theirs = pytest.importorskip("mfpbench.pd1.processing.process_script", exc_type=ImportError)
    with tarfile.open(write(tmp_path / "raw", TRIALS) / ARCHIVE) as archive:
        archive.extractall(tmp_path)  # noqa: S202  our own archive
    found = theirs.Datapack(matched=True, phase=1, dir=tmp_path / "pd1")._unpack()
    assert found["valid/error_rate"].tolist()[:2] == [[0.9, 0.4, 0.2], [0.95]]
    assert len(found) == 4


@pytest.mark.filterwarnings("ignore")
def test_syne_tune_reads_the_same_curves_from_these_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phase 1 alone, of models with an activation function; pd1_import.py, PD1Recipe._convert_data()."""
    theirs = pytest.importorskip(
        "syne_tune.blackbox_repository.conversion_scripts.scripts.pd1_import", exc_type=ImportError
    )
    trials = {part: [t for t in some if t["study_group"] == MNIST] for part, some in TRIALS.items()}
    build(load_recipe("pd1"), write(tmp_path / "raw", trials), tmp_path / "out")
    (tmp_path / "raw" / ARCHIVE).rename(tmp_path / "pd1.tar.gz")
    monkeypatch.setattr(theirs, "repository_path", tmp_path)
    box = theirs.PD1Recipe()._convert_data()["mnist_max_pooling_cnn_relu_batch_size_256"]
    theirs_of = {
        name: box.objectives_evaluations[:, 0, :, box.objectives_names.index(f"metric_{name}")]
        for name in ("valid_error_rate", "elapsed_time")
    }
    ours = table(tmp_path, "mnist-max_pool_relu-256")
    for row, (setting, seed) in enumerate([(FIRST, 1), (SECOND, 0), (THIRD, 0)]):
        found = ours.curve(configuration(setting), seed=seed)
        curve = theirs_of["valid_error_rate"][row]
        # it lets pandas read numbers without precise_float
        assert np.allclose(curve[: len(found)], found["valid_error_rate"], rtol=1e-14, atol=0)
        assert np.isnan(curve[len(found) :]).all()
    # its elapsed time is the sum of the evaluations' times alone
    assert theirs_of["elapsed_time"][0].tolist() == [1.25, 2.5, 3.75]
    assert ours.curve(configuration(FIRST), seed=1)["elapsed_time"].tolist() == [50.0, 100.0, 150.0]
    assert np.allclose(1 - box.hyperparameters["one_minus_momentum"], [0.9, 0.001, 0.99], rtol=1e-12, atol=0)
