"""Regressors of scikit-learn, pipelines and anything with fit and predict, as models of curves."""

from __future__ import annotations

import numpy as np
import pytest

from blackbox_repo import fit_surrogate
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.surrogate.boosted import Boosted
from blackbox_repo.surrogate.estimator import Estimated
from blackbox_repo.surrogate.flat import flatten
from blackbox_repo.surrogate.forest import Forest
from blackbox_repo.surrogate.training_data import TrainingData
from tests.blackbox_repo.surrogate.tables import drawn_configurations, smooth_table

pytest.importorskip("sklearn")
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

TABLE = smooth_table(80)
ASKED = drawn_configurations(90)[80:]


class Odd(RegressorMixin, BaseEstimator):
    """Does what it is told, when it is asked."""

    def __init__(self, what="nothing"):
        self.what = what

    def fit(self, rows, goals):
        if self.what == "fit":
            raise RuntimeError("no luck")
        self.width_ = goals.shape[1:]
        return self

    def predict(self, rows):
        if self.what == "predict":
            raise RuntimeError("no luck")
        if self.what == "one":
            return np.zeros(1)
        return np.full((len(rows), *self.width_), np.nan if self.what == "nan" else 0.0)


@pytest.mark.parametrize(
    ("estimator", "of_others"),
    [
        (KNeighborsRegressor(3), 1),
        (make_pipeline(StandardScaler(), Ridge()), 1),
        (GradientBoostingRegressor(n_estimators=5), None),
        (make_pipeline(StandardScaler(), SVR()), None),
        (make_pipeline(StandardScaler(), RandomForestRegressor(5)), 1),
    ],
    ids=["neighbours", "linear", "boosting", "vectors", "trees"],
)
def test_any_regressor_predicts_curves_whose_time_increases(estimator, of_others):
    fitted = fit_surrogate(TABLE, estimator)
    model = fitted.models[0]
    assert isinstance(model, Estimated)
    targets, others = map(len, model.groups)
    assert (targets, others) == (1, of_others or len(model.outputs.units) - 1)
    for curve in fitted.curves(ASKED):
        assert len(curve) == 5
        assert (np.diff(curve["elapsed_time"]) > 0).all()
        assert (np.diff(curve["samples"]) >= 0).all()


def test_the_target_is_learnt_as_the_estimator_alone_learns_it():
    data = TrainingData.of(TABLE)
    alone = KNeighborsRegressor(3).fit(data.rows, data.points["loss"][:, -1]).predict(data.rows)
    found = fit_surrogate(TABLE, KNeighborsRegressor(3)).models[0].predict(data.rows)["loss"][:, -1]
    assert found == pytest.approx(alone, rel=1e-9)


def test_an_estimator_is_not_changed_and_its_random_states_come_from_the_seed():
    estimator = make_pipeline(StandardScaler(), RandomForestRegressor(5))
    first, again, other = (fit_surrogate(TABLE, estimator, seed=seed) for seed in (1, 1, 2))
    losses = [[curve["loss"].tolist() for curve in each.curves(ASKED)] for each in (first, again, other)]
    assert losses[0] == losses[1] != losses[2]
    assert estimator.get_params()["randomforestregressor__random_state"] is None
    assert not hasattr(estimator[-1], "estimators_")


def test_a_foreign_estimator_stays_in_memory_and_has_no_digest():
    fitted = fit_surrogate(TABLE, make_pipeline(StandardScaler(), Ridge()))
    assert fitted.digest() == ""
    assert fitted.info.model == "Pipeline"
    with pytest.raises(InvalidOption, match=r"StandardScaler \| Ridge, which is code and stays in memory"):
        flatten(fitted)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_forests_of_scikit_learn_are_grown_as_they_are_set_and_become_arrays(kind):
    fitted = fit_surrogate(TABLE, kind(7, min_samples_leaf=3, bootstrap=True, max_samples=0.5))
    model = fitted.models[0]
    assert isinstance(model, Forest)
    assert len(model.trees) == 7
    assert fitted.info.settings["min_samples_leaf"] == 3
    assert fitted.digest() == fit_surrogate(TABLE, kind(7), settings=fitted.info.settings).digest() != ""


def test_a_forest_whose_leaves_are_medians_is_foreign():
    fitted = fit_surrogate(TABLE, RandomForestRegressor(3, criterion="absolute_error"))
    assert isinstance(fitted.models[0], Estimated)


def test_an_xgboost_regressor_is_the_model_xgboost_with_its_settings():
    xgboost = pytest.importorskip("xgboost")
    fitted = fit_surrogate(TABLE, xgboost.XGBRegressor(n_estimators=4, max_depth=3, random_state=8))
    assert isinstance(fitted.models[0], Boosted)
    assert (fitted.info.model, fitted.info.seed) == ("xgboost", 8)
    theirs = {"learning_rate": 0.3, "subsample": 1, "colsample_bynode": 1}
    settings = {"n_estimators": 4, "max_depth": 3, **theirs}
    assert fitted.info.settings == settings
    assert fitted.digest() == fit_surrogate(TABLE, "xgboost", seed=8, settings=settings).digest()


def test_an_xgboost_regressor_with_other_settings_stays_what_it_is():
    xgboost = pytest.importorskip("xgboost")
    estimator = xgboost.XGBRegressor(n_estimators=4, objective="reg:absoluteerror", n_jobs=1)
    assert isinstance(fit_surrogate(TABLE, estimator).models[0], Estimated)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("fit", "the estimator Odd cannot be fitted: RuntimeError: no luck"),
        ("predict", "the estimator Odd cannot predict: RuntimeError: no luck"),
        ("nan", "the estimator Odd predicts values that are not finite"),
        ("one", r"the estimator Odd predicts an array \(1,\) for 2 configurations"),
    ],
)
def test_an_estimator_that_does_not_work_is_named(what, message):
    with pytest.raises(InvalidOption, match=message):
        fit_surrogate(TABLE, Odd(what))


def test_settings_are_parameters_of_the_estimator():
    fitted = fit_surrogate(TABLE, KNeighborsRegressor(), settings={"n_neighbors": 2})
    assert fitted.info.settings == {"n_neighbors": 2}
    assert fitted.models[0].groups[0][0].n_neighbors == 2
    with pytest.raises(UnknownName, match="unknown setting 'neighbours'.*'KNeighborsRegressor'"):
        fit_surrogate(TABLE, KNeighborsRegressor(), settings={"neighbours": 2})


@pytest.mark.parametrize("model", [3, None, RandomForestRegressor, object()])
def test_what_cannot_be_fitted_is_refused(model):
    with pytest.raises(InvalidOption, match="must be one of 'knn', 'forest'.* or an object with the methods"):
        fit_surrogate(TABLE, model)


def test_what_cannot_be_copied_is_refused():
    class Plain:
        def fit(self, rows, goals):
            return self

        def predict(self, rows):
            return rows[:, 0]

    with pytest.raises(InvalidOption, match="the estimator Plain cannot be copied: TypeError"):
        fit_surrogate(TABLE, Plain())
