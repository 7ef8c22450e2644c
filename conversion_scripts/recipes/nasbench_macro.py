"""NAS-Bench-Macro: all 6,561 macro architectures on CIFAR-10.

Su et al., CVPR 2021; https://github.com/xiusu/NAS-Bench-Macro
"""

from __future__ import annotations

import itertools

import numpy as np

from blackbox_repo.domains import Categorical
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import COUNT, PERCENT
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

# the digits 0, 1, 2: nothing, or a MobileNetV2 block with expansion ratio 3 (6) and kernel size 3 (5)
BLOCKS = ("Identity", "MB3_K3", "MB6_K5")
LAYERS = tuple(f"layer_{layer}" for layer in range(1, 9))
SEEDS = 3
FILE = "nas_bench_macro/nas-bench-macro_cifar10.json"


def _convert(raw: RawFolder) -> Conversion:
    records = raw.json(FILE)
    grid = ["".join(digits) for digits in itertools.product("012", repeat=len(LAYERS))]
    of_row = np.repeat(np.arange(len(grid), dtype=np.int32), SEEDS)
    digits = np.array([list(map(int, text)) for text in grid], dtype=np.int32)[of_row]
    accuracies = np.array([records[text]["test_acc"] for text in grid])
    table = Table(
        hyperparameters={layer: Coded(BLOCKS, digits[:, i]) for i, layer in enumerate(LAYERS)},
        seeds=np.tile(np.arange(SEEDS), len(grid)),
        points={"test_accuracy": accuracies.ravel()},
        lengths=np.ones(len(of_row), dtype=np.int64),
        constants={
            name: np.array([records[text][name] for text in grid], dtype=np.float64)[of_row]
            for name in ("params", "flops")
        },
        labels={"architecture": Coded(tuple(grid), of_row)},
    )
    return Conversion(SCHEMA, {"cifar10": table}, titles={"cifar10": "CIFAR-10"})


SCHEMA = Schema(
    space=Space({layer: Categorical(BLOCKS) for layer in LAYERS}),
    fidelity=Fidelity("evaluation", (1,)),
    objectives=(
        Objective("test_accuracy", "max", "%", "on the test images, after the whole training"),
        Objective("params", "min", "", "number of weights", constant=True),
        Objective("flops", "min", "", "operations of one inference", constant=True),
    ),
    target="test_accuracy",
)
CARD = (
    Defect(
        "the source holds only the final test accuracies of three trainings: no validation accuracy, no "
        "curve, no time",
        "one fidelity, evaluation 1; no elapsed time, so a simulation needs a time model of its own",
    ),
    Defect(
        "the seeds of the three trainings are not in the source",
        "the seeds 0, 1, 2 are the order in the source",
    ),
    Defect("mean and standard deviation are given besides", "left out: they follow from the three values"),
)
MACRO = Recipe(
    name="nasbench-macro",
    title="NAS-Bench-Macro: all 6,561 macro architectures on CIFAR-10",
    license="Apache-2.0",
    citation=(
        "Xiu Su, Tao Huang, Yanxi Li, Shan You, Fei Wang, Chen Qian, Changshui Zhang and Chang Xu. "
        "Prioritized Architecture Sampling with Monto-Carlo Tree Search. IEEE/CVF Conference on Computer "
        "Vision and Pattern Recognition (CVPR), 2021."
    ),
    homepage="https://github.com/xiusu/NAS-Bench-Macro",
    version="1.0",
    files=(
        github(
            FILE,
            "xiusu/NAS-Bench-Macro",
            "61a2bfc2ca0dce04d0997e6cf498047c27d6acf2",
            "data/nas-bench-macro_cifar10.json",
            "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
            1_178_821,
        ),
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4),
    labels=("architecture",),
    bounds={"test_accuracy": PERCENT, "params": COUNT, "flops": COUNT},
)
RECIPES = (MACRO,)
