"""The schedulers of the registry, described: what each does, what it needs, and what it can be told."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from simulator.registry import ADAPTERS, SCHEDULERS

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
        factory = _imported(target)
        text = inspect.getdoc(factory) or ""
        described.append(
            Described(name, text.partition("\n")[0], NEEDS.get(name, ""), _settings(factory, skip=2))
        )
    return described


def described_libraries() -> list[Described]:
    """The adapters, each with the scheduler that it takes by default in its name."""
    described = []
    for library, target in ADAPTERS.items():
        factory = _imported(target)
        text = inspect.getdoc(inspect.getmodule(factory)) or ""
        first = next(iter(inspect.signature(factory).parameters.values()))
        example = first.name.upper() if first.default is first.empty else first.default
        needs = NEEDS.get(library) or _installation(library)
        what = text.partition("\n")[0]
        described.append(Described(f"{library}:{example}", what, needs, _settings(factory, skip=1)))
    return described


def _installation(library: str) -> str:
    """How a library is installed, and whether it is."""
    extra = "nni" if library == "nni-nas" else library
    package = "ax-platform" if library == "ax" else extra
    try:
        return f"{package}, and {metadata.version(package)} is installed"
    except metadata.PackageNotFoundError:
        return f"pip install 'blackbox-repo[{extra}]'"


def _imported(target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return factory


def _settings(factory: Callable[..., Any], skip: int) -> list[Setting]:
    """The parameters of a factory, but for the first ones."""
    meanings = _meanings(inspect.getdoc(factory) or "")
    parameters = list(inspect.signature(factory).parameters.values())[skip:]
    return [Setting(p.name, p.default, meanings.get(p.name, "")) for p in parameters]


def _meanings(docstring: str) -> dict[str, str]:
    """The arguments of a docstring in Google style, each with what is said of it in one line."""
    section = docstring.partition("\nArgs:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(meaning.split()).rstrip(".") for name, meaning in entries}
