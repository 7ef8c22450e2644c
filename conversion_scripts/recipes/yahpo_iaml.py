"""YAHPO Gym's iaml family: four learners of R, and all of them in one space, with their interpretability."""

from __future__ import annotations

from blackbox_repo.schema import Fidelity
from blackbox_repo.store.manifest import Defect, TuningDefaults
from conversion_scripts.readers.onnx_network import Columns
from conversion_scripts.recipes.shared.yahpo import ELAPSED, Scenario, make_recipe, network_card, surrogate
from conversion_scripts.recipes.shared.yahpo_learners import GLMNET, RPART, XGBOOST, prefix_names

FIDELITY = Fidelity(
    "trainsize",
    (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1),
    unit="fraction of the training data",
    kind="independent",
)
OBJECTIVES = (
    surrogate("mmce", "min", "", "misclassification error"),
    surrogate("f1", "max", "", "F1 score"),
    surrogate("auc", "max", "", "area under the ROC curve"),
    surrogate("logloss", "min", "", "cross entropy"),
    surrogate("ramtrain", "min", "MB", "memory in training"),
    surrogate("rammodel", "min", "MB", "memory of the model"),
    surrogate("rampredict", "min", "MB", "memory in prediction"),
    surrogate("timepredict", "min", "s", "prediction"),
    surrogate(
        "mec", "min", "", "main effect complexity: how far the effects of single features are from lines"
    ),
    surrogate("ias", "min", "", "interaction strength: what no sum of effects of single features explains"),
    surrogate("nf", "min", "", "number of features used"),
    surrogate(ELAPSED, "min", "s", "training"),
)
OUTPUTS = (
    *("mmce", "f1", "auc", "logloss", "ramtrain", "rammodel", "rampredict"),
    *("timetrain", "timepredict", "mec", "ias", "nf"),
)
_RANGER = ("num.trees", "sample.fraction", "mtry.ratio", "min.node.size", "num.random.splits")

# cat_names and cont_names of yahpo_gym/benchmarks/iaml.py, but for task_id and trainsize
_INPUTS = {
    "glmnet": ((), GLMNET),
    "ranger": (("replace", "respect.unordered.factors", "splitrule"), _RANGER),
    "rpart": ((), RPART),
    "super": (
        (
            *("learner", "ranger.replace", "ranger.respect.unordered.factors", "ranger.splitrule"),
            "xgboost.booster",
        ),
        (
            *(
                *prefix_names("ranger", _RANGER),
                *prefix_names("rpart", RPART),
                *prefix_names("glmnet", GLMNET),
            ),
            *prefix_names("xgboost", XGBOOST),
        ),
    ),
    "xgboost": (("booster",), XGBOOST),
}
# config_space.json, encoding.json, model.onnx
_SHA256 = {
    "glmnet": (
        "0ad5fb8f4205f54be13ded2af5f9b34f840914dc0457f1ed6be215b7885fb0f9",
        "e04ffd8c9bfdcb2e8b9c08c38d828e40d7be3ef90c8895f3e7e84b8b4348c3d1",
        "5c9b1541e37604993098ba23b04695bfe38d009108e9de0a26c3f161265b5a7a",
    ),
    "ranger": (
        "b41e57d4cd483116fba672d27ca3d4c0edc38f1f3d70b403e6c6e6ceb8daff60",
        "8e68ed0a1b31187c128c4dd003d568c667b727a35ebbe29bfd62904fff26d720",
        "",
    ),
    "rpart": (
        "0f37ac0b9ffedb2986e4a7cf47ba39f1b3611e840e7cade155b0c702983d848e",
        "e04ffd8c9bfdcb2e8b9c08c38d828e40d7be3ef90c8895f3e7e84b8b4348c3d1",
        "",
    ),
    "super": (
        "7aefda810fa8cc2d14655e8d508317a71533f02d0bcf075c0147db44545f7da2",
        "e21ef3b90b0480de57acff7320d413874d14cc5a9ed16889b1a01159f704fee4",
        "",
    ),
    "xgboost": (
        "edefef57ee3ffcab72525499efcac75eb9968f7d8ef817e5350011bdeadf23f5",
        "bcf75e32740a4b0dab649aa19041a28404de8584d06c5424547c9b22b9290942",
        "",
    ),
}
_WHAT = {
    "glmnet": "elastic nets",
    "ranger": "random forests",
    "rpart": "decision trees",
    "super": "four learners in one space",
    "xgboost": "gradient boosting",
}


def _scenario(learner: str) -> Scenario:
    categorical, numeric = _INPUTS[learner]
    return Scenario(
        name=f"iaml_{learner}",
        sha256=_SHA256[learner],
        columns=Columns(("task_id", *categorical), (*numeric, "trainsize"), outputs=OUTPUTS),
        fidelity=FIDELITY,
        bounds=(0.03, 1.0),
        objectives=OBJECTIVES,
        target="mmce",
        time="timetrain",
        watched=("mmce", "f1", "auc"),
    )


CARD = (
    *network_card(
        tolerance="within 1e-5 of the value or 5e-7 of the output's range, whichever is larger, in glmnet "
        "(all of 100,800 values); the networks of the other scenarios could not be measured here"
    ),
    Defect(
        "the source's trainsize may be any number from 0.03 to 1, but runs were only collected at 0.05, 0.1, "
        "0.2, 0.4, 0.6, 0.8 and 1",
        "these are the fidelities; each is a training of its own",
    ),
    Defect(
        "its training time does not always rise with the fraction of the data",
        "kept, as each fraction is a training of its own; elapsed_time is a millisecond at least",
    ),
    Defect(
        "where objectives contend less than it seems, as with nf, one configuration may be best in all",
        "kept",
    ),
    Defect(
        "the data sets are called task_id, but are numbers of OpenML data sets, not of tasks",
        "the titles say data set",
    ),
)
RECIPES = tuple(
    make_recipe(
        _scenario(learner),
        title=f"iaml: surrogate of {what} on 4 OpenML data sets, by fraction of the data",
        training_runs="collected by the authors of YAHPO Gym.",
        card=CARD,
        default=TuningDefaults(workers=4, seconds=600.0),
    )
    for learner, what in _WHAT.items()
)
