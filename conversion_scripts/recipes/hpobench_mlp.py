"""HPOBench, tabular MLP: all 30,000 settings of a multilayer perceptron on eight OpenML tasks.

Eggensperger et al., NeurIPS Datasets and Benchmarks 2021; https://github.com/automl/HPOBench
"""

from __future__ import annotations

import itertools

import numpy as np

from blackbox_repo.domains import Ordinal
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import FRACTION
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "hpobench_mlp/meta-learn-tpe/{}.pkl"
# data set -> OpenML task, SHA-256 of its file
TASKS = {
    "credit_g": (31, "48acc2ae17ff559f4742c2c9a3d310153bb274524c42ae1521e446e1bf41af01"),
    "vehicle": (53, "b415c24e97019a84f65c89d0a05a8223aa02c4e77cac169282e17d80c1332388"),
    "kc1": (3917, "0e9f8bc7f3099285d2830df8d37e8e19c763d5d6a2398d38d75b3176200fd23a"),
    "phoneme": (9952, "4b1389e3bf38fa76f15ffca95171796e56b24dd97e17859c73e4bcdcf4b2a337"),
    "blood_transfusion": (10101, "315d2be413da0f178034343c9667782d2b3fca2e237b203d8e18c8c7c6e64190"),
    "australian": (146818, "889c7e27265e489f274be1749aa90d0bb99ca711de755d6d4408737877fdf64d"),
    "car": (146821, "ac28e0eecbfd573b2f5d3e2802f1b66ec863e727d0c8c5910f23d7f9928605fd"),
    "segment": (146822, "0a25ccfa9c1ef4b5fa275e53f4d6d1d8555aff41c50a969dcbf66aa64c659976"),
}
SIZE = 2_400_233
SEEDS = (665, 1319, 7222, 7541, 8916)
SPACE = Space(
    {
        "alpha": Ordinal(
            (
                *(1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5, 2.7825593e-4, 2.1544348e-3),
                *(1.6681006e-2, 1.2915497e-1, 1.0),
            )
        ),
        "batch_size": Ordinal((4, 6, 10, 16, 25, 40, 64, 101, 161, 256)),
        "depth": Ordinal((1, 2, 3)),
        "learning_rate_init": Ordinal(
            (
                *(1e-5, 3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3, 5.9948424e-3, 2.1544347e-2),
                *(7.742637e-2, 2.7825594e-1, 1.0),
            )
        ),
        "width": Ordinal((16, 25, 40, 64, 101, 161, 256, 406, 645, 1024)),
    }
)
SCHEMA = Schema(
    space=SPACE,
    fidelity=Fidelity("epoch", (243,)),
    objectives=(
        Objective("valid_balanced_accuracy", "max", "", "on the validation split"),
        Objective("valid_precision", "max", "", "on the validation split"),
    ),
    target="valid_balanced_accuracy",
)
FIELDS = {"valid_balanced_accuracy": "bal_acc", "valid_precision": "precision"}


def _convert(raw: RawFolder) -> Conversion:
    grid = itertools.product(*(range(len(domain.values or ())) for domain in SPACE.domains.values()))
    of_row = np.repeat(np.array(list(grid), dtype=np.int32), len(SEEDS), axis=0)
    columns = zip(SPACE.domains.items(), of_row.T, strict=True)
    hyperparameters = {
        name: Coded(tuple(domain.values or ()), np.ascontiguousarray(codes))
        for (name, domain), codes in columns
    }
    tables = {}
    for task in TASKS:
        source = raw.pickle(FILE.format(task))
        if any(len(source[field]) != len(of_row) for field in FIELDS.values()):
            raise FormatError(
                f"{FILE.format(task)} does not have {len(SEEDS)} runs of {SPACE.size} configurations"
            )
        tables[task] = Table(
            hyperparameters=hyperparameters,
            seeds=np.tile(SEEDS, len(of_row) // len(SEEDS)),
            points={name: source[field] for name, field in FIELDS.items()},
            lengths=np.ones(len(of_row), dtype=np.int64),
        )
    titles = {task: f"task {number} of OpenML" for task, (number, _) in TASKS.items()}
    return Conversion(SCHEMA, tables, titles=titles)


CARD = (
    Defect(
        "the source holds the largest fidelity only, 243 epochs on all training data, of five times as many "
        "in HPOBench, and neither its training time nor its test results",
        "a single fidelity, 243; no elapsed time, so a simulation needs a time model of its own",
    ),
    Defect(
        "the source gives no configurations: its order is that of the grid, all hyperparameters ascending, "
        "width turning fastest, then the five seeds",
        "that order; its marginal means rise and fall as each hyperparameter should on all eight tasks",
    ),
    Defect(
        "the seeds are not in the source, only in the code that made it",
        "665, 1319, 7222, 7541 and 8916, in this order",
    ),
    Defect(
        "alpha and learning_rate_init are given to eight digits",
        "as in the source, not as the powers of ten that they round",
    ),
)
MLP = Recipe(
    name="hpobench-mlp",
    title="HPOBench MLP: all 30,000 settings of a perceptron on eight OpenML tasks after 243 epochs",
    license="Apache-2.0",
    citation=(
        "Katharina Eggensperger, Philipp Müller, Neeratyoy Mallik, Matthias Feurer, René Sass, Aaron Klein, "
        "Noor Awad, Marius Lindauer and Frank Hutter. HPOBench: A Collection of Reproducible Multi-Fidelity "
        "Benchmark Problems for HPO. Advances in Neural Information Processing Systems (NeurIPS), Track on "
        "Datasets and Benchmarks, 2021."
    ),
    homepage="https://github.com/automl/HPOBench",
    version="1.0",
    files=tuple(
        github(
            FILE.format(task),
            "nabenabe0928/meta-learn-tpe",
            "7cdd9f36c71412d27562734d23f05d58ef642f1b",
            f"targets/hpobench/metric_vals/{task}.pkl",
            sha256,
            SIZE,
        )
        for task, (_, sha256) in TASKS.items()
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4),
    bounds=dict.fromkeys(FIELDS, FRACTION),
)
RECIPES = (MLP,)
