"""YAHPO Gym's LCBench: funnel-shaped networks on tabular data sets, over the epochs."""

from __future__ import annotations

from blackbox_repo.schema import Fidelity
from blackbox_repo.store.manifest import Defect, TuningDefaults
from conversion_scripts.readers.onnx_network import Columns
from conversion_scripts.recipes.shared.yahpo import (
    BOUNDS,
    ELAPSED,
    OLD_MODELS,
    Scenario,
    make_recipe,
    surrogate,
)

# yahpo_gym/benchmarks/lcbench.py
COLUMNS = Columns(
    categorical=("OpenML_task_id",),
    numeric=(
        "epoch",
        "batch_size",
        "learning_rate",
        "momentum",
        "weight_decay",
        "num_layers",
        "max_units",
        "max_dropout",
    ),
    outputs=(
        "time",
        "val_accuracy",
        "val_cross_entropy",
        "val_balanced_accuracy",
        "test_cross_entropy",
        "test_balanced_accuracy",
    ),
)
OBJECTIVES = (
    surrogate("val_accuracy", "max", "%", "on the validation split"),
    surrogate("val_cross_entropy", "min", "", "on the validation split"),
    surrogate(
        "val_balanced_accuracy", "max", "", "mean over the classes, from 0 to 1, on the validation split"
    ),
    surrogate("test_cross_entropy", "min", "", "on the test split"),
    surrogate("test_balanced_accuracy", "max", "", "mean over the classes, from 0 to 1, on the test split"),
    surrogate(ELAPSED, "min", "s", "training and scoring since the untrained network was scored"),
)
SCENARIO = Scenario(
    name="lcbench",
    sha256=(
        "4d1c78a91429b4a37628e13f286cf1abe15f778a09722a4c01714f2d72a8200d",
        "d8af928f412bbeb07e58ecd69877fcab35fbc595333d1c1c3f76120d2f2508da",
        "b45c0d85ae39abf8820c8bea5ac82f415763afcbaf3b725e36af452b09cb6dcd",
    ),
    columns=COLUMNS,
    fidelity=Fidelity("epoch", tuple(range(1, 51))),
    bounds=(1, 52),
    objectives=OBJECTIVES,
    target="val_accuracy",
    time="time",
    task="OpenML_task_id",
    offset=1,
    zero_at=1,
    decimals=False,
    called="OpenML task",
)
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
        "1e-5 of the value or 5e-7 of the output's range, whichever is larger (all of 61,200 values)",
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
    Defect(
        "the smallest and largest values that the source gives for each data set are those of all 52 points: "
        "the least balanced accuracies are mostly of the untrained network, the longest times of point 52, "
        "and all times include the scoring before training",
        "they are the known ranges of all objectives but elapsed_time, wider than our epochs need; a value "
        "may lie outside",
    ),
    OLD_MODELS,
    BOUNDS,
    Defect("the source has no accuracy on the test split", "there is none; the balanced accuracy is"),
)
LCBENCH = make_recipe(
    SCENARIO,
    title="LCBench: surrogate of funnel-shaped networks on 34 tabular data sets, 50 epochs",
    training_runs=(
        "Lucas Zimmer, Marius Lindauer and Frank Hutter. Auto-PyTorch Tabular: Multi-Fidelity MetaLearning "
        "for Efficient and Robust AutoDL. IEEE Transactions on Pattern Analysis and Machine Intelligence, "
        "2021."
    ),
    card=CARD,
    default=TuningDefaults(workers=4, seconds=20_000.0),
)
RECIPES = (LCBENCH,)
