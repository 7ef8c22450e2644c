"""Schedulers by name: our own, those of HPO libraries, of other packages, and ``py:module:attribute``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.plugins import find_plugins, import_by_user, import_object, load_plugin
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


PLUGINS = "simulator.schedulers"
"""The group of entry points in which other packages offer schedulers: name -> factory."""


def scheduler_factory(name: str, settings: Mapping[str, Any]) -> SchedulerFactory:
    """The factory of a scheduler, with settings beside schema and seed filled in.

    Args:
        name: One of ``SCHEDULERS``; ``library:name`` for a library in ``ADAPTERS``; the name of a scheduler
            that an installed package offers in the group ``PLUGINS`` of entry points; or
            ``py:module:attribute`` for a factory ``(schema, seed) -> scheduler`` of the user's, found on the
            Python path or in the current folder.
        settings: Keyword arguments of the factory.

    Raises:
        UnknownName: There is no such scheduler or setting.
        InvalidOption: The factory cannot be imported, or does not take a schema and a seed; later, it makes
            something else than a scheduler.
    """
    library, colon, inner = name.partition(":")
    if colon and library in ADAPTERS:
        return _from_adapter(name, inner, settings)
    what, factory = _find(name)
    if not callable(factory):
        raise InvalidOption(f"{what} is no factory (schema, seed) -> scheduler: {factory!r}")
    _check_settings(name, what, factory, settings)
    return partial(_make, what, partial(factory, **settings))


def _from_adapter(name: str, inner: str, settings: Mapping[str, Any]) -> SchedulerFactory:
    what = f"the scheduler {name!r}"
    adapter = import_object(ADAPTERS[name.partition(":")[0]], what)
    known = [*inspect.signature(adapter).parameters][1:]
    for setting in settings:
        if setting not in known:
            raise UnknownName(f"{name} setting", setting, known)
    return partial(_make, what, adapter(inner, **settings) if inner else adapter(**settings))


def _find(name: str) -> tuple[str, Any]:
    """What to call a scheduler in messages, and its factory."""
    what = f"the scheduler {name!r}"
    if name in SCHEDULERS:
        return what, import_object(SCHEDULERS[name], what)
    if name.startswith("py:"):
        return what, import_by_user(name, what)
    plugins = find_plugins(PLUGINS)
    offered = [plugin for plugin in plugins if plugin.name == name]
    if not offered:
        known = [*SCHEDULERS, *dict.fromkeys(plugin.name for plugin in plugins)]
        libraries = [f"{library}:" for library in ADAPTERS]
        raise UnknownName("scheduler", name, known + libraries, "your own factory is py:module:attribute")
    return f"the scheduler {offered[0]}", load_plugin("scheduler", offered)


def _make(what: str, factory: Callable[..., Any], schema: Schema, seed: int) -> Scheduler:
    scheduler = as_scheduler(factory(schema, seed), schema)
    for method in ("suggest", "on_report", "on_end"):
        if not callable(getattr(scheduler, method, None)):
            raise InvalidOption(
                f"{what}: what it makes of (schema, seed) is no scheduler, it lacks {method}(): {scheduler!r}"
            )
    return scheduler


def _check_settings(name: str, what: str, factory: Callable[..., Any], settings: Mapping[str, Any]) -> None:
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
            f"{what} cannot be called as (schema, seed) with the settings {dict(settings)!r}: {err}"
        ) from err
