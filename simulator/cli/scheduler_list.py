"""What each scheduler of the registry does, what it needs, and its settings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import groupby
from operator import attrgetter
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.plugins import Plugin, find_plugins, import_object, load_plugin
from simulator.registry import ADAPTERS, PLUGINS, SCHEDULERS

_RUNGS = "several fidelities"
NEEDS: Mapping[str, str] = {
    "asha": _RUNGS,
    "asha-promotion": _RUNGS,
    "hyperband": _RUNGS,
    "median-stopping": _RUNGS,
    "mo-asha": f"{_RUNGS}, and objectives with goals",
    "pasha": _RUNGS,
    "pbt": f"{_RUNGS} of one training, and checkpoints",
    "process": "a program that reads and writes JSON lines",
    "successive-halving": _RUNGS,
}
"""Scheduler -> what a blackbox or a cluster must have for it to make sense; the others take any."""


@dataclass(frozen=True)
class Setting:
    """A setting of a scheduler: a parameter of its factory beside schema and seed."""

    name: str
    default: object
    meaning: str

    @property
    def assigned(self) -> str:
        """``name=default``, as a user would type it."""
        default = [] if self.default == () else self.default
        return f"{self.name}={default}"


@dataclass(frozen=True)
class SchedulerInfo:
    """What is listed of a scheduler, or of the schedulers of a library.

    Args:
        name: Its name on the command line.
        what: What it does, in a sentence.
        needs: What else must be installed or given; empty if nothing.
        settings: The settings that can be changed.
    """

    name: str
    what: str
    needs: str
    settings: list[Setting]


def list_schedulers() -> list[SchedulerInfo]:
    """The schedulers of this project."""
    infos = []
    for name, target in SCHEDULERS.items():
        factory = import_object(target, name)
        infos.append(
            SchedulerInfo(name, _first_line(factory), NEEDS.get(name, ""), _settings(factory, skip=2))
        )
    return infos


def list_libraries() -> list[SchedulerInfo]:
    """The adapters; the name of each contains the scheduler that is its default."""
    infos = []
    for library, target in ADAPTERS.items():
        factory = import_object(target, library)
        first = next(iter(inspect.signature(factory).parameters.values()))
        example = first.name.upper() if first.default is first.empty else first.default
        needs = NEEDS.get(library) or _installation(library)
        what = _first_line(inspect.getmodule(factory))
        infos.append(SchedulerInfo(f"{library}:{example}", what, needs, _settings(factory, skip=1)))
    return infos


def list_plugins() -> list[SchedulerInfo]:
    """The schedulers that other packages offer; for one that cannot be used, the reason is given."""
    by_name = groupby(find_plugins(PLUGINS), key=attrgetter("name"))
    return [_describe_plugin(name, list(offered)) for name, offered in by_name]


def _describe_plugin(name: str, offered: Sequence[Plugin]) -> SchedulerInfo:
    needs = " or ".join(f"{plugin.distribution}, and {plugin.version} is installed" for plugin in offered)
    if name in SCHEDULERS:
        target = offered[0].target
        return SchedulerInfo(
            name, f"Has a name of this project's: it is found as py:{target} only.", needs, []
        )
    try:
        factory = load_plugin("scheduler", offered)
    except InvalidOption as err:
        return SchedulerInfo(name, f"Cannot be used: {err}", needs, [])
    return SchedulerInfo(name, _first_line(factory), needs, _settings(factory, skip=2))


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _installation(library: str) -> str:
    """The version of a library that is installed, or the command that installs it."""
    extra = "nni" if library == "nni-nas" else library
    package = "ax-platform" if library == "ax" else extra
    try:
        return f"{package}, and {metadata.version(package)} is installed"
    except metadata.PackageNotFoundError:
        return f"pip install 'blackbox-repo[{extra}]'"


def _settings(factory: Callable[..., Any], skip: int) -> list[Setting]:
    """The parameters of a factory after the first ones."""
    meanings = _meanings(inspect.getdoc(factory) or "")
    try:
        parameters = list(inspect.signature(factory).parameters.values())[skip:]
    except (TypeError, ValueError):  # another package's object may not say what it takes
        return []
    return [Setting(p.name, p.default, meanings.get(p.name, "")) for p in parameters]


def _meanings(docstring: str) -> dict[str, str]:
    """The arguments of a docstring in Google style, each with the first sentence that explains it."""
    section = docstring.partition("\nArgs:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).partition(". ")[0].rstrip(".") for name, text in entries}
