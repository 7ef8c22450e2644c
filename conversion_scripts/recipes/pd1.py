"""PD1: learning curves of neural networks on 24 workloads, tuned in four hyperparameters of the optimizer.

Wang et al., JMLR 2024; https://github.com/google-research/hyperbo
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import STATUSES, Coded, Table
from conversion_scripts.bounds import AT_LEAST_0, FRACTION
from conversion_scripts.expected_size import ExpectedSize
from conversion_scripts.raw import RawFile, RawFolder
from conversion_scripts.raw.archives import decompress
from conversion_scripts.recipe import Conversion, Recipe
from conversion_scripts.replicates import replicates

ARCHIVE = "pd1/pd1.tar.gz"
# member of the archive -> its value of the label ``part``
PARTS = {
    f"pd1/pd1_{kind}_phase{phase}_results.jsonl.gz": f"{kind} phase {phase}"
    for kind in ("matched", "unmatched")
    for phase in (0, 1)
}
PART_LIMIT = 1 << 29  # bytes of one part, compressed
LINES_LIMIT = 1 << 32  # bytes that one part may unpack to
LINE_LIMIT = 1 << 26  # bytes of a trial
HYPERPARAMETERS = {
    "lr_initial_value": "hps.lr_hparams.initial_value",
    "lr_power": "hps.lr_hparams.power",
    "lr_decay_steps_factor": "hps.lr_hparams.decay_steps_factor",
    "momentum": "hps.opt_hparams.momentum",
}
SPACE = Space(
    {
        "lr_initial_value": Float(1e-5, 10, log=True),
        "lr_power": Float(0.1, 2.0),
        "lr_decay_steps_factor": Float(0.01, 0.99),
        "momentum": Float(
            0.0, 0.999
        ),  # drawn in log scale of 1 - momentum, which no domain of ours expresses
    }
)
CURVES = {
    "valid_error_rate": "valid/error_rate",
    "valid_ce_loss": "valid/ce_loss",
    "test_error_rate": "test/error_rate",
    "test_ce_loss": "test/ce_loss",
    "train_error_rate": "train/error_rate",
    "train_ce_loss": "train/ce_loss",
    "train_cost": "train_cost",
    "global_step": "global_step",
    "epoch": "epoch",
    "learning_rate": "learning_rate",
    "steps_per_sec": "steps_per_sec",
    "eval_time": "eval_time",
    "preemption_count": "preemption_count",
}
STATUS = {"done": "ok", "diverged": "diverged"}


def _convert(raw: RawFolder) -> Conversion:
    tasks: dict[str, list[dict[str, Any]]] = {}
    for trial in _read_trials(raw):
        tasks.setdefault(trial["study_group"], []).append(trial)
    if not tasks:
        raise FormatError(f"{ARCHIVE} has no trials")
    longest = max(len(trial["elapsed_time"]) for trials in tasks.values() for trial in trials)
    names = {group: _task_name(group) for group in sorted(tasks)}
    return Conversion(
        _schema(longest),
        {name: _table(tasks[group]) for group, name in names.items()},
        titles={name: group for group, name in names.items()},
    )


def _read_trials(raw: RawFolder) -> Iterator[dict[str, Any]]:
    """Yield the trials of the four parts in order: the fields that are kept, and the curves as arrays."""
    packed = _read_parts(raw)
    seen = set()
    for name, part in PARTS.items():
        for number, line in enumerate(_lines(packed.pop(name), name), start=1):
            try:
                record = json.loads(line)
                if record["trial_dir"] not in seen:
                    seen.add(record["trial_dir"])
                    yield _make_trial(name, part, record)
            except (KeyError, RecursionError, TypeError, ValueError) as err:
                raise FormatError(f"line {number} of {name} is not a trial of PD1: {err!r}") from err


def _read_parts(raw: RawFolder) -> dict[str, bytes]:
    """The compressed contents of the four parts, in whichever folder of the archive they lie."""
    parts = {PurePosixPath(name).name: name for name in PARTS}
    found = {}
    for member in raw.members(ARCHIVE):
        part = parts.get(PurePosixPath(member.name).name)
        if part is not None:
            found[part] = member.content(PART_LIMIT)
    for name in PARTS:
        if name not in found:
            raise FormatError(f"{raw.variant(ARCHIVE)} has no {name}")
    return found


def _lines(packed: bytes, name: str) -> Iterator[bytes]:
    with decompress(io.BytesIO(packed), name, LINES_LIMIT) as stream:
        while line := stream.readline(LINE_LIMIT + 1):
            if len(line) > LINE_LIMIT:
                raise FormatError(f"{name} has a line of more than the limit of {LINE_LIMIT} bytes")
            yield line


def _make_trial(name: str, part: str, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "part": part,
        "study_group": record["study_group"],
        "status": STATUS.get(record["status"], "crashed"),
        "configuration": tuple(float(record[field]) for field in HYPERPARAMETERS.values()),
        **_curves(name, record),
    }


def _curves(name: str, record: dict[str, Any]) -> dict[str, Array]:
    steps = record["global_step"] or []
    known = next((k for k, step in enumerate(steps) if step is None), len(steps))
    curves = {}
    for objective, field in CURVES.items():
        values = record.get(field) or [None] * len(steps)
        if len(values) != len(steps):
            raise FormatError(
                f"{name}: {record['trial_dir']} has {len(values)} values of {field!r}, but "
                f"{len(steps)} of 'global_step'"
            )
        curve = np.array(values[:known], dtype=np.float64)
        curve[np.isinf(curve)] = np.nan
        curves[objective] = curve
    curves["elapsed_time"] = _elapsed_time(curves)
    return curves


def _elapsed_time(curves: dict[str, Array]) -> Array:
    """Seconds since the training began: steps_per_sec counts from the last restart, evaluations included."""
    steps, restarts = curves["global_step"], np.nan_to_num(curves["preemption_count"])
    elapsed = np.zeros(len(steps))
    now = first_step = first_seconds = 0.0  # the latter two at the beginning of the last restart
    for k, rate in enumerate(curves["steps_per_sec"]):
        if (
            k and restarts[k] != restarts[k - 1]
        ):  # it continues from the checkpoint of the previous evaluation
            first_step, first_seconds = steps[k - 1], now
        if rate > 0:
            now = max(now, first_seconds + (steps[k] - first_step) / rate)
        elapsed[k] = now
    return elapsed


def _task_name(group: str) -> str:
    """``mnist_maxp_cnn,mnist,max_pooling_cnn,max_pool_relu,256`` -> ``mnist-max_pool_relu-256``."""
    parts = group.split(",")
    if len(parts) != 5:
        raise FormatError(
            f"the study_group {group!r} of {ARCHIVE} does not have the five parts that name a task"
        )
    _, dataset, _, model, batch_size = parts
    return f"{dataset}-{model}-{batch_size}"


def _table(trials: list[dict[str, Any]]) -> Table:
    order, seeds = replicates(trial["configuration"] for trial in trials)
    trials = [trials[row] for row in order]
    columns = zip(*(trial["configuration"] for trial in trials), strict=True)
    return Table(
        hyperparameters={name: Coded.of(column) for name, column in zip(SPACE.domains, columns, strict=True)},
        seeds=seeds,
        points={
            name: np.concatenate([trial[name] for trial in trials]) for name in (*CURVES, "elapsed_time")
        },
        lengths=np.array([len(trial["elapsed_time"]) for trial in trials]),
        status=np.array([STATUSES.index(trial["status"]) for trial in trials], dtype=np.uint8),
        labels={"part": Coded.of(trial["part"] for trial in trials)},
    )


def _schema(longest: int) -> Schema:
    return Schema(
        space=SPACE,
        fidelity=Fidelity("evaluation", tuple(range(1, longest + 1))),
        objectives=(
            Objective("valid_error_rate", "min", "", "on the validation split"),
            Objective("valid_ce_loss", "min", "nats", "cross-entropy on the validation split"),
            Objective("test_error_rate", "min", "", "on the test split, where there is one"),
            Objective("test_ce_loss", "min", "nats", "cross-entropy on the test split, where there is one"),
            Objective("train_error_rate", "min", "", "on some of the training split"),
            Objective("train_ce_loss", "min", "nats", "cross-entropy on some of the training split"),
            Objective("train_cost", "min", "", "mean loss of the steps since the evaluation before"),
            Objective("global_step", "none", "", "steps so far"),
            Objective("epoch", "none", "", "whole epochs so far"),
            Objective("learning_rate", "none", "", "at that step"),
            Objective("steps_per_sec", "none", "1/s", "since the last restart, evaluations included"),
            Objective("eval_time", "none", "s", "of this evaluation alone"),
            Objective("preemption_count", "none", "", "restarts so far"),
            Objective(
                "elapsed_time", "min", "s", "training and evaluations since the beginning", cumulative=True
            ),
        ),
        target="valid_error_rate",
        time="elapsed_time",
    )


CARD = (
    Defect(
        "evaluations lie at other steps and epochs for each workload: 22 of them in one epoch of uniref50",
        "the fidelity is the number of the evaluation; global_step and epoch are recorded",
    ),
    Defect(
        "no time since the beginning is given. eval_time is the time of an evaluation alone; "
        "steps_per_sec is the number of steps since the last restart, divided by all seconds since then, "
        "evaluations included (init2winit/trainer.py, train())",
        "elapsed_time is global_step / steps_per_sec, after a restart counted on from the evaluation before "
        "it (work lost at a restart is not counted); it never falls, and stays where there is no rate",
    ),
    Defect(
        "trials end early where they diverged, some before their first evaluation",
        "ragged: curves keep their length, which may be 0; status diverged",
    ),
    Defect("a trial whose status is neither done nor diverged", "status crashed; its curve is kept"),
    Defect(
        "a value may be null, as are all after some trials diverged; workloads without a test split have "
        "no test results",
        "a curve ends before its first evaluation without a step; else null and infinities are NaN",
    ),
    Defect(
        "matched trials share their settings over all workloads, unmatched ones were drawn for each; both "
        "come in two phases, and some settings occur in several",
        "all are taken, with the label part, a trial_dir that occurs again but once; the trials of a setting "
        "are seeds 0, 1, ... in the order matched phase 0, 1, unmatched phase 0, 1",
    ),
    Defect(
        "the workload imagenet-resnet50-1024 was given up after phase 0",
        "a task like the others, with few trials",
    ),
    Defect("the best values of each trial, and sizes of the splits, are given besides", "left out"),
)
PD1 = Recipe(
    name="pd1",
    title="PD1: learning curves of neural networks on 24 workloads, tuned in learning rate and momentum",
    license="CC-BY-4.0",
    citation=(
        "Zi Wang, George E. Dahl, Kevin Swersky, Chansoo Lee, Zachary Nado, Justin Gilmer, Jasper Snoek and "
        "Zoubin Ghahramani. Pre-trained Gaussian Processes for Bayesian Optimization. Journal of Machine "
        "Learning Research, 25, 2024."
    ),
    homepage="https://github.com/google-research/hyperbo",
    version="1.0",
    files=(
        RawFile(
            ARCHIVE,
            url="https://storage.googleapis.com/gresearch/pint/pd1.tar.gz",
            instead=(RawFile("pd1_raw_data.tar.gz"),),
            members=tuple(PARTS),
        ),
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4),
    labels=("part",),
    bounds={
        "eval_time": AT_LEAST_0,
        **{f"{split}_error_rate": FRACTION for split in ("valid", "test", "train")},
        **{f"{split}_ce_loss": AT_LEAST_0 for split in ("valid", "test", "train")},
    },
    expected_size=ExpectedSize(tasks=24),
    nan_allowed=tuple(name for name in CURVES if name != "global_step"),
)
RECIPES = (PD1,)
