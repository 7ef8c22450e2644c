"""The models by name, and what each needs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.model import CurveModel, Say
from blackbox_repo.surrogate.settings import check_names
from blackbox_repo.surrogate.training_data import TrainingData

Fit: TypeAlias = Callable[[TrainingData, Schema, int, Say], CurveModel]
_SCIKIT_LEARN, _XGBOOST = ("scikit-learn", "sklearn"), ("xgboost", "xgboost")


def prepare(model: Any, settings: Mapping[str, Any]) -> tuple[Fit, dict[str, str]]:
    """What fits a model, and the versions of the libraries that it is fitted with.

    Args:
        model: The name of a model, or a foreign estimator.
        settings: Its settings, which are checked now.

    Raises:
        UnknownName: There is no such model or setting.
        InvalidOption: What it needs is not installed, or a setting is out of range.
    """
    if not isinstance(model, str):
        return _prepare_estimator(model, settings)
    if model not in MODELS:
        raise UnknownName("surrogate", model, MODELS)
    needed, check = MODELS[model]
    versions = dict(_version(model, *each) for each in needed)
    return check(settings), versions


def settle(model: Any, settings: Mapping[str, Any], seed: int) -> tuple[Any, dict[str, Any], int]:
    """A model with all its settings, and the seed; an ``XGBRegressor`` becomes the model ``"xgboost"``.

    Raises:
        UnknownName: An estimator has no such setting.
        InvalidOption: An estimator cannot be copied, or what it needs is not installed.
    """
    if isinstance(model, str):
        return model, {str(name): plain(value) for name, value in settings.items()}, seed
    from blackbox_repo.surrogate.estimator import describe, is_estimator, resolve

    if not is_estimator(model):
        raise InvalidOption(
            f"the model is {model!r}, but must be one of {', '.join(map(repr, MODELS))}, or an object "
            f"with the methods fit and predict"
        )
    _version(describe(model), *_SCIKIT_LEARN)
    return resolve(model, settings, seed)


def _prepare_estimator(model: Any, settings: Mapping[str, Any]) -> tuple[Fit, dict[str, str]]:
    from blackbox_repo.surrogate.estimator import describe, prepare_estimator

    return prepare_estimator(model, settings), dict([_version(describe(model), *_SCIKIT_LEARN)])


def _version(model: str, name: str, module: str) -> tuple[str, str]:
    try:
        return name, str(importlib.import_module(module).__version__)
    except ImportError as err:
        raise InvalidOption(
            f"the surrogate {model!r} needs {name} to be fitted, which cannot be imported ({err}); install "
            f"it with pip install 'blackbox-repo[surrogates]', or take 'knn'"
        ) from err


def _forest(settings: Mapping[str, Any]) -> Fit:
    from blackbox_repo.surrogate.growth import ForestSettings, grow

    checked = ForestSettings.of(settings)
    return lambda data, schema, seed, say: grow(data, schema, seed, checked, say)


def _extra_trees(settings: Mapping[str, Any]) -> Fit:
    from blackbox_repo.surrogate.growth import ForestSettings

    check_names(
        "extra_trees", settings, [name for name in ForestSettings.__dataclass_fields__ if name != "kind"]
    )
    return _forest({**settings, "kind": "extra"})


def _knn(settings: Mapping[str, Any]) -> Fit:
    from blackbox_repo.surrogate.knn import KnnSettings, fit

    checked = KnnSettings.of(settings)
    return lambda data, schema, seed, say: fit(data, schema, seed, checked, say)


def _boosted(settings: Mapping[str, Any]) -> Fit:
    from blackbox_repo.surrogate.boosting import BoosterSettings, boost

    checked = BoosterSettings.of(settings)
    return lambda data, schema, seed, say: boost(data, schema, seed, checked, say)


MODELS: Mapping[str, tuple[tuple[tuple[str, str], ...], Callable[[Mapping[str, Any]], Fit]]] = {
    "knn": ((), _knn),
    "forest": ((_SCIKIT_LEARN,), _forest),
    "extra_trees": ((_SCIKIT_LEARN,), _extra_trees),
    "xgboost": ((_XGBOOST,), _boosted),
}
