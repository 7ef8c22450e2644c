"""The learners of R that several families of YAHPO Gym tune, and their numeric hyperparameters in order."""

from __future__ import annotations

GLMNET = ("alpha", "s")
RPART = ("cp", "maxdepth", "minbucket", "minsplit")
XGBOOST = (
    *("nrounds", "eta", "gamma", "lambda", "alpha", "subsample", "max_depth", "min_child_weight"),
    *("colsample_bytree", "colsample_bylevel", "rate_drop", "skip_drop"),
)


def prefix_names(learner: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a learner's hyperparameters in the space of all learners, such as ``rpart.cp``."""
    return tuple(f"{learner}.{name}" for name in names)
