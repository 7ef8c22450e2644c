"""Regressors and pipelines of others, such as those of scikit-learn, as models of curves.

``RandomForestRegressor`` and ``ExtraTreesRegressor`` become forests of flat arrays, ``XGBRegressor`` the
model ``"xgboost"`` with its settings. Anything else with ``fit`` and ``predict`` learns the outputs of
:mod:`~blackbox_repo.surrogate.outputs`, and stays in memory: it is code, which is never written.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.boosting import BoosterSettings
from blackbox_repo.surrogate.growth import grow_with
from blackbox_repo.surrogate.model import CurveModel, Say
from blackbox_repo.surrogate.outputs import Outputs
from blackbox_repo.surrogate.settings import check_names
from blackbox_repo.surrogate.training_data import TrainingData

_FORESTS = ("RandomForestRegressor", "ExtraTreesRegressor")
_MEANS = ("squared_error", "friedman_mse")  # the criteria whose leaves predict the mean
_BOOSTED = {"learning_rate": 0.3, "max_depth": 6, "subsample": 1.0, "colsample_bynode": 1.0}
"""Where the defaults of xgboost are not ours."""
_OF_XGBOOST: Mapping[str, tuple[object, ...]] = {
    "objective": ("reg:squarederror",),
    "booster": ("gbtree",),
    "tree_method": ("hist", "auto"),
    "device": ("cpu",),
    "sampling_method": ("uniform",),
    "enable_categorical": (False,),
    "validate_parameters": (True, False),
    "multi_strategy": ("one_output_per_tree", "multi_output_tree"),
}
"""Settings of ``XGBRegressor`` with values under which it is the model ``"xgboost"``."""
_NO_MATTER = ("missing", "n_jobs", "random_state", "verbosity")


def is_estimator(model: object) -> bool:
    """Whether an object can be fitted and asked."""
    fit, predict = getattr(model, "fit", None), getattr(model, "predict", None)
    return not isinstance(model, type) and callable(fit) and callable(predict)


def resolve(model: Any, settings: Mapping[str, Any], seed: int) -> tuple[Any, dict[str, Any], int]:
    """An estimator with all its settings that are plain values, and the seed.

    An ``XGBRegressor`` becomes the model ``"xgboost"``, unless it has settings that this model lacks.

    Raises:
        UnknownName: There is no such setting.
        InvalidOption: The estimator cannot be copied.
    """
    copy = _with_settings(model, settings)
    plain = {**_changed(copy), **settings}
    if not _is_of(model, "xgboost", ("XGBRegressor",)):
        return model, plain, seed
    given = copy.get_params()
    drawn, chosen = given.get("random_state"), dict(_BOOSTED)
    for name, value in given.items():
        unset = value is None or (isinstance(value, float) and math.isnan(value)) or name in _NO_MATTER
        if name in BoosterSettings.__dataclass_fields__ and not unset:
            chosen[name] = value
        elif not unset and value not in _OF_XGBOOST.get(name, ()):
            return model, plain, seed
    return "xgboost", chosen, seed if drawn is None else int(drawn)


def prepare_estimator(
    model: Any, settings: Mapping[str, Any]
) -> Callable[[TrainingData, Schema, int, Say], CurveModel]:
    """What fits copies of an estimator.

    Args:
        model: It; it is not changed.
        settings: Parameters that are set, by the names of its ``get_params``.

    Raises:
        UnknownName: It has no such parameter.
        InvalidOption: It cannot be copied.
    """
    prepared = _with_settings(model, settings)
    if _is_of(model, "sklearn", _FORESTS) and _predicts_means(prepared):
        return lambda data, schema, seed, say: grow_with(_seeded(prepared, seed), data, schema)
    return lambda data, schema, seed, say: fit(prepared, data, schema, seed, say)


def fit(estimator: Any, data: TrainingData, schema: Schema, seed: int, say: Say) -> Estimated:
    """Copies of an estimator that have learnt the outputs of examples.

    One learns the target at the last fidelity; another one everything else, or, if it takes no more than one
    output, one each.

    Raises:
        InvalidOption: It raises an error, or predicts what is no finite number for each configuration.
    """
    outputs = Outputs.of(schema, data.points)
    learnt, seeded = outputs.rows(data.points), _seeded(estimator, seed)
    say(f"fitting {describe(estimator)}")
    groups = [[_fitted(seeded, data.rows, learnt[:, 0])]]
    if learnt.shape[1] > 1:
        groups.append(_fitted_to_others(seeded, data.rows, learnt[:, 1:]))
    model = Estimated(groups, outputs, describe(estimator), data.rows.shape[1])
    model.predict(data.rows[:2])  # what cannot predict says so now
    return model


def _fitted_to_others(estimator: Any, rows: Array, goals: Array) -> list[Any]:
    """One copy that has learnt all goals, or one for each."""
    if goals.shape[1] > 1:
        try:
            together = _copy(estimator).fit(rows, goals)
            if np.shape(together.predict(rows[:1])) == (1, goals.shape[1]):
                return [together]
        except Exception:  # noqa: S110  it says so in any way if it takes one goal only
            pass
    return [_fitted(estimator, rows, goal) for goal in goals.T]


def _fitted(estimator: Any, rows: Array, goal: Array) -> Any:
    try:
        return _copy(estimator).fit(rows, goal)
    except Exception as err:
        raise _failed(describe(estimator), "be fitted", err) from err


@dataclass(frozen=True)
class Estimated:
    """Predicts curves with fitted estimators, which stay in memory.

    Args:
        groups: The estimators of the target, and those of everything else.
        outputs: How curves are made of predictions.
        name: What messages call the estimator.
        features: The number of features that it was fitted to.
    """

    groups: Sequence[Sequence[Any]]
    outputs: Outputs
    name: str
    features: int
    kind: str = "estimator"

    def predict(self, rows: Array) -> dict[str, Array]:
        parts = [
            np.concatenate([self._columns(each, rows) for each in estimators], axis=1)
            for estimators in self.groups
        ]
        target = self.outputs.target(parts[0][:, 0])
        others = parts[1] if len(parts) > 1 else np.empty((len(rows), 0))
        wanted = len(self.outputs.units) - 1
        if parts[0].shape[1] != 1 or others.shape[1] != wanted:
            raise InvalidOption(
                f"the estimator {self.name} predicts {parts[0].shape[1]} + {others.shape[1]} values a "
                f"configuration, but has learnt 1 + {wanted}"
            )
        return self.outputs.points(target, others)

    def _columns(self, estimator: Any, rows: Array) -> Array:
        try:
            found = np.asarray(estimator.predict(rows), dtype=np.float64)
        except Exception as err:
            raise _failed(self.name, "predict", err) from err
        if found.ndim not in (1, 2) or len(found) != len(rows):
            raise InvalidOption(
                f"the estimator {self.name} predicts an array {found.shape} for {len(rows)} configurations, "
                f"but it must have a row for each"
            )
        if not np.isfinite(found).all():
            raise InvalidOption(
                f"the estimator {self.name} predicts values that are not finite; take one that does not, or "
                f"a pipeline that scales what it learns from"
            )
        return found.reshape(len(rows), -1)

    def spec(self) -> NoReturn:
        raise self._stays()

    def arrays(self) -> NoReturn:
        raise self._stays()

    def _stays(self) -> InvalidOption:
        return InvalidOption(
            f"the surrogate is the estimator {self.name}, which is code and stays in memory; 'forest', "
            f"'extra_trees', 'xgboost', 'knn', a RandomForestRegressor, an ExtraTreesRegressor and an "
            f"XGBRegressor can be stored"
        )


def describe(estimator: Any) -> str:
    """What messages call an estimator: the names of its class, or those of the steps of a pipeline."""
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        return " | ".join(describe(step) for _, step in steps)
    return type(estimator).__name__


def _failed(name: str, what: str, err: Exception) -> InvalidOption:
    return InvalidOption(f"the estimator {name} cannot {what}: {type(err).__name__}: {err}")


def _is_of(model: object, package: str, names: Sequence[str]) -> bool:
    """Whether an object is of a class of these names in a package, which need not be imported for that."""
    return type(model).__name__ in names and type(model).__module__.partition(".")[0] == package


def _predicts_means(forest: Any) -> bool:
    given = forest.get_params()
    return given["criterion"] in _MEANS and given.get("monotonic_cst") is None


def _changed(model: Any) -> dict[str, Any]:
    """The plain parameters of an estimator that differ from their defaults, by name."""
    defaults = inspect.signature(type(model)).parameters
    return {
        name: value
        for name, value in sorted(model.get_params(deep=False).items())
        if isinstance(value, bool | int | float | str)
        and name in defaults
        and value != defaults[name].default
    }


def _with_settings(model: Any, settings: Mapping[str, Any]) -> Any:
    copy = _copy(model)
    if settings:
        check_names(describe(model), settings, copy.get_params(deep=True))
        copy.set_params(**settings)
    return copy


def _copy(estimator: Any) -> Any:
    from sklearn.base import clone

    try:
        return clone(estimator)
    except (TypeError, RuntimeError) as err:
        raise _failed(describe(estimator), "be copied", err) from err


def _seeded(estimator: Any, seed: int) -> Any:
    """A copy in which every ``random_state`` that is not set is."""
    copy = _copy(estimator)
    unset = [
        name
        for name, value in copy.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    return copy.set_params(**dict.fromkeys(unset, seed % (1 << 32))) if unset else copy
