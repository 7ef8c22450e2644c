"""Schedulers by name: our own, those of HPO libraries, and the user's as ``py:module:attribute``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Schema
from simulator.scheduler import Scheduler, SchedulerFactory
from simulator.wrappers.generator import as_scheduler

SCHEDULERS: Mapping[str, str] = {
    "asha": "simulator.schedulers.asha:ASHA",
    "asha-promotion": "simulator.schedulers.asha_promotion:PromotionASHA",
    "grid": "simulator.schedulers.grid_search:GridSearch",
    "hyperband": "simulator.schedulers.hyperband:Hyperband",
    "local-search": "simulator.schedulers.local_search:LocalSearch",
    "median-stopping": "simulator.schedulers.median_stopping:MedianStopping",
    "mo-asha": "simulator.schedulers.mo_asha:MOASHA",
    "pasha": "simulator.schedulers.pasha:PASHA",
    "pbt": "simulator.schedulers.pbt:PBT",
    "random": "simulator.schedulers.random_search:RandomSearch",
    "regularized-evolution": "simulator.schedulers.regularized_evolution:RegularizedEvolution",
    "successive-halving": "simulator.schedulers.successive_halving:SuccessiveHalving",
}


ADAPTERS: Mapping[str, str] = {
    "ax": "simulator.adapters.ax:Ax",
    "dehb": "simulator.adapters.dehb:DEHB",
    "hyperopt": "simulator.adapters.hyperopt:Hyperopt",
    "nevergrad": "simulator.adapters.nevergrad:Nevergrad",
    "nni": "simulator.adapters.nni:NNI",
    "nni-nas": "simulator.adapters.nni_nas:NNINAS",
    "optuna": "simulator.adapters.optuna:Optuna",
    "process": "simulator.adapters.process:Process",
    "ray": "simulator.adapters.ray_tune:RayTune",
    "smac": "simulator.adapters.smac:SMAC",
    "syne-tune": "simulator.adapters.syne_tune:SyneTune",
}
"""Library -> what makes a factory of the part after the colon: ``optuna:TPESampler``, ``process:COMMAND``."""


def scheduler_factory(name: str, settings: Mapping[str, Any]) -> SchedulerFactory:
    """The factory of a scheduler, with settings beside schema and seed filled in.

    Args:
        name: One of ``SCHEDULERS``; ``library:name`` for a library in ``ADAPTERS``; or
            ``py:module:attribute`` for a factory ``(schema, seed) -> scheduler`` of the user's, found on the
            Python path or in the current folder.
        settings: Keyword arguments of the factory.

    Raises:
        UnknownName: There is no such scheduler or setting.
        InvalidOption: What cannot be imported, or does not take a schema and a seed; later, what makes
            something else than a scheduler.
    """
    library, colon, inner = name.partition(":")
    if colon and library in ADAPTERS:
        return _adapted(name, ADAPTERS[library], inner, settings)
    if name.startswith("py:"):
        factory = _import(name.removeprefix("py:"), name)
    elif name in SCHEDULERS:
        factory = _import(SCHEDULERS[name], name)
    else:
        remedy = "your own factory is py:module:attribute"
        raise UnknownName("scheduler", name, [*SCHEDULERS, *(f"{known}:" for known in ADAPTERS)], remedy)
    _check_settings(name, factory, settings)
    return partial(_made, name, partial(factory, **settings))


def _adapted(name: str, target: str, inner: str, settings: Mapping[str, Any]) -> SchedulerFactory:
    adapter = _import(target, name)
    known = [*inspect.signature(adapter).parameters][1:]
    for setting in settings:
        if setting not in known:
            raise UnknownName(f"{name} setting", setting, known)
    return partial(_made, name, adapter(inner, **settings) if inner else adapter(**settings))


def _made(name: str, factory: Callable[..., Any], schema: Schema, seed: int) -> Scheduler:
    scheduler = as_scheduler(factory(schema, seed), schema)
    for method in ("suggest", "on_report", "on_end"):
        if not callable(getattr(scheduler, method, None)):
            raise InvalidOption(
                f"what {name!r} makes of (schema, seed) is no scheduler, it lacks {method}(): {scheduler!r}"
            )
    return scheduler


def _import(target: str, name: str) -> Callable[..., Any]:
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise InvalidOption(f"the scheduler {name!r} must be written py:module:attribute")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a console script does not look into the current folder by itself
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as err:
        raise InvalidOption(f"the scheduler {name!r} cannot be imported: {err}") from err
    except SystemExit as err:  # a script that runs when it is imported
        raise InvalidOption(f"the scheduler {name!r} cannot be imported: its module raised {err!r}") from err
    if not callable(factory):
        raise InvalidOption(f"the scheduler {name!r} is no factory (schema, seed) -> scheduler: {factory!r}")
    return factory  # type: ignore[no-any-return]


def _check_settings(name: str, factory: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(factory)
    except ValueError:  # some built-in callables do not say what they take
        return
    parameters = signature.parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        known = [parameter.name for parameter in parameters][2:]
        for setting in settings:
            if setting not in known:
                raise UnknownName(f"{name} setting", setting, known)
    try:
        signature.bind(None, 0, **settings)
    except TypeError as err:
        raise InvalidOption(
            f"the scheduler {name!r} cannot be called as (schema, seed) with the settings "
            f"{dict(settings)!r}: {err}"
        ) from err
