"""YAHPO Gym: surrogate networks of large collections of training runs; here that of LCBench.

Pfisterer et al. 2022, https://github.com/slds-lmu/yahpo_gym; the networks are in slds-lmu/yahpo_data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackbox_repo.domains import Domain, Float, Integer, significant
from blackbox_repo.errors import FormatError
from blackbox_repo.manifest import Default, Defect
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from conversion_scripts.onnx_network import Columns, read_network
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, NetworkWeights, Recipe

_DATA = ("slds-lmu/yahpo_data", "efdab9072f63bd680396cd4b78b927c4a0caaad3")
FOLDER = "yahpo_v1.0/lcbench"
FILES = {
    "model.onnx": "b45c0d85ae39abf8820c8bea5ac82f415763afcbaf3b725e36af452b09cb6dcd",
    "encoding.json": "d8af928f412bbeb07e58ecd69877fcab35fbc595333d1c1c3f76120d2f2508da",
    "config_space.json": "4d1c78a91429b4a37628e13f286cf1abe15f778a09722a4c01714f2d72a8200d",
}
TASK, EPOCH, TIME = "OpenML_task_id", "epoch", "time"
# cat_names, cont_names and y_names of yahpo_gym/benchmarks/lcbench.py
COLUMNS = Columns(
    categorical=(TASK,),
    numeric=(
        EPOCH,
        "batch_size",
        "learning_rate",
        "momentum",
        "weight_decay",
        "num_layers",
        "max_units",
        "max_dropout",
    ),
    outputs=(
        TIME,
        "val_accuracy",
        "val_cross_entropy",
        "val_balanced_accuracy",
        "test_cross_entropy",
        "test_balanced_accuracy",
    ),
)
OBJECTIVES = (
    Objective("val_accuracy", "max", "%", "on the validation split", provenance="surrogate"),
    Objective("val_cross_entropy", "min", "", "on the validation split", provenance="surrogate"),
    Objective(
        "val_balanced_accuracy",
        "max",
        "",
        "mean over the classes, from 0 to 1, on the validation split",
        provenance="surrogate",
    ),
    Objective("test_cross_entropy", "min", "", "on the test split", provenance="surrogate"),
    Objective(
        "test_balanced_accuracy",
        "max",
        "",
        "mean over the classes, from 0 to 1, on the test split",
        provenance="surrogate",
    ),
    Objective(
        "elapsed_time",
        "min",
        "s",
        "training and scoring since the untrained network was scored",
        cumulative=True,
        provenance="surrogate",
    ),
)


def _convert(raw: RawFolder) -> Conversion:
    hyperparameters = {
        entry["name"]: entry for entry in raw.json(f"{FOLDER}/config_space.json")["hyperparameters"]
    }
    encoding = raw.json(f"{FOLDER}/encoding.json")
    tasks = hyperparameters.pop(TASK)["choices"]
    epochs = hyperparameters.pop(EPOCH)
    if (epochs["lower"], epochs["upper"]) != (1, 52):
        raise FormatError(f"the epochs of LCBench's surrogate are 1 to 52, not {epochs!r}")
    schema = Schema(
        Space({name: _domain(entry) for name, entry in hyperparameters.items()}),
        Fidelity("epoch", tuple(range(1, 51))),
        OBJECTIVES,
        target="val_accuracy",
        time="elapsed_time",
    )
    arrays, spec = read_network(raw.bytes(f"{FOLDER}/model.onnx"), encoding, COLUMNS)
    spec |= {
        "task": TASK,
        "fidelity": {"input": EPOCH, "offset": 1},
        "fixed": {},
        "elapsed": {"output": TIME, "zero_at": 1, "min_step": 0.001},
    }
    codes = {task: encoding[TASK][task] for task in sorted(tasks, key=int)}
    titles = {task: f"OpenML task {task}" for task in codes}
    return Conversion(schema, network=NetworkWeights(arrays, spec, codes), titles=titles)


def _domain(entry: Mapping[str, Any]) -> Domain:
    # the source's bounds of logarithmic ranges went through exp and log: 0.00010000000000000009
    lower, upper = significant(entry["lower"], 12), significant(entry["upper"], 12)
    if entry["type"] == "uniform_int":
        return Integer(int(lower), int(upper), log=entry["log"])
    if entry["type"] == "uniform_float":
        return Float(lower, upper, log=entry["log"])
    raise FormatError(f"the hyperparameter {entry['name']!r} is of the unknown type {entry['type']!r}")


CARD = (
    Defect(
        "every value is the prediction of a neural network that was fitted to LCBench's training runs; it "
        "knows no seeds and no noise",
        "one seed, 0; all objectives are marked as surrogate",
    ),
    Defect(
        "the network was fitted to all 52 points of LCBench's curves: point 1 is the untrained network, "
        "point 52 the end once more, often with an odd value",
        "its epochs 2 to 51 are our epochs 1 to 50; the other two are not objectives",
    ),
    Defect(
        "its time includes the scoring before training, and goes backwards somewhere along the curves of "
        "about 7 % of the configurations (more than half of them in the tasks 126026, 146212 and 168868)",
        "elapsed_time starts at 0 with the untrained network and rises by a millisecond at least: "
        "E[0] = 0, E[f] = max(E[f - 1] + 0.001 s, time[f + 1] - time[1])",
    ),
    Defect(
        "its time is no straight line over the epochs: epoch 50 comes 3.1 to 6.2 times as late as epoch 10 "
        "(medians of the tasks), and in 126026, 146212 and 168868 the first epoch often takes no time",
        "kept as the network predicts it, but for the rule above",
    ),
    Defect(
        "onnxruntime's results depend on the batch size and the processor, and its sigmoid is approximate",
        "the network is evaluated in float64, and each output rounded to 6 significant digits (the time "
        "before the rule for it: to 0.1 s above 10,000 s); the outputs agree with onnxruntime's within "
        "1e-5 of the value or 5e-7 of the output's range, whichever is larger",
    ),
    Defect(
        "the scaling of its inputs shows that it was fitted to 1 to 4 layers, batch sizes up to 511 "
        "and weight decays above 4.9e-5, while the source's space goes to 5 layers, 512, and 1e-5",
        "the source's space is kept; beyond those values the network extrapolates",
    ),
    Defect(
        "the source encodes 35 tasks, of which 167083 is not in its space",
        "the 34 tasks of the space",
    ),
    Defect("the source has no accuracy on the test split", "there is none; the balanced accuracy is"),
)
LCBENCH = Recipe(
    name="yahpo-lcbench",
    title="YAHPO Gym 1.0, LCBench: surrogate of funnel-shaped networks on 34 tabular data sets, 50 epochs",
    license="Apache-2.0",
    citation=(
        "Florian Pfisterer, Lennart Schneider, Julia Moosbauer, Martin Binder and Bernd Bischl. YAHPO Gym - "
        "An Efficient Multi-Objective Multi-Fidelity Benchmark for Hyperparameter Optimization. "
        "International Conference on Automated Machine Learning (AutoML), 2022. Training runs: Lucas "
        "Zimmer, Marius Lindauer and Frank Hutter. Auto-PyTorch Tabular: Multi-Fidelity MetaLearning for "
        "Efficient and Robust AutoDL. IEEE Transactions on Pattern Analysis and Machine Intelligence, 2021."
    ),
    homepage="https://github.com/slds-lmu/yahpo_gym",
    version="1.0",
    files=tuple(
        github(f"{FOLDER}/{name}", *_DATA, f"lcbench/{name}", sha256) for name, sha256 in FILES.items()
    ),
    card=CARD,
    convert=_convert,
    default=Default(workers=4, seconds=20_000.0),
)
