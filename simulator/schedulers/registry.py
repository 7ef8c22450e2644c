"""Schedulers by name: our own, and the user's as ``py:module:attribute``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator.scheduler import SchedulerFactory

SCHEDULERS: Mapping[str, str] = {
    "asha": "simulator.schedulers.asha:ASHA",
    "asha-promotion": "simulator.schedulers.asha:PromotionASHA",
    "grid": "simulator.schedulers.grid_search:GridSearch",
    "random": "simulator.schedulers.random_search:RandomSearch",
}


def scheduler_factory(name: str, settings: Mapping[str, Any]) -> SchedulerFactory:
    """The factory of a scheduler, with settings beside schema and seed filled in.

    Args:
        name: One of ``SCHEDULERS``, or ``py:module:attribute`` for a factory ``(schema, seed) -> scheduler``
            of the user's, found on the Python path or in the current folder.
        settings: Keyword arguments of the factory.

    Raises:
        UnknownName: There is no such scheduler or setting.
        InvalidOption: A module or attribute that cannot be imported.
    """
    if name.startswith("py:"):
        factory = _import(name.removeprefix("py:"), name)
    elif name in SCHEDULERS:
        factory = _import(SCHEDULERS[name], name)
    else:
        remedy = "your own factory is py:module:attribute"
        raise UnknownName("scheduler", name, SCHEDULERS, remedy)
    _check_settings(name, factory, settings)
    return partial(factory, **settings)


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
    if not callable(factory):
        raise InvalidOption(f"the scheduler {name!r} is no factory (schema, seed) -> scheduler: {factory!r}")
    return factory  # type: ignore[no-any-return]


def _check_settings(name: str, factory: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    parameters = inspect.signature(factory).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters][2:]
    for setting in settings:
        if setting not in known:
            raise UnknownName(f"setting of the scheduler {name!r}", setting, known)
