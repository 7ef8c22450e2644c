"""YAHPO Gym's rbv2 family: six learners of R, and all of them in one space, on up to 119 OpenML data sets.

Binder et al. 2020 collected the runs; https://slds-lmu.github.io/yahpo_gym/frequently_asked.html says what is
wrong with them.
"""

from __future__ import annotations

from blackbox_repo.schema import Fidelity
from blackbox_repo.store.manifest import Defect, TuningDefaults
from conversion_scripts.readers.onnx_network import Columns
from conversion_scripts.recipes.shared.yahpo import ELAPSED, Scenario, make_recipe, network_card, surrogate
from conversion_scripts.recipes.shared.yahpo_learners import GLMNET, RPART, XGBOOST, prefix_names

FIDELITY = Fidelity(
    "trainsize",
    (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
    unit="fraction of the training data",
    kind="independent",
)
OBJECTIVES = (
    surrogate("acc", "max", "", "accuracy, cross-validated"),
    surrogate("bac", "max", "", "balanced accuracy: mean over the classes, cross-validated"),
    surrogate(
        "auc", "max", "", "area under the ROC curve; with several classes one against the rest, weighted"
    ),
    surrogate("brier", "min", "", "Brier score, cross-validated"),
    surrogate("f1", "max", "", "F1 score, cross-validated; 0 where there are more than two classes"),
    surrogate("logloss", "min", "", "cross entropy, cross-validated"),
    surrogate("timepredict", "min", "s", "prediction"),
    surrogate("memory", "min", "MB", "largest resident size of the process"),
    surrogate(ELAPSED, "min", "s", "training"),
)
OUTPUTS = ("acc", "bac", "auc", "brier", "f1", "logloss", "timetrain", "timepredict", "memory")
_IMPUTATION = "num.impute.selected.cpo"
_RANGER = ("num.trees", "sample.fraction", "mtry.power", "min.node.size", "num.random.splits")
_SVM = ("cost", "gamma", "tolerance", "degree")
_AKNN = ("k", "M", "ef", "ef_construction")

# cat_names and cont_names of yahpo_gym/benchmarks/rbv2.py, but for task_id and imputation, trainsize and repl
_INPUTS = {
    "aknn": (("distance",), _AKNN),
    "glmnet": ((), GLMNET),
    "ranger": (("respect.unordered.factors", "splitrule"), _RANGER),
    "rpart": ((), RPART),
    "super": (
        (
            *("learner_id", "svm.kernel", "ranger.respect.unordered.factors", "ranger.splitrule"),
            *("aknn.distance", "xgboost.booster"),
        ),
        (
            *(
                *prefix_names("svm", _SVM),
                *prefix_names("glmnet", GLMNET),
                *prefix_names("rpart", RPART),
                *prefix_names("ranger", _RANGER),
            ),
            *(*prefix_names("aknn", _AKNN), *prefix_names("xgboost", XGBOOST)),
        ),
    ),
    "svm": (("kernel",), _SVM),
    "xgboost": (("booster",), XGBOOST),
}
# config_space.json, encoding.json, model.onnx
_SHA256 = {
    "aknn": (
        "2074136071a5e4e64dbe38754a4ce8870159c213d507ba80bc76197a11e3f21e",
        "d946a17d30fcb9e0e4dc888830472f945a26ecb6e24a23c569b152e806147d1c",
        "",
    ),
    "glmnet": (
        "6f2a9d7cddac5e7bac17b12870abdc35bc4ebbb245b1a3ce97d2d5fb475ace0b",
        "2c060aa8eb6ccc572eadc405bedd8882edec08d4bd35c8f097e103cc5fe5b325",
        "",
    ),
    "ranger": (
        "ce36c2f5dd3f01f8ae4b5e58eba1c54c3fafe274d31f17798c87bad780c61521",
        "9f0e5947f6a30ea6daa6e194eed3026117db7d216e4a3df2d36653792ac5f489",
        "",
    ),
    "rpart": (
        "86de5b9c8f9bc2f82eaafa099b9920445ce6edbe56509c9736af71d53ef4a630",
        "e978cd3de5b8fbad4f7dbb7a15bed94738d37c24a0bfb3cbdf33509ba91df49c",
        "af34bb810107fd809bdd74be227685fb2a1c5cb7b1f3c2dde5629e42ef6819f3",
    ),
    "super": (
        "4955b6daba49cad9c12f1c90648c229c4a6e0052d0fe24c9f9aa493a45122d9d",
        "b52f5a0d9d0d2bc743dcf3f4d72e9379dbde7d3147a0f7b08d0864886daa3482",
        "",
    ),
    "svm": (
        "78bc0a1e0ca1ff3c733747b0fee6861d25bb2ecd640e8b62c5d82f4cbedbecd5",
        "3e298ce5695c7a55caedfa1f5058b25404a73056a56221419b70816dce100ae7",
        "",
    ),
    "xgboost": (
        "acf4485d314d86801f61b615d64ffea7859c414c363da9e7f943621468ebbda4",
        "0bd3cf9a4c9459a3148adf740f20b347fd11a6714f89348f41467a8f1206172a",
        "85125b6d97f553d10cd50f9e632e1a3f1ad44bcb00300dd2880d70dfd043d9f3",
    ),
}
# is_multicrit of yahpo_gym/benchmarks/rbv2.py, and the last 13, which it does not know
SEVERAL_CLASSES = frozenset(
    """
    11 12 14 16 18 22 23 28 32 42 46 54 60 181 182 188 300 307 375 377 458 469 1457 1468 1475 1476 1478 1497
    1501 1515 4538 4541 40496 40498 40499 40668 40670 40966 40975 40979 40982 40984 41163 41164 41212 41278
    6 554 1493 40685 40923 40927 40996 41027 41165 41166 41168 41169 41216
    """.split()  # noqa: SIM905  59 lines as a list
)
_WHAT = {
    "aknn": "approximate nearest neighbours",
    "glmnet": "elastic nets",
    "ranger": "random forests",
    "rpart": "decision trees",
    "super": "six learners in one space",
    "svm": "support vector machines",
    "xgboost": "gradient boosting",
}


def _scenario(learner: str) -> Scenario:
    categorical, numeric = _INPUTS[learner]
    return Scenario(
        name=f"rbv2_{learner}",
        sha256=_SHA256[learner],
        columns=Columns(
            ("task_id", *categorical, _IMPUTATION), (*numeric, "trainsize", "repl"), outputs=OUTPUTS
        ),
        fidelity=FIDELITY,
        bounds=(0.03, 1.0),
        objectives=OBJECTIVES,
        target="acc",
        time="timetrain",
        fixed={"repl": 10},
        watched=("acc", "bac", "auc", "f1"),
        several=SEVERAL_CLASSES,
    )


CARD = (
    *network_card(
        tolerance="within 1e-5 of the value or 5e-7 of the output's range, whichever is larger, but for 10 "
        "of 252,720 values of rpart, up to 1.5 times as far, and 179 of 257,040 of xgboost, up to 232 times: "
        "in all of these that were looked at (148) the same network computed in float64 by another program "
        "is at ours, as onnxruntime's single precision does not suffice; the networks of the others could "
        "not be measured here"
    ),
    Defect(
        "the source has a second fidelity, repl: it counts the repetitions of the resampling, from 1 to 10",
        "repl is fixed to 10",
    ),
    Defect(
        "the source's trainsize may be any number from 0.03 to 1, but runs were only collected at 0.05, 0.1, "
        "0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9 and 1",
        "these are the fidelities; each is a training of its own",
    ),
    Defect(
        "its training time does not always rise with the fraction of the data",
        "kept, as each fraction is a training of its own; elapsed_time is a millisecond at least",
    ),
    Defect(
        "F1 scores exist for two classes only; for several classes the source took 0 in their place, of "
        "which the networks make small numbers, that of xgboost sometimes 1; its package minimizes f1",
        "the titles of such data sets say so; the goal of f1 is max",
    ),
    Defect(
        "on some data sets an objective is nearly the same for all configurations, such as an auc of 0",
        "their titles name those of acc, bac, auc and f1 that differ by less than 0.002 between 50 random "
        "configurations trained on all data",
    ),
    Defect(
        "memory was the process's largest resident size as the operating system told; it was not always "
        "logged, and 0 was taken in its place",
        "kept",
    ),
    Defect(
        "the data sets are called task_id, but are numbers of OpenML data sets, not of tasks",
        "the titles say data set",
    ),
)
_XGBOOST_CARD = (
    Defect(
        "its publishers find that the network of xgboost predicts very good values for too many "
        "configurations",
        "kept",
    ),
)
RECIPES = tuple(
    make_recipe(
        _scenario(learner),
        title=f"rbv2: surrogate of {what} on OpenML data sets, by fraction of the data",
        training_runs=(
            "Martin Binder, Florian Pfisterer and Bernd Bischl. Collecting Empirical Data About "
            "Hyperparameters for Data Driven AutoML. 7th ICML Workshop on Automated Machine Learning "
            "(AutoML), 2020."
        ),
        card=CARD + _XGBOOST_CARD * (learner == "xgboost"),
        default=TuningDefaults(workers=4, seconds=3_600.0),
    )
    for learner, what in _WHAT.items()
)
