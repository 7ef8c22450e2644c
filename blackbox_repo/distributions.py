"""Blackboxes that other installed packages bring along, as their entry points say."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from blackbox_repo.errors import FormatError

GROUP = "blackbox_repo.blackboxes"


def installed_roots() -> Iterator[tuple[str, Path]]:
    """The distributions with blackboxes, in the order of their names, and the folder that holds them.

    An entry point of the group ``blackbox_repo.blackboxes`` has an importable package as its value. The
    folder of that package holds the blackboxes. The package is found and not imported.

    Raises:
        FormatError: A package does not exist.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda point: (_distribution(point), point.value)):
        for folder in _folders(point):
            yield _distribution(point), folder


def _folders(point: EntryPoint) -> list[Path]:
    try:
        found = importlib.util.find_spec(point.value)
    except (ImportError, ValueError, AttributeError):  # a package above it does not exist, or it is no name
        found = None
    if found is None or found.submodule_search_locations is None:
        raise FormatError(
            f"the distribution {_distribution(point)!r} says that the package {point.value!r} has the "
            f"blackboxes {point.name!r}, but there is no such package; install the distribution again, or "
            f"uninstall it"
        )
    return [Path(folder) for folder in found.submodule_search_locations]


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"
