"""The schedulers of the registry, described: what each does, what it needs, and what it can be told."""

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
"""What a blackbox or a cluster must have for a scheduler to make sense; the others take any."""


@dataclass(frozen=True)
class Setting:
    """What a scheduler can be told beside schema and seed."""

    name: str
    default: object
    meaning: str

    @property
    def assigned(self) -> str:
        """``name=default``, as one would write it."""
        default = [] if self.default == () else self.default
        return f"{self.name}={default}"


@dataclass(frozen=True)
class Described:
    """A scheduler, or the schedulers of a library.

    Args:
        name: As it is written on the command line.
        what: It does, in a sentence.
        needs: What else must be there; empty if nothing.
        settings: That can be changed.
    """

    name: str
    what: str
    needs: str
    settings: list[Setting]


def described_schedulers() -> list[Described]:
    """Our own schedulers."""
    described = []
    for name, target in SCHEDULERS.items():
        factory = import_object(target, name)
        described.append(
            Described(name, _first_line(factory), NEEDS.get(name, ""), _settings(factory, skip=2))
        )
    return described


def described_libraries() -> list[Described]:
    """The adapters, each with the scheduler that it takes by default in its name."""
    described = []
    for library, target in ADAPTERS.items():
        factory = import_object(target, library)
        first = next(iter(inspect.signature(factory).parameters.values()))
        example = first.name.upper() if first.default is first.empty else first.default
        needs = NEEDS.get(library) or _installation(library)
        what = _first_line(inspect.getmodule(factory))
        described.append(Described(f"{library}:{example}", what, needs, _settings(factory, skip=1)))
    return described


def described_plugins() -> list[Described]:
    """The schedulers that other packages offer; one that cannot be used is described by the reason."""
    by_name = groupby(find_plugins(PLUGINS), key=attrgetter("name"))
    return [_described_plugin(name, list(offered)) for name, offered in by_name]


def _described_plugin(name: str, offered: Sequence[Plugin]) -> Described:
    needs = " or ".join(f"{plugin.distribution}, and {plugin.version} is installed" for plugin in offered)
    if name in SCHEDULERS:
        target = offered[0].target
        return Described(name, f"Has a name of this project's: it is found as py:{target} only.", needs, [])
    try:
        factory = load_plugin("scheduler", offered)
    except InvalidOption as err:
        return Described(name, f"Cannot be used: {err}", needs, [])
    return Described(name, _first_line(factory), needs, _settings(factory, skip=2))


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _installation(library: str) -> str:
    """How a library is installed, and whether it is."""
    extra = "nni" if library == "nni-nas" else library
    package = "ax-platform" if library == "ax" else extra
    try:
        return f"{package}, and {metadata.version(package)} is installed"
    except metadata.PackageNotFoundError:
        return f"pip install 'blackbox-repo[{extra}]'"


def _settings(factory: Callable[..., Any], skip: int) -> list[Setting]:
    """The parameters of a factory, but for the first ones."""
    meanings = _meanings(inspect.getdoc(factory) or "")
    try:
        parameters = list(inspect.signature(factory).parameters.values())[skip:]
    except (TypeError, ValueError):  # another package's object may not say what it takes
        return []
    return [Setting(p.name, p.default, meanings.get(p.name, "")) for p in parameters]


def _meanings(docstring: str) -> dict[str, str]:
    """The arguments of a docstring in Google style, each with what is said of it in one line."""
    section = docstring.partition("\nArgs:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(meaning.split()).rstrip(".") for name, meaning in entries}
